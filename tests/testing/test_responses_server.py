"""The server as its users see it: through the real openai client."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response, ResponseStreamEvent

from agents.testing import ResponsesServer
from agents.testing.responses_server import ResponsesRequest, Step

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "responses_streams"


@asynccontextmanager
async def client_of(server: ResponsesServer) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client:
        yield client


async def events_of(client: AsyncOpenAI, input: str = "Hi") -> list[ResponseStreamEvent]:
    stream = await client.responses.create(model="m", input=input, stream=True)
    return [event async for event in stream]


async def read_until_it_breaks(client: AsyncOpenAI) -> tuple[list[str], Exception | None]:
    seen: list[str] = []
    try:
        stream = await client.responses.create(model="m", input="Hi", stream=True)
        async for event in stream:
            seen.append(event.type)  # noqa: PERF401 the events before the error count
    except (openai.OpenAIError, ValueError) as error:
        return seen, error
    return seen, None


def final(events: list[ResponseStreamEvent]) -> Response:
    last = events[-1]
    assert last.type == "response.completed"
    return last.response


async def test_a_text_streams_word_by_word_and_ends_completed():
    async with ResponsesServer(["Hello there, friend."]) as server, client_of(server) as client:
        events = await events_of(client)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert deltas == ["Hello ", "there, ", "friend."]
    assert final(events).output_text == "Hello there, friend."
    assert [event.sequence_number for event in events] == list(range(len(events)))
    server.assert_complete()


async def test_the_stream_helper_parses_it():
    async with ResponsesServer([Step().reasoning("Hm.").text("Yes.")]) as server, client_of(server) as client:
        helper = client.responses.stream(model="m", input="Hi")
        async with helper as stream:
            response = await stream.get_final_response()
    assert response.output_text == "Yes."
    assert [item.type for item in response.output] == ["reasoning", "message"]


async def test_without_stream_the_answer_is_the_response():
    async with ResponsesServer(["Yes, of course."]) as server, client_of(server) as client:
        response = await client.responses.create(model="m", input="Hi there", instructions="Be brief")
    assert response.output_text == "Yes, of course."
    assert (response.id, response.model, response.instructions) == ("resp_1", "m", "Be brief")
    assert response.usage is not None
    assert response.usage.input_tokens == 4


async def test_answers_carry_a_request_id():
    async with ResponsesServer(["Hi", Step.http_error(500)]) as server, client_of(server) as client:
        raw = await client.responses.with_raw_response.create(model="m", input="Hi")
        with pytest.raises(openai.InternalServerError) as caught:
            await events_of(client)
    assert (raw.request_id, caught.value.request_id) == ("req_1", "req_2")


async def test_every_key_of_a_response_is_present():
    tools: list[Any] = [{"type": "function", "name": "f"}]
    async with ResponsesServer(["Hi"]) as server:
        response = await asyncio.to_thread(post, server, {"model": "m", "input": "Hi", "tools": tools})
    keys = """id object created_at completed_at status error incomplete_details model previous_response_id instructions
        output tools tool_choice truncation parallel_tool_calls text top_p presence_penalty frequency_penalty top_logprobs
        temperature reasoning usage max_output_tokens max_tool_calls store background service_tier metadata
        safety_identifier prompt_cache_key"""
    assert set(response) == set(keys.split())
    assert response["tools"] == [
        {"description": None, "parameters": None, "strict": None, "type": "function", "name": "f"}
    ]


def post(server: ResponsesServer, body: Any) -> dict[str, Any]:
    request = urllib.request.Request(server.base_url + "/responses", data=json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return cast("dict[str, Any]", json.load(answer))


async def test_a_function_of_the_request_plays_a_tool_loop():
    def respond(request: ResponsesRequest) -> Step | str:
        outputs = request.function_outputs
        if outputs:
            return f"It is {outputs['call_1_0']}."
        return Step().function_call("weather", {"city": "Oslo"})

    async with ResponsesServer(respond) as server, client_of(server) as client:
        first = await client.responses.create(model="m", input="Weather?")
        call = first.output[0]
        assert call.type == "function_call"
        assert json.loads(call.arguments) == {"city": "Oslo"}
        answer: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "cold"}
        second = await client.responses.create(model="m", input=[call.to_dict(), answer])  # pyright: ignore[reportArgumentType]
    assert second.output_text == "It is cold."
    assert [request.index for request in server.requests] == [0, 1]
    assert server.requests[0].body["input"] == "Weather?"
    assert server.requests[0].headers["authorization"] == "Bearer x"
    server.assert_complete()


async def test_an_async_function_may_wait_for_the_test():
    ready = asyncio.Event()

    async def respond(_: ResponsesRequest) -> str:
        await ready.wait()
        return "Now."

    async with ResponsesServer(respond) as server, client_of(server) as client:
        asking = asyncio.create_task(client.responses.create(model="m", input="Hi"))
        ready.set()
        assert (await asking).output_text == "Now."


async def test_items_may_be_openai_objects():
    async with ResponsesServer([Step().text("Hi", id="msg_x")]) as server, client_of(server) as client:
        response = await client.responses.create(model="m", input="Hi")
    async with ResponsesServer([response.output]) as server, client_of(server) as client:
        events = await events_of(client)
    assert final(events).output == response.output


async def test_refusals_stream():
    async with ResponsesServer([Step().refusal("I will not.")]) as server, client_of(server) as client:
        events = await events_of(client)
    assert "".join(event.delta for event in events if event.type == "response.refusal.delta") == "I will not."


async def test_a_request_too_many_fails_at_once_and_is_complained_about():
    async with (
        ResponsesServer(["One."]) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        await client.responses.create(model="m", input="1")
        with pytest.raises(openai.InternalServerError, match="Request 2 is one too many"):
            await client.responses.create(model="m", input="2")
    assert len(server.requests) == 2
    with pytest.raises(AssertionError, match="one too many"):
        server.assert_complete()


async def test_answers_left_over_are_complained_about():
    async with ResponsesServer(["One.", "Two."]) as server, client_of(server) as client:
        await client.responses.create(model="m", input="1")
    assert server.remaining_steps == 1
    with pytest.raises(AssertionError, match="1 of 2 scripted answers were asked for"):
        server.assert_complete()


async def test_a_script_that_raises_is_told_to_the_client_and_to_the_test():
    def respond(_: ResponsesRequest) -> str:
        raise LookupError("no such city")

    async with ResponsesServer(respond) as server, client_of(server) as client:
        with pytest.raises(openai.InternalServerError, match="no such city"):
            await client.responses.create(model="m", input="1")
    with pytest.raises(AssertionError, match="no such city"):
        server.assert_complete()


async def test_an_item_that_cannot_be_built_is_told():
    broken = {"type": "message", "content": [{"type": "output_text"}]}
    async with ResponsesServer([broken]) as server, client_of(server) as client:
        with pytest.raises(openai.InternalServerError, match="cannot be built"):
            await events_of(client)


@pytest.mark.parametrize("script", ["Hello", {"type": "message"}, Step()])
def test_a_single_answer_is_no_script(script: Any):
    with pytest.raises(TypeError, match="put a single answer into a list"):
        ResponsesServer(script)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
async def test_http_errors_become_the_clients_errors(status: int, error: type[openai.APIStatusError]):
    step = Step.http_error(status, "Not now.", code="why", param="input", retry_after_s=2)
    async with ResponsesServer([step]) as server, client_of(server) as client:
        with pytest.raises(error, match=r"Not now\.") as caught:
            await events_of(client)
    assert (caught.value.code, caught.value.param) == ("why", "input")
    assert caught.value.response.headers["retry-after"] == "2"


async def test_the_client_tries_again_after_a_rate_limit():
    script = [Step.http_error(429, retry_after_s=0.001), "Here."]
    async with (
        ResponsesServer(script) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        assert (await client.responses.create(model="m", input="Hi")).output_text == "Here."
    server.assert_complete()


async def test_an_error_body_may_come_with_status_200():
    async with ResponsesServer([Step.http_error(200, "Odd.")]) as server:
        assert (await asyncio.to_thread(post, server, {"model": "m"}))["error"]["message"] == "Odd."


async def test_a_foreign_body_may_come_in_place_of_an_answer():
    script = [Step.http_body("<p>Busy</p>"), Step.http_body(b"data: {\n\n", content_type="text/event-stream")]
    async with ResponsesServer(script) as server, client_of(server) as client:
        page = await client.responses.with_raw_response.create(model="m", input="Hi")
        assert (page.headers["content-type"], page.text) == ("text/html", "<p>Busy</p>")
        _, error = await read_until_it_breaks(client)
        assert isinstance(error, ValueError)


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "response.output_text.delta", "delta": "Hi"}],
        [{"type": "response.created", "response": None}, {"type": "response.output_item.done"}],
        [
            {"type": "response.created", "response": {}},
            {"type": "response.completed", "sequence_number": None},
        ],
        [],
    ],
)
async def test_events_that_are_no_response_are_played_as_they_are(events: list[dict[str, Any]]):
    async with ResponsesServer([Step.recorded(events), "Two."]) as server, client_of(server) as client:
        opening = client.responses.with_streaming_response.create
        async with opening(model="m", input="Hi", stream=True, background=True) as answer:
            lines = [line async for line in answer.iter_lines() if line.startswith("data: {")]
        assert [json.loads(line.removeprefix("data: ")) for line in lines] == events
        assert (await client.responses.retrieve("resp_1")).id == "resp_1"
        again = client.responses.with_streaming_response.retrieve
        async with again("resp_1", stream=True, starting_after=0) as answer:
            assert len([line async for line in answer.iter_lines() if line.startswith("data: {")]) < 2
        after = await client.responses.create(model="m", input="Hi", previous_response_id="resp_1")
    assert after.output_text == "Two."


async def test_a_dropped_stream_keeps_its_events_and_then_breaks():
    async with (
        ResponsesServer([Step().text("one two three").drop(after_events=6)]) as server,
        client_of(server) as client,
    ):
        seen, error = await read_until_it_breaks(client)
    assert len(seen) == 6
    assert isinstance(error, openai.APIConnectionError)


async def test_a_dropped_document_breaks():
    async with (
        ResponsesServer([Step().text("one").drop(after_events=1)]) as server,
        client_of(server) as client,
    ):
        with pytest.raises(openai.APIConnectionError):
            await client.responses.create(model="m", input="Hi")


async def test_a_truncated_stream_ends_without_a_terminal_event():
    async with ResponsesServer([Step().text("one").truncate()]) as server, client_of(server) as client:
        seen, error = await read_until_it_breaks(client)
    assert error is None
    assert seen[-1] == "response.output_item.done"


@pytest.mark.parametrize(
    "step",
    [Step().text("one").garbage(after_events=4), Step().text("one").invalid_json(after_events=4)],
    ids=["garbage", "invalid JSON"],
)
async def test_bytes_that_are_no_event_break_the_client_after_the_good_ones(step: Step):
    async with ResponsesServer([step]) as server, client_of(server) as client:
        seen, error = await read_until_it_breaks(client)
    assert len(seen) == 4
    assert isinstance(error, ValueError | openai.OpenAIError)


async def test_a_failed_response_comes_after_a_nested_error_event():
    async with ResponsesServer([Step().text("one two").fail("Broken.", code="server_error")]) as server:
        lines = await lines_of(server)
    error, failed = json.loads(lines[-3]), json.loads(lines[-2])
    assert error["error"] == {
        "type": "server_error",
        "code": "server_error",
        "message": "Broken.",
        "param": None,
    }
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "Broken."}
    assert [item["type"] for item in failed["response"]["output"]] == ["message"]
    numbers = [json.loads(line)["sequence_number"] for line in lines[:-1]]
    assert numbers == list(range(len(numbers)))


async def test_the_client_raises_on_the_nested_error_and_yields_a_bare_failure():
    script = [Step().text("one").fail("Broken."), Step().text("one").fail("Broken.", error_event=False)]
    async with ResponsesServer(script) as server, client_of(server) as client:
        _, error = await read_until_it_breaks(client)
        assert isinstance(error, openai.APIError)
        seen, error = await read_until_it_breaks(client)
    assert (seen[-1], error) == ("response.failed", None)


async def test_an_incomplete_response_says_why():
    async with (
        ResponsesServer([Step().text("one").incomplete("content_filter")] * 2) as server,
        client_of(server) as client,
    ):
        last = (await events_of(client))[-1]
        document = await client.responses.create(model="m", input="Hi")
    assert last.type == "response.incomplete"
    for response in (last.response, document):
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "content_filter"
        assert response.output[0].type == "message"
        assert response.output[0].status == "incomplete"


async def lines_of(server: ResponsesServer) -> list[str]:
    """The data lines of one stream, as they came."""
    async with client_of(server) as client:
        opening = client.responses.with_streaming_response.create(model="m", input="Hi", stream=True)
        async with opening as answer:
            return [
                line.removeprefix("data: ") async for line in answer.iter_lines() if line.startswith("data: ")
            ]


async def test_a_stalled_stream_ends_when_the_client_leaves():
    async with (
        ResponsesServer([Step().text("one two").stall(after_events=5)]) as server,
        client_of(server) as client,
    ):
        stream = await client.responses.create(model="m", input="Hi", stream=True)
        iterator = aiter(stream)
        seen = [(await anext(iterator)).type for _ in range(5)]
        assert seen[-1] == "response.output_text.delta"
        assert server.open_exchanges == 1
        reading = asyncio.ensure_future(anext(iterator))
        done, _ = await asyncio.wait([reading], timeout=0.05)
        assert not done
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await stream.close()
        await server.settled()
        assert server.open_exchanges == 0


async def test_leaving_the_block_ends_streams_in_progress():
    async with (
        ResponsesServer([Step().text("one").stall(after_events=2)]) as server,
        client_of(server) as client,
    ):
        stream = await client.responses.create(model="m", input="Hi", stream=True)
        await anext(aiter(stream))
        await server.__aexit__()
        with pytest.raises(openai.APIConnectionError):
            async for _ in stream:
                pass


async def test_fifty_streams_at_once_each_get_their_own_answer():
    def respond(request: ResponsesRequest) -> str:
        return f"You said {request.body['input']}. " + "word " * 50

    async with ResponsesServer(respond, events_per_write=1) as server, client_of(server) as client:
        answers = await asyncio.gather(*(events_of(client, f"number {n}") for n in range(50)))
    assert [final(events).output_text.split(".")[0] for events in answers] == [
        f"You said number {n}" for n in range(50)
    ]
    ids = {final(events).id for events in answers}
    assert len(ids) == 50


def growing(index: int) -> int:
    return 1 + index * 5 % 40


@pytest.mark.parametrize("chunk_size", [1, 7, growing])
async def test_chunks_may_split_anything(chunk_size: int | Callable[[int], int]):
    async with (
        ResponsesServer(["Blåbærsyltetøy 🫐 twice."], chunk_size=chunk_size) as server,
        client_of(server) as client,
    ):
        assert final(await events_of(client)).output_text == "Blåbærsyltetøy 🫐 twice."


async def test_a_chunk_on_the_wire_is_as_large_as_asked():
    async with ResponsesServer(["Hi"], chunk_size=100) as server, client_of(server) as client:
        opening = client.responses.with_streaming_response.create(model="m", input="Hi", stream=True)
        async with opening as answer:
            sizes = [len(chunk) async for chunk in answer.iter_bytes()]
    assert set(sizes[:-1]) == {100}


async def test_answers_on_one_connection_do_not_wait_for_acknowledgements():
    async with ResponsesServer(lambda _: "Hi") as server, client_of(server) as client:
        started = time.perf_counter()
        for _ in range(50):
            await client.responses.create(model="m", input="Hi")
        # A delayed acknowledgement takes 40 ms.
        assert time.perf_counter() - started < 50 * 0.04


async def test_a_paced_stream_takes_its_time():
    async with ResponsesServer([Step().text("a b c").paced(0.01)]) as server, client_of(server) as client:
        started = time.perf_counter()
        events = await events_of(client)
    assert time.perf_counter() - started > 0.01 * (len(events) - 1)


async def test_several_events_share_a_write_unless_told_otherwise():
    script = ["one two three", Step().text("one two three").paced(events_per_write=1)]
    counts: list[int] = []
    async with ResponsesServer(script) as server, client_of(server) as client:
        for _ in script:
            opening = client.responses.with_streaming_response.create(model="m", input="Hi", stream=True)
            async with opening as answer:
                counts.append(len([chunk async for chunk in answer.iter_bytes()]))
    assert counts == [1, 12]


def recordings() -> list[Path]:
    return sorted(path for path in RECORDINGS.glob("*") if path.suffix in {".sse", ".jsonl"})


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded streams are not in ../shared/data")
@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.name)
async def test_a_recording_is_played_byte_by_byte(path: Path):
    expected = recorded_json(path)
    async with ResponsesServer([Step.recorded(path)]) as server:
        assert await lines_of(server) == [*expected, "[DONE]"]


def recorded_json(path: Path) -> list[str]:
    lines = path.read_text("utf-8").split("\n")
    if path.suffix == ".sse":
        lines = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [line for line in lines if line and line != "[DONE]"]


async def test_recorded_events_may_be_given_as_dicts():
    async with ResponsesServer(["Hello."]) as server:
        events: list[dict[str, Any]] = [json.loads(line) for line in (await lines_of(server))[:-1]]
    async with (
        ResponsesServer([Step.recorded(events), Step.recorded(events)]) as server,
        client_of(server) as client,
    ):
        assert final(await events_of(client)).output_text == "Hello."
        assert (await client.responses.create(model="m", input="Hi")).output_text == "Hello."


def test_a_recording_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"\.sse or a \.jsonl file"):
        Step.recorded(tmp_path / "stream.txt")


async def test_other_paths_and_bodies_get_errors_in_the_apis_shape():
    async with ResponsesServer(["Hi"]) as server, client_of(server) as client:
        with pytest.raises(openai.NotFoundError, match="GET /v1/models"):
            await client.models.list()
        with pytest.raises(urllib.request.HTTPError, match="400"):
            await asyncio.to_thread(post, server, ["no object"])
    assert server.requests == ()


def test_it_serves_from_a_thread_for_code_that_is_not_async():
    with (
        ResponsesServer(["Hello there."]) as server,
        OpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        assert client.responses.create(model="m", input="Hi").output_text == "Hello there."
    server.assert_complete()


def test_its_url_is_known_only_while_it_serves():
    with pytest.raises(RuntimeError, match="not serving yet"):
        _ = ResponsesServer([]).base_url


@pytest.mark.parametrize("missing", ["starlette.applications", "uvicorn", "websockets"])
def test_a_missing_extra_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith(("agents.testing._responses", "uvicorn."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"pip install 'headrace\[testing\]'"):
        ResponsesServer([])
