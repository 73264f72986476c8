"""CPU and clock seconds of a run of many turns, each with one function tool, against a server in another process.

Arguments: `http` or `websocket`, and how many turns.
"""

import asyncio
import json
import os
import sys
import time

from openai import AsyncOpenAI

from agents import Agent, RunConfig, Runner, function_tool
from agents.models.openai_responses import OpenAIResponsesModel, OpenAIResponsesWSModel


@function_tool
def add_one(number: int) -> int:
    return number + 1


async def main(transport: str, turns: int) -> None:
    kind = OpenAIResponsesWSModel if transport == "websocket" else OpenAIResponsesModel
    config = RunConfig(tracing_disabled=True)
    async with AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="unused") as client:
        model = kind(f"turns-{turns}", openai_client=client)
        agent = Agent(name="bench", model=model, tools=[add_one])
        warm = Agent(name="warm", model=kind("turns-2", openai_client=client), tools=[add_one])
        await Runner.run(warm, "go", run_config=config)
        start, began = time.process_time(), time.perf_counter()
        result = await Runner.run(agent, "go", run_config=config, max_turns=turns)
        cpu_s, wall_s = time.process_time() - start, time.perf_counter() - began
        await model.close()
        await warm.model.close()
    assert result.final_output == f"done after {turns}", result.final_output
    print(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
