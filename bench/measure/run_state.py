"""CPU milliseconds to write the state of a run of 400 turns, one tool call each, as JSON text, and to read it.

The best of several goes in one process; the first of them warms up.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable

from prepared_model import PreparedModel, call_turn, text_turn

from agents import Agent, RunConfig, Runner, RunState, function_tool


@function_tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@function_tool(needs_approval=True)
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


async def best_ms(work: Callable[[], Awaitable[object]], goes: int = 7) -> float:
    """The least CPU time of several goes."""
    times: list[float] = []
    for _ in range(goes):
        gc.collect()
        began = time.process_time()
        await work()
        times.append((time.process_time() - began) * 1000)
    return min(times)


async def main() -> None:
    turns = int(sys.argv[1])
    calls = [call_turn(f"call_{index}", '{"a":1,"b":2}') for index in range(turns - 1)]
    asked = call_turn("call_asked", '{"amount":1}', name="pay")
    agent = Agent(name="bench", model=PreparedModel([*calls, asked, text_turn(1)]), tools=[add, pay])
    config = RunConfig(tracing_disabled=True)
    result = Runner.run_streamed(agent, "go", run_config=config, max_turns=turns + 1)
    async for _ in result.stream_events():
        pass
    assert len(result.interruptions) == 1, "the run has paused"
    state = result.to_state()
    text = state.to_string()
    gc.collect()
    gc.freeze()

    async def write() -> None:
        state.to_string()

    async def read() -> None:
        await RunState.from_string(agent, text)

    found = {
        "to_json_ms": await best_ms(write),
        "from_json_ms": await best_ms(read),
        "kilobytes": len(text) / 1000,
    }
    print(json.dumps(found))


asyncio.run(main())
