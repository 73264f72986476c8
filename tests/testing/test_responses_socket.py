"""The server's WebSocket, frame by frame."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus

from agents.testing import ResponsesServer
from agents.testing.responses_server import ResponsesRequest, Step
from models.recorded import stream_cases
from testing.sockets import answer, ask, code_of, receive, send, socket_of, text_of, until_closed


async def streamed(server: ResponsesServer) -> list[str]:
    """The JSON of each event of the next answer, over HTTP."""
    async with AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client:
        opening = client.responses.with_streaming_response.create(model="m", input="Hi", stream=True)
        async with opening as response:
            lines = [line async for line in response.iter_lines() if line.startswith("data: ")]
    return [line.removeprefix("data: ") for line in lines if line != "data: [DONE]"]


STEPS = [
    Step().text("Hello there."),
    Step().reasoning("Hm.", raw="Hmm.").function_call("look", {"at": "Blåbær"}),
    Step().refusal("No."),
    Step().text("Half").incomplete(),
    Step().text("Broken").fail(error_event=False),
]


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_gives_the_same_events_over_both_transports(step: Step):
    step = step.with_response_id("r")

    async def play(_: ResponsesRequest) -> Step:
        return step

    async with ResponsesServer(play) as server, socket_of(server) as socket:
        over_socket = await ask(socket)
    async with ResponsesServer(play) as server:
        over_http = [json.loads(line) for line in await streamed(server)]
    for event in (*over_http, *over_socket):
        for name in ("created_at", "completed_at"):
            event.get("response", {}).pop(name, None)
    assert over_socket == over_http


@pytest.mark.parametrize("path", stream_cases())
async def test_a_recording_is_the_same_byte_by_byte_over_both_transports(path: Path):
    async with ResponsesServer([Step.recorded(path)] * 2) as server:
        over_http = await streamed(server)
        async with socket_of(server) as socket:
            await send(socket)
            over_socket = [await socket.recv() for _ in over_http]
    assert over_socket == over_http


async def test_an_answer_on_a_lane_carries_its_name_on_every_event():
    async with ResponsesServer(["One.", "Two."]) as server, socket_of(server) as socket:
        named = await ask(socket, stream_id="a.b-c_1")
        unnamed = await ask(socket)
    assert {event.get("stream_id") for event in named} == {"a.b-c_1"}
    assert not any("stream_id" in event for event in unnamed)
    assert (text_of(named), text_of(unnamed)) == ("One.", "Two.")


async def test_a_request_says_how_and_on_which_connection_it_came():
    async with ResponsesServer(["1", "2", "3", "4"]) as server:
        async with socket_of(server) as socket:
            await ask(socket)
            await ask(socket)
        async with socket_of(server) as socket:
            await ask(socket, stream=False)
        await streamed(server)
    ways = [(request.transport, request.connection) for request in server.requests]
    assert ways == [("websocket", 1), ("websocket", 1), ("websocket", 2), ("http", 3)]
    assert all(request.is_streamed for request in server.requests)
    assert server.requests[0].body["type"] == "response.create"
    assert server.requests[0].path == "/v1/responses"


async def test_open_connections_are_counted_until_they_are_closed():
    async with ResponsesServer(["1", "2"]) as server:
        async with socket_of(server) as first, socket_of(server) as second:
            await ask(first)
            await ask(second)
            assert server.open_connections == 2
        await server.disconnected()
        assert server.open_connections == 0
        async with socket_of(server):
            with pytest.raises(TimeoutError, match="1 connections are still open"):
                await server.disconnected(timeout_s=0.01)


# Warm-up, chains, the connection's memory


async def test_a_warm_up_costs_no_answer_and_can_be_continued():
    async with ResponsesServer(["Now."]) as server, socket_of(server) as socket:
        warm = await ask(socket, [], generate=False)
        events = await ask(socket, previous_response_id=warm[-1]["response"]["id"])
    assert [event["type"] for event in warm] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    assert warm[-1]["response"]["output"] == []
    assert text_of(events) == "Now."
    assert [request.is_warm_up for request in server.requests] == [True, False]
    server.assert_complete()


async def test_what_is_not_stored_is_known_to_its_connection_alone():
    async with ResponsesServer(["1", "2", "3"]) as server:
        async with socket_of(server) as socket:
            first = await ask(socket, store=False)
            second = await ask(socket, store=False, previous_response_id=first[-1]["response"]["id"])
            assert text_of(second) == "2"
        async with socket_of(server) as socket:
            missing = await ask(socket, previous_response_id=second[-1]["response"]["id"])
            whole = await ask(socket)
    assert code_of(missing) == "previous_response_not_found"
    assert (missing[0]["status"], missing[0]["error"]["param"]) == (400, "previous_response_id")
    assert text_of(whole) == "3"
    assert len(server.requests) == 4
    server.assert_complete()


async def test_what_is_stored_is_known_to_every_connection():
    async with ResponsesServer(["1", "2"]) as server:
        async with socket_of(server) as socket:
            first = await ask(socket)
        async with socket_of(server) as socket:
            assert text_of(await ask(socket, previous_response_id=first[-1]["response"]["id"])) == "2"


async def test_a_refused_continuation_makes_the_connection_forget_the_parent():
    script = ["1", Step.http_error(500), "2"]
    async with ResponsesServer(script) as server, socket_of(server) as socket:
        parent_id = (await ask(socket, store=False))[-1]["response"]["id"]
        await ask(socket, previous_response_id=parent_id)
        assert code_of(await ask(socket, previous_response_id=parent_id)) == "previous_response_not_found"


async def test_a_refused_fork_on_another_lane_leaves_the_parent():
    script = ["1", Step.http_error(500), "2"]
    async with ResponsesServer(script) as server, socket_of(server) as socket:
        parent_id = (await ask(socket, store=False))[-1]["response"]["id"]
        await ask(socket, previous_response_id=parent_id, stream_id="fork")
        assert text_of(await ask(socket, previous_response_id=parent_id)) == "2"


def output_of(call_id: str) -> list[dict[str, str]]:
    return [{"type": "function_call_output", "call_id": call_id, "output": "x"}]


async def test_the_output_of_a_call_needs_the_call():
    script = [Step().function_call("look", call_id="c1"), "Done."]
    async with ResponsesServer(script) as server, socket_of(server) as socket:
        first = (await ask(socket))[-1]["response"]["id"]
        unknown = await ask(socket, output_of("c2"), previous_response_id=first)
        alone = await ask(socket, output_of("c1"))
        assert text_of(await ask(socket, output_of("c1"), previous_response_id=first)) == "Done."
    for [refused] in (unknown, alone):
        assert "No tool call found" in refused["error"]["message"]
        assert refused["error"]["param"] == "input"


# Lanes


class Gates:
    """A script that answers a request when its gate is opened; the input is the gate's name."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[str] = asyncio.Queue()
        self._gates: dict[str, asyncio.Event] = {}

    async def respond(self, request: ResponsesRequest) -> str:
        name: str = request.body["input"]
        self.arrived.put_nowait(name)
        await self._gates.setdefault(name, asyncio.Event()).wait()
        return name

    def open(self, name: str) -> None:
        self._gates.setdefault(name, asyncio.Event()).set()


async def test_lanes_do_not_wait_for_one_another_and_one_lane_is_in_order():
    gates = Gates()
    async with ResponsesServer(gates.respond) as server, socket_of(server) as socket:
        await send(socket, "a1", stream_id="a")
        await send(socket, "a2", stream_id="a")
        await send(socket, "b1", stream_id="b")
        assert [await gates.arrived.get() for _ in range(2)] == ["a1", "b1"]
        gates.open("a2")
        gates.open("b1")
        assert text_of(await answer(socket)) == "b1"
        gates.open("a1")
        assert [text_of(await answer(socket)) for _ in range(2)] == ["a1", "a2"]


async def test_sixteen_lanes_are_answered_at_once_and_the_next_waits():
    gates = Gates()
    async with ResponsesServer(gates.respond) as server, socket_of(server) as socket:
        for number in range(17):
            await send(socket, f"{number}", stream_id=f"lane-{number}")
        assert [await gates.arrived.get() for _ in range(16)] == [str(number) for number in range(16)]
        # A frame behind the seventeenth request: when it is answered, that was read and still waits.
        await socket.send("[]")
        assert (await receive(socket))["type"] == "error"
        assert gates.arrived.empty()
        gates.open("3")
        assert text_of(await answer(socket)) == "3"
        assert await gates.arrived.get() == "16"


async def test_a_connection_has_thirty_two_named_lanes_beside_the_default_one():
    async with ResponsesServer(lambda _: "Hi") as server, socket_of(server) as socket:
        await ask(socket)
        for number in range(32):
            await ask(socket, stream_id=f"lane-{number}")
        assert code_of(await ask(socket, stream_id="lane-32")) == "websocket_stream_limit_reached"
        assert text_of(await ask(socket, stream_id="lane-31")) == "Hi"


@pytest.mark.parametrize("name", ["", "a b", "æ", "x" * 257, 7, ["a"]])
async def test_a_lane_has_a_proper_name(name: object):
    async with ResponsesServer(["Hi"]) as server, socket_of(server) as socket:
        assert code_of(await ask(socket, stream_id=name)) == "invalid_stream_id"
        assert text_of(await ask(socket, stream_id="x" * 256)) == "Hi"


# Frames that are no request


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"type": "response.crate"}', "unknown_type"),
        ('{"input": "Hi"}', "missing_required_parameter"),
        ("[1]", "missing_required_parameter"),
        ("{", "invalid_json"),
        (b"\x00\xff", "invalid_json"),
        ('{"type": "response.create", "model": "m", "input": 7}', "invalid_type"),
        ('{"type": "response.create", "input": "Hi"}', "missing_required_parameter"),
    ],
)
async def test_a_frame_that_is_no_request_is_refused_and_the_connection_stays(frame: str | bytes, code: str):
    async with ResponsesServer(["Hi"]) as server, socket_of(server) as socket:
        await socket.send(frame)
        refused = await receive(socket)
        assert (refused["type"], refused["status"], refused["error"]["code"]) == ("error", 400, code)
        assert refused["error"]["type"] == "invalid_request_error"
        assert text_of(await ask(socket)) == "Hi"


async def test_steering_is_answered_with_its_input():
    async with ResponsesServer(["Hi"]) as server, socket_of(server) as socket:
        parent_id = (await ask(socket, stream_id="a"))[-1]["response"]["id"]
        steer: dict[str, Any] = {"previous_response_id": parent_id, "input": "Faster."}
        await socket.send(json.dumps({"type": "response.steer", **steer}))
        failed = await receive(socket)
    assert failed["type"] == "response.steer.failed"
    assert failed["error"]["code"] == "steering_not_supported"
    assert (failed["steer"], failed["stream_id"]) == (steer, "a")


# How it goes wrong


@pytest.mark.parametrize("count", [0, 4, 10])
async def test_a_drop_closes_the_socket_without_a_close_frame(count: int):
    async with ResponsesServer([Step().text("one two").drop(after_events=count)]) as server:
        async with socket_of(server) as socket:
            await send(socket)
            messages, closed = await until_closed(socket)
        await server.settled()
    assert len(messages) == count
    assert isinstance(closed, ConnectionClosedError)
    assert closed.rcvd is None


async def test_a_drop_takes_the_other_lanes_with_it():
    gates = Gates()

    async def respond(request: ResponsesRequest) -> Step | str:
        if request.stream_id == "slow":
            return await gates.respond(request)
        return Step().text("one").drop(after_events=1)

    async with ResponsesServer(respond) as server, socket_of(server) as socket:
        await send(socket, stream_id="slow")
        await gates.arrived.get()
        await send(socket)
        messages, _ = await until_closed(socket)
        assert len(messages) == 1
        await server.settled()


async def test_a_truncated_answer_ends_with_a_close_frame():
    async with ResponsesServer([Step().text("one").truncate()]) as server, socket_of(server) as socket:
        await send(socket)
        messages, closed = await until_closed(socket)
    assert json.loads(messages[-1])["type"] == "response.output_item.done"
    assert isinstance(closed, ConnectionClosedOK)


async def test_no_request_behind_a_broken_answer_is_played():
    script = [Step().text("one").truncate(), "two"]
    async with ResponsesServer(script) as server, socket_of(server) as socket:
        await send(socket)
        await send(socket)
        await until_closed(socket)
    assert server.remaining_steps == 1


async def test_a_stalled_answer_leaves_other_lanes_going_and_ends_with_the_client():
    script = [Step().text("one two").stall(after_events=5), "Hi"]
    async with ResponsesServer(script) as server:
        async with socket_of(server) as socket:
            await send(socket, stream_id="a")
            assert [(await receive(socket))["stream_id"] for _ in range(5)] == ["a"] * 5
            assert text_of(await ask(socket)) == "Hi"
            assert server.open_exchanges == 1
        await server.settled()


@pytest.mark.parametrize("garbage", [b"no JSON", b"\x00\xff"])
async def test_garbage_is_a_message_of_its_own(garbage: bytes):
    script = [Step().text("one").garbage(after_events=2, data=garbage)]
    async with ResponsesServer(script) as server, socket_of(server) as socket:
        await send(socket)
        messages = [await socket.recv() for _ in range(4)]
    assert messages[2] == ("no JSON" if garbage == b"no JSON" else garbage)
    assert json.loads(messages[3])["sequence_number"] == 2


async def test_invalid_json_is_half_an_event():
    script = [Step().text("one").invalid_json(after_events=2)]
    async with ResponsesServer(script) as server, socket_of(server) as socket:
        await send(socket)
        messages = [await socket.recv() for _ in range(4)]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(messages[2])
    assert json.loads(messages[3])["sequence_number"] == 3


async def test_a_failure_is_an_error_event_and_then_the_failed_response():
    async with ResponsesServer([Step().text("one").fail("Broken.")]) as server, socket_of(server) as socket:
        events = await ask(socket, stream_id="a")
        failed = await receive(socket)
    assert events[-1] == {
        "type": "error",
        "sequence_number": 8,
        "error": {"type": "server_error", "code": "server_error", "message": "Broken.", "param": None},
        "stream_id": "a",
    }
    assert (failed["type"], failed["sequence_number"]) == ("response.failed", 9)


async def test_an_http_error_is_an_error_frame():
    script = [Step.http_error(429, "Slow down.", code="rate_limit_exceeded", retry_after_s=2), "Hi"]
    async with ResponsesServer(script) as server, socket_of(server) as socket:
        [refused] = await ask(socket, stream_id="a")
        assert refused == {
            "type": "error",
            "status": 429,
            "error": {
                "message": "Slow down.",
                "type": "rate_limit_error",
                "param": None,
                "code": "rate_limit_exceeded",
                "headers": {"retry-after": "2"},
            },
            "stream_id": "a",
        }
        assert text_of(await ask(socket)) == "Hi"


async def test_a_foreign_body_is_a_message_as_it_is():
    async with ResponsesServer([Step.http_body("<p>Busy</p>")]) as server, socket_of(server) as socket:
        await send(socket)
        assert await socket.recv() == "<p>Busy</p>"


async def test_a_request_too_many_is_told_and_complained_about():
    async with ResponsesServer([]) as server, socket_of(server) as socket:
        assert code_of(await ask(socket)) == "script_error"
    with pytest.raises(AssertionError, match="one too many"):
        server.assert_complete()


async def test_what_breaks_while_it_is_sent_is_told_to_the_client_and_to_the_test():
    def size(_: int) -> int:
        raise ArithmeticError("no size")

    async with (
        ResponsesServer([Step().text("Hi").paced(chunk_size=size)]) as server,
        socket_of(server) as socket,
    ):
        await send(socket)
        messages, closed = await until_closed(socket)
    assert messages == []
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1011
    with pytest.raises(AssertionError, match="no size"):
        server.assert_complete()


# How connections end


async def test_an_old_connection_is_told_so_and_closed():
    async with ResponsesServer([], websocket_limit_s=0.01) as server, socket_of(server) as socket:
        [message], closed = await until_closed(socket)
    assert json.loads(message)["error"]["code"] == "websocket_connection_limit_reached"
    assert isinstance(closed, ConnectionClosedOK)


async def test_connections_expire_when_the_test_says_so():
    async with ResponsesServer(["1", "2"]) as server:
        async with socket_of(server) as socket:
            await ask(socket)
            server.expire_connections()
            [message], _ = await until_closed(socket)
        assert json.loads(message)["error"]["code"] == "websocket_connection_limit_reached"
        async with socket_of(server) as socket:
            assert text_of(await ask(socket)) == "2"


async def test_dropped_connections_are_gone_without_a_close_frame_and_with_a_code_are_closed():
    async with ResponsesServer(["1", "2"]) as server:
        async with socket_of(server) as socket:
            await ask(socket)
            server.drop_connections()
            _, closed = await until_closed(socket)
            assert closed.rcvd is None
        async with socket_of(server) as socket:
            await ask(socket)
            server.drop_connections(1012)
            _, closed = await until_closed(socket)
            assert closed.rcvd is not None
            assert closed.rcvd.code == 1012
        await server.disconnected()


async def test_a_handshake_may_be_refused():
    refused = [Step.http_error(429, "Slow down.", retry_after_s=1)]
    async with ResponsesServer(["Hi"], refused_handshakes=refused) as server:
        with pytest.raises(InvalidStatus) as caught:
            async with socket_of(server):
                pass
        async with socket_of(server) as socket:
            assert text_of(await ask(socket)) == "Hi"
        await server.disconnected()
    response = caught.value.response
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert json.loads(response.body)["error"]["message"] == "Slow down."
    with pytest.raises(ValueError, match=r"Step\.http_error"):
        ResponsesServer([], refused_handshakes=[Step()])


async def test_leaving_the_block_ends_every_socket():
    gates = Gates()
    async with ResponsesServer(gates.respond) as server, socket_of(server) as socket:
        await send(socket)
        await gates.arrived.get()
        await server.__aexit__()
        _, closed = await until_closed(socket)
        assert isinstance(closed, ConnectionClosedError)
        assert server.open_exchanges == 0


# Pieces


async def test_a_paced_answer_takes_its_time():
    async with ResponsesServer([Step().text("a b c").paced(0.01)]) as server, socket_of(server) as socket:
        started = time.perf_counter()
        events = await ask(socket)
    assert time.perf_counter() - started > 0.01 * (len(events) - 1)


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_a_message_comes_in_fragments_of_the_size_asked_for(size: int):
    step = Step().text("Blåbærsyltetøy 🫐 twice.").paced(chunk_size=size)
    async with ResponsesServer([step] * 2) as server, socket_of(server) as socket:
        await send(socket)
        fragments = [fragment async for fragment in socket.recv_streaming(decode=False)]
        await answer(socket)
        assert text_of(await ask(socket)) == "Blåbærsyltetøy 🫐 twice."
    assert {len(fragment) for fragment in fragments[:-1]} <= {size}
    assert json.loads(b"".join(fragments))["type"] == "response.created"


async def test_a_socket_is_served_from_a_thread_too():
    with ResponsesServer(["Hi"]) as server:
        async with socket_of(server) as socket:
            assert text_of(await ask(socket)) == "Hi"
            server.drop_connections()
            await until_closed(socket)
        await server.disconnected()
