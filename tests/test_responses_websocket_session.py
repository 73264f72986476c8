"""A session is `Runner` with a provider of its own, and closes that."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import openai
import pytest

from agents import (
    Agent,
    ModelSettings,
    OpenAIProvider,
    ResponsesWebSocketSession,
    RunConfig,
    Runner,
    UserError,
    function_tool,
    responses_websocket_session,
)
from agents.models.multi_provider import MultiProvider
from agents.testing import ResponsesRequest, ResponsesServer, Step


@function_tool(needs_approval=True)
def open_gate(gate: str) -> str:
    """Open a gate."""
    return f"the {gate} gate is open"


async def test_runs_and_their_continuations_share_a_connection_that_the_session_closes() -> None:
    before = asyncio.all_tasks()
    agent = Agent(name="a", model="m", model_settings=ModelSettings(store=False))
    async with ResponsesServer(["one", "two"]) as server:
        async with responses_websocket_session(api_key="x", base_url=server.base_url) as ws:
            first = await ws.run(agent, "1")
            second = ws.run_streamed(agent, "2", previous_response_id=first.last_response_id)
            async for _ in second.stream_events():
                pass
            assert second.final_output == "two"
            assert [request.connection for request in server.requests] == [1, 1]
            assert server.open_connections == 1
        await server.disconnected()
    assert asyncio.all_tasks() == before


async def test_a_run_that_waits_for_approval_goes_on_in_the_session() -> None:
    def answer(request: ResponsesRequest) -> Step:
        outputs = request.function_outputs
        if outputs:
            return Step().text(str(outputs["c"]))
        return Step().function_call("open_gate", {"gate": "north"}, call_id="c")

    agent = Agent(name="a", model="m", tools=[open_gate])
    async with (
        ResponsesServer(answer) as server,
        responses_websocket_session(api_key="x", base_url=server.base_url) as ws,
    ):
        paused = await ws.run(agent, "Go")
        state = paused.to_state()
        state.approve(paused.interruptions[0])
        result = ws.run_streamed(agent, state)
        async for _ in result.stream_events():
            pass
        assert result.final_output == "the north gate is open"
        assert {request.connection for request in server.requests} == {1}


@pytest.mark.parametrize("run_config", [RunConfig(), None, {}])
async def test_a_run_takes_no_run_config_of_its_own(run_config: Any) -> None:
    agent = Agent(name="a", model="m")
    async with responses_websocket_session(api_key="x") as ws:
        with pytest.raises(ValueError, match="run_config"):
            await ws.run(agent, "Hi", run_config=run_config)
        with pytest.raises(ValueError, match="run_config"):
            ws.run_streamed(agent, "Hi", run_config=run_config)


async def test_the_settings_of_a_session_may_be_a_dict() -> None:
    async with ResponsesServer(["Hi"]) as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url, use_responses_websocket=True)
        settings: Any = {"workflow_name": "w", "tracing_disabled": True}
        session = ResponsesWebSocketSession(provider, settings)
        assert isinstance(session.run_config, RunConfig)
        assert (session.run_config.workflow_name, session.run_config.model_provider) == ("w", provider)
        assert (await session.run(Agent(name="a", model="m"), "Hi")).final_output == "Hi"
        assert server.requests[0].transport == "websocket"
        await session.aclose()
        await server.disconnected()


def test_settings_that_do_not_exist_or_bring_another_provider_are_refused() -> None:
    provider = OpenAIProvider(api_key="x", use_responses_websocket=True)
    unknown: Any = {"workflow": "w"}
    with pytest.raises(TypeError, match="Unknown run_config settings: workflow"):
        ResponsesWebSocketSession(provider, unknown)
    other: Any = {"model_provider": OpenAIProvider(api_key="y")}
    with pytest.raises(ValueError, match="run_config of a websocket session has another model_provider"):
        ResponsesWebSocketSession(provider, other)


def test_there_is_no_way_to_run_without_an_event_loop() -> None:
    assert not hasattr(ResponsesWebSocketSession, "run_sync")


@pytest.mark.parametrize(
    ("modes", "name", "sent"),
    [
        ({}, "openai/gpt-x", "gpt-x"),
        ({"openai_prefix_mode": "model_id"}, "openai/gpt-x", "openai/gpt-x"),
        ({"unknown_prefix_mode": "model_id"}, "mine/gpt-x", "mine/gpt-x"),
        ({}, "gpt-x", "gpt-x"),
    ],
)
async def test_prefixes_of_names_are_read_as_by_multi_provider(modes: Any, name: str, sent: str) -> None:
    async with (
        ResponsesServer(["Hi"]) as server,
        responses_websocket_session(api_key="x", base_url=server.base_url, **modes) as ws,
    ):
        assert isinstance(ws.run_config.model_provider, MultiProvider)
        await ws.run(Agent(name="a", model=name), "Hi")
        assert server.requests[0].body["model"] == sent


async def test_a_prefix_that_nobody_has_is_refused() -> None:
    async with responses_websocket_session(api_key="x") as ws:
        with pytest.raises(UserError, match="Unknown prefix: mine"):
            await ws.run(Agent(name="a", model="mine/gpt-x"), "Hi")


async def test_an_error_in_the_block_closes_the_connections_too() -> None:
    async def fail(server: ResponsesServer) -> None:
        async with responses_websocket_session(api_key="x", base_url=server.base_url) as ws:
            await ws.run(Agent(name="a", model="m"), "Hi")
            _ = 1 / 0

    async with ResponsesServer(["Hi"]) as server:
        with pytest.raises(ZeroDivisionError):
            await fail(server)
        await server.disconnected()


async def test_a_session_runs_whatever_runner_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def replaced(*_: object, **options: Any) -> Any:
        return options["run_config"]

    monkeypatch.setattr(Runner, "run", replaced)
    async with responses_websocket_session(api_key="x") as ws:
        answer: Any = await ws.run(Agent(name="a"), "Hi")
        assert answer is ws.run_config


async def test_the_server_for_websockets_may_be_another_one() -> None:
    async with (
        ResponsesServer(["Hi"]) as server,
        responses_websocket_session(
            api_key="x", base_url="http://127.0.0.1:1/v1", websocket_base_url=server.websocket_base_url
        ) as ws,
    ):
        assert (await ws.run(Agent(name="a", model="m"), "Hi")).final_output == "Hi"


async def test_the_options_reach_the_connections() -> None:
    async with (
        ResponsesServer(["x" * 5000]) as server,
        responses_websocket_session(
            api_key="x", base_url=server.base_url, responses_websocket_options={"max_size": 2000}
        ) as ws,
    ):
        with pytest.raises(openai.APIConnectionError, match="1009"):
            await ws.run(Agent(name="a", model="m"), "Hi", conversation_id="c")


@pytest.mark.parametrize(
    "first",
    [
        "import agents.responses_websocket_session",
        "from agents import responses_websocket_session",
        "from agents import ResponsesWebSocketSession",
        "from agents.responses_websocket_session import responses_websocket_session",
        "import importlib; importlib.import_module('agents.responses_websocket_session')",
    ],
)
def test_the_name_is_the_functions_whatever_is_imported_first(first: str) -> None:
    program = f"""
{first}
import inspect, sys
from agents import responses_websocket_session as function
import agents.responses_websocket_session
from agents.responses_websocket_session import responses_websocket_session as same
assert inspect.isfunction(function) and function is same and agents.responses_websocket_session is function
assert inspect.ismodule(sys.modules["agents.responses_websocket_session"])
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_a_dict_of_settings_serves_many_sessions_and_stays_as_it_is() -> None:
    settings: Any = {"workflow_name": "w"}
    for _ in range(2):
        provider = OpenAIProvider(api_key="x", use_responses_websocket=True)
        session = ResponsesWebSocketSession(provider, settings)
        assert session.run_config.model_provider is provider
    assert settings == {"workflow_name": "w"}
