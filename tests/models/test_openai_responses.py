"""The model as a run uses it: a real client, a real server, real faults."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from agents.exceptions import ModelBehaviorError, ModelResponseFailed, UserError
from agents.model_settings import ModelSettings
from agents.models._client_stream import RawAnswer, as_raw_request
from agents.models._sse import EventFramer
from agents.models.openai_responses import (
    _HEADERS_OVERRIDE as HEADERS_OVERRIDE,  # pyright: ignore[reportPrivateUsage]  # ChatKit imports it
)
from agents.models.openai_responses import OpenAIResponsesModel
from agents.testing import ResponsesServer
from agents.testing.responses_script import Step
from agents.usage import Usage
from models.asking import arguments, cancel_after, model_of, respond, stream, stream_until_it_breaks
from models.recorded import client_events, serving, stream_bytes, stream_cases


def types(events: list[ResponseStreamEvent]) -> list[str]:
    return [event.type for event in events]


def final(events: list[ResponseStreamEvent]) -> Response:
    last = events[-1]
    assert last.type == "response.completed"
    return last.response


# What comes back


async def test_a_response_has_output_usage_and_ids() -> None:
    step = Step().text("Hello there.").with_usage(7, 5, reasoning_tokens=2).with_response_id("resp_7")
    async with ResponsesServer([step]) as server, model_of(server) as model:
        response = await respond(model)
    assert [item.type for item in response.output] == ["message"]
    assert response.response_id == "resp_7"
    assert response.request_id is not None
    assert response.raw_usage is None
    assert (response.usage.requests, response.usage.input_tokens, response.usage.output_tokens) == (1, 7, 5)
    assert response.usage.output_tokens_details.reasoning_tokens == 2


async def test_raw_usage_is_kept_when_asked_for() -> None:
    settings = ModelSettings(preserve_raw_usage=True)
    async with ResponsesServer([Step().text("x").with_usage(7, 5)]) as server, model_of(server) as model:
        response = await respond(model, model_settings=settings)
    assert response.raw_usage is not None
    assert response.raw_usage["input_tokens"] == 7


async def test_a_response_without_usage_counts_as_one_request() -> None:
    body = b'{"id": "r", "object": "response", "status": "completed", "output": [], "usage": null}'
    with serving(body, "application/json") as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
            response = await respond(OpenAIResponsesModel("m", client))
    assert response.usage == Usage(requests=1)


async def test_headers_can_be_overridden_in_a_context() -> None:
    settings = ModelSettings(extra_headers={"User-Agent": "settings"})
    async with ResponsesServer(["x"] * 3) as server, model_of(server) as model:
        token = HEADERS_OVERRIDE.set({"User-Agent": "mine"})
        try:
            await respond(model, model_settings=settings)
            await stream(model)
        finally:
            HEADERS_OVERRIDE.reset(token)
        await stream(model, model_settings=settings)
    assert [request.headers["user-agent"] for request in server.requests] == ["mine", "mine", "settings"]


async def test_a_stream_gives_the_clients_events_and_ends_with_the_response() -> None:
    step = Step().reasoning("Let me see.").text("Hello there, friend.").function_call("f", {"a": 1})
    async with ResponsesServer([step]) as server, model_of(server) as model:
        events = await stream(model)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [item.type for item in final(events).output] == ["reasoning", "message", "function_call"]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "Hello there, friend."


async def test_a_streams_response_knows_its_request_id() -> None:
    async with ResponsesServer(["Hello."]) as server, model_of(server) as model:
        response = final(await stream(model))
    assert response._request_id is not None  # pyright: ignore[reportPrivateUsage]  # public by the client's documentation


@pytest.mark.parametrize("path", stream_cases())
async def test_a_recorded_stream_in_odd_writes_gives_the_clients_events(path: Path) -> None:
    body = stream_bytes(path)
    theirs, failure = client_events(body)
    recording = [json.loads(data) for data in EventFramer().feed(body) if data != b"[DONE]"]
    step = Step.recorded([{"type": "", **event} for event in recording])
    server = ResponsesServer([step], chunk_size=lambda index: 1 + index * 7919 % 311)
    async with server, model_of(server) as model:
        events, error = await stream_until_it_breaks(model)
    assert events[: len(theirs)] == theirs
    assert (error is None) == (failure is None)


async def test_one_connection_serves_many_streams() -> None:
    async with ResponsesServer(["a", "b", "c"]) as server, model_of(server) as model:
        for _ in range(3):
            events: Any = model.stream_response(**arguments())
            async for event in events:
                if event.type == "response.completed":
                    break
            # Reading stops at the last event, as a run does it.
            await events.aclose()
        assert connections_of(model) == 1


def connections_of(model: OpenAIResponsesModel) -> int:
    """How many connections the model's HTTP client holds open."""
    client: Any = model
    return len(client._client._client._transport._pool.connections)


# Faults


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
    ],
)
async def test_an_http_error_is_the_clients_own(status: int, kind: type[Exception]) -> None:
    steps = [Step.http_error(status), Step.http_error(status)]
    async with ResponsesServer(steps) as server, model_of(server) as model:
        with pytest.raises(kind):
            await respond(model)
        with pytest.raises(kind):
            await stream(model)


async def test_the_clients_retries_also_hold_for_streams() -> None:
    steps = [Step.http_error(429, retry_after_s=0), Step().text("Hello.")]
    async with ResponsesServer(steps) as server, model_of(server, max_retries=1) as model:
        assert types(await stream(model))[-1] == "response.completed"


FAULTS: list[tuple[Step, type[Exception], str]] = [
    (Step().text("a b c").drop(after_events=3), openai.APIConnectionError, "Connection error"),
    (Step().text("a b c").truncate(after_events=3), ModelBehaviorError, "before the response was complete"),
    (Step().text("a b c").invalid_json(after_events=3), ModelBehaviorError, "no JSON object"),
    (Step().text("a b c").incomplete(), ModelBehaviorError, "terminal event `response.incomplete`"),
    (
        Step().text("a b c").fail("Boo.", code="boo", after_events=3),
        ModelBehaviorError,
        "terminal event `error`. code=boo; message=Boo.",
    ),
    (
        Step().text("a b c").fail(after_events=3, error_event=False),
        ModelBehaviorError,
        "terminal event `response.failed`",
    ),
    (Step.http_error(200), ModelBehaviorError, "server had an error"),
]


@pytest.mark.parametrize(("step", "kind", "message"), FAULTS)
async def test_a_broken_stream_raises_after_the_events_before(
    step: Step, kind: type[Exception], message: str
) -> None:
    async with ResponsesServer([step]) as server, model_of(server) as model:
        events, error = await stream_until_it_breaks(model)
        assert connections_of(model) <= 1
        await server.settled()
    assert isinstance(error, kind)
    assert message in str(error)
    if step.error is None:
        assert types(events)[:3] == ["response.created", "response.in_progress", "response.output_item.added"]


async def test_an_error_event_and_the_failed_response_behind_it_both_come() -> None:
    step = Step().text("a b c").fail(after_events=3)
    async with ResponsesServer([step]) as server, model_of(server) as model:
        events, _ = await stream_until_it_breaks(model)
    assert types(events)[-2:] == ["error", "response.failed"]


async def test_bytes_that_are_no_events_are_read_over() -> None:
    step = Step().text("a b c").garbage(after_events=3)
    async with ResponsesServer([step]) as server, model_of(server) as model:
        assert final(await stream(model)).output_text == "a b c"


async def test_another_content_type_is_no_obstacle() -> None:
    body = b'data: {"type":"response.completed","sequence_number":0,"response":{"id":"r","output":[]}}\n\n'
    with serving(body, "text/plain") as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
            assert types(await stream(OpenAIResponsesModel("m", client))) == ["response.completed"]


async def test_a_web_page_is_no_stream() -> None:
    with serving(b"<html><body>Hello</body></html>", "text/html") as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
            with pytest.raises(ModelBehaviorError, match="It began with '<html>"):
                await stream(OpenAIResponsesModel("m", client))


@pytest.mark.parametrize("data", [b"{}", b'{"type": {"id": 3}}', b'{"type": null, "response": {}}'])
async def test_an_event_without_a_type_is_garbage(data: bytes) -> None:
    with serving(b"data: " + data + b"\n\n") as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
            with pytest.raises(ModelBehaviorError, match="no JSON object with a type"):
                await stream(OpenAIResponsesModel("m", client))


@pytest.mark.parametrize("name", ["_fields_set", "_BaseModel__cls"])
async def test_an_odd_item_may_have_fields_named_like_parameters_of_the_client(name: str) -> None:
    item = {"type": "function_call", "name": "f", name: False, "more": [{name: 1}]}
    event = {"type": "response.output_item.done", "output_index": 0, "sequence_number": 0, "item": item}
    end: dict[str, Any] = {
        "type": "response.completed",
        "sequence_number": 1,
        "response": {"id": "r", "output": []},
    }
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in (event, end))
    with serving(body) as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
            done, _ = await stream(OpenAIResponsesModel("m", client))
    assert done.type == "response.output_item.done"
    assert done.item.to_dict() == {"type": "function_call", "name": "f", "more": [{}]}


async def test_nobody_at_the_address_is_a_connection_error() -> None:
    async with ResponsesServer([]) as server:
        gone = server.base_url
    async with openai.AsyncOpenAI(base_url=gone, api_key="x", max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError):
            await stream(OpenAIResponsesModel("m", client))


async def test_a_stall_is_the_clients_time_out() -> None:
    step = Step().text("a b c").stall(after_events=3)
    async with ResponsesServer([step]) as server, model_of(server, timeout=0.05) as model:
        events, error = await stream_until_it_breaks(model)
        await server.settled()
    assert len(events) == 3
    assert isinstance(error, openai.APITimeoutError)


@pytest.mark.parametrize("after_events", [0, 3])
async def test_a_cancelled_stream_leaves_no_connection(after_events: int) -> None:
    asked = asyncio.Event()

    def answer(_: object) -> Step:
        asked.set()
        return Step().text("a b c").stall(after_events=after_events)

    async with ResponsesServer(answer) as server, model_of(server) as model:
        seen = await cancel_after(model, after_events, asked)
        await server.settled()
        assert connections_of(model) == 0
        assert len(seen) == after_events


async def test_a_stream_closed_early_leaves_no_connection() -> None:
    step = Step().text("a b c").stall(after_events=3)
    async with ResponsesServer([step]) as server, model_of(server) as model:
        events: Any = model.stream_response(**arguments())
        assert (await anext(events)).type == "response.created"
        await events.aclose()
        assert connections_of(model) == 0
        await server.settled()


async def test_a_server_that_never_ends_a_finished_stream_costs_a_moment_only() -> None:
    step = Step().text("a")
    async with ResponsesServer([step]) as server, model_of(server) as model:
        total = len(await stream(model))
    stalled = Step().text("a").stall(after_events=total)
    async with ResponsesServer([stalled]) as server, model_of(server) as model:
        begun = time.monotonic()
        assert types(await stream(model))[-1] == "response.completed"
        assert time.monotonic() - begun < 5
        await server.settled()


# Other clients


class EventClient:
    """A client as users write them for tests: it knows nothing of raw responses."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.given: dict[str, Any] = {}
        self.responses = SimpleNamespace(create=self.create)

    async def create(self, **given: Any) -> Any:
        self.given = given
        return self.answer


def model_with(client: EventClient) -> OpenAIResponsesModel:
    stand_in: Any = client
    return OpenAIResponsesModel("m", stand_in)


async def test_a_client_that_gives_events_has_them_taken_as_they_are() -> None:
    closed = False
    async with ResponsesServer(["Hello."]) as server, model_of(server) as model:
        events = await stream(model)

    async def given() -> AsyncIterator[ResponseStreamEvent]:
        nonlocal closed
        try:
            for event in events:
                yield event
        finally:
            closed = True

    taken = await stream(model_with(EventClient(given())))
    assert all(one is other for one, other in zip(taken, events, strict=True))
    assert closed


async def test_the_clients_own_stream_is_taken_and_closed() -> None:
    async with ResponsesServer(["Hello."]) as server, model_of(server) as model:
        client: Any = model
        answer = await client._client.responses.create(model="m", input="x", stream=True)
        events: Any = model_with(EventClient(answer)).stream_response(**arguments())
        assert (await anext(events)).type == "response.created"
        await events.aclose()
        assert answer.response.is_closed


async def test_the_client_gives_its_raw_response_when_asked() -> None:
    async with ResponsesServer(["Hello."]) as server, model_of(server) as model:
        client: Any = model
        request: dict[str, Any] = {"model": "m", "input": "x", "stream": True, "extra_headers": {}}
        answer = await client._client.responses.create(**as_raw_request(request))
        assert isinstance(answer, RawAnswer)
        await answer.close()


async def test_a_client_that_gives_no_stream_is_a_user_error() -> None:
    with pytest.raises(UserError, match="gave int, which is neither"):
        await stream(model_with(EventClient(3)))


@pytest.mark.parametrize("status", ["failed", "incomplete"])
async def test_a_failed_response_raises_and_names_its_event(status: str) -> None:
    response = Response.model_construct(id="r", status=status, output=[], usage=None)
    with pytest.raises(ModelBehaviorError, match=f"response.{status}"):
        await respond(model_with(EventClient(response)))


async def test_the_methods_can_be_replaced_on_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    async def replaced(self: OpenAIResponsesModel, *args: Any, **kwargs: Any) -> str:
        return self.model

    monkeypatch.setattr(OpenAIResponsesModel, "get_response", replaced)
    answer: Any = await model_with(EventClient(None)).get_response(**arguments())
    assert answer == "m"


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"<html>Hello</html>", ModelBehaviorError, "no response: '<html>"),
        (b'"x"', ModelBehaviorError, "no response"),
        (b"[]", ModelBehaviorError, "no response"),
        (b"null", ModelBehaviorError, "no response"),
        (b"{}", ModelBehaviorError, "no response"),
        (b'{"error": {"code": "boo", "message": "Boo."}}', ModelResponseFailed, "code=boo; message=Boo"),
    ],
)
async def test_an_answer_that_is_no_response_is_a_typed_error(
    body: bytes, kind: type[Exception], message: str
) -> None:
    with serving(body, "application/json") as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:
            with pytest.raises(kind, match=message):
                await respond(OpenAIResponsesModel("m", client))
