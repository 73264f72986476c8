"""Providers of models over WebSockets: which model a name gives, and who closes what."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from agents import (
    Agent,
    MultiProvider,
    OpenAIProvider,
    OpenAIResponsesModel,
    OpenAIResponsesWSModel,
    Runner,
    UserError,
    set_default_openai_client,
    set_default_openai_responses_transport,
)
from agents._openai_defaults import OpenAIDefaults
from agents.models.interface import Model
from agents.testing import ResponsesServer
from models.asking import respond
from models.sockets import serving_sockets


@pytest.fixture(autouse=True)
def fresh_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_DEFAULT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("agents._openai_defaults._defaults", OpenAIDefaults())


def names_of(*models: Model) -> list[str]:
    return [model.model for model in models if isinstance(model, OpenAIResponsesWSModel)]


async def test_one_event_loop_gets_the_same_model_for_a_name_each_time() -> None:
    provider = OpenAIProvider(api_key="x", use_responses_websocket=True)
    first, second, other = provider.get_model("m"), provider.get_model("m"), provider.get_model("n")
    assert first is second
    assert names_of(first, other) == ["m", "n"]


def test_another_event_loop_gets_another_model() -> None:
    provider = OpenAIProvider(api_key="x", use_responses_websocket=True)

    async def ask() -> Model:
        return provider.get_model("m")

    assert asyncio.run(ask()) is not asyncio.run(ask())
    # Without a loop there is nothing to keep it for.
    assert provider.get_model("m") is not provider.get_model("m")


async def test_the_default_model_and_the_same_model_by_name_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    # A stored prompt's model overrides the one that nobody chose.
    monkeypatch.setenv("OPENAI_DEFAULT_MODEL", "m")
    provider = OpenAIProvider(api_key="x", use_responses_websocket=True)
    assert provider.get_model(None) is not provider.get_model("m")
    assert provider.get_model(None) is provider.get_model(None)


async def test_models_over_http_are_not_kept() -> None:
    provider = OpenAIProvider(api_key="x", use_responses_websocket=False)
    assert provider.get_model("m") is not provider.get_model("m")


async def test_closing_a_provider_closes_its_connections_and_it_can_be_used_again() -> None:
    async with ResponsesServer(["a", "b", "c"]) as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url, use_responses_websocket=True)
        await asyncio.gather(respond(provider.get_model("m")), respond(provider.get_model("n")))
        assert server.open_connections == 2
        await provider.aclose()
        await server.disconnected()
        await respond(provider.get_model("m"))
        await provider.aclose()
        await server.disconnected()


def test_closing_a_provider_ends_what_event_loops_left_that_are_gone() -> None:
    with ResponsesServer(["a"]) as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url, use_responses_websocket=True)

        async def ask() -> None:
            await respond(provider.get_model("m"))

        loop = asyncio.new_event_loop()
        loop.run_until_complete(ask())
        assert server.open_connections == 1

        async def close() -> None:
            await provider.aclose()
            await server.disconnected()

        # The first loop stands still.
        asyncio.run(close())
        left = asyncio.all_tasks(loop)
        loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def test_the_default_transport_is_used_unless_a_provider_says_otherwise() -> None:
    assert type(OpenAIProvider(api_key="x").get_model("m")) is OpenAIResponsesModel
    set_default_openai_responses_transport("websocket")
    assert type(OpenAIProvider(api_key="x").get_model("m")) is OpenAIResponsesWSModel
    assert (
        type(OpenAIProvider(api_key="x", use_responses_websocket=False).get_model("m"))
        is OpenAIResponsesModel
    )
    set_default_openai_responses_transport("http")
    assert type(OpenAIProvider(api_key="x").get_model("m")) is OpenAIResponsesModel


@pytest.mark.parametrize("transport", ["carrier pigeon", "", None, "WebSocket"])
def test_an_unknown_transport_is_refused(transport: Any) -> None:
    with pytest.raises(ValueError, match="Expected one of: 'http', 'websocket'"):
        set_default_openai_responses_transport(transport)


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_runs_without_a_provider_close_what_they_open(is_streamed: bool) -> None:
    async with (
        ResponsesServer(["Hi"]) as server,
        openai.AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        set_default_openai_client(client, use_for_tracing=False)
        set_default_openai_responses_transport("websocket")
        agent = Agent(name="a", model="m")
        if is_streamed:
            result = Runner.run_streamed(agent, "Hi")
            async for _ in result.stream_events():
                pass
            assert result.run_loop_task is not None
            await result.run_loop_task
        else:
            result = await Runner.run(agent, "Hi")
        assert result.final_output == "Hi"
        assert server.requests[0].transport == "websocket"
        await server.disconnected()


def test_runs_without_an_event_loop_of_the_callers_close_what_they_open() -> None:
    with ResponsesServer(["Hi", "Ho"]) as server:
        set_default_openai_client(
            openai.AsyncOpenAI(base_url=server.base_url, api_key="x"), use_for_tracing=False
        )
        set_default_openai_responses_transport("websocket")
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            for expected in ("Hi", "Ho"):
                assert Runner.run_sync(Agent(name="a", model="m"), "Hi").final_output == expected
            loop.run_until_complete(server.disconnected())
        finally:
            loop.close()
            asyncio.set_event_loop(None)


async def test_a_provider_of_providers_hands_its_options_on_and_closes_all() -> None:
    async with serving_sockets([["Hi"]]) as server:
        provider = MultiProvider(
            openai_api_key="x",
            openai_websocket_base_url=server.url.replace("http:", "ws:"),
            openai_use_responses_websocket=True,
            openai_responses_websocket_options={"ping_interval": None},
        )
        model = provider.get_model("openai/gpt-x")
        assert names_of(model) == ["gpt-x"]
        await respond(model)
        assert server.requests[0].body["model"] == "gpt-x"
        await provider.aclose()
        await server.nobody_is_connected()


async def test_options_that_do_not_exist_are_refused_with_the_model() -> None:
    options: Any = {"pings": 3}
    provider = OpenAIProvider(api_key="x", use_responses_websocket=True, responses_websocket_options=options)
    with pytest.raises(UserError, match="Unknown websocket options: pings"):
        provider.get_model("m")
