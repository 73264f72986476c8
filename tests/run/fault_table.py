"""The fault matrix: what each fault is over each transport, and how a run ends that meets it in its second turn."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agents.testing import Step
from models.chat_server import Answer, document, failing, streaming
from models.chats import answer, chunk, sse, text
from run.fault_parts import (
    BROKEN,
    CANCELLED,
    CHAT,
    CHUNKS,
    ERROR,
    EVENTS,
    FAILED,
    FLAT_ERROR,
    FRAME,
    GARBAGE,
    GARBAGE_BYTES,
    HALF_CHUNK,
    HEARD,
    HUGE,
    LATE,
    LATE_DELTA,
    LOST,
    NONE,
    OK,
    PAGE,
    QUIET,
    SAID,
    WHOLE,
    WHOLE_BYTES,
    Fault,
    after_the_end,
    at_once,
    chat_head,
    chat_with,
    each,
    end_inside_a_frame,
    good_events,
    half_document,
    in_all,
    in_between,
    inserted,
    inside_an_event,
    never,
    numbered,
    recorded,
    renamed,
    response_bytes,
    said,
    step,
    stream_bytes,
)


def refusals() -> Sequence[Fault]:
    """The server says no, before it begins."""
    names = {
        400: "BadRequestError",
        401: "AuthenticationError",
        429: "RateLimitError",
        500: "InternalServerError",
    }
    return [
        Fault(
            name=f"status {status} (WebSocket: to the handshake)",
            ends=each(name),
            answer=step(Step.http_error(status)),
            handshake=Step.http_error(status),
            chat=failing(status),
        )
        for status, name in names.items()
    ]


def dead_sockets() -> Sequence[Fault]:
    """The connection ends at the wrong time."""
    return [
        Fault(
            name="nobody at the address",
            ends=each(LOST),
            answer=step(said()),
            chat=streaming(CHAT),
            between="stop",
        ),
        Fault(
            name="the socket dies between two turns",
            ends=each(OK),
            answer=step(said()),
            chat=streaming(CHAT),
            chat_run=document(WHOLE),
            between="drop",
        ),
        Fault(
            name="the socket dies before the response",
            ends=each(LOST),
            chat=Answer(writes=(), ending="cut", is_silent=True),
        ),
        Fault(
            name="the same, once",
            ends=each(LOST, OK, LOST),
            chat=Answer(writes=(), ending="cut", is_silent=True),
            is_transient=True,
        ),
        Fault(
            name="the socket dies behind the head, before an event",
            ends=each(LOST),
            answer=step(said().drop(after_events=0)),
            chat=Answer(writes=(), ending="cut"),
        ),
    ]


def cut_sockets() -> Sequence[Fault]:
    """The connection ends once the answer has begun, or when it is whole."""
    return [
        Fault(
            name="the socket dies between two events",
            ends=each(LOST),
            answer=step(said().drop(after_events=EVENTS)),
            chat=chat_head(ending="cut"),
            chat_run=half_document(ending="cut"),
            heard=HEARD,
        ),
        Fault(
            name="the socket dies inside an event",
            ends=each(LOST),
            answer=step(said().drop(after_events=EVENTS)),
            http=inside_an_event(),
            http_run=half_document(ending="cut"),
            on_socket=end_inside_a_frame,
            chat=chat_head(HALF_CHUNK, ending="cut"),
            chat_run=half_document(ending="cut"),
            heard=HEARD,
        ),
        Fault(
            name="the socket dies right after the response",
            ends=each(OK),
            answer=step(said().drop(after_events=len(good_events()))),
            http_run=Answer(writes=(response_bytes(),), content_type="application/json", ending="close"),
            chat=Answer(writes=(sse(CHAT, done=False),), ending="cut"),
            chat_run=document(WHOLE, ending="close"),
        ),
    ]


def broken_answers() -> Sequence[Fault]:
    """What comes is no answer, or only a part of one."""
    return [
        Fault(
            name="a proper end too early, between two events",
            ends=(BROKEN, BROKEN, LOST, LOST, BROKEN, OK),
            answer=step(said().truncate(after_events=EVENTS)),
            chat=chat_head(),
            chat_run=half_document(),
            heard=HEARD,
            says=HEARD,
            why="servers of Chat Completions may end a stream without a word, so its end between chunks is one",
        ),
        Fault(
            name="a proper end too early, inside an event",
            ends=(BROKEN, BROKEN, NONE, NONE, BROKEN, BROKEN),
            answer=step(said()),
            http=Answer(writes=inside_an_event().writes),
            http_run=half_document(),
            chat=chat_head(HALF_CHUNK),
            chat_run=half_document(),
            heard=HEARD,
        ),
        Fault(
            name="an empty answer",
            ends=(BROKEN, BROKEN, LOST, LOST, BROKEN, BROKEN),
            answer=step(said().truncate(after_events=0)),
            http_run=Answer(writes=(), content_type="application/json"),
            chat=Answer(writes=()),
            chat_run=Answer(writes=(), content_type="application/json"),
        ),
        Fault(
            name="garbage between two events",
            ends=each(GARBAGE),
            answer=step(said().garbage(after_events=EVENTS, data=GARBAGE_BYTES)),
            http=Answer(writes=(stream_bytes(b"data: " + GARBAGE_BYTES),)),
            http_run=Answer(writes=(GARBAGE_BYTES,), content_type="application/json"),
            chat=chat_head(b"data: " + GARBAGE_BYTES),
            chat_run=Answer(writes=(GARBAGE_BYTES,), content_type="application/json"),
            heard=HEARD,
        ),
        Fault(
            name="an event whose JSON is cut",
            ends=(NONE, GARBAGE, GARBAGE, GARBAGE, NONE, GARBAGE),
            answer=step(said().invalid_json(after_events=EVENTS)),
            chat=chat_head(HALF_CHUNK + b"\n\n" + sse(CHAT[CHUNKS:])),
            heard=HEARD,
        ),
    ]


def foreign_answers() -> Sequence[Fault]:
    """The answer is of another kind than what was asked for."""
    return [
        Fault(
            name="a good body of the wrong content type",
            ends=each(OK, OK, NONE, NONE, OK, OK),
            answer=step(said()),
            http=Answer(writes=(stream_bytes(),), content_type="text/plain"),
            http_run=Answer(writes=(response_bytes(),), content_type="text/plain"),
            chat=streaming(CHAT, content_type="text/plain"),
            chat_run=Answer(writes=(WHOLE_BYTES,), content_type="text/plain"),
        ),
        Fault(
            name="a web page with status 200 (WebSocket: to the handshake)",
            ends=each(GARBAGE, GARBAGE, "APIStatusError", "APIStatusError", GARBAGE, GARBAGE),
            answer=step(Step.http_body(PAGE)),
            handshake=Step.http_body(PAGE),
            chat=Answer(writes=(PAGE.encode(),), content_type="text/html"),
        ),
        Fault(
            name="status 200 with an error in the body (WebSocket: an error frame)",
            ends=each(FAILED, FAILED, FRAME, FRAME, "APIError", "APIError"),
            answer=step(Step.http_error(200, "Overloaded.")),
            chat=document(ERROR),
        ),
    ]


def odd_streams() -> Sequence[Fault]:
    """The events are not as they should be."""
    no_chat = (NONE, NONE)
    odd = [
        ("all sequence numbers equal", numbered(lambda _: 3)),
        ("no sequence numbers", numbered(lambda _: None)),
        ("falling sequence numbers", numbered(lambda index: 100 - index)),
        ("an event after the terminal one", after_the_end(LATE_DELTA)),
        ("two terminal events", after_the_end(good_events("another")[-1])),
    ]
    return [
        Fault(
            name="an event of 8 MiB",
            ends=each(OK),
            answer=step(Step().text(HUGE)),
            chat=streaming([text(HUGE, "stop")]),
            chat_run=document(answer({"content": HUGE})),
            says=HUGE,
        ),
        *(
            Fault(name=name, ends=(NONE, OK, OK, OK, *no_chat), answer=recorded(change))
            for name, change in odd[:3]
        ),
        Fault(
            name="ids of items (Chat: of chunks) that change in mid-stream",
            ends=(NONE, OK, OK, OK, NONE, OK),
            answer=recorded(renamed),
            chat=streaming([{**one, "id": f"chatcmpl-{index}"} for index, one in enumerate(CHAT)]),
        ),
        Fault(
            name=odd[3][0],
            ends=(NONE, OK, OK, OK, NONE, OK),
            answer=recorded(odd[3][1]),
            chat=Answer(writes=(sse(CHAT) + sse([text(" five")]),)),
        ),
        Fault(
            name=odd[4][0],
            ends=(NONE, OK, OK, OK, NONE, OK),
            answer=recorded(odd[4][1]),
            chat=streaming([*CHAT, chunk({}, "length")]),
        ),
    ]


def told_failures() -> Sequence[Fault]:
    """The server says in its answer that it failed."""
    return [
        Fault(
            name="response.failed",
            ends=each(FAILED, FAILED, FAILED, FAILED, NONE, NONE),
            answer=step(said().fail(after_events=EVENTS, error_event=False)),
            heard=HEARD,
        ),
        Fault(
            name="an error event and response.failed",
            ends=(FAILED, FAILED, FRAME, FRAME, NONE, NONE),
            answer=step(said().fail(after_events=EVENTS)),
            heard=HEARD,
        ),
        Fault(
            name="response.incomplete (Chat: finish_reason length)",
            ends=each(FAILED, FAILED, FAILED, FAILED, OK, OK),
            answer=step(said().incomplete()),
            chat=streaming([*CHAT[:-2], chunk({}, "length")]),
            chat_run=document(answer({"content": SAID}, "length")),
            heard=SAID,
        ),
        Fault(
            name="an error event in mid-stream, in the flat form",
            ends=(NONE, FAILED, FRAME, FRAME, NONE, NONE),
            answer=recorded(inserted(FLAT_ERROR, is_end=True)),
            heard=HEARD,
        ),
        Fault(
            name="the bare error object in mid-stream",
            ends=(NONE, FAILED, FRAME, FRAME, NONE, "APIError"),
            answer=step(said().garbage(after_events=EVENTS, data=json.dumps(ERROR).encode())),
            http=Answer(writes=(stream_bytes(b"data: " + json.dumps(ERROR).encode() + b"\n\n"),)),
            chat=chat_with(ERROR),
            heard=HEARD,
        ),
    ]


def waits() -> Sequence[Fault]:
    """Nothing comes, or somebody wants no more."""
    stalled = said().stall(after_events=EVENTS)
    return [
        Fault(
            name="the server accepts and never answers",
            ends=each(LATE),
            answer=never,
            chat=Answer(writes=(), ending="stall", is_silent=True),
            limits=at_once(),
            limits_run=in_all(),
        ),
        Fault(
            name="the server sends the head, then nothing",
            ends=each(LATE),
            answer=step(said().stall()),
            chat=Answer(writes=(), ending="stall"),
            limits=at_once(),
            limits_run=in_all(),
        ),
        Fault(
            name="a stall in mid-stream",
            ends=each(LATE),
            answer=step(stalled),
            chat=chat_head(ending="stall"),
            limits=in_between(),
            limits_run=in_all(),
            heard=HEARD,
        ),
        Fault(
            name="cancelled in mid-stream (run: its task)",
            ends=(CANCELLED, QUIET) * 3,
            answer=step(stalled),
            chat=chat_head(ending="stall"),
            is_cancelled=True,
            heard=HEARD,
            why="whoever awaits a cancelled task gets its CancelledError; `result.cancel()` just ends the stream",
        ),
    ]


FAULTS = (
    *refusals(),
    *dead_sockets(),
    *cut_sockets(),
    *broken_answers(),
    *foreign_answers(),
    *odd_streams(),
    *told_failures(),
    *waits(),
)
