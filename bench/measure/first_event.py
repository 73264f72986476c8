"""CPU seconds of a process from its start to the first event of a run against a Responses server.

The server's address and key come as for any program: OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import asyncio
import json
import os
import time

from agents import Agent, RunConfig, Runner


async def main() -> None:
    agent = Agent(name="bench", model="batched-20")
    result = Runner.run_streamed(agent, "go", run_config=RunConfig(tracing_disabled=True))
    cpu_s = wall_s = 0.0
    async for event in result.stream_events():
        # The agent-updated event needs no model: the first event from the wire is what a person waits for.
        if not cpu_s and event.type == "raw_response_event":
            cpu_s = time.process_time()
            wall_s = time.time() - float(os.environ["BENCH_STARTED_AT"])
    print(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s}))


asyncio.run(main())
