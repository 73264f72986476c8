"""CPU microseconds for an event of a Responses stream, from a server in another process to `stream_events()`.

Arguments: the server's model (`batched` or `single`, how events share writes), how many deltas, and `websocket` for
that instead of HTTP.
"""

import asyncio
import json
import os
import sys
import time

from openai import AsyncOpenAI

from agents import Agent, RunConfig, Runner
from agents.models.openai_responses import OpenAIResponsesModel, OpenAIResponsesWSModel

MODEL = OpenAIResponsesWSModel if sys.argv[3:] == ["websocket"] else OpenAIResponsesModel


async def events_of(client: AsyncOpenAI, name: str) -> int:
    model = MODEL(name, openai_client=client)
    agent = Agent(name="bench", model=model)
    result = Runner.run_streamed(agent, "go", run_config=RunConfig(tracing_disabled=True))
    count = 0
    async for event in result.stream_events():
        count += event.type == "raw_response_event"
    await model.close()
    return count


async def main(kind: str, deltas: int) -> None:
    async with AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="unused") as client:
        await events_of(client, "batched-50")
        start = time.process_time()
        count = await events_of(client, f"{kind}-{deltas}")
        cpu_s = time.process_time() - start
    assert count >= deltas, f"{count} events came of {deltas} deltas"
    print(json.dumps({"cpu_us": cpu_s / count * 1e6, "events": count}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
