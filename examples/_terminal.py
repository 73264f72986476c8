"""Questions to the person at the terminal; with `--auto` each is answered by what the example has ready for it."""

from __future__ import annotations

import asyncio
import sys

IS_AUTO = "--auto" in sys.argv[1:]


async def ask(question: str, answer: str) -> str:
    """What the person says to a question, or `answer` with `--auto`. The event loop runs on meanwhile."""
    if IS_AUTO:
        print(f"{question} {answer}")
        return answer
    try:
        return (await asyncio.to_thread(input, f"{question} ")).strip()
    except EOFError:
        sys.exit("\nThere is no terminal to ask at: pass --auto to have the questions answered.")
