"""Responses that the server keeps: in the background, taken up again, cancelled, deleted, asked about."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseStreamEvent

from agents.testing import ResponsesServer
from agents.testing._responses_performance import Performance
from agents.testing._responses_plan import Pace
from agents.testing.responses_server import ResponsesRequest, Step
from models.recorded import stream_cases
from testing.sockets import ask, socket_of

WORDS = "one two three four"
#: created, queued, in_progress, added, part, 4 deltas, text, part, item, completed
EVENTS = 13
#: Long enough that nothing in a test outlasts it.
ENDLESS = Step().text("word " * 5000).paced(0.02)


@contextlib.asynccontextmanager
async def serving(*script: Any, **options: Any) -> AsyncGenerator[tuple[ResponsesServer, AsyncOpenAI]]:
    async with (
        ResponsesServer(script, **options) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client,
    ):
        yield server, client


async def begin(client: AsyncOpenAI, **body: Any) -> list[ResponseStreamEvent]:
    """The events of a response in the background until its end, or until the connection breaks."""
    seen: list[ResponseStreamEvent] = []
    try:
        async for event in await client.responses.create(
            model="m", input="Hi", background=True, stream=True, **body
        ):
            seen.append(event)  # noqa: PERF401 (the events before the error count)
    except (openai.OpenAIError, ValueError):
        # What breaks the client is the client's affair; what it had until then is looked at.
        return seen
    return seen


async def go_on(
    client: AsyncOpenAI, after: int | None = None, id: str = "resp_1"
) -> list[ResponseStreamEvent]:
    given: dict[str, Any] = {} if after is None else {"starting_after": after}
    return [event async for event in await client.responses.retrieve(id, stream=True, **given)]


def numbers(events: list[ResponseStreamEvent]) -> list[int]:
    return [event.sequence_number for event in events]


# In the background


async def test_a_response_in_the_background_is_queued_first():
    async with serving(WORDS) as (_, client):
        events = await begin(client)
    opening = [event.type for event in events[:3]]
    assert opening == ["response.created", "response.queued", "response.in_progress"]
    shown: list[Any] = [event.to_dict()["response"] for event in events[:3]]
    assert [response["status"] for response in shown] == [
        "queued",
        "queued",
        "in_progress",
    ]
    assert numbers(events) == list(range(EVENTS))


async def test_without_a_stream_it_is_asked_for_until_it_is_done():
    # Slow enough for some questions on the way, whatever else the machine does.
    text = "word " * 200
    async with serving(Step().text(text).paced(0.002)) as (server, client):
        response = await client.responses.create(model="m", input="Hi", background=True)
        assert (response.status, response.output) == ("queued", [])
        statuses: list[str | None] = []
        while response.status != "completed":
            response = await client.responses.retrieve(response.id)
            statuses.append(response.status)
    assert "in_progress" in statuses
    assert response.output_text == text
    assert {access.path for access in server.accesses} == {"/v1/responses/resp_1"}


async def test_it_goes_on_when_its_client_has_gone():
    async with serving(Step().text(WORDS).paced(0.001)) as (server, client):
        stream = await client.responses.create(model="m", input="Hi", background=True, stream=True)
        await anext(aiter(stream))
        await stream.close()
        await server.settled()
        assert numbers(await go_on(client)) == list(range(EVENTS))


async def test_any_other_response_is_cancelled_when_its_client_has_gone():
    async with serving(ENDLESS) as (server, client):
        stream = await client.responses.create(model="m", input="Hi", stream=True)
        await anext(aiter(stream))
        await stream.close()
        await server.settled()
        assert (await client.responses.retrieve("resp_1")).status == "cancelled"


@pytest.mark.parametrize("count", [0, 1, 5, EVENTS])
async def test_a_dropped_stream_is_taken_up_again_without_gap_or_double(count: int):
    async with serving(Step().text(WORDS).drop(after_events=count).paced(0.001)) as (server, client):
        seen = await begin(client)
        rest = await go_on(client, count - 1)
    assert numbers(seen) == list(range(count))
    assert numbers(rest) == list(range(count, EVENTS))
    [access] = server.accesses
    assert access.query == {"stream": "true", "starting_after": str(count - 1)}


@pytest.mark.parametrize(
    "step",
    [
        Step().text(WORDS).truncate(after_events=6),
        Step().text(WORDS).garbage(after_events=6),
        Step().text(WORDS).invalid_json(after_events=6),
    ],
    ids=["truncated", "garbage", "invalid JSON"],
)
async def test_faults_of_the_wire_leave_the_response_whole(step: Step):
    async with serving(step) as (_, client):
        assert numbers(await begin(client)) == [0, 1, 2, 3, 4, 5]
        assert numbers(await go_on(client)) == list(range(EVENTS))
        assert (await client.responses.retrieve("resp_1")).output_text == WORDS


async def test_a_stalled_connection_does_not_hold_up_the_response():
    async with serving(Step().text(WORDS).stall(after_events=4)) as (server, client):
        stream = await client.responses.create(model="m", input="Hi", background=True, stream=True)
        iterator = aiter(stream)
        seen = [await anext(iterator) for _ in range(4)]
        assert numbers(await go_on(client, 3)) == list(range(4, EVENTS))
        await stream.close()
        await server.settled()
    assert numbers(seen) == [0, 1, 2, 3]


async def test_what_happens_to_later_connections_can_be_scripted():
    step = Step().text(WORDS).drop(after_events=3)
    step = step.reattached(Step.http_error(503, "Busy."), Step().drop(after_events=7))
    async with serving(step) as (server, client):
        await begin(client)
        with pytest.raises(openai.InternalServerError, match="Busy"):
            await go_on(client, 2)
        seen: list[int] = []
        stream = await client.responses.retrieve("resp_1", stream=True, starting_after=2)
        with contextlib.suppress(openai.APIConnectionError):
            async for event in stream:
                seen.append(event.sequence_number)  # noqa: PERF401 (the events before the error count)
        assert seen == [3, 4, 5, 6]
        assert numbers(await go_on(client, 6)) == list(range(7, EVENTS))
    assert [access.query["starting_after"] for access in server.accesses] == ["2", "2", "6"]


async def test_foreign_bytes_before_the_place_of_a_later_connection_repeat_nothing():
    step = (
        Step()
        .text(WORDS)
        .drop(after_events=5)
        .reattached(Step().garbage(after_events=2, data=b": noise\n\n"))
    )
    async with serving(step) as (_, client):
        assert numbers(await begin(client)) == list(range(5))
        assert numbers(await go_on(client, 4)) == list(range(5, EVENTS))


async def test_a_later_connection_that_cannot_be_built_is_told_as_a_mistake_of_the_script():
    step = Step().text(WORDS).drop(after_events=5).reattached(Step().invalid_json(after_events=99))
    server = ResponsesServer([step])
    async with server, AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client:
        await begin(client)
        with pytest.raises(openai.APIStatusError, match="cannot be built"):
            await go_on(client, 4)
    with pytest.raises(AssertionError, match="A reattachment of resp_1 cannot be built"):
        server.assert_complete()


def test_a_chain_of_responses_may_be_long():
    last: Performance | None = None
    for index in range(2000):
        items = [{"type": "function_call_output", "call_id": f"c{index}", "output": ""}]
        request = ResponsesRequest({"model": "m", "input": items}, {}, "/v1/responses", index)
        last = Performance(request, (), last, Pace(0.0, 1, None), ())
    assert last is not None
    assert last.calls() == {f"c{index}" for index in range(2000)}


async def test_many_connections_may_follow_one_response():
    async with serving(Step().text(WORDS).paced(0.002), chunk_size=7) as (_, client):
        response = await client.responses.create(model="m", input="Hi", background=True, stream=True)
        followers = [go_on(client, after) for after in (-1, 3, 6)]
        first = [event async for event in response]
        rest = await asyncio.gather(*followers)
    assert numbers(first) == list(range(EVENTS))
    assert [numbers(events) for events in rest] == [list(range(start, EVENTS)) for start in (0, 4, 7)]


async def test_a_failed_response_is_kept_as_failed():
    async with serving(Step().text(WORDS).fail("Broken.", error_event=False)) as (_, client):
        events = await begin(client)
        response = await client.responses.retrieve("resp_1")
    assert events[-1].type == "response.failed"
    assert response.status == "failed"
    assert response.error is not None
    assert response.error.message == "Broken."


@pytest.mark.parametrize("path", stream_cases())
async def test_a_recording_is_taken_up_again_in_the_middle(path: Path):
    async with serving(Step.recorded(path)) as (_, client):
        opening = client.responses.with_streaming_response.create
        async with opening(model="m", input="Hi", background=True, stream=True) as whole:
            first = [line.removeprefix("data: ") async for line in whole.iter_lines() if "data: {" in line]
        events = [json.loads(line) for line in first]
        response_id = next(event["response"]["id"] for event in events if "response" in event)
        retrieve = client.responses.with_streaming_response.retrieve
        async with retrieve(response_id, stream=True, starting_after=2) as tail:
            rest = [line.removeprefix("data: ") async for line in tail.iter_lines() if "data: {" in line]
    assert rest == [
        line for index, line in enumerate(first) if events[index].get("sequence_number", index) > 2
    ]


# Cancelled and deleted


async def test_cancelling_ends_the_stream_and_may_be_repeated():
    async with serving(ENDLESS) as (server, client):
        stream = await client.responses.create(model="m", input="Hi", background=True, stream=True)
        iterator = aiter(stream)
        first = await anext(iterator)
        assert first.type == "response.created"
        cancelled = await client.responses.cancel(first.response.id)
        rest = [event.type async for event in iterator]
        again = await client.responses.cancel(first.response.id)
        kept = await client.responses.retrieve(first.response.id)
    assert [cancelled.status, again.status, kept.status] == ["cancelled"] * 3
    assert "response.completed" not in rest
    assert [access.method for access in server.accesses] == ["POST", "POST", "GET"]


async def test_cancelling_what_is_done_changes_nothing():
    async with serving(WORDS) as (_, client):
        await begin(client)
        assert (await client.responses.cancel("resp_1")).status == "completed"


async def test_only_what_is_in_the_background_can_be_cancelled_or_streamed_again():
    async with serving(WORDS, WORDS) as (_, client):
        await client.responses.create(model="m", input="Hi")
        await client.responses.create(model="m", input="Hi", background=True)
        with pytest.raises(openai.BadRequestError, match="background=true"):
            await client.responses.cancel("resp_1")
        for response_id in ("resp_1", "resp_2"):
            with pytest.raises(openai.BadRequestError, match="stream=true") as caught:
                await go_on(client, id=response_id)
            assert caught.value.param == "stream"


async def test_a_deleted_response_is_gone_and_goes_no_further():
    async with serving(ENDLESS) as (_, client):
        stream = await client.responses.create(model="m", input="Hi", background=True, stream=True)
        iterator = aiter(stream)
        await anext(iterator)
        deleted: Any = await client.delete("/responses/resp_1", cast_to=object)
        assert [event.type async for event in iterator][-1:] != ["response.completed"]
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve("resp_1")
    assert deleted == {"id": "resp_1", "object": "response", "deleted": True}


async def test_what_is_not_there_is_told_in_the_apis_shape():
    async with serving(WORDS) as (_, client):
        await client.responses.create(model="m", input="Hi", store=False)
        for asking in (
            client.responses.retrieve("resp_1"),
            client.responses.cancel("resp_1"),
            client.responses.delete("resp_1"),
            client.responses.input_items.list("resp_1"),
        ):
            with pytest.raises(openai.NotFoundError, match="'resp_1' not found") as caught:
                await asking
            assert caught.value.type == "invalid_request_error"
            assert caught.value.request_id is not None


# Kept


async def test_what_is_kept_is_what_was_said():
    async with serving(Step().text(WORDS), Step().text("two")) as (_, client):
        said = await client.responses.create(model="m", input="Hi", metadata={"a": "b"})
        assert await client.responses.retrieve(said.id) == said
        stream = await client.responses.create(model="m", input="Hi", stream=True)
        last = [event async for event in stream][-1]
        assert last.type == "response.completed"
        assert await client.responses.retrieve(last.response.id) == last.response


async def test_what_was_said_over_a_socket_is_kept_too():
    async with serving("Hello.") as (server, client):
        async with socket_of(server) as socket:
            said = (await ask(socket, background=True))[-1]["response"]
        assert await client.responses.retrieve(said["id"]) == Response.model_validate(said)
    assert said["background"] is False


async def test_a_conversation_goes_on_from_a_response_that_is_there():
    async with serving("One.", "Two.", "Three.") as (server, client):
        first = await client.responses.create(model="m", input="Hi")
        second = await client.responses.create(model="m", input="Hi", previous_response_id=first.id)
        assert second.previous_response_id == first.id
        with pytest.raises(openai.BadRequestError, match="'resp_9' not found") as caught:
            await client.responses.create(model="m", input="Hi", previous_response_id="resp_9")
        unsaved = await client.responses.create(model="m", input="Hi", store=False)
        with pytest.raises(openai.BadRequestError):
            await client.responses.create(model="m", input="Hi", previous_response_id=unsaved.id)
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")
    assert len(server.requests) == 5
    server.assert_complete()


async def test_the_output_of_a_call_needs_the_call_somewhere_before_it():
    output: Any = {"type": "function_call_output", "call_id": "c1", "output": "x"}
    script = [Step().function_call("look", call_id="c1"), "Done.", "Done.", "Done.", "Done."]
    async with serving(*script) as (_, client):
        first = await client.responses.create(model="m", input="Hi")
        call: Any = first.output[0].to_dict()
        second = await client.responses.create(model="m", input=[output], previous_response_id=first.id)
        await client.responses.create(model="m", input=[output], previous_response_id=second.id)
        await client.responses.create(model="m", input=[call, output])
        await client.responses.create(model="m", input=[output], conversation="conv_1")
        with pytest.raises(openai.BadRequestError, match=r"No tool call found .* c1") as caught:
            await client.responses.create(model="m", input=[output])
    assert caught.value.param == "input"


# Refused


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 7}, "model", "invalid_type"),
        ({"input": {"role": "user"}}, "input", "invalid_type"),
        ({"input": ["Hi"]}, "input[0]", "invalid_type"),
        ({"tools": [{"type": "function"}, "f"]}, "tools[1]", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"max_output_tokens": 0}, "max_output_tokens", "integer_below_min_value"),
        ({"background": True, "store": False}, "store", None),
    ],
)
async def test_a_request_that_cannot_be_right_is_refused_with_its_field(
    body: dict[str, Any], param: str, code: str | None
):
    async with serving("Hi") as (server, client):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.post("/responses", body={"model": "m", "input": "Hi", **body}, cast_to=object)
        assert (caught.value.param, caught.value.code) == (param, code)
        assert caught.value.type == "invalid_request_error"
        assert server.remaining_steps == 1


# What else may be asked


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def test_input_items_come_in_pages():
    async with serving("Hi") as (_, client):
        given: Any = [user(f"{number}") for number in range(5)]
        await client.responses.create(model="m", input=given)
        page = await client.responses.input_items.list("resp_1", limit=2)
        everything = [
            item async for item in client.responses.input_items.list("resp_1", limit=2, order="asc")
        ]
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.input_items.list("resp_1", after="nothing")
    texts: list[Any] = [item.to_dict() for item in (*page.data, *everything)]
    assert [item["content"][0]["text"] for item in texts] == ["4", "3", "0", "1", "2", "3", "4"]
    assert page.to_dict() | {"data": []} == {
        "object": "list",
        "data": [],
        "first_id": "in_1_4",
        "last_id": "in_1_3",
        "has_more": True,
    }
    assert caught.value.param == "after"


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"order": "up"}])
async def test_a_page_that_cannot_be_is_refused(query: dict[str, str]):
    async with serving("Hi") as (_, client):
        await client.responses.create(model="m", input="Hi")
        with pytest.raises(openai.BadRequestError) as caught:
            await client.get("/responses/resp_1/input_items", options={"params": query}, cast_to=object)
    assert [caught.value.param] == list(query)


async def test_a_stream_is_taken_up_after_a_number():
    async with serving(WORDS) as (_, client):
        await begin(client)
        query = {"stream": "true", "starting_after": "x"}
        with pytest.raises(openai.BadRequestError) as caught:
            await client.get("/responses/resp_1", options={"params": query}, cast_to=object)
    assert caught.value.param == "starting_after"


async def test_compacting_gives_one_item_for_the_input():
    async with serving() as (server, client):
        given: Any = [user("Hello there")]
        compacted = await client.responses.compact(model="m", input=given)
        with pytest.raises(openai.BadRequestError) as caught:
            await client.post("/responses/compact", body={"input": "Hi"}, cast_to=object)
    assert [item.type for item in compacted.output] == ["compaction"]
    assert compacted.object == "response.compaction"
    assert caught.value.param == "model"
    assert server.requests[0].path == "/v1/responses/compact"


async def test_the_server_ends_with_responses_in_the_background():
    async with serving(ENDLESS) as (server, client):
        await client.responses.create(model="m", input="Hi", background=True)
        await server.settled()
    assert not [task for task in asyncio.all_tasks() if "Performance" in repr(task)]


async def test_a_script_sees_what_is_in_the_background():
    def respond(request: ResponsesRequest) -> str:
        return str(request.is_background)

    async with (
        ResponsesServer(respond) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        assert (await client.responses.create(model="m", input="Hi")).output_text == "False"
        await begin(client)
        assert (await client.responses.retrieve("resp_2")).output_text == "True"
