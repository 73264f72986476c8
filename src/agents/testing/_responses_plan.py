"""From a step and a request to the bytes of the answer. Pure: the server only writes what is planned here.

1. A stream's frames are `event: <type>`, one `data:` line, LF only; its end is `data: [DONE]`.
2. Faults are applied to finished frames, so they never change what comes before them.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .response_events import Event, response_events
from .response_object import complete_item, counted_usage, response_object
from .responses_script import (
    ChunkSize,
    Drop,
    Fail,
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
_TERMINAL = frozenset({"response.completed", "response.failed", "response.incomplete"})


class Ending(enum.Enum):
    """What the server does after the last planned byte."""

    FINISH = "end the HTTP body"
    CUT = "close the connection without ending the body"
    STALL = "wait until the client has gone, then close"


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer: its writes in order, seconds to wait before each but the first, and how it ends."""

    writes: tuple[bytes, ...]
    pause_s: float
    ending: Ending


def plan_stream(step: Step, request: ResponsesRequest, *, created_at: int, defaults: Step) -> Plan:
    """The SSE answer. `defaults` supplies the pace and the sizes that `step` leaves open."""
    frames, ending = _frames(step, request, created_at)
    pace_s = step.pace_s if step.pace_s is not None else (defaults.pace_s or 0.0)
    chunk_size = step.chunk_size if step.chunk_size is not None else defaults.chunk_size
    per_write = step.events_per_write if step.events_per_write is not None else defaults.events_per_write
    if chunk_size is not None:
        return Plan(tuple(_chunks(b"".join(frames), chunk_size)), pace_s, ending)
    if per_write is None:
        per_write = 1 if pace_s else _EVENTS_PER_WRITE
    writes = tuple(b"".join(frames[start : start + per_write]) for start in range(0, len(frames), per_write))
    return Plan(writes, pace_s * per_write, ending)


def plan_document(step: Step, request: ResponsesRequest, *, created_at: int) -> Plan:
    """The JSON answer: the response of the stream's terminal event. Faults of a stream act on the document."""
    if step.recording is not None:
        body = _recorded_response(step)
    else:
        *_, last = _finished_events(step, request, created_at)
        body = _encode(last["response"])
    half = body[: len(body) // 2]
    match step.fault:
        case Drop():
            return Plan((half,), 0.0, Ending.CUT)
        case Stall():
            return Plan((), 0.0, Ending.STALL)
        case Truncate() | InvalidJson():
            return Plan((half,), 0.0, Ending.FINISH)
        case Garbage(data=data):
            return Plan((half, data, body[len(half) :]), 0.0, Ending.FINISH)
        case Fail() | Incomplete() | None:
            return Plan((body,), 0.0, Ending.FINISH)


def frame(type_: str, data: bytes) -> bytes:
    """One SSE frame."""
    return b"event: %b\ndata: %b\n\n" % (type_.encode(), data)


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _recorded_response(step: Step) -> bytes:
    for event in reversed(step.recording or ()):
        if event.type in _TERMINAL:
            return _encode(json.loads(event.json)["response"])
    raise ValueError(
        "This recording has no terminal event, so it cannot answer a request without stream=true."
    )


def _frames(step: Step, request: ResponsesRequest, created_at: int) -> tuple[list[bytes], Ending]:
    if step.recording is not None:
        pairs = [(event.type, event.json) for event in step.recording]
    else:
        pairs = [(event["type"], _encode(event)) for event in _finished_events(step, request, created_at)]
    frames = [frame(type_, data) for type_, data in pairs]
    match step.fault:
        case Drop(after_events=count):
            return frames[:count], Ending.CUT
        case Stall(after_events=count):
            return frames[:count], Ending.STALL
        case Truncate(after_events=count):
            return frames[: len(frames) - 1 if count is None else count], Ending.FINISH
        case Garbage(after_events=count, data=data):
            return [*frames[:count], data, *frames[count:], _DONE], Ending.FINISH
        case InvalidJson(after_events=count):
            type_, data = pairs[count]
            frames[count] = frame(type_, data[: len(data) // 2])
            return [*frames, _DONE], Ending.FINISH
        case Fail() | Incomplete() | None:
            return [*frames, _DONE], Ending.FINISH


def _finished_events(step: Step, request: ResponsesRequest, created_at: int) -> list[Event]:
    """The events of a step made of items, to the terminal one, whichever it is."""
    number = request.index + 1
    items = [complete_item(item, number, index) for index, item in enumerate(step.output)]
    fault = step.fault
    if isinstance(fault, Incomplete) and items and "status" in items[-1]:
        items[-1]["status"] = "incomplete"
    common: dict[str, Any] = {"id": step.response_id or f"resp_{number}", "created_at": created_at}
    usage = step.usage if step.usage is not None else counted_usage(request.body, items)
    opened = response_object(request.body, status="in_progress", **common)
    if isinstance(fault, Incomplete):
        end = "response.incomplete"
        closed = response_object(
            request.body,
            status="incomplete",
            output=items,
            usage=usage,
            incomplete_details={"reason": fault.reason},
            **common,
        )
    else:
        end = "response.completed"
        closed = response_object(
            request.body, status="completed", output=items, usage=usage, completed_at=created_at, **common
        )
    events = list(response_events(opened, items, closed, end=end))
    if isinstance(fault, Fail):
        return _failed(fault, events, request.body, common)
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


def _chunks(data: bytes, size: ChunkSize) -> Iterator[bytes]:
    start = index = 0
    while start < len(data):
        length = max(1, size if isinstance(size, int) else size(index))
        yield data[start : start + length]
        start += length
        index += 1
