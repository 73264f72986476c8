"""What the rows of the fault matrix are made of: answers that are good, in part or changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from agents import ModelSettings
from agents.model_timeouts import ModelTimeouts
from agents.testing import ResponsesRequest, Step
from models.chat_server import Answer, streaming
from models.chats import USAGE, answer, chunk, sse, text
from models.sockets import Exchange, answer_events

Json = dict[str, Any]
Column = Literal[
    "HTTP run", "HTTP streamed", "WebSocket run", "WebSocket streamed", "Chat run", "Chat streamed"
]
COLUMNS: tuple[Column, ...] = (
    "HTTP run",
    "HTTP streamed",
    "WebSocket run",
    "WebSocket streamed",
    "Chat run",
    "Chat streamed",
)

SAID = "one two three four"
HEARD = "one two "
"""What has come of it when a fault comes after `EVENTS` events, or after `CHUNKS` chunks."""
EVENTS = 6
CHUNKS = 3
HUGE = "x" * (8 << 20)

OK = "ok"
NONE = "-"
"""The transport cannot have the fault."""
LOST = "APIConnectionError"
BROKEN = "ModelStreamBroken"
GARBAGE = "ModelBehaviorError"
FAILED = "ModelResponseFailed"
FRAME = "ResponsesWebSocketError"
LATE = "ModelTimeoutError"
CANCELLED = "CancelledError"
QUIET = "no output"

Answering = Callable[[ResponsesRequest], Step | Awaitable[Step]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row. `ends` are the outcomes by column: `OK`, the name of the error's class, or `NONE`.

    A reader of the stream has `heard` so much text when the run fails. `why` says why a transport's two outcomes differ.
    """

    name: str
    ends: tuple[str, ...]
    answer: Answering | None = None
    """What a `ResponsesServer` answers, over either transport; without one it drops its connections."""
    chat: Answer | None = None
    chat_run: Answer | None = None
    http: Answer | None = None
    """What comes over HTTP in place of `answer`, byte by byte."""
    http_run: Answer | None = None
    on_socket: Callable[[Exchange], Awaitable[None]] | None = None
    """What comes over a WebSocket in place of `answer`, byte by byte."""
    heard: str = ""
    says: str = SAID
    limits: ModelSettings | None = None
    """The agent's settings for the second turn, streamed."""
    limits_run: ModelSettings | None = None
    between: Literal["stop", "drop"] | None = None
    """What happens between the turns: the server stops, or drops its connections."""
    handshake: Step | None = None
    """With what the next WebSocket is refused."""
    is_cancelled: bool = False
    is_transient: bool = False
    """Whether the fault comes once, and asking again helps."""
    why: str = ""

    def outcome(self, column: Column) -> str:
        """How the run ends."""
        return self.ends[COLUMNS.index(column)]


def each(*ends: str) -> tuple[str, ...]:
    """Outcomes for the six columns; from one for all, or from three, which are those of the transports."""
    if len(ends) == 1:
        return ends * 6
    if len(ends) == 3:
        return tuple(end for end in ends for _ in range(2))
    assert len(ends) == 6
    return ends


def step(given: Step) -> Answering:
    """The same step for every request."""
    return lambda _: given


def said() -> Step:
    return Step().text(SAID)


def recorded(change: Callable[[list[Json]], list[Json]]) -> Answering:
    """The events of a good answer, changed."""
    return step(Step.recorded(change(good_events())))


def good_events(text: str = SAID) -> list[Json]:
    """The events of a whole response; its id is not that of the turn before."""
    return answer_events(text, response_id="resp_second")


async def never(request: ResponsesRequest) -> Step:
    await asyncio.Event().wait()
    raise AssertionError("nobody can end the wait")


# Answers of the Chat Completions API


def chat_chunks(**fields: Any) -> list[Json]:
    first = chunk({"role": "assistant", "content": ""}, **fields)
    words = [text(f"{word} ") for word in SAID.split()[:-1]] + [text(SAID.rsplit(maxsplit=1)[-1])]
    return [first, *words, chunk({}, "stop"), chunk(usage=USAGE)]


CHAT = chat_chunks()
WHOLE = answer({"content": SAID})
WHOLE_BYTES = json.dumps(WHOLE).encode()


def chat_head(behind: bytes = b"", **fields: Any) -> Answer:
    """The chunks with what is `HEARD`, bytes behind them, and the ending."""
    return Answer(writes=(sse(CHAT[:CHUNKS], done=False) + behind,), **fields)


def chat_with(*inserted: Json) -> Answer:
    """A good answer with other chunks behind what is `HEARD`."""
    return streaming([*CHAT[:CHUNKS], *inserted, *CHAT[CHUNKS:]])


def half_document(**fields: Any) -> Answer:
    return Answer(writes=(WHOLE_BYTES[: len(WHOLE_BYTES) // 2],), content_type="application/json", **fields)


HALF_CHUNK = b'data: {"id": "chatcmpl-1", "choi'
GARBAGE_BYTES = b"\x00\xff\xfe garbage\n\n"
PAGE = "<!doctype html><title>Sign in</title><p>Please sign in to the Wi-Fi.</p>"
ERROR = {"error": {"type": "server_error", "code": "overloaded", "message": "Overloaded.", "param": None}}


def response_bytes() -> bytes:
    return json.dumps(good_events()[-1]["response"]).encode()


def frames(events: Iterable[Json]) -> bytes:
    """The events as a server of the Responses API sends them."""
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


def stream_bytes(behind: bytes = b"") -> bytes:
    """A good answer, with other bytes behind what is `HEARD`."""
    events = good_events()
    return frames(events[:EVENTS]) + behind + frames(events[EVENTS:])


async def end_inside_a_frame(exchange: Exchange) -> None:
    await exchange.send(*good_events()[:EVENTS])
    # A text frame of 512 bytes, of which a few come.
    exchange.socket.transport.write(b'\x81\x7e\x02\x00{"type": "response.outp')
    exchange.drop()


def inside_an_event() -> Answer:
    body = stream_bytes()
    end = body.index(b"three") + 2
    return Answer(writes=(body[:end],), ending="cut")


# Changes to a good answer's events


def numbered(number: Callable[[int], int | None]) -> Callable[[list[Json]], list[Json]]:
    def change(events: list[Json]) -> list[Json]:
        for index, event in enumerate(events):
            given = number(index)
            del event["sequence_number"]
            if given is not None:
                event["sequence_number"] = given
        return events

    return change


def renamed(events: list[Json]) -> list[Json]:
    """From the second delta on the item has another id."""
    for event in events[EVENTS - 1 :]:
        if "item_id" in event:
            event["item_id"] = "msg_other"
    return events


def inserted(*more: Json, is_end: bool = False) -> Callable[[list[Json]], list[Json]]:
    def change(events: list[Json]) -> list[Json]:
        return [*events[:EVENTS], *more, *(() if is_end else events[EVENTS:])]

    return change


def after_the_end(*more: Json) -> Callable[[list[Json]], list[Json]]:
    return lambda events: [*events, *more]


LATE_DELTA: Json = {
    "type": "response.output_text.delta",
    "item_id": "msg_late",
    "output_index": 0,
    "content_index": 0,
    "delta": " five",
    "logprobs": [],
    "sequence_number": 99,
}
FLAT_ERROR: Json = {
    "type": "error",
    "code": "server_error",
    "message": "Overloaded.",
    "param": None,
    "sequence_number": 6,
}


def at_once() -> ModelSettings:
    return ModelSettings(timeouts=ModelTimeouts(first_event=0.2))


def in_all() -> ModelSettings:
    return ModelSettings(timeout=0.2)


def in_between() -> ModelSettings:
    return ModelSettings(timeouts=ModelTimeouts(between_events=0.2))
