"""What a client adds to a response over a WebSocket while it is being made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from agents.testing import ResponsesServer, Step
from testing.sockets import Event, answer, ask, receive, send, socket_of, text_of

#: Takes long enough for a steer to come while it is made, whatever else the machine does.
SLOW = Step().text("one two three four five six seven eight nine ten").paced(0.03)


async def steer(socket: ClientConnection, parent_id: str, input: Any = "Shorter.", **more: Any) -> None:
    frame = {"type": "response.steer", "previous_response_id": parent_id, "input": input, **more}
    await socket.send(json.dumps(frame))


async def begin(socket: ClientConnection, **body: Any) -> str:
    """Ask, and wait until the response has begun; its id."""
    await send(socket, **body)
    created = await receive(socket)
    assert created["type"] == "response.created"
    return created["response"]["id"]


async def rest(socket: ClientConnection) -> tuple[list[Event], list[Event]]:
    """The frames of the answer that is going on, and those about steers among them."""
    events = await answer(socket)
    steers = [event for event in events if event["type"].startswith("response.steer.")]
    return [event for event in events if event not in steers], steers


async def test_a_steered_response_is_followed_by_one_that_knows_what_was_added():
    script = [SLOW.incomplete("steered"), "Short."]
    async with ResponsesServer(script, steering=True) as server, socket_of(server) as socket:
        parent_id = await begin(socket, stream_id="a")
        await steer(socket, parent_id)
        events, [accepted] = await rest(socket)
        successor = await answer(socket)
    assert accepted == {
        "type": "response.steer.accepted",
        "sequence_number": 0,
        "steer": {"id": "steer_1", "previous_response_id": parent_id},
        "stream_id": "a",
    }
    assert events[-1]["response"]["incomplete_details"] == {"reason": "steered"}
    assert (successor[0]["type"], text_of(successor)) == ("response.created", "Short.")
    assert successor[0]["response"]["previous_response_id"] == parent_id
    assert server.requests[1].body["input"] == [{"type": "message", "role": "user", "content": "Shorter."}]
    server.assert_complete()


async def test_several_steers_become_the_input_of_one_successor_in_order():
    async with ResponsesServer([SLOW, "Short."], steering=True) as server, socket_of(server) as socket:
        parent_id = await begin(socket)
        await steer(socket, parent_id, "Shorter.")
        await steer(socket, parent_id, [{"role": "user", "content": "In French."}])
        _, steers = await rest(socket)
        assert text_of(await answer(socket)) == "Short."
    assert [event["steer"]["id"] for event in steers] == ["steer_1", "steer_2"]
    assert [item["content"] for item in server.requests[1].input] == ["Shorter.", "In French."]


async def test_a_steer_waits_for_the_outputs_of_tools():
    script = [
        Step().function_call("look", {"at": "a b c d e f g h i j"}, call_id="c1").paced(0.03),
        "Done.",
    ]
    async with ResponsesServer(script, steering=True) as server, socket_of(server) as socket:
        parent_id = await begin(socket)
        await steer(socket, parent_id)
        await rest(socket)
        pending = await receive(socket)
        output = {"type": "function_call_output", "call_id": "c1", "output": "x"}
        assert text_of(await ask(socket, [output], previous_response_id=parent_id)) == "Done."
    assert pending["type"] == "response.steer.pending"
    assert pending["reason"] == "waiting_for_required_input"
    assert pending["required_input"] == [{"type": "function_call_output", "call_id": "c1", "name": "look"}]
    assert [item["type"] for item in server.requests[1].input] == ["message", "function_call_output"]


async def test_a_steer_is_given_back_when_the_successor_cannot_be_made():
    script = [SLOW, Step.http_error(429)]
    async with ResponsesServer(script, steering=True) as server, socket_of(server) as socket:
        parent_id = await begin(socket)
        await steer(socket, parent_id)
        await rest(socket)
        failed = await receive(socket)
    assert failed["error"]["code"] == "successor_creation_failed"
    assert failed["steer"] == {"input": "Shorter.", "id": "steer_1", "previous_response_id": parent_id}


async def test_a_steer_is_given_back_when_the_response_fails():
    script = [SLOW.fail(error_event=False)]
    async with ResponsesServer(script, steering=True) as server, socket_of(server) as socket:
        parent_id = await begin(socket)
        await steer(socket, parent_id)
        await rest(socket)
        failed = await receive(socket)
    assert (failed["error"]["code"], failed["steer"]["input"]) == ("response_not_active", "Shorter.")


@pytest.mark.parametrize(
    ("input", "more"),
    [
        ("", {}),
        ([], {}),
        (7, {}),
        ([{"role": "developer", "content": "x"}], {}),
        ([{"type": "function_call_output", "call_id": "c", "output": "x"}], {}),
        ([{"role": "user", "content": "x", "id": "m"}], {}),
        ("x", {"stream_id": "a"}),
    ],
)
async def test_only_user_messages_can_be_added(input: Any, more: dict[str, str]):
    async with ResponsesServer([SLOW], steering=True) as server, socket_of(server) as socket:
        await steer(socket, await begin(socket), input, **more)
        _, [failed] = await rest(socket)
    assert (failed["type"], failed["error"]["code"]) == ("response.steer.failed", "invalid_input")
    assert failed["steer"]["input"] == input


async def test_what_is_over_or_unknown_takes_nothing():
    script = ["Hi", Step().text("Half").incomplete()]
    async with ResponsesServer(script, steering=True) as server, socket_of(server) as socket:
        codes: list[str] = []
        for _ in script:
            done = (await ask(socket))[-1]["response"]["id"]
            await steer(socket, done)
            codes.append((await receive(socket))["error"]["code"])
        await steer(socket, "resp_9")
        codes.append((await receive(socket))["error"]["code"])
    assert codes == ["response_already_completed", "response_not_active", "response_not_found"]


async def test_a_response_takes_sixteen_steers():
    async with ResponsesServer([SLOW, "Short."], steering=True) as server, socket_of(server) as socket:
        parent_id = await begin(socket)
        for _ in range(17):
            await steer(socket, parent_id)
        _, steers = await rest(socket)
    assert [event["type"] for event in steers[:16]] == ["response.steer.accepted"] * 16
    assert steers[16]["error"]["code"] == "too_many_pending_steers"
