"""A process that is killed in the middle of many turns leaves whole pairs in its session, each once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents import SQLiteSession

PROGRAM = """
import asyncio, sys
from agents import Agent, RunConfig, Runner, SQLiteSession, function_tool
from agents.testing import ModelStep, ScriptedModel, function_call

@function_tool
async def look(number: int) -> str:
    return f"seen {number}"

def answer(call):
    number = len(model.calls)
    print(number, flush=True)
    return [function_call("look", {"number": number}, call_id=f"c{number}")]

model = ScriptedModel([ModelStep.respond(answer)] * 1000)
agent = Agent(name="a", model=model, tools=[look])
session = SQLiteSession("s", sys.argv[1])
asyncio.run(Runner.run(agent, "go", session=session, max_turns=None, run_config=RunConfig(tracing_disabled=True)))
"""


async def _items(session: SQLiteSession) -> list[Any]:
    return list(await session.get_items())


@pytest.mark.parametrize("turns", [1, 7, 60])
def test_whole_pairs_are_left(tmp_path: Path, turns: int) -> None:
    file = tmp_path / "conversation.db"
    command = [sys.executable, "-c", PROGRAM, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= turns:
                break
        process.kill()
    session = SQLiteSession("s", str(file))
    items: list[Any] = asyncio.run(_items(session))
    session.close()
    assert items[0] == {"role": "user", "content": "go"}
    pairs = [(item["type"], item["call_id"]) for item in items[1:]]
    expected = [
        (kind, f"c{number}")
        for number in range(1, len(pairs) // 2 + 1)
        for kind in ("function_call", "function_call_output")
    ]
    assert pairs == expected
    assert len(pairs) // 2 >= turns - 1
