"""Go through many turns of a conversation whose session shows the model its last part only.

Arguments: the base URL of a server for the model, the session's file, the number of turns, and the
limits of the wrapper as JSON. Prints all that the session itself has kept.
"""

import asyncio
import importlib
import json
import sys

from openai import AsyncOpenAI

from agents import (
    Agent,
    OpenAIResponsesModel,
    Runner,
    SessionSettings,
    SQLiteSession,
    function_tool,
    set_trace_processors,
)
from agents.run import RunConfig


@function_tool
def look(word: str) -> str:
    """Look at a word."""
    return f"seen {word}"


async def converse(base_url: str, path: str, turns: str, limits: str) -> None:
    kept = SQLiteSession("mill", path)
    wrapped = importlib.import_module("openai_agents_context_compaction").LocalCompactionSession(
        kept, **json.loads(limits)
    )
    async with AsyncOpenAI(base_url=base_url, api_key="none") as client:
        agent = Agent(name="miller", model=OpenAIResponsesModel("any-model", client), tools=[look])
        for turn in range(int(turns)):
            result = Runner.run_streamed(agent, f"Question {turn}", session=wrapped)
            async for _ in result.stream_events():
                pass
            assert result.final_output == f"Answer {turn}"
        # A limit of the run goes to the wrapper as well.
        config = RunConfig(session_settings=SessionSettings(limit=2))
        await Runner.run(agent, "Last", session=wrapped, run_config=config)
    print(json.dumps(await kept.get_items()))


set_trace_processors([])
asyncio.run(converse(*sys.argv[1:]))
