"""The package that is measured beside ours: `openai-agents` from PyPI, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parent / ".venv-peer"
PACKAGE = "openai-agents"


def peer_python() -> Path:
    """The interpreter that has the peer; its environment is made if there is none.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    scripts = HOME / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    ready = HOME / ".ready"
    if not ready.exists():
        print(f"installing {PACKAGE} in {HOME.name} (once) ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-qq", PACKAGE], check=True)
        ready.touch()
    return python


def version_of(python: Path, distribution: str) -> str:
    """The version of a distribution in an environment; `none` if it is not there."""
    program = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    found = subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "none"
