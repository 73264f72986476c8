"""Our client side against `@copilotkit/aimock`, a server of others that leaves out what it likes.

Its events have no sequence numbers, its responses few keys, its texts no log probabilities.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from agents import Agent, OpenAIResponsesModel, OpenAIResponsesWSModel, Runner, function_tool
from clients.node import PACKAGES, node

FIXTURES = [
    {
        "match": {"userMessage": "weather", "hasToolResult": True},
        "response": {"content": "It is cold in Oslo."},
    },
    {
        "match": {"userMessage": "weather"},
        "response": {"toolCalls": [{"name": "check_weather", "arguments": '{"city": "Oslo"}'}]},
    },
    {"match": {"userMessage": "hello"}, "response": {"content": "Hello there, friend."}},
]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    program = node()
    fixtures: Path = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    cli = str(PACKAGES / "@copilotkit" / "aimock" / "dist" / "cli.js")
    command = [program, cli, "-p", "0", "-f", str(fixtures), "--strict", "--chunk-size", "6"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        address = next((line for line in server.stdout if "listening on" in line), None)
        assert address is not None, "aimock ended before it listened"
        try:
            yield address.split("listening on ")[1].strip() + "/v1"
        finally:
            server.terminate()


@pytest.fixture(params=[OpenAIResponsesModel, OpenAIResponsesWSModel], ids=["http", "websocket"])
def kind(request: pytest.FixtureRequest) -> type[OpenAIResponsesModel]:
    return request.param


@asynccontextmanager
async def agent_at(base_url: str, kind: type[OpenAIResponsesModel]) -> AsyncGenerator[Agent[None]]:
    @function_tool
    def check_weather(city: str) -> str:
        """Tell the weather in a city."""
        return f"{city}: cold"

    async with AsyncOpenAI(base_url=base_url, api_key="x", max_retries=0) as client:
        model = kind("m", client)
        yield Agent(name="a", model=model, tools=[check_weather])
        await model.close()


async def test_a_run_gets_its_text(base_url: str, kind: type[OpenAIResponsesModel]):
    async with agent_at(base_url, kind) as agent:
        result = await Runner.run(agent, "hello")
    assert result.final_output == "Hello there, friend."


async def test_a_streamed_run_gets_its_text_in_pieces(base_url: str, kind: type[OpenAIResponsesModel]):
    async with agent_at(base_url, kind) as agent:
        result = Runner.run_streamed(agent, "hello")
        pieces = [text async for text in result.stream_text()]
    assert len(pieces) > 1
    assert "".join(pieces) == result.final_output == "Hello there, friend."


async def test_a_run_plays_a_tool_loop(base_url: str, kind: type[OpenAIResponsesModel]):
    async with agent_at(base_url, kind) as agent:
        result = await Runner.run(agent, "weather")
    assert [item.type for item in result.new_items] == [
        "tool_call_item",
        "tool_call_output_item",
        "message_output_item",
    ]
    assert result.final_output == "It is cold in Oslo."


async def test_a_streamed_run_plays_the_same_tool_loop(base_url: str, kind: type[OpenAIResponsesModel]):
    async with agent_at(base_url, kind) as agent:
        result = Runner.run_streamed(agent, "weather")
        names = [
            event.name async for event in result.stream_events() if event.type == "run_item_stream_event"
        ]
        plain = await Runner.run(agent, "weather")
    assert names == ["tool_called", "tool_output", "message_output_created"]
    assert result.final_output == plain.final_output
    assert [item.type for item in result.new_items] == [item.type for item in plain.new_items]
