"""What a `ResponsesServer` plays: steps, their faults, and the requests it got.

A step is built by adding to an empty one: `Step().reasoning("Let me see.").text("Hello there.")`. Adding gives a new
step; steps are values and may be used any number of times.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from .response_object import error_body

Transport = Literal["http", "websocket"]
"""How a request came."""
ChunkSize = int | Callable[[int], int]
"""Bytes in a write: a number, or a function from the write's index (from 0) to a number."""


class HasModelDump(Protocol):
    """A model object that turns itself into JSON-shaped data, as those of `openai` and pydantic do."""

    def model_dump(self, *, mode: str, exclude_unset: bool) -> dict[str, Any]:
        """The object as plain data."""
        ...


AnyItem = Mapping[str, Any] | HasModelDump
"""An output item: JSON-shaped, or an `openai.types.responses` object."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed after `after_events` events: in the middle of the HTTP body, without a close frame."""

    after_events: int


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing is sent after `after_events` events, until the client goes away or the server stops."""

    after_events: int


@dataclass(frozen=True, slots=True)
class Truncate:
    """The answer ends properly but early, after `after_events` events (None: before the terminal one).

    The HTTP body ends without `[DONE]`; a WebSocket is closed with a close frame.
    """

    after_events: int | None


@dataclass(frozen=True, slots=True)
class Garbage:
    """`data` stands between two events; the stream goes on after it.

    On a WebSocket it is a message of its own: a text frame when it is UTF-8, else a binary frame.
    """

    after_events: int
    data: bytes


@dataclass(frozen=True, slots=True)
class InvalidJson:
    """The event after `after_events` events loses the second half of its JSON; the stream goes on."""

    after_events: int


@dataclass(frozen=True, slots=True)
class Fail:
    """After `after_events` events (None: before the terminal one) comes `response.failed`.

    With `error_event` an `error` event with a nested `error` object comes just before it, as from the real API.
    """

    code: str
    message: str
    after_events: int | None
    error_event: bool


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The last item and the response end as incomplete, for `reason`."""

    reason: str


Fault = Drop | Stall | Truncate | Garbage | InvalidJson | Fail | Incomplete


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpError:
    """An answer that is not a stream: a status, headers and a body, which is JSON or these bytes.

    On a WebSocket a JSON body becomes an error frame, and bytes a message as they are.
    """

    status: int
    body: Mapping[str, Any] | bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event of a recording: its type ("" for a bare error object), and its JSON exactly as recorded."""

    type: str
    json: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One answer of the server. Start from `Step()`, `Step.recorded(...)` or `Step.http_error(...)`.

    `output` are the items in order; ids, statuses and call ids that they lack are filled in. `usage` and
    `response_id` replace the made-up ones. `reattachments` are what later connections get. `pace_s`, `events_per_write` and `chunk_size` replace the server's.
    A step has at most one fault: the last one set.
    """

    output: tuple[Mapping[str, Any], ...] = ()
    recording: tuple[RecordedEvent, ...] | None = None
    error: HttpError | None = None
    fault: Fault | None = None
    usage: Mapping[str, Any] | None = None
    response_id: str | None = None
    reattachments: tuple[Step, ...] = ()
    pace_s: float | None = None
    events_per_write: int | None = None
    chunk_size: ChunkSize | None = None

    # What is answered

    def text(self, text: str, *, id: str | None = None) -> Self:
        """Add an assistant message that says `text`, streamed word by word."""
        return self.items({"type": "message", "id": id, "content": [{"type": "output_text", "text": text}]})

    def refusal(self, refusal: str, *, id: str | None = None) -> Self:
        """Add an assistant message that refuses."""
        return self.items({"type": "message", "id": id, "content": [{"type": "refusal", "refusal": refusal}]})

    def reasoning(self, *summary: str, raw: str | None = None, id: str | None = None) -> Self:
        """Add a reasoning item: one summary part for each text of `summary`, and `raw` reasoning text if given."""
        item: dict[str, Any] = {
            "type": "reasoning",
            "id": id,
            "summary": [{"type": "summary_text", "text": text} for text in summary],
        }
        if raw is not None:
            item["content"] = [{"type": "reasoning_text", "text": raw}]
        return self.items(item)

    def function_call(
        self,
        name: str,
        arguments: str | Mapping[str, Any] | None = None,
        *,
        call_id: str | None = None,
        id: str | None = None,
    ) -> Self:
        """Add a function call. `arguments` is JSON text, sent as it is, or a mapping; None means `{}`."""
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments or {}, ensure_ascii=False)
        item = {"type": "function_call", "id": id, "call_id": call_id, "name": name, "arguments": arguments}
        return self.items(item)

    def items(self, *items: AnyItem) -> Self:
        """Add output items of any type, as mappings or `openai.types.responses` objects."""
        return replace(self, output=(*self.output, *(as_item(item) for item in items)))

    @classmethod
    def recorded(cls, source: str | Path | Iterable[Mapping[str, Any]]) -> Self:
        """A recorded stream, played as it is: a `.sse` file, a `.jsonl` file with one event a line, or event dicts.

        The JSON of a file's events is sent byte by byte as recorded. A request without `stream` gets the
        response of the recording's terminal event.

        Raises:
            ValueError: the file's name ends otherwise, or an event has no type.
        """
        return cls(recording=tuple(_read_recording(source)))

    @classmethod
    def http_error(
        cls,
        status: int,
        message: str | None = None,
        *,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """An HTTP answer with an error body and any `status`, 200 included. `retry_after_s` sets `retry-after`.

        The `openai` client tries 408, 409, 429 and 5xx again (`max_retries`, 2 by default): each try takes a step.
        """
        usual_type, usual_message = _USUAL_ERRORS.get(status, ("server_error", "The server had an error."))
        sent = dict(headers or {})
        if retry_after_s is not None:
            sent["retry-after"] = f"{retry_after_s:g}"
        body = error_body(message or usual_message, type=type or usual_type, code=code, param=param)
        return cls(error=HttpError(status=status, body=body, headers=sent))

    @classmethod
    def http_body(cls, body: bytes | str, *, status: int = 200, content_type: str = "text/html") -> Self:
        """An HTTP answer with this body and content type, whatever was asked for: a proxy's page, a foreign stream."""
        data = body.encode() if isinstance(body, str) else body
        return cls(error=HttpError(status=status, body=data, headers={"content-type": content_type}))

    # How it goes wrong; events are counted from `response.created`, which is the first. `fail` and `incomplete` are
    # how the response ends; the others happen to the connection that asked for it. A response in the background goes
    # on without that connection, and who asks for it again gets it whole.

    def drop(self, *, after_events: int) -> Self:
        """Close the connection after so many events: an HTTP body in its middle, a WebSocket without a close frame."""
        return replace(self, fault=Drop(after_events))

    def stall(self, *, after_events: int = 0) -> Self:
        """Send the headers and so many events, then nothing until the client goes away."""
        return replace(self, fault=Stall(after_events))

    def truncate(self, *, after_events: int | None = None) -> Self:
        """End the HTTP body, or close the WebSocket, properly but too early: by default before the terminal event."""
        return replace(self, fault=Truncate(after_events))

    def garbage(self, *, after_events: int, data: bytes = b"\x00\xff\xfe garbage\n\n") -> Self:
        """Put `data` after so many events; the stream goes on behind it."""
        return replace(self, fault=Garbage(after_events, data))

    def invalid_json(self, *, after_events: int) -> Self:
        """Cut the JSON of the event that follows so many events in half."""
        return replace(self, fault=InvalidJson(after_events))

    def fail(
        self,
        message: str = "The server had an error while processing your request.",
        *,
        code: str = "server_error",
        after_events: int | None = None,
        error_event: bool = True,
    ) -> Self:
        """End with `response.failed`, after a nested `error` event unless `error_event=False`."""
        return replace(self, fault=Fail(code, message, after_events, error_event))

    def incomplete(self, reason: str = "max_output_tokens") -> Self:
        """End with `response.incomplete`; the last item's status is `incomplete` too."""
        return replace(self, fault=Incomplete(reason))

    def reattached(self, *steps: Step) -> Self:
        """What connections get that take a response in the background up again: the faults or errors of these, in turn.

        `Step().text("...").drop(after_events=5).reattached(Step().drop(after_events=8), Step.http_error(500))`. Events
        are counted from the response's first. Connections after the last step get the stream as it is.
        """
        return replace(self, reattachments=steps)

    # Details

    def with_usage(self, input_tokens: int, output_tokens: int, *, reasoning_tokens: int = 0) -> Self:
        """Report this usage in place of the counted one."""
        from .response_object import usage_object

        return replace(
            self, usage=usage_object(input_tokens, output_tokens, reasoning_tokens=reasoning_tokens)
        )

    def with_response_id(self, response_id: str) -> Self:
        """Answer with this response id in place of `resp_1`, `resp_2`, ..."""
        return replace(self, response_id=response_id)

    def paced(
        self,
        pace_s: float | None = None,
        *,
        events_per_write: int | None = None,
        chunk_size: ChunkSize | None = None,
    ) -> Self:
        """Send this step at its own pace and in its own writes. See `ResponsesServer` for the three."""
        return replace(self, pace_s=pace_s, events_per_write=events_per_write, chunk_size=chunk_size)


_USUAL_ERRORS = {
    200: ("server_error", "The server had an error."),
    400: ("invalid_request_error", "Invalid request."),
    401: ("invalid_request_error", "Incorrect API key provided."),
    403: ("invalid_request_error", "Permission denied."),
    404: ("invalid_request_error", "Not found."),
    409: ("invalid_request_error", "Conflict."),
    422: ("invalid_request_error", "Unprocessable entity."),
    429: ("rate_limit_error", "Rate limit reached."),
}


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """A request that the server got.

    `body` is the parsed JSON as it came; over a WebSocket it is the `response.create` frame. `headers` have
    lower-case names (over a WebSocket: those of the handshake), `path` is such as `/v1/responses`, and `index` counts
    the server's requests from 0. `connection` counts its connections from 1: two requests with the same number
    shared one.
    """

    body: dict[str, Any]
    headers: Mapping[str, str]
    path: str
    index: int
    transport: Transport = "http"
    connection: int = 0

    @property
    def is_streamed(self) -> bool:
        """Whether the client gets events. Over a WebSocket it always does."""
        return self.transport == "websocket" or self.body.get("stream") is True

    @property
    def is_background(self) -> bool:
        """Whether the response is made apart from the connection. Over a WebSocket it never is."""
        return self.transport == "http" and self.body.get("background") is True

    @property
    def is_warm_up(self) -> bool:
        """Whether a WebSocket's request only makes the server ready (`generate: false`). The server answers it itself."""
        return self.transport == "websocket" and self.body.get("generate") is False

    @property
    def stream_id(self) -> str | None:
        """The lane of a WebSocket that the answer belongs to; None is the default lane."""
        return self.body.get("stream_id") if self.transport == "websocket" else None

    @property
    def input(self) -> list[dict[str, Any]]:
        """The input items; a plain string is one user message."""
        given: str | list[dict[str, Any]] = self.body.get("input") or []
        return [{"role": "user", "content": given}] if isinstance(given, str) else given

    @property
    def function_outputs(self) -> dict[str, Any]:
        """What the functions returned: call id to output, over the whole input."""
        return {
            item["call_id"]: item["output"]
            for item in self.input
            if item.get("type") == "function_call_output"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A request that no answer of the script is for: about a stored response, a compaction, or a conversation.

    `path` is such as `/v1/responses/resp_1/cancel` or `/v1/conversations/conv_1/items`, `query` such as
    `{"stream": "true", "starting_after": "4"}`, and `body` the JSON object of a POST that brings one.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    connection: int
    body: dict[str, Any] | None = None


OnAccess = Callable[[Access], Step | Awaitable[Step | None] | None]
"""What becomes of a request about a conversation, or a compaction: see `ResponsesServer`."""
Answer = Step | str | AnyItem | Sequence[AnyItem]
"""A step, a text, one item or several."""
Respond = Callable[[ResponsesRequest], Answer | Awaitable[Answer]]
Script = Respond | Iterable[Answer]
"""A function of the request, plain or async, or answers that are given in order."""


def as_step(answer: Answer) -> Step:
    """The step that `answer` stands for.

    Raises:
        TypeError: it is none of the things that a script may answer.
    """
    if isinstance(answer, Step):
        return answer
    if isinstance(answer, str):
        return Step().text(answer)
    if isinstance(answer, Sequence):
        return Step().items(*answer)
    return Step().items(answer)


def as_item(item: AnyItem) -> Mapping[str, Any]:
    """`item` as plain data."""
    if isinstance(item, Mapping):
        return item
    return item.model_dump(mode="json", exclude_unset=True)


def _read_recording(source: str | Path | Iterable[Mapping[str, Any]]) -> Iterable[RecordedEvent]:
    if not isinstance(source, str | Path):
        for event in source:
            yield RecordedEvent(str(event["type"]), json.dumps(event, ensure_ascii=False).encode())
        return
    path = Path(source)
    match path.suffix:
        case ".jsonl":
            lines = path.read_bytes().split(b"\n")
        case ".sse":
            lines = [line[5:] for line in path.read_bytes().splitlines() if line.startswith(b"data:")]
        case other:
            raise ValueError(f"A recording is a .sse or a .jsonl file, got {other!r}: {path}")
    for line in lines:
        text = line.strip()
        if text and text != b"[DONE]":
            yield RecordedEvent(_type_of(text, path), text)


def _type_of(text: bytes, path: Path) -> str:
    event = json.loads(text)
    if "type" not in event and "error" in event:
        # What some servers send in place of an error event.
        return ""
    if "type" not in event:
        raise ValueError(f"An event without a type in {path}: {text[:80]!r}")
    return str(event["type"])
