"""One WebSocket to a Responses server without I/O: frames in, events or typed errors out.

A connection has lanes: the default one, and those that requests name (`stream_id`). A lane has one request at a time,
and for each request there is one `Exchange`, which gathers what comes for it. Rules:

1. What a frame does depends on the lane's state and the kind of the frame alone: `MOVES`. What is not in it is dropped,
   and the lane stays as it is.
2. Whose a frame is, its `stream_id` says. Frames for a lane that nobody named are dropped. A server that knows no lanes
   sends none: then it is the only request that waits, and with several waiting the connection is useless. While no
   request has named a lane, what a server names is its own affair.
3. No frame reaches an exchange but between its request and its end: events after the terminal one, second terminal
   ones, and what still comes for a request whose reader left are dropped, also when the next request has been sent.
   Late events are known by the response that they name, or by their number. A server may use an id again: after a
   request, `response.created` begins its response, whatever it is called.
4. An error frame ends its exchange with `ResponsesWebSocketError`; it is not an event. Without a `stream_id` it is
   taken as rule 2 says, or by every exchange that is open. One that comes in mid-response leaves the lane unfit for
   another request, since the response's own end may follow.
5. A frame that is no JSON object with a type ends every open exchange with `ModelBehaviorError`, and the connection.
6. The connection keeps its recent responses: `holds` says which may be gone on from here although the server does not
   store them. A continuation that fails takes its parent with it, on the lane that made the parent.
7. A connection serves 60 minutes. `accepts` tells when it takes no more requests; those that run go on.
8. Steering frames for a response that is coming are events like others; elsewhere they are dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from agents.exceptions import ModelBehaviorError

from ._responses_decoder import TERMINAL_TYPES, event_payload, garbage_failure
from ._responses_events import responses_event
from ._websocket_errors import LIMIT_REACHED, ResponsesWebSocketError

if TYPE_CHECKING:
    from openai.types import responses as _responses

__all__ = ["MOVES", "Act", "Exchange", "FrameKind", "LaneState", "Move", "WebSocketMachine"]

SERVED_S = 55 * 60.0
"""How old a connection may be when a request begins; the server ends it at 60 minutes."""

_KEPT_RESPONSES = 256
"""How many responses of a connection are remembered."""

_ERROR_TYPES = frozenset({"error", "response.error"})


class LaneState(Enum):
    """Where a lane stands."""

    # Every frame is looked up in the table: the names of members need not be hashed for that.
    __hash__ = object.__hash__

    IDLE = "idle"
    """Nothing is asked: a request may be sent."""

    ASKED = "asked"
    """A request was sent, and nothing came yet."""

    ANSWERING = "answering"
    """The response is coming."""

    LEFT = "left"
    """A response may still be coming that nobody wants any more."""


class FrameKind(Enum):
    """What a frame is, for a lane."""

    __hash__ = object.__hash__

    CREATED = "created"
    """`response.created` of a response that is new here."""

    FIRST = "first"
    """Another event that may be the first of a response: servers that leave `response.created` out exist."""

    LATER = "later"
    """An event that cannot be the first."""

    END = "end"
    """The terminal event of a response."""

    ERROR = "error"
    """An error frame."""

    STEER = "steer"
    """`response.steer.*`."""

    LATE = "late"
    """An event of a response that has ended here already."""


class Act(Enum):
    """What is done with a frame."""

    GIVE = "give"
    """It is an event of the exchange."""

    FAIL = "fail"
    """It ends the exchange with an error."""

    DROP = "drop"


class Move(NamedTuple):
    """What a frame does: the act, and the lane's next state."""

    act: Act
    then: LaneState


_IDLE, _ASKED, _ANSWERING, _LEFT = LaneState.IDLE, LaneState.ASKED, LaneState.ANSWERING, LaneState.LEFT

MOVES: dict[tuple[LaneState, FrameKind], Move] = {
    # The server goes on by itself, after a steered response for instance.
    (_IDLE, FrameKind.CREATED): Move(Act.DROP, _LEFT),
    (_ASKED, FrameKind.CREATED): Move(Act.GIVE, _ANSWERING),
    (_ASKED, FrameKind.FIRST): Move(Act.GIVE, _ANSWERING),
    (_ASKED, FrameKind.END): Move(Act.GIVE, _IDLE),
    (_ASKED, FrameKind.ERROR): Move(Act.FAIL, _IDLE),
    (_ANSWERING, FrameKind.CREATED): Move(Act.GIVE, _ANSWERING),
    (_ANSWERING, FrameKind.FIRST): Move(Act.GIVE, _ANSWERING),
    (_ANSWERING, FrameKind.LATER): Move(Act.GIVE, _ANSWERING),
    (_ANSWERING, FrameKind.STEER): Move(Act.GIVE, _ANSWERING),
    (_ANSWERING, FrameKind.END): Move(Act.GIVE, _IDLE),
    (_ANSWERING, FrameKind.ERROR): Move(Act.FAIL, _LEFT),
    (_LEFT, FrameKind.END): Move(Act.DROP, _IDLE),
}
"""By state and kind of frame; whatever is missing is dropped without a change of state."""


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and what has come for it."""

    lane: str | None
    """The lane's name; None is the default lane."""

    previous_response_id: str | None
    event_count: int = 0
    """Events so far, taken ones included."""

    failure: Exception | None = None
    """What ended it, behind the events."""

    is_over: bool = False
    """Whether nothing more comes; without a `failure`, the last event is a terminal one."""

    _events: list[_responses.ResponseStreamEvent] = field(default_factory=list[Any])

    @property
    def waiting(self) -> int:
        """Events that have come and were not taken yet."""
        return len(self._events)

    def take(self) -> list[_responses.ResponseStreamEvent]:
        """The events that came since the last call, in order."""
        events, self._events = self._events, []
        return events

    def give(self, event: _responses.ResponseStreamEvent) -> None:
        """Add an event; for the machine."""
        self._events.append(event)
        self.event_count += 1


@dataclass(slots=True, eq=False)
class _Lane:
    state: LaneState = LaneState.IDLE
    exchange: Exchange | None = None
    was_used: bool = False
    """Whether a request was answered here before, so that something late may come."""

    last_number: int | None = None
    """The `sequence_number` of the last terminal event; each response counts from 0, and what is late goes on from here."""


class WebSocketMachine:
    """The client's side of one connection.

    Call `ask` and send the request; `feed` every frame that comes, look at the exchanges that it names, and `lose` the
    connection when it is gone. Call `leave` when nobody waits for an exchange any more.
    """

    def __init__(self, opened_at_s: float) -> None:
        """A machine for a connection that was opened at this time, by whatever clock `accepts` is asked with."""
        self._opened_at_s = opened_at_s
        self._is_open = True
        self._lanes: dict[str | None, _Lane] = {}
        self._has_names = False
        self._kept: OrderedDict[str, str | None] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    # What is possible

    def accepts(self, lane: str | None, now_s: float) -> bool:
        """Whether a request may be sent on the lane now."""
        if not self._is_open or now_s - self._opened_at_s >= SERVED_S:
            return False
        known = self._lanes.get(lane)
        return known is None or known.state is _IDLE

    def holds(self, response_id: str) -> bool:
        """Whether the connection itself still has the response, stored or not."""
        return self._is_open and response_id in self._kept

    @property
    def is_open(self) -> bool:
        """Whether the connection takes requests at all, its age aside."""
        return self._is_open

    @property
    def open_exchanges(self) -> list[Exchange]:
        """The exchanges that are not over."""
        return [one.exchange for one in self._lanes.values() if one.exchange is not None]

    @property
    def is_clean(self) -> bool:
        """Whether every lane is idle, so that nothing is expected from the server."""
        return self._is_open and all(one.state is _IDLE for one in self._lanes.values())

    # What happens

    def ask(self, lane: str | None = None, *, previous_response_id: str | None = None) -> Exchange:
        """Note that a request goes out on the lane; `accepts` must be true of it.

        Raises:
            ValueError: the lane is busy, or the connection is at its end.
        """
        known = self._lanes.setdefault(lane, _Lane())
        if not self._is_open or known.state is not _IDLE:
            raise ValueError(
                f"lane {lane!r} takes no request: it is {known.state.value}, or the connection is closed"
            )
        self._has_names = self._has_names or lane is not None
        known.state = _ASKED
        known.exchange = Exchange(lane, previous_response_id)
        return known.exchange

    def leave(self, exchange: Exchange) -> None:
        """Nobody wants what still comes for the exchange. One that is over is left already."""
        known = self._lanes[exchange.lane]
        if known.exchange is exchange:
            known.state, known.exchange = _LEFT, None
            exchange.is_over = True

    def lose(self, failure_of: Callable[[Exchange], Exception]) -> list[Exchange]:
        """The connection is gone, or useless: the exchanges that ends, each with a failure of its own."""
        self._is_open = False
        lost = self.open_exchanges
        for exchange in lost:
            self._fail(self._lanes[exchange.lane], exchange, failure_of(exchange), _LEFT)
        return lost

    def feed(self, frame: bytes) -> list[Exchange]:
        """Take the payload of one text frame; the exchanges that it changed."""
        payload = event_payload(frame)
        if payload is None:
            return self.lose(lambda _: garbage_failure(frame)) if self.open_exchanges else []
        name = payload.pop("stream_id", None)
        if not self._has_names:
            name = None
        known = self._lanes.get(name) if name is None or type(name) is str else None
        if name is None and (known is None or known.exchange is None):
            return self._feed_unnamed(known, payload)
        if known is None:
            return []
        return self._apply(known, payload)

    # Whose and what

    def _feed_unnamed(self, default: _Lane | None, payload: dict[str, Any]) -> list[Exchange]:
        """A frame without a name, while the default lane waits for nothing."""
        waiting = [one for one in self._lanes.values() if one.exchange is not None]
        if payload.get("type") in _ERROR_TYPES:
            # It does not say whom it means.
            if ResponsesWebSocketError(payload).code == LIMIT_REACHED:
                self._is_open = False
            return [exchange for one in waiting for exchange in self._apply(one, dict(payload))]
        if default is not None:
            return self._apply(default, payload)
        if len(waiting) == 1:
            return self._apply(waiting[0], payload)
        if not waiting:
            return []
        return self.lose(
            lambda _: ModelBehaviorError(
                f"The server does not tell apart the {len(waiting)} responses on one WebSocket: its events have no "
                "stream_id. Set lanes_per_connection to 1."
            )
        )

    def _apply(self, lane: _Lane, payload: dict[str, Any]) -> list[Exchange]:
        kind = self._kind(lane, payload)
        move = MOVES.get((lane.state, kind))
        if move is None:
            return []
        if kind is FrameKind.END:
            self._note_end(lane, payload)
        lane.state = move.then
        exchange = lane.exchange
        if exchange is None or move.act is Act.DROP:
            return []
        if move.act is Act.FAIL:
            error = ResponsesWebSocketError(payload)
            error.response_started = exchange.event_count > 0
            if error.code == LIMIT_REACHED:
                self._is_open = False
            self._forget_parent(exchange)
            self._fail(lane, exchange, error, move.then)
            return [exchange]
        exchange.give(responses_event(payload))
        if kind is FrameKind.END:
            exchange.is_over = True
            lane.exchange, lane.was_used = None, True
        return [exchange]

    def _kind(self, lane: _Lane, payload: dict[str, Any]) -> FrameKind:
        name: str = payload["type"]
        if name.startswith("response.steer."):
            return FrameKind.STEER
        if lane.state is _ANSWERING and "response" not in payload and name not in TERMINAL_TYPES:
            return FrameKind.LATER
        if name in _ERROR_TYPES:
            return FrameKind.LATE if _is_behind(lane, payload) else FrameKind.ERROR
        response_id = _response_id(payload)
        if response_id is not None and response_id in self._ended:
            if name != "response.created" or lane.state is not _ASKED:
                return FrameKind.LATE
            del self._ended[response_id]
        if name in TERMINAL_TYPES:
            return FrameKind.END
        if name == "response.created":
            return FrameKind.CREATED
        may_be_first = (
            not lane.was_used or response_id is not None or payload.get("sequence_number") in (None, 0)
        )
        return FrameKind.FIRST if may_be_first else FrameKind.LATER

    # Endings

    def _note_end(self, lane: _Lane, payload: dict[str, Any]) -> None:
        response_id = _response_id(payload)
        if response_id is not None:
            _remember(self._ended, response_id, None)
        number: object = payload.get("sequence_number")
        lane.last_number = number if type(number) is int else None
        exchange = lane.exchange
        if exchange is None:
            return
        if payload.get("type") == "response.failed":
            self._forget_parent(exchange)
        elif response_id is not None:
            _remember(self._kept, response_id, exchange.lane)

    def _forget_parent(self, exchange: Exchange) -> None:
        parent = exchange.previous_response_id
        if parent is not None and self._kept.get(parent, _NO_LANE) == exchange.lane:
            del self._kept[parent]

    def _fail(self, lane: _Lane, exchange: Exchange, failure: Exception, then: LaneState) -> None:
        exchange.failure, exchange.is_over = failure, True
        lane.exchange, lane.state, lane.was_used = None, then, True


_NO_LANE = object()


def _is_behind(lane: _Lane, payload: dict[str, Any]) -> bool:
    """Whether the frame has a number that a response which ended on the lane would have next."""
    number: object = payload.get("sequence_number")
    return (
        lane.state is _ASKED
        and lane.last_number is not None
        and type(number) is int
        and number > lane.last_number
    )


def _response_id(payload: dict[str, Any]) -> str | None:
    response: object = payload.get("response")
    if type(response) is not dict:
        return None
    found: object = cast("dict[str, Any]", response).get("id")
    return found if type(found) is str else None


def _remember(memory: OrderedDict[str, Any], key: str, value: object) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _KEPT_RESPONSES:
        memory.popitem(last=False)
