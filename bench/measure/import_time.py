"""CPU seconds and modules that a statement, such as `import agents`, costs a fresh interpreter."""

import sys
import time

before = len(sys.modules)
start = time.process_time()
exec(sys.argv[1])
cpu_s = time.process_time() - start
loaded = len(sys.modules) - before
HEAVY = ("openai", "mcp", "httpx", "httpx2", "websockets", "sqlite3")
heavy = [name for name in HEAVY if name in sys.modules]

import json  # noqa: E402 (afterwards: what the statement loads must be counted whole)

print(json.dumps({"cpu_s": cpu_s, "modules": loaded, "heavy": heavy}))
