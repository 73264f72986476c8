"""The model over WebSockets: what is sent and over which connection, and what becomes of connections that fail."""

from __future__ import annotations

import asyncio
import socket
import traceback
from http import HTTPStatus
from typing import Any

import openai
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agents import (
    ModelSettings,
    OpenAIResponsesWSModel,
    UserError,
)
from agents.models._websocket_machine import WebSocketMachine
from agents.models.openai_responses import OpenAIResponsesModel
from agents.testing import ResponsesServer
from agents.testing.responses_script import Step
from models.asking import advice, respond, stream, stream_until_it_breaks
from models.sockets import (
    Exchange,
    answer_events,
    model_at,
    serving_sockets,
    socket_model,
    texts,
)

# What is sent


async def test_calls_one_after_another_share_a_connection() -> None:
    async with socket_model([["one"], ["two"], ["three"]]) as (server, model):
        assert texts(await respond(model)) == ["one"]
        assert (await stream(model))[-1].type == "response.completed"
        assert texts(await respond(model)) == ["three"]
        assert server.over() == [1, 1, 1]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"previous_response_id": "resp_0", "input": [{"role": "user", "content": "Hi"}]},
        {"conversation_id": "conv_1", "system_instructions": "Be brief."},
        {
            "model_settings": ModelSettings(
                temperature=0.5,
                max_tokens=7,
                store=False,
                metadata={"a": "b"},
                top_logprobs=2,
                verbosity="low",
                reasoning=openai.types.Reasoning(effort="low"),
                extra_body={"custom": [1]},
                extra_args={"service_tier": "flex"},
            )
        },
    ],
)
async def test_a_frame_holds_what_http_sends(given: dict[str, Any]) -> None:
    step = Step().text("Hi")
    parent = [Step().text("x").with_response_id("resp_0")] if "previous_response_id" in given else []
    server = ResponsesServer([*parent, step, step])
    async with server, openai.AsyncOpenAI(base_url=server.base_url, api_key="x") as client:
        over_http, over_socket = OpenAIResponsesModel("m", client), OpenAIResponsesWSModel("m", client)
        if parent:
            await respond(over_http)
        await respond(over_http, **given)
        await respond(over_socket, **given)
        await over_socket.close()
    *_, http, frame = server.requests
    assert {**http.body, "type": "response.create"} == frame.body
    assert frame.transport == "websocket"


async def test_a_connection_is_opened_with_what_the_client_and_the_call_say() -> None:
    client: dict[str, Any] = {
        "organization": "org",
        "project": "proj",
        "default_headers": {"X-One": "1", "x-two": "2"},
        "default_query": {"a": "1"},
    }
    settings = ModelSettings(extra_headers={"X-Two": "3"}, extra_query={"b": "2"})
    async with socket_model([["Hi"]], **client) as (server, model):
        await respond(model, model_settings=settings)
        (headers,), (path,) = server.headers, server.paths
        assert headers["authorization"] == "Bearer x"
        assert (headers["openai-organization"], headers["openai-project"]) == ("org", "proj")
        assert (headers["x-one"], headers["x-two"]) == ("1", "3")
        assert headers["user-agent"].startswith("Agents/Python")
        assert path == "/v1/responses?a=1&b=2"


async def test_calls_with_other_headers_have_another_connection() -> None:
    async with socket_model([["a"], ["b"], ["c"]]) as (server, model):
        await respond(model)
        await respond(model, model_settings=ModelSettings(extra_headers={"X-One": "1"}))
        await respond(model)
        assert server.over() == [1, 2, 1]


async def test_a_key_that_is_a_function_is_asked_for() -> None:
    async def key() -> str:
        return "fresh"

    async with (
        serving_sockets([["Hi"]]) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key=key) as client,
    ):
        model = OpenAIResponsesWSModel("m", client)
        await respond(model)
        await model.close()
        assert server.headers[0]["authorization"] == "Bearer fresh"


async def _token() -> str:
    return "fresh"


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ({"azure_ad_token_provider": _token}, ("authorization", "Bearer fresh")),
        ({"azure_ad_token": "fixed"}, ("authorization", "Bearer fixed")),
        ({"api_key": "key"}, ("api-key", "key")),
        ({"api_key": _token}, ("api-key", "fresh")),
    ],
)
async def test_a_client_of_azure_shows_the_credentials_that_it_has(
    credentials: dict[str, Any], header: tuple[str, str]
) -> None:
    async with serving_sockets([["Hi"]]) as server:
        endpoint = server.url.removesuffix("/v1")
        async with openai.AsyncAzureOpenAI(
            azure_endpoint=endpoint, api_version="preview", **credentials
        ) as client:
            model = OpenAIResponsesWSModel("m", client)
            await respond(model)
            await model.close()
        shown = {name: server.headers[0].get(name) for name in ("authorization", "api-key")}
        assert {name: value for name, value in shown.items() if value is not None} == dict([header])


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Own x"}, {"Authorization": openai.Omit()}])
async def test_a_client_without_a_key_is_refused_unless_it_is_told_what_to_show(headers: Any) -> None:
    async def no_key() -> str:
        return ""

    async with (
        serving_sockets([["Hi"]]) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key=no_key, default_headers=headers) as client,
    ):
        model = OpenAIResponsesWSModel("m", client)
        if headers:
            await respond(model)
            await model.close()
            assert server.headers[0].get("authorization") in {"Own x", None}
        else:
            with pytest.raises(UserError, match="AsyncOpenAI has no key"):
                await respond(model)


async def test_websockets_may_have_a_server_of_their_own() -> None:
    async with serving_sockets([["Hi"]]) as server:
        url = server.url.replace("http:", "ws:").replace("/v1", "/sockets/")
        async with openai.AsyncOpenAI(
            base_url="http://127.0.0.1:1", websocket_base_url=url, api_key="x"
        ) as client:
            model = OpenAIResponsesWSModel("m", client)
            await respond(model)
            await model.close()
        assert server.paths == ["/sockets/responses"]


async def test_a_warm_up_makes_a_response_to_go_on_from() -> None:
    warm = ModelSettings(extra_args={"generate": False})
    async with ResponsesServer(["Hi"]) as server, model_at(server) as model:
        warmed = await respond(model, model_settings=warm, input="Long instructions")
        assert warmed.output == []
        assert texts(await respond(model, previous_response_id=warmed.response_id)) == ["Hi"]
        assert [request.connection for request in server.requests] == [1, 1]


# Dead connections


async def test_a_connection_that_died_meanwhile_is_replaced() -> None:
    async with ResponsesServer(["a", "b"]) as server, model_at(server) as model:
        await respond(model)
        server.drop_connections()
        await server.disconnected()
        assert texts(await respond(model)) == ["b"]
        assert [request.connection for request in server.requests] == [1, 2]


async def test_a_request_that_dies_unanswered_is_asked_once_more() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 0:
            exchange.drop()
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        assert texts(await respond(model)) == ["Hi"]
        assert server.over() == [1, 2]


async def test_a_request_that_dies_unanswered_twice_is_a_connection_error() -> None:
    async def script(exchange: Exchange) -> None:
        exchange.drop()

    async with socket_model(script) as (server, model):
        events, error = await stream_until_it_breaks(model)
        assert events == []
        assert isinstance(error, openai.APIConnectionError)
        assert "before any event came" in str(error)
        assert server.over() == [1, 2]
        told = advice(model, error)
        assert (told.suggested, told.replay_safety, told.response_started) == (True, None, False)
        assert told.normalized is not None
        assert told.normalized.is_network_error


@pytest.mark.parametrize("state", [{"previous_response_id": "resp_0"}, {"conversation_id": "conv"}])
async def test_a_request_on_stored_state_is_not_asked_again_once_it_was_sent(state: dict[str, Any]) -> None:
    async def script(exchange: Exchange) -> None:
        exchange.drop()

    async with socket_model(script) as (server, model):
        _, error = await stream_until_it_breaks(model, **state)
        assert isinstance(error, openai.APIConnectionError)
        assert len(server.requests) == 1
        told = advice(model, error, **state)
        assert (told.suggested, told.replay_safety) == (False, "unsafe")


async def test_a_connection_that_dies_in_mid_response_fails_it_after_its_events() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 0:
            await exchange.send(*answer_events("a b c")[:5])
            exchange.drop()
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        events, error = await stream_until_it_breaks(model)
        assert len(events) == 5
        assert isinstance(error, openai.APIConnectionError)
        assert "after 5 events of the response" in str(error)
        assert advice(model, error).response_started
        # The next call has a connection of its own.
        assert texts(await respond(model)) == ["Hi"]
        assert server.over() == [1, 2]


async def test_a_connection_that_dies_after_the_response_harms_nobody() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.answer("Hi")
        if exchange.index == 0:
            exchange.drop()

    async with socket_model(script) as (server, model):
        await stream(model)
        assert texts(await respond(model)) == ["Hi"]
        assert server.over() == [1, 2]


async def test_whatever_ends_the_reading_task_ends_the_calls_that_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def feed(machine: WebSocketMachine, frame: bytes) -> list[Any]:
        raise KeyError("a bug of ours")

    async with socket_model([["a"], ["b"]]) as (server, model):
        with monkeypatch.context() as patched:
            patched.setattr(WebSocketMachine, "feed", feed)
            with pytest.raises(openai.APIConnectionError) as caught:
                await asyncio.wait_for(respond(model, conversation_id="c"), 5)
        assert "KeyError('a bug of ours')" in str(caught.value)
        assert isinstance(caught.value.__cause__, KeyError)
        assert texts(await respond(model)) == ["b"]
        assert server.over() == [1, 2]


async def test_a_server_that_closes_in_mid_response_is_quoted() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(*answer_events("a b c")[:2])
        await exchange.socket.close(1013, "come back later")

    async with socket_model(script) as (_, model):
        _, error = await stream_until_it_breaks(model)
        assert isinstance(error, openai.APIConnectionError)
        assert "come back later" in str(error)


async def test_an_event_above_the_size_limit_ends_the_connection() -> None:
    async with socket_model([["x" * 5000]], options={"max_size": 2000}) as (_, model):
        events, error = await stream_until_it_breaks(model)
        assert events
        assert isinstance(error, openai.APIConnectionError)
        assert "1009" in str(error)


@pytest.mark.parametrize("count", [0, 3])
async def test_a_server_that_falls_silent_is_timed_out(count: int) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(*answer_events("a b c")[:count])

    async with socket_model(script, timeout=0.5) as (_, model):
        events, error = await stream_until_it_breaks(model)
        assert len(events) == count
        assert isinstance(error, openai.APITimeoutError)
        assert "for 0.5 seconds" in str(error)
        told = advice(model, error)
        assert told.normalized is not None
        assert told.normalized.is_timeout


async def test_a_call_may_have_a_time_limit_of_its_own() -> None:
    async def script(exchange: Exchange) -> None:
        return

    async with socket_model(script) as (_, model):
        with pytest.raises(openai.APITimeoutError, match=r"for 0\.05 seconds"):
            await respond(model, model_settings=ModelSettings(extra_args={"timeout": 0.05}))


async def test_a_server_that_never_opens_the_connection_is_timed_out() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with openai.AsyncOpenAI(base_url=url, api_key="x", timeout=0.05) as client:
            model = OpenAIResponsesWSModel("m", client)
            with pytest.raises(openai.APITimeoutError, match=r"timed out after 0\.05 seconds") as caught:
                await respond(model)
            assert advice(model, caught.value, previous_response_id="r").replay_safety == "safe"
            await model.close()


async def test_nobody_at_the_address_is_a_connection_error() -> None:
    async with openai.AsyncOpenAI(base_url="http://127.0.0.1:1/v1", api_key="x") as client:
        model = OpenAIResponsesWSModel("m", client)
        with pytest.raises(openai.APIConnectionError, match="did not open a WebSocket"):
            await respond(model)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
async def test_a_refused_handshake_is_the_clients_own_error(
    status: int, kind: type[openai.APIStatusError]
) -> None:
    refusal = Step.http_error(status, "No.", code="no", retry_after_s=3)
    async with ResponsesServer(["Hi"], refused_handshakes=[refusal]) as server, model_at(server) as model:
        with pytest.raises(kind, match=r"No\.") as caught:
            await respond(model)
        assert (caught.value.status_code, caught.value.code) == (status, "no")
        if status in {429, 503}:
            assert advice(model, caught.value).retry_after == 3
        assert texts(await respond(model)) == ["Hi"]


@pytest.mark.parametrize(
    ("url", "query", "problem"),
    [
        ("http://user:SECRET@127.0.0.1:1/v1", {}, "did not open a WebSocket"),
        ("http://127.0.0.1:1/v1", {"api_key": "SECRET"}, "did not open a WebSocket"),
        ("ftp://user:SECRET@127.0.0.1:1/v1", {"api_key": "SECRET"}, "isn't ws or wss"),
    ],
)
async def test_no_secret_of_the_address_is_told(url: str, query: dict[str, object], problem: str) -> None:
    async with openai.AsyncOpenAI(base_url=url, api_key="SECRET", default_query=query) as client:
        model = OpenAIResponsesWSModel("m", client)
        with pytest.raises(openai.APIConnectionError, match=problem) as caught:
            await respond(model)
        assert "127.0.0.1:1/v1/responses" in str(caught.value)
        assert "SECRET" not in "".join(traceback.format_exception(caught.value))


async def test_no_secret_is_told_when_a_connection_ends_or_falls_silent() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 0:
            names = [task.get_name() for task in asyncio.all_tasks()]
            assert any("headrace websocket" in name for name in names)
            assert "SECRET" not in str(names)
            exchange.drop()

    async with socket_model(script, default_query={"api_key": "SECRET"}, timeout=0.2) as (server, model):
        for kind in ("ended before any event", "sent no event"):
            with pytest.raises(openai.APIConnectionError, match=kind) as caught:
                await respond(model, conversation_id="c")
            assert "SECRET" not in str(caught.value)
        assert "SECRET" in server.paths[0]


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_a_redirect_is_not_followed_with_the_key(is_elsewhere: bool) -> None:
    seen = list[str]()

    async with serving_sockets([["Hi"]]) as elsewhere:

        async def redirect(socket: ServerConnection, request: Request) -> Response:
            seen.append(request.path)
            answer = socket.respond(HTTPStatus.FOUND, "")
            place = elsewhere.url.replace("http:", "ws:") if is_elsewhere else "/other"
            answer.headers["Location"] = f"{place}/responses?token=SECRET"
            return answer

        async with (
            serving_sockets([["Hi"]], process_request=redirect) as server,
            openai.AsyncOpenAI(base_url=server.url, api_key="x") as client,
        ):
            model = OpenAIResponsesWSModel("m", client)
            with pytest.raises(openai.APIStatusError, match="set websocket_base_url") as caught:
                await respond(model)
        assert caught.value.status_code == 302
        assert "SECRET" not in str(caught.value)
        assert (elsewhere.connection_count, len(seen)) == (0, 1)
