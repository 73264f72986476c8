"""Megabytes that a run holds when its reader takes one event and sleeps while so many more are produced.

Python's own allocations, as tracemalloc counts them. Each event is an object of its own.
"""

import asyncio
import gc
import json
import sys
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

from prepared_model import PreparedModel, completed, text_delta, text_turn

from agents import Agent, RunConfig, Runner


class FastProducer(PreparedModel):
    """Makes its events as it goes and keeps none; `is_done` once all deltas are out."""

    def __init__(self, deltas: int) -> None:
        super().__init__([])
        self.deltas = deltas
        self.is_done = asyncio.Event()
        self.may_end = asyncio.Event()

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        created, _delta, item_done, _completed = text_turn(1)
        yield created
        for number in range(1, self.deltas + 1):
            if number % 100 == 0:
                await asyncio.sleep(0)
            yield text_delta("msg_text", number)
        self.is_done.set()
        await self.may_end.wait()
        yield item_done
        yield completed("text", item_done.item, self.deltas + 2)


async def main(deltas: int) -> None:
    model = FastProducer(deltas)
    agent = Agent(name="bench", model=model)
    config = RunConfig(tracing_disabled=True)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    result = Runner.run_streamed(agent, "go", run_config=config)
    events = result.stream_events()
    await anext(events)
    # The one reader there is does not come back until everything has been produced.
    await model.is_done.wait()
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    model.may_end.set()
    text = 0
    async for event in events:
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            text += len(event.data.delta)
    is_whole = text == deltas * len("token ")
    megabyte = 1e6
    print(
        json.dumps(
            {
                "held_mb": (held - before) / megabyte,
                "peak_mb": (peak - before) / megabyte,
                "text_is_whole": is_whole,
            }
        )
    )


asyncio.run(main(int(sys.argv[1])))
