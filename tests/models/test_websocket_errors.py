"""What becomes of error frames, failed responses, garbage and connections at their end."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from agents import (
    OpenAIResponsesWSModel,
)
from agents.exceptions import ModelBehaviorError
from agents.models._websocket_errors import LIMIT_REACHED, ResponsesWebSocketError
from agents.models.openai_responses import OpenAIResponsesModel
from agents.testing import ResponsesServer
from agents.testing.responses_script import Step
from models.asking import advice, model_of, respond, stream, stream_until_it_breaks
from models.sockets import (
    Event,
    Exchange,
    answer_events,
    error_frame,
    model_at,
    socket_model,
    texts,
)


def client_of(model: OpenAIResponsesModel) -> openai.AsyncOpenAI:
    inside: Any = model
    return inside._client


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
