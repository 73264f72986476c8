"""The rules at the top of `_websocket_machine.py`, one after the other, and all of them together over random lives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agents.exceptions import ModelBehaviorError
from agents.models._websocket_errors import LIMIT_REACHED, PARENT_NOT_FOUND, ResponsesWebSocketError
from agents.models._websocket_machine import (
    MOVES,
    SERVED_S,
    Act,
    Exchange,
    FrameKind,
    LaneState,
    Move,
    WebSocketMachine,
)
from models.sockets import Event, answer_events, error_frame


def feed(machine: WebSocketMachine, *events: Event) -> None:
    for event in events:
        machine.feed(json.dumps(event).encode())


def kinds(exchange: Exchange) -> list[str]:
    return [event.type for event in exchange.take()]


def delta(number: int, lane: str | None = None) -> Event:
    """A delta of some response."""
    event: Event = {
        "type": "response.output_text.delta",
        "sequence_number": number,
        "item_id": "msg",
        "output_index": 0,
        "content_index": 0,
        "delta": "x",
        "logprobs": [],
    }
    return event if lane is None else {**event, "stream_id": lane}


def with_response(kind: str, response_id: str) -> Event:
    return {"type": kind, "sequence_number": 1, "response": {"id": response_id, "output": []}}


# The table

FRAMES: dict[FrameKind, Event] = {
    FrameKind.CREATED: with_response("response.created", "new"),
    FrameKind.FIRST: with_response("response.in_progress", "new"),
    FrameKind.LATER: delta(7),
    FrameKind.END: with_response("response.completed", "new"),
    FrameKind.ERROR: error_frame("server_error", status=500),
    FrameKind.STEER: {"type": "response.steer.accepted", "steer": {"id": "s"}, "sequence_number": 4},
    FrameKind.LATE: with_response("response.completed", "old"),
}


def machine_in(state: LaneState) -> tuple[WebSocketMachine, Exchange | None]:
    """A machine whose default lane has had the response `old`, and stands in that state now."""
    machine = WebSocketMachine(0.0)
    machine.ask()
    feed(machine, *answer_events("Hi", response_id="old"))
    if state is LaneState.IDLE:
        return machine, None
    exchange = machine.ask()
    if state is LaneState.ANSWERING:
        feed(machine, with_response("response.created", "new"))
        exchange.take()
    if state is LaneState.LEFT:
        machine.leave(exchange)
    return machine, exchange


def state_of(machine: WebSocketMachine) -> LaneState:
    """Where the default lane stands, as far as it can be seen from outside."""
    if machine.accepts(None, 0.0):
        return LaneState.IDLE
    if not machine.open_exchanges:
        return LaneState.LEFT
    exchange = machine.open_exchanges[0]
    before = exchange.event_count
    feed(machine, delta(99))
    return LaneState.ANSWERING if exchange.event_count > before else LaneState.ASKED


@pytest.mark.parametrize(("state", "kind"), list(product(LaneState, FrameKind)))
def test_a_frame_does_what_the_table_says(state: LaneState, kind: FrameKind) -> None:
    machine, exchange = machine_in(state)
    move = MOVES.get((state, kind), Move(Act.DROP, state))

    feed(machine, FRAMES[kind])

    given = [] if exchange is None else kinds(exchange)
    assert given == ([FRAMES[kind]["type"]] if move.act is Act.GIVE else [])
    failure = None if exchange is None else exchange.failure
    assert isinstance(failure, ResponsesWebSocketError) == (move.act is Act.FAIL)
    assert state_of(machine) == move.then


# Whole exchanges


def test_an_exchange_gets_the_events_of_its_response_and_is_over_with_the_last() -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask()
    *events, last = answer_events("Hello there.")
    feed(machine, *events)
    assert not exchange.is_over
    feed(machine, last)
    assert exchange.is_over
    assert exchange.failure is None
    assert kinds(exchange) == [event["type"] for event in [*events, last]]
    assert machine.is_clean


def test_a_warm_up_is_an_exchange_like_others_and_can_be_gone_on_from() -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask()
    feed(machine, *answer_events(response_id="warm"))
    assert kinds(exchange) == ["response.created", "response.in_progress", "response.completed"]
    assert machine.holds("warm")


def test_responses_on_lanes_are_told_apart_however_their_frames_alternate() -> None:
    machine = WebSocketMachine(0.0)
    first, second = machine.ask("a"), machine.ask("b")
    for one, two in zip(
        answer_events("one two", response_id="r1", lane="a"),
        answer_events("three four", response_id="r2", lane="b"),
        strict=True,
    ):
        feed(machine, one, two)
    texts = [
        "".join(event.delta for event in exchange.take() if event.type == "response.output_text.delta")
        for exchange in (first, second)
    ]
    assert texts == ["one two", "three four"]


def test_the_name_of_the_lane_is_not_part_of_the_event() -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask("a")
    feed(machine, delta(0, "a"))
    (event,) = exchange.take()
    assert "stream_id" not in event.to_dict()


def test_frames_for_a_lane_that_nobody_named_are_dropped() -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask("a")
    feed(machine, delta(0, "b"), {**delta(0), "stream_id": 3}, error_frame("server_error", stream_id="b"))
    assert exchange.take() == []
    assert not exchange.is_over


def test_a_server_that_knows_no_lanes_can_still_serve_one_request() -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask("a")
    feed(machine, *answer_events("Hi"))
    assert exchange.is_over
    assert exchange.failure is None


def test_a_server_that_mixes_two_responses_up_fails_both() -> None:
    machine = WebSocketMachine(0.0)
    exchanges = [machine.ask("a"), machine.ask("b")]
    feed(machine, delta(0))
    for exchange in exchanges:
        assert isinstance(exchange.failure, ModelBehaviorError)
        assert "lanes_per_connection" in str(exchange.failure)
    assert not machine.is_open


def test_an_error_that_names_no_lane_fails_every_request() -> None:
    machine = WebSocketMachine(0.0)
    exchanges = [machine.ask("a"), machine.ask("b")]
    feed(machine, error_frame("server_error", status=500))
    assert all(isinstance(exchange.failure, ResponsesWebSocketError) for exchange in exchanges)


def test_a_refusal_leaves_the_connection_as_good_as_before() -> None:
    machine = WebSocketMachine(0.0)
    machine.ask()
    feed(machine, error_frame(PARENT_NOT_FOUND))
    assert machine.is_clean
    assert machine.accepts(None, 0.0)


def test_an_error_in_mid_response_leaves_the_lane_to_what_may_follow() -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask()
    feed(machine, *answer_events("Hi")[:3], error_frame("server_error", status=500))
    assert isinstance(exchange.failure, ResponsesWebSocketError)
    assert exchange.failure.response_started
    assert not machine.accepts(None, 0.0)
    feed(machine, with_response("response.failed", "resp_1"))
    assert machine.accepts(None, 0.0)


def test_what_comes_late_does_not_reach_the_next_request() -> None:
    machine = WebSocketMachine(0.0)
    events = answer_events("Hi", response_id="old")
    machine.ask()
    feed(machine, *events)
    exchange = machine.ask()
    feed(machine, *events[2:])
    assert exchange.take() == []
    feed(machine, *answer_events("Ho", response_id="new"))
    assert exchange.is_over
    assert exchange.event_count == len(events)


def test_an_error_that_is_numbered_behind_the_last_response_is_late() -> None:
    machine = WebSocketMachine(0.0)
    events = answer_events("Hi", response_id="old")
    machine.ask()
    feed(machine, *events)
    exchange = machine.ask()
    feed(machine, error_frame("server_error", status=500, sequence_number=len(events)))
    assert exchange.failure is None
    feed(machine, *answer_events("Ho", response_id="new"))
    assert exchange.is_over
    assert exchange.failure is None


@pytest.mark.parametrize("number", [{}, {"sequence_number": None}, {"sequence_number": 0}])
def test_an_error_that_is_not_numbered_behind_it_is_of_the_request(number: dict[str, Any]) -> None:
    machine = WebSocketMachine(0.0)
    machine.ask()
    feed(machine, *answer_events("Hi", response_id="old"))
    exchange = machine.ask()
    feed(machine, error_frame("server_error", status=500, **number))
    assert isinstance(exchange.failure, ResponsesWebSocketError)


@pytest.mark.parametrize("response_id", ["resp_1", ""])
def test_a_server_may_use_an_id_again(response_id: str) -> None:
    machine = WebSocketMachine(0.0)
    for _ in range(3):
        exchange = machine.ask()
        events = answer_events("Hi", response_id=response_id)
        feed(machine, *events)
        assert exchange.is_over
        assert kinds(exchange) == [event["type"] for event in events]


def test_an_id_that_is_used_again_does_not_let_the_old_end_through() -> None:
    machine = WebSocketMachine(0.0)
    *events, last = answer_events("Hi", response_id="again")
    machine.ask()
    feed(machine, *events, last)
    exchange = machine.ask()
    feed(machine, last)
    assert exchange.event_count == 0
    feed(machine, *events, last)
    assert exchange.event_count == len(events) + 1


@pytest.mark.parametrize("name", ["default", "", 3, None])
def test_a_name_means_nothing_while_no_request_has_one(name: object) -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask()
    feed(machine, *({**event, "stream_id": name} for event in answer_events("Hi")))
    assert exchange.is_over
    assert exchange.failure is None


def test_a_successor_that_nobody_asked_for_keeps_the_lane_until_it_ends() -> None:
    machine = WebSocketMachine(0.0)
    machine.ask()
    steered = answer_events("Hi", response_id="steered")
    steered[-1]["type"] = "response.incomplete"
    feed(machine, *steered)
    successor = answer_events("Ho", response_id="successor")
    feed(machine, successor[0])
    assert not machine.accepts(None, 0.0)
    feed(machine, *successor[1:])
    assert machine.accepts(None, 0.0)


@pytest.mark.parametrize(
    "frame",
    [b"", b"hello", b"[1]", b"\xff\x00", b"[DONE]", b"[" * 100_000, b"null", b"{}", b'{"type": "\xff"}'],
)
def test_garbage_ends_the_open_exchanges_and_the_connection(frame: bytes) -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask()
    feed(machine, delta(0))
    machine.feed(frame)
    assert isinstance(exchange.failure, ModelBehaviorError)
    assert "no JSON object" in str(exchange.failure)
    assert kinds(exchange) == ["response.output_text.delta"]
    assert not machine.is_open


def test_garbage_that_nobody_waits_for_is_read_over() -> None:
    machine = WebSocketMachine(0.0)
    assert machine.feed(b"hello") == []
    assert machine.accepts(None, 0.0)


def test_a_lost_connection_fails_what_is_open_and_nothing_that_is_over() -> None:
    machine = WebSocketMachine(0.0)
    done, waiting = machine.ask("a"), machine.ask("b")
    feed(machine, *answer_events("Hi", lane="a"))
    assert machine.lose(lambda exchange: RuntimeError(str(exchange.lane))) == [waiting]
    assert done.failure is None
    assert str(waiting.failure) == "b"
    with pytest.raises(ValueError, match="takes no request"):
        machine.ask("a")


def test_a_busy_lane_takes_no_request() -> None:
    machine = WebSocketMachine(0.0)
    machine.ask("a")
    with pytest.raises(ValueError, match="'a' takes no request: it is asked"):
        machine.ask("a")


# What a connection keeps, and how long it serves


def test_a_connection_takes_no_request_near_its_60_minutes_but_finishes_those_that_run() -> None:
    machine = WebSocketMachine(1000.0)
    exchange = machine.ask("a")
    assert machine.accepts("b", 1000.0 + SERVED_S - 1)
    assert not machine.accepts("b", 1000.0 + SERVED_S)
    feed(machine, *answer_events("Hi", lane="a"))
    assert exchange.is_over


@pytest.mark.parametrize("waits", [True, False])
def test_a_connection_at_the_servers_limit_takes_no_request(waits: bool) -> None:
    machine = WebSocketMachine(0.0)
    exchange = machine.ask() if waits else None
    feed(machine, error_frame(LIMIT_REACHED))
    assert not machine.accepts(None, 0.0)
    if exchange is not None:
        assert isinstance(exchange.failure, ResponsesWebSocketError)
        assert exchange.failure.code == LIMIT_REACHED


@pytest.mark.parametrize(
    ("lane", "end", "is_kept"),
    [
        ("a", error_frame("server_error", status=500), False),
        ("a", with_response("response.failed", "next"), False),
        ("a", with_response("response.completed", "next"), True),
        ("b", error_frame("server_error", status=500), True),
        ("b", with_response("response.failed", "next"), True),
    ],
)
def test_a_continuation_that_fails_takes_its_parent_with_it_on_the_same_lane_only(
    lane: str, end: Event, is_kept: bool
) -> None:
    machine = WebSocketMachine(0.0)
    machine.ask("a")
    feed(machine, *answer_events("Hi", response_id="parent", lane="a"))
    assert machine.holds("parent")
    machine.ask(lane, previous_response_id="parent")
    feed(machine, {**end, "stream_id": lane})
    assert machine.holds("parent") == is_kept


def test_a_connection_remembers_a_bounded_number_of_responses() -> None:
    machine = WebSocketMachine(0.0)
    for number in range(1000):
        machine.ask()
        feed(machine, with_response("response.completed", f"r{number}"))
    held = [number for number in range(1000) if machine.holds(f"r{number}")]
    assert held == list(range(1000 - len(held), 1000))
    assert len(held) == 256


# Error frames


def test_an_error_frame_tells_what_it_says() -> None:
    headers = {"Retry-After": "2", "x-request-id": "req_7"}
    nested = error_frame("rate_limit_exceeded", status=429)
    nested["error"]["headers"] = headers
    error = ResponsesWebSocketError(nested)
    assert (error.status, error.code, error.error_message) == (
        429,
        "rate_limit_exceeded",
        "about rate_limit_exceeded",
    )
    assert error.headers == {"retry-after": "2", "x-request-id": "req_7"}
    assert "status=429; code=rate_limit_exceeded" in str(error)
    flat = ResponsesWebSocketError({"type": "error", "code": "boo", "message": "Boo.", "param": None})
    assert str(flat) == "Responses websocket error: code=boo; message=Boo."
    assert str(ResponsesWebSocketError({"type": "error"})).endswith("the server gave no reason")


# All of it together

LANES = (None, "a", "b", "c")


class Lives(RuleBasedStateMachine):
    """A good server on four lanes, and everything that may come between its frames.

    Law: an exchange gets exactly the events that were sent for it before it was left, failed or over, in order.
    """

    @initialize()
    def begin(self) -> None:
        self.machine = WebSocketMachine(0.0)
        self.names = (f"r{number}" for number in range(10**6))
        self.asked: dict[str | None, tuple[Exchange, Iterator[Event]]] = {}
        self.expected: dict[Exchange, list[tuple[Any, ...]]] = {}
        self.got: dict[Exchange, list[tuple[Any, ...]]] = {}
        self.past: list[Event] = []

    @rule(lane=st.sampled_from(LANES))
    def ask(self, lane: str | None) -> None:
        if not self.machine.accepts(lane, 0.0):
            return
        exchange = self.machine.ask(lane)
        events = answer_events("one two three", response_id=next(self.names), lane=lane)
        self.asked[lane] = exchange, iter(events)
        self.expected[exchange], self.got[exchange] = [], []

    @rule(lane=st.sampled_from(LANES), count=st.integers(1, 12))
    def serve(self, lane: str | None, count: int) -> None:
        if lane not in self.asked:
            return
        exchange, events = self.asked[lane]
        for event in [event for event, _ in zip(events, range(count), strict=False)]:
            if not exchange.is_over:
                self.expected[exchange].append((event["type"], event["sequence_number"]))
            feed(self.machine, event)
            if event["type"] == "response.completed":
                self.past.append(event)
                del self.asked[lane]

    @rule(lane=st.sampled_from(LANES))
    def leave(self, lane: str | None) -> None:
        if lane in self.asked:
            self.machine.leave(self.asked[lane][0])

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def repeat_the_end_of_a_past_response(self, data: st.DataObject) -> None:
        feed(self.machine, data.draw(st.sampled_from(self.past)))

    @rule(lane=st.sampled_from(LANES))
    def send_a_late_delta(self, lane: str | None) -> None:
        if lane not in self.asked and any(event.get("stream_id") == lane for event in self.past):
            feed(self.machine, delta(5, lane))

    @rule(lane=st.sampled_from(("a", "b", "c")))
    def refuse(self, lane: str | None) -> None:
        if lane in self.asked and self.asked[lane][0].event_count == 0 and not self.asked[lane][0].is_over:
            feed(self.machine, error_frame("server_error", status=500, stream_id=lane))
            assert isinstance(self.asked.pop(lane)[0].failure, ResponsesWebSocketError)

    @precondition(lambda self: any(exchange.lane for exchange in self.expected))
    @rule()
    def send_for_an_unknown_lane(self) -> None:
        feed(self.machine, delta(0, "nobody"))

    @invariant()
    def everybody_got_what_was_sent(self) -> None:
        for exchange, expected in self.expected.items():
            self.got[exchange] += [(event.type, event.sequence_number) for event in exchange.take()]
            assert self.got[exchange] == expected


TestLives = Lives.TestCase
