"""Runs whose tools the server calls: recorded responses, read as they come, as one, and over WebSockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from agents import (
    Agent,
    CodeInterpreterTool,
    FileSearchTool,
    HostedMCPTool,
    ImageGenerationTool,
    OpenAIChatCompletionsModel,
    OpenAIProvider,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    Tool,
    ToolSearchTool,
    UserError,
    WebSearchTool,
    function_tool,
)
from agents.items import ItemHelpers
from agents.models._sse import EventFramer
from agents.models.openai_responses import Converter
from agents.testing import ResponsesServer, Step
from models.recorded import DATA, recorded_streams, serving, stream_bytes
from run.scripts import UNTRACED, RunIt, both_ways, run_drained, types


@function_tool(defer_loading=True)
def get_weather(city: str) -> str:
    """The weather of a city."""
    return city


MCP = HostedMCPTool({"type": "mcp", "server_label": "deepwiki", "server_url": "https://mcp.example/mcp"})
HOSTED: dict[str, list[Tool]] = {
    "07-web-search.1": [WebSearchTool()],
    "08-mcp-tool.1": [MCP],
    "09-code-interpreter.1": [
        CodeInterpreterTool({"type": "code_interpreter", "container": {"type": "auto"}})
    ],
    "10-file-search.1": [FileSearchTool(["vs_1"], include_search_results=True)],
    "13-annotations.1": [WebSearchTool()],
    "14-annotations.2": [WebSearchTool()],
    "23-image-generation": [ImageGenerationTool({"type": "image_generation"})],
}
"""By recording: the tools that its agent had."""


def cases() -> list[Any]:
    paths = {path.stem: path for path in recorded_streams()}
    if "07-web-search.1" not in paths:
        reason = f"the recorded streams are not at {DATA}"
        return [pytest.param(Path(), [], marks=pytest.mark.skip(reason=reason), id="none")]
    return [pytest.param(paths[name], tools, id=name) for name, tools in HOSTED.items()]


recorded = pytest.mark.parametrize(("path", "tools"), cases())


def response_of(body: bytes) -> dict[str, Any]:
    """The response that a stream ends with."""
    framer = EventFramer()
    events = [json.loads(one) for one in (*framer.feed(body), *framer.finish())]
    return next(event["response"] for event in events if event["type"] == "response.completed")


def shown(result: Any) -> tuple[list[str], list[Any], Any]:
    inputs = [item.to_input_item() for item in result.new_items]
    return types(result.new_items), inputs, result.final_output


@recorded
async def test_a_recorded_run_is_the_same_streamed_whole_and_over_websockets(
    path: Path, tools: list[Tool]
) -> None:
    body = stream_bytes(path)
    response = response_of(body)
    results: list[Any] = []
    for served, content_type, run in (
        (body, "text/event-stream", run_drained),
        (json.dumps(response).encode(), "application/json", Runner.run),
    ):
        with serving(served, content_type) as url:
            async with AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as client:
                agent = Agent("a", model=OpenAIResponsesModel("m", client), tools=tools)
                results.append(await run(agent, "Hi", run_config=UNTRACED))
    async with ResponsesServer([Step().items(*response["output"])]) as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url, use_responses_websocket=True)
        config = RunConfig(model_provider=provider, tracing_disabled=True)
        results.append(await run_drained(Agent("a", tools=tools), run_config=config))
        await provider.aclose()
        sent = [tool["type"] for tool in server.requests[0].body["tools"]]
    streamed, whole, over_websocket = map(shown, results)
    assert streamed == whole
    # The server adds what the recording's items lack, so they are not equal in all.
    assert (over_websocket[0], over_websocket[2]) == (streamed[0], streamed[2])
    assert "tool_call_item" in streamed[0]
    assert streamed[2] == ItemHelpers.text_message_outputs(results[0].new_items)
    assert sent == [tool["type"] for tool in Converter.convert_tools(tools, []).tools]


@both_ways
async def test_tools_that_a_search_has_loaded_are_called_like_others(run: RunIt) -> None:
    found = {
        "type": "function",
        "name": "get_weather",
        "parameters": get_weather.params_json_schema,
        "strict": True,
        "defer_loading": True,
        "description": "The weather of a city.",
    }
    searched = [
        {
            "type": "tool_search_call",
            "execution": "server",
            "call_id": None,
            "arguments": {"paths": ["weather"]},
        },
        {"type": "tool_search_output", "execution": "server", "call_id": None, "tools": [found]},
    ]
    call = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"city":"Bern"}'}
    async with ResponsesServer([Step().items(*searched, call), "Mild."]) as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url)
        config = RunConfig(model_provider=provider, tracing_disabled=True)
        result = await run(Agent("a", tools=[get_weather, ToolSearchTool()]), run_config=config)
        await provider.aclose()
    assert types(result.new_items) == [
        "tool_search_call_item",
        "tool_search_output_item",
        "tool_call_item",
        "tool_call_output_item",
        "message_output_item",
    ]
    again = server.requests[1].body["input"]
    assert [item.get("type") for item in again[1:]] == [
        "tool_search_call",
        "tool_search_output",
        "function_call",
        "function_call_output",
    ]
    assert (again[-1]["output"], result.final_output) == ("Bern", "Mild.")


async def test_chat_completions_refuses_a_run_with_hosted_tools() -> None:
    async with AsyncOpenAI(base_url="http://127.0.0.1:9/v1", api_key="x") as client:
        agent = Agent("a", model=OpenAIChatCompletionsModel("m", client), tools=[WebSearchTool()])
        with pytest.raises(UserError, match="Hosted tools are not supported with the ChatCompletions API"):
            await Runner.run(agent, "Hi", run_config=UNTRACED)
