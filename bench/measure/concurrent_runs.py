"""CPU seconds for 1,000 runs at the same time, each 3 turns of 100 deltas, of a model in the same process.

Argument: how many runs are made; the figure is for 1,000.
"""

import asyncio
import gc
import json
import sys
import time

from prepared_model import PreparedModel, Turn, call_turn, text_turn

from agents import Agent, RunConfig, Runner, function_tool

DELTAS = 100


@function_tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def events_of(turns: list[Turn]) -> int:
    agent = Agent(name="bench", model=PreparedModel(turns, wait_every=10), tools=[add])
    result = Runner.run_streamed(agent, "go", run_config=RunConfig(tracing_disabled=True))
    count = 0
    async for event in result.stream_events():
        count += event.type == "raw_response_event"
    return count


async def main(runs: int) -> None:
    arguments = '{"a":' + "1".rjust(DELTAS) + ',"b":2}'
    turns = [
        call_turn("call_1", arguments, DELTAS),
        call_turn("call_2", arguments, DELTAS),
        text_turn(DELTAS),
    ]
    await events_of(turns)
    gc.collect()
    gc.freeze()
    start = time.process_time()
    counts = await asyncio.gather(*(events_of(turns) for _ in range(runs)))
    cpu_s = time.process_time() - start
    assert set(counts) == {sum(map(len, turns))}, f"each run should give all its events, got {set(counts)}"
    print(json.dumps({"cpu_s": cpu_s / runs * 1000}))


asyncio.run(main(int(sys.argv[1])))
