"""From a step and a request to what is written, over either transport. Pure: the server only sends what is planned here.

1. `response_frames` makes the response: all of its events in order. `Fail` and `Incomplete` belong to it.
2. A plan says how one connection gets them. The other faults are of the wire: they act on a plan, on finished
   frames, and never change the response or what comes before them.
3. A stream's frames are `event: <type>`, one `data:` line, LF only; its end is `data: [DONE]`. Over a WebSocket each
   event is one message, and nothing marks the end.
"""

from __future__ import annotations

import bisect
import enum
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from .response_events import Event, response_events
from .response_object import complete_item, counted_usage, response_object
from .responses_script import (
    ChunkSize,
    Drop,
    Fail,
    Fault,
    Garbage,
    Incomplete,
    InvalidJson,
    ResponsesRequest,
    Stall,
    Step,
    Truncate,
)

_EVENTS_PER_WRITE = 32
_DONE = b"data: [DONE]\n\n"
TERMINAL = frozenset({"response.completed", "response.failed", "response.incomplete"})


class Ending(enum.Enum):
    """What the server does after the last planned byte."""

    FINISH = "end the HTTP body; leave a WebSocket open for the next request"
    EARLY = "end the HTTP body, or close the WebSocket with a close frame"
    CUT = "close the connection as it is"
    STALL = "wait until the client has gone, then close"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: its type, and its JSON as it is sent."""

    type: str
    json: bytes


@dataclass(frozen=True, slots=True)
class Write:
    """What is sent at once: a chunk of an HTTP body, or some messages of a WebSocket.

    `events` is how many events of the response have happened when it is sent.
    """

    parts: tuple[bytes, ...]
    events: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer: its writes in order, seconds to wait before each but the first, and how it ends."""

    writes: tuple[Write, ...]
    pause_s: float
    ending: Ending


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and in which pieces a step is sent; `pause_s` is the time between two writes."""

    pause_s: float
    events_per_write: int
    chunk_size: ChunkSize | None

    @classmethod
    def of(cls, step: Step, defaults: Step) -> Self:
        """The step's own pace; `defaults` supplies what it leaves open."""
        pace_s = step.pace_s if step.pace_s is not None else (defaults.pace_s or 0.0)
        chunk_size = step.chunk_size if step.chunk_size is not None else defaults.chunk_size
        per_write = step.events_per_write if step.events_per_write is not None else defaults.events_per_write
        if per_write is None:
            per_write = 1 if pace_s else _EVENTS_PER_WRITE
        return cls(pace_s if chunk_size is not None else pace_s * per_write, per_write, chunk_size)


# What is written


def plan_stream(frames: Sequence[Frame], fault: Fault | None, pace: Pace, *, first: int = 0) -> Plan:
    """The SSE answer with the events of a response from the one at index `first` on.

    Raises:
        LookupError: the fault is about an event that the response does not have.
    """
    sent, ending = _faulty(frames, fault, first)
    parts = [(part if frame is None else sse_frame(frame), events) for frame, part, events in sent]
    if ending is Ending.FINISH:
        parts.append((_DONE, len(frames)))
    if pace.chunk_size is not None:
        return Plan(tuple(_chunked(parts, pace.chunk_size)), pace.pause_s, ending)
    writes = tuple(
        Write((b"".join(part for part, _ in group),), group[-1][1])
        for group in _grouped(parts, pace.events_per_write)
    )
    return Plan(writes, pace.pause_s, ending)


def plan_messages(frames: Sequence[Frame], fault: Fault | None, pace: Pace, *, stream_id: str | None) -> Plan:
    """The answer over a WebSocket, on the lane `stream_id`, one part a message.

    Raises:
        LookupError: the fault is about an event that the response does not have.
    """
    lane = {} if stream_id is None else {"stream_id": stream_id}
    laned = [Frame(frame.type, _extended(frame.json, lane)) for frame in frames]
    sent, ending = _faulty(laned, fault, 0)
    parts = [(part if frame is None else frame.json, events) for frame, part, events in sent]
    writes = tuple(
        Write(tuple(part for part, _ in group), group[-1][1])
        for group in _grouped(parts, pace.events_per_write)
    )
    return Plan(writes, pace.pause_s, ending)


def plan_document(body: bytes, fault: Fault | None, *, events: int) -> Plan:
    """The JSON answer `body`, sent when so many events have happened. The wire's faults act on the document."""
    half = body[: len(body) // 2]
    match fault:
        case Drop():
            return Plan((Write((half,), 0),), 0.0, Ending.CUT)
        case Stall():
            return Plan((), 0.0, Ending.STALL)
        case Truncate() | InvalidJson():
            return Plan((Write((half,), events),), 0.0, Ending.EARLY)
        case Garbage(data=data):
            return Plan((Write((half, data, body[len(half) :]), events),), 0.0, Ending.FINISH)
        case Fail() | Incomplete() | None:
            return Plan((Write((body,), events),), 0.0, Ending.FINISH)


def sse_frame(frame: Frame) -> bytes:
    """One SSE frame. One without a type, a bare error, is only data."""
    if not frame.type:
        return b"data: %b\n\n" % frame.json
    return b"event: %b\ndata: %b\n\n" % (frame.type.encode(), frame.json)


def final_response(frames: Sequence[Frame]) -> bytes:
    """The JSON of the response in the terminal event.

    Raises:
        ValueError: there is no terminal event, as in a recording that breaks off.
    """
    for frame in reversed(frames):
        if frame.type in TERMINAL:
            return encode(json.loads(frame.json)["response"])
    raise ValueError(
        "This recording has no terminal event, so it cannot answer a request without stream=true."
    )


def opening_response(frames: Sequence[Frame]) -> bytes:
    """The JSON of the response in the first event.

    Raises:
        LookupError: the first event has none.
    """
    return encode(json.loads(frames[0].json)["response"])


def encode(value: Any) -> bytes:
    """`value` as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


Sent = tuple[Frame | None, bytes, int]
"""A frame, or None and foreign bytes; and how many events have happened then."""


def _faulty(frames: Sequence[Frame], fault: Fault | None, first: int) -> tuple[list[Sent], Ending]:
    sent: list[Sent] = [(frame, b"", index + 1) for index, frame in enumerate(frames)]
    match fault:
        case Drop(after_events=count):
            return sent[first:count], Ending.CUT
        case Stall(after_events=count):
            return sent[first:count], Ending.STALL
        case Truncate(after_events=count):
            return sent[first : len(sent) - 1 if count is None else count], Ending.EARLY
        case Garbage(after_events=count, data=data):
            garbage: Sent = (None, data, min(count, len(sent)))
            return [*sent[first:count], garbage, *sent[max(first, count) :]], Ending.FINISH
        case InvalidJson(after_events=count):
            broken = frames[count]
            text = broken.json.decode()
            sent[count] = (Frame(broken.type, text[: len(text) // 2].encode()), b"", count + 1)
            return sent[first:], Ending.FINISH
        case Fail() | Incomplete() | None:
            return sent[first:], Ending.FINISH


def _extended(data: bytes, fields: Mapping[str, Any]) -> bytes:
    # Spliced in, so that what a recording has is sent byte by byte.
    return data if not fields else data.rstrip()[:-1] + b"," + encode(fields)[1:]


def _grouped(parts: list[tuple[bytes, int]], size: int) -> Iterator[list[tuple[bytes, int]]]:
    for start in range(0, len(parts), size):
        yield parts[start : start + size]


def _chunked(parts: list[tuple[bytes, int]], size: ChunkSize) -> Iterator[Write]:
    ends: list[int] = []
    for part, _ in parts:
        ends.append(len(part) + (ends[-1] if ends else 0))
    end = 0
    for chunk in chunks(b"".join(part for part, _ in parts), size):
        end += len(chunk)
        yield Write((chunk,), parts[bisect.bisect_left(ends, end)][1])


def chunks(data: bytes, size: ChunkSize, index: int = 0) -> Iterator[bytes]:
    """`data` in pieces of `size` bytes; if that is a function, the first piece has number `index`."""
    start = 0
    while start < len(data):
        length = max(1, size if isinstance(size, int) else size(index))
        yield data[start : start + length]
        start += length
        index += 1


# The response


def response_frames(step: Step, request: ResponsesRequest, *, created_at: int) -> tuple[Frame, ...]:
    """All events of the response to `request`, to the terminal one, whichever it is.

    Raises:
        ValueError, LookupError, TypeError: an item of the step cannot be built.
    """
    if step.recording is not None:
        return tuple(Frame(event.type, event.json) for event in step.recording)
    return tuple(Frame(event["type"], encode(event)) for event in _finished_events(step, request, created_at))


def _finished_events(step: Step, request: ResponsesRequest, created_at: int) -> list[Event]:
    number = request.index + 1
    body = request.body if request.is_background else {**request.body, "background": False}
    items = [complete_item(item, number, index) for index, item in enumerate(step.output)]
    fault = step.fault
    if isinstance(fault, Incomplete) and items and "status" in items[-1]:
        items[-1]["status"] = "incomplete"
    common: dict[str, Any] = {"id": step.response_id or f"resp_{number}", "created_at": created_at}
    usage = step.usage if step.usage is not None else counted_usage(body, items)
    queued = response_object(body, status="queued", **common) if request.is_background else None
    opened = response_object(body, status="in_progress", **common)
    if isinstance(fault, Incomplete):
        end = "response.incomplete"
        closed = response_object(
            body,
            status="incomplete",
            output=items,
            usage=usage,
            incomplete_details={"reason": fault.reason},
            **common,
        )
    else:
        end = "response.completed"
        closed = response_object(
            body, status="completed", output=items, usage=usage, completed_at=created_at, **common
        )
    events = list(response_events(opened, items, closed, end=end, queued=queued))
    if isinstance(fault, Fail):
        return _failed(fault, events, body, common)
    return events


def _failed(
    fault: Fail, events: list[Event], request: Mapping[str, Any], common: dict[str, Any]
) -> list[Event]:
    kept = events[: len(events) - 1 if fault.after_events is None else fault.after_events]
    done = [event["item"] for event in kept if event["type"] == "response.output_item.done"]
    error = {"code": fault.code, "message": fault.message}
    if fault.error_event:
        nested = {"type": fault.code, **error, "param": None}
        kept.append({"type": "error", "sequence_number": len(kept), "error": nested})
    response = response_object(request, status="failed", output=done, error=error, **common)
    kept.append({"type": "response.failed", "sequence_number": len(kept), "response": response})
    return kept
