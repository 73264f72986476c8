"""Run an agent with a tool and a handoff, traced by the processor of a service.

Arguments: the package of the service, the URL of its endpoint, and the base URL of a server for the model.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Callable

from openai import AsyncOpenAI

from agents import (
    Agent,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    add_trace_processor,
    flush_traces,
    function_tool,
    set_trace_processors,
)


@function_tool
def look(word: str) -> str:
    """Look at a word."""
    if word == "nothing":
        raise ValueError("There is nothing.")
    return f"seen {word}"


def braintrust(url: str) -> None:
    os.environ["BRAINTRUST_APP_URL"] = url
    set_up = importlib.import_module("braintrust.integrations.openai_agents").setup_openai_agents
    # Doing it again must find that it is done.
    assert set_up(api_key="none", project_name="mill")
    assert set_up(api_key="none", project_name="mill")


def langsmith(url: str) -> None:
    client = importlib.import_module("langsmith").Client(
        api_url=url, api_key="none", auto_batch_tracing=False
    )
    integration = importlib.import_module("langsmith.integrations.openai_agents_sdk")
    add_trace_processor(integration.OpenAIAgentsTracingProcessor(client))


def posthog(url: str) -> None:
    client = importlib.import_module("posthog").Posthog("none", host=url)
    importlib.import_module("posthog.ai.openai_agents").instrument(client, distinct_id="visitor")


HOOKS: dict[str, Callable[[str], None]] = {
    "braintrust": braintrust,
    "langsmith": langsmith,
    "posthog": posthog,
}


async def converse(base_url: str) -> None:
    async with AsyncOpenAI(base_url=base_url, api_key="none") as client:
        model = OpenAIResponsesModel("any-model", client)
        heir = Agent(name="heir", model=model)
        agent = Agent(name="asker", model=model, tools=[look], handoffs=[heir])
        result = Runner.run_streamed(
            agent, "Hi", run_config=RunConfig(workflow_name="mill", group_id="visitor 7")
        )
        async for _ in result.stream_events():
            pass
        assert result.final_output == "Hello."


def main(package: str, url: str, base_url: str) -> None:
    set_trace_processors([])
    HOOKS[package](url)
    asyncio.run(converse(base_url))
    flush_traces()


main(*sys.argv[1:])
