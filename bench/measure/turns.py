"""CPU milliseconds of one turn with one async function tool: the first, and those around turns 100 and 400.

A turn is counted from one model call to the next. The first is the median over many
short runs, the others over the turns nearby. With the argument `session` a session in a
SQLite file keeps the conversation, and its thread counts too.
"""

import asyncio
import gc
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prepared_model import PreparedModel, Turn, call_turn, text_turn

from agents import Agent, RunConfig, Runner, SQLiteSession, function_tool

NEARBY = 15


@function_tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@contextmanager
def session() -> Iterator[SQLiteSession | None]:
    """A session in a file of its own, if there is to be one."""
    if sys.argv[1:] != ["session"]:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        kept = SQLiteSession("bench", Path(folder) / "sessions.db")
        try:
            yield kept
        finally:
            kept.close()


async def turn_times_ms(turns: list[Turn]) -> list[float]:
    """What each turn but the last cost."""
    model = PreparedModel(turns)
    agent = Agent(name="bench", model=model, tools=[add])
    config = RunConfig(tracing_disabled=True)
    with session() as kept:
        result = Runner.run_streamed(agent, "go", run_config=config, max_turns=len(turns) + 1, session=kept)
        async for _ in result.stream_events():
            pass
    assert len(model.began_at) == len(turns), f"{len(model.began_at)} turns were taken of {len(turns)}"
    return [
        (after - before) * 1000 for before, after in zip(model.began_at, model.began_at[1:], strict=False)
    ]


def around(times: list[float], turn: int) -> float:
    return statistics.median(times[turn - 1 - NEARBY : turn + NEARBY])


async def main() -> None:
    calls = [call_turn(f"call_{index}", '{"a":1,"b":2}') for index in range(400 + NEARBY + 1)]
    short, long = [calls[0], text_turn(1)], [*calls, text_turn(1)]
    await turn_times_ms(short)
    gc.collect()
    gc.freeze()
    first = [(await turn_times_ms(short))[0] for _ in range(30)]
    times = await turn_times_ms(long)
    found = {"1": statistics.median(first), "100": around(times, 100), "400": around(times, 400)}
    print(json.dumps({f"turn_{turn}_ms": cost for turn, cost in found.items()}))


asyncio.run(main())
