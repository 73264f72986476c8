"""Running a Python program of the project as a user would, in a process of its own, warnings being errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
KEY = "a-key"
"""The API key of programs that are given a server."""


def start(
    *arguments: str,
    base_url: str | None = None,
    model: str | None = None,
    folder: Path = PROJECT,
    traces: bool = False,
) -> subprocess.Popen[str]:
    """Start `python *arguments` in a folder: without a key, or with one for the server at `base_url`.

    With one it leaves no traces, unless it `traces`: then it says itself where they go.
    """
    openai: dict[str, str] = {}
    warnings = ["-W", "error"]
    if base_url is not None:
        # The key is not OpenAI's: with it, traces would go there nonetheless.
        untraced = {} if traces else {"OPENAI_AGENTS_DISABLE_TRACING": "1"}
        openai = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": base_url, **untraced}
        # The connections that a process's runs share are open to its end, and nobody's to close before.
        warnings += ["-W", "ignore:unclosed:ResourceWarning"]
    if model is not None:
        openai["OPENAI_MODEL"] = model
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return subprocess.Popen(
        [sys.executable, *warnings, *arguments],
        cwd=folder,
        env={**inherited, **openai, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def output_of(program: subprocess.Popen[str]) -> str:
    """What a program prints until its end, which must be a clean one: exit code 0, nothing on stderr."""
    with program:
        try:
            output, errors = program.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
    assert (program.returncode, errors) == (0, ""), output + errors
    return output
