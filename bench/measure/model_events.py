"""CPU microseconds for a raw event of a model in the same process. Argument: how many deltas."""

import asyncio
import gc
import json
import sys
import time

from prepared_model import PreparedModel, Turn, text_turn

from agents import Agent, RunConfig, Runner


async def events_of(turn: Turn) -> int:
    agent = Agent(name="bench", model=PreparedModel([turn]))
    result = Runner.run_streamed(agent, "go", run_config=RunConfig(tracing_disabled=True))
    count = 0
    async for event in result.stream_events():
        count += event.type == "raw_response_event"
    return count


async def main(deltas: int) -> None:
    short, long = text_turn(50), text_turn(deltas)
    await events_of(short)
    # The events that were made beforehand are no garbage of the runs.
    gc.collect()
    gc.freeze()
    start = time.process_time()
    count = await events_of(long)
    cpu_s = time.process_time() - start
    assert count == len(long), f"{count} events came of {len(long)}"
    print(json.dumps({"cpu_us": cpu_s / count * 1e6, "events": count}))


asyncio.run(main(int(sys.argv[1])))
