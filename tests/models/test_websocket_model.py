"""The model over WebSockets: what is sent and over which connection, and what becomes of every fault of a server."""

from __future__ import annotations

import asyncio
import copy
import socket
import traceback
from http import HTTPStatus
from typing import Any

import openai
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agents import (
    ModelRetryAdvice,
    ModelRetryAdviceRequest,
    ModelSettings,
    OpenAIResponsesWSModel,
    UserError,
)
from agents.exceptions import ModelBehaviorError
from agents.models._websocket_errors import LIMIT_REACHED, PARENT_NOT_FOUND, ResponsesWebSocketError
from agents.models._websocket_machine import WebSocketMachine
from agents.models.openai_responses import OpenAIResponsesModel
from agents.testing import ResponsesServer
from agents.testing.responses_script import Step
from models.asking import model_of, respond, stream, stream_until_it_breaks
from models.sockets import (
    Event,
    Exchange,
    answer_events,
    error_frame,
    model_at,
    serving_sockets,
    socket_model,
    texts,
)


def advice(model: OpenAIResponsesModel, error: Exception | None, **asked: Any) -> ModelRetryAdvice:
    assert error is not None
    told = model.get_retry_advice(ModelRetryAdviceRequest(error=error, attempt=1, stream=True, **asked))
    assert told is not None
    return told


def client_of(model: OpenAIResponsesModel) -> openai.AsyncOpenAI:
    inside: Any = model
    return inside._client


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


# Error frames and garbage


async def test_an_error_frame_is_a_typed_error_and_the_connection_goes_on() -> None:
    steps = [
        Step.http_error(429, "Slow down.", code="rate_limit_exceeded", retry_after_s=2),
        Step().text("Hi"),
    ]
    async with ResponsesServer(steps) as server, model_at(server) as model:
        events, error = await stream_until_it_breaks(model)
        assert events == []
        assert isinstance(error, ResponsesWebSocketError)
        assert (error.status, error.code) == (429, "rate_limit_exceeded")
        told = advice(model, error, previous_response_id="r")
        assert (told.suggested, told.replay_safety, told.retry_after) == (True, "safe", 2.0)
        assert texts(await respond(model)) == ["Hi"]
        assert [request.connection for request in server.requests] == [1, 1]


async def test_an_error_frame_that_will_not_change_is_told_without_an_opinion() -> None:
    async with ResponsesServer([Step.http_error(400, code="c")]) as server, model_at(server) as model:
        _, error = await stream_until_it_breaks(model)
        told = advice(model, error)
        assert (told.suggested, told.replay_safety) == (None, None)
        assert told.normalized is not None
        assert (told.normalized.status_code, told.normalized.error_code) == (400, "c")


FLAT: Event = {"type": "error", "message": "Boo.", "param": None}


@pytest.mark.parametrize(
    ("frame", "suggested"),
    [
        ({**FLAT, "code": "server_error"}, True),
        ({**FLAT, "code": "rate_limit_exceeded"}, True),
        ({**FLAT, "code": "503"}, True),
        ({**FLAT, "code": "boo"}, None),
        ({"type": "error", "error": {"type": "server_error", "message": "Boo."}}, True),
        (error_frame("server_error", status=400), None),
    ],
)
async def test_an_error_frame_is_worth_another_try_where_the_same_over_http_is(
    frame: Event, suggested: bool | None
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(frame)

    async with socket_model(script) as (_, model):
        _, error = await stream_until_it_breaks(model)
        told = advice(model, error)
        assert told.suggested == suggested
        assert told.replay_safety == ("safe" if suggested else None)
        assert told.normalized is not None
        assert told.normalized.message == frame.get("message", "Boo." if suggested else "about server_error")


@pytest.mark.parametrize(
    ("status", "headers", "suggested", "seconds"),
    [
        (429, {"retry-after-ms": "1500", "retry-after": "9"}, True, 1.5),
        (429, {"Retry-After-Ms": 1500}, True, 1.5),
        (429, {"x-should-retry": "false"}, False, None),
        (429, {"x-should-retry": False, "retry-after": 2}, False, 2.0),
        (400, {"x-should-retry": "true"}, True, None),
        (503, {"retry-after": "nan"}, True, None),
    ],
)
async def test_the_headers_of_an_error_frame_count_as_over_http(
    status: int, headers: dict[str, object], suggested: bool, seconds: float | None
) -> None:
    async def script(exchange: Exchange) -> None:
        frame = error_frame("c", status=status)
        frame["error"]["headers"] = headers
        await exchange.send(frame)

    async with socket_model(script) as (_, model):
        _, error = await stream_until_it_breaks(model)
        told = advice(model, error)
        assert (told.suggested, told.retry_after) == (suggested, seconds)


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_an_error_in_mid_response_does_not_reach_the_next_call(is_streamed: bool) -> None:
    steps = [Step().text("a b c").fail(after_events=3), Step().text("Hi")]
    async with ResponsesServer(steps) as server, model_at(server) as model:
        with pytest.raises(ResponsesWebSocketError, match="code=server_error"):
            await (stream(model) if is_streamed else respond(model))
        assert texts(await respond(model)) == ["Hi"]


@pytest.mark.parametrize("step", [Step().text("a").fail(error_event=False), Step().text("a").incomplete()])
async def test_a_failed_response_is_a_failure_as_over_http(step: Step) -> None:
    async with ResponsesServer([step, step, step]) as server, model_of(server) as over_http:
        theirs, error = await stream_until_it_breaks(over_http)
        model = OpenAIResponsesWSModel("m", client_of(over_http))
        events, own = await stream_until_it_breaks(model)
        assert [event.type for event in events] == [event.type for event in theirs]
        assert str(own) == str(error)
        with pytest.raises(ModelBehaviorError) as caught:
            await respond(model)
        assert str(caught.value) == str(error)
        await model.close()


async def test_garbage_fails_the_response_after_its_events_and_ends_the_connection() -> None:
    steps = [Step().text("a b c").garbage(after_events=3), Step().text("Hi")]
    async with ResponsesServer(steps) as server, model_at(server) as model:
        events, error = await stream_until_it_breaks(model)
        assert len(events) == 3
        assert isinstance(error, ModelBehaviorError)
        assert "no JSON object" in str(error)
        assert texts(await respond(model)) == ["Hi"]
        assert [request.connection for request in server.requests] == [1, 2]


async def test_events_after_the_last_one_and_a_second_last_one_are_dropped() -> None:
    async def script(exchange: Exchange) -> None:
        events = answer_events("Hi", response_id=f"r{exchange.index}")
        await exchange.send(*events, *events[3:])

    async with socket_model(script) as (server, model):
        for _ in range(3):
            assert len(await stream(model)) == len(answer_events("Hi"))
        assert server.over() == [1, 1, 1]


async def test_a_connection_at_its_limit_is_replaced() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(LIMIT_REACHED))
            await exchange.socket.close()
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        await respond(model)
        assert texts(await respond(model, previous_response_id="resp_1")) == ["Hi"]
        assert server.over() == [1, 1, 2]


async def test_an_old_connection_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with socket_model([["a"], ["b"], ["c"]]) as (server, model):
        await respond(model)
        await respond(model)
        monkeypatch.setattr("agents.models._websocket_machine.SERVED_S", 0.0)
        await respond(model)
        assert server.over() == [1, 1, 2]


async def test_an_idle_connection_that_expires_is_replaced() -> None:
    async with ResponsesServer(["a", "b"]) as server, model_at(server) as model:
        await respond(model)
        server.expire_connections()
        await server.disconnected()
        assert texts(await respond(model)) == ["b"]


# Chains


@pytest.mark.parametrize("drops", [True, False])
async def test_a_chain_goes_on_with_the_whole_conversation_where_its_response_is_gone(drops: bool) -> None:
    settings = ModelSettings(store=False)
    async with ResponsesServer(["one", "two", "three"]) as server, model_at(server) as model:
        first = await respond(model, input="1", model_settings=settings)
        second = await respond(
            model, input="2", previous_response_id=first.response_id, model_settings=settings
        )
        if drops:
            server.drop_connections()
            await server.disconnected()
        third = await respond(
            model, input="3", previous_response_id=second.response_id, model_settings=settings
        )
        assert texts(third) == ["three"]
    last = server.requests[-1].body
    said = [
        item["content"] if item["role"] == "user" else item["content"][0]["text"] for item in last["input"]
    ]
    assert said == (["1", "one", "2", "two", "3"] if drops else ["3"])
    assert last.get("previous_response_id") == (None if drops else second.response_id)


async def test_reasoning_that_was_never_stored_is_left_out_of_the_whole_conversation() -> None:
    thought: dict[str, Any] = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}

    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer(thought, {**thought, "encrypted_content": "abc"}, "Hi")

    async with socket_model(script) as (server, model):
        settings = ModelSettings(store=False)
        first = await respond(model, model_settings=settings)
        await respond(model, previous_response_id=first.response_id, model_settings=settings)
        sent = server.requests[-1].body["input"]
        assert [item["type"] for item in sent if "type" in item] == ["reasoning", "message"]
        assert sent[1]["encrypted_content"] == "abc"


async def test_a_refused_parent_is_replaced_by_the_whole_conversation() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        first = await respond(model, input="1")
        await stream(model, input="2", previous_response_id=first.response_id)
        assert [len(request.body["input"]) for request in server.requests] == [1, 1, 3]
        assert server.over() == [1, 1, 1]


@pytest.mark.parametrize("store", [None, False])
@pytest.mark.parametrize(
    "other", [{"extra_headers": {"Authorization": "Bearer B"}}, {"extra_query": {"tenant": "b"}}]
)
async def test_a_conversation_is_not_sent_again_with_another_key_or_to_another_address(
    other: dict[str, Any], store: bool | None
) -> None:
    async def script(exchange: Exchange) -> None:
        if "previous_response_id" in exchange.body:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        first = await respond(model, input="My number is 1234", model_settings=ModelSettings(store=store))
        with pytest.raises(ResponsesWebSocketError, match=PARENT_NOT_FOUND):
            await respond(
                model,
                input="B",
                previous_response_id=first.response_id,
                model_settings=ModelSettings(store=store, **other),
            )
        assert [len(request.body["input"]) for request in server.requests] == [1, 1]


async def test_a_conversation_is_what_was_sent_whatever_became_of_the_callers_list() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        items: list[Any] = [{"role": "user", "content": "first"}, {"role": "user", "content": "second"}]
        sent = copy.deepcopy(items)
        first = await respond(model, input=items)
        items.pop()
        items[0]["content"] = "third"
        await respond(model, input=items, previous_response_id=first.response_id)
        *asked, answered, last = server.requests[-1].body["input"]
        assert asked == sent
        assert answered["role"] == "assistant"
        assert last == {"role": "user", "content": "third"}


async def test_a_chain_has_the_items_of_a_server_that_finishes_with_none() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
            return
        *events, last = answer_events("Hi", response_id=f"r{exchange.index}")
        await exchange.send(*events, {**last, "response": {**last["response"], "output": []}})

    async with socket_model(script) as (server, model):
        first = await respond(model, input="1")
        assert texts(first) == ["Hi"]
        await respond(model, input="2", previous_response_id=first.response_id)
        assert [item.get("role") for item in server.requests[-1].body["input"]] == [
            "user",
            "assistant",
            "user",
        ]


async def test_a_parent_that_nobody_knows_is_an_error() -> None:
    async with ResponsesServer([]) as server, model_at(server) as model:
        with pytest.raises(ResponsesWebSocketError, match=PARENT_NOT_FOUND):
            await respond(model, previous_response_id="resp_of_yesterday")


async def test_a_chain_stays_on_the_connection_that_has_its_response() -> None:
    started = asyncio.Barrier(3)

    async def script(exchange: Exchange) -> None:
        if exchange.index < 3:
            await started.wait()
        await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        answers = await asyncio.gather(*(respond(model) for _ in range(3)))
        assert sorted(server.over()) == [1, 2, 3]
        connections = {f"resp_{request.index + 1}": request.connection for request in server.requests}
        for answer in (*answers, *reversed(answers)):
            await respond(model, previous_response_id=answer.response_id)
            assert server.over()[-1] == connections[str(answer.response_id)]
