"""The Responses API's event stream without I/O: bytes in, typed events out.

Who raises what:

- Events that report a failure (`response.failed`, `response.incomplete`,
  `error` in its flat or nested form, and the bare `{"error": ...}` that some
  servers send) are given as events. What to make of them is for the caller.
- Garbage before the terminal event (data that is not a JSON object with a type) and truncation (an end without any
  terminal event) raise `ModelBehaviorError`, after the events that came before.
- A body without events that is a document is no stream: an error is given as its event, another one raises.
- What comes after the response's end is ignored. An `error` event may still be followed by `response.failed`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import msgspec

from agents._lazy import lazy_module
from agents.exceptions import ModelBehaviorError, ModelStreamBroken

from ._responses_events import responses_event
from ._sse import EventFramer
from ._unreadable import EXCERPT_BYTES, beginning, unreadable_event

if TYPE_CHECKING:
    from openai.types import responses as _responses
else:
    _responses = lazy_module("openai.types.responses")

__all__ = ["TERMINAL_TYPES", "ResponsesDecoder", "event_payload", "garbage_failure"]

TERMINAL_TYPES = frozenset(
    {"response.completed", "response.failed", "response.incomplete", "error", "response.error"}
)
"""Types of events after which a stream may end."""

_ENDS = frozenset({"response.completed", "response.failed", "response.incomplete"})
"""Types of events that end the response for good."""

_decode_json = msgspec.json.Decoder().decode


class ResponsesDecoder:
    """Decodes one response stream.

    Feed it every chunk, cut anywhere; then look at `failure`, and raise it once
    the events are handed on. Call `finish` at the end of the stream.

    States: open, failed (`failure` is set, nothing more is decoded), done
    (the response's last event or `[DONE]` was read, what follows is ignored).
    """

    def __init__(self) -> None:
        self._framer = EventFramer()
        self._head = b""
        self._done = False
        self._terminal = False
        self._has_begun = False
        self._is_given = False
        self.failure: ModelBehaviorError | None = None
        """What broke the stream, found after the events given so far."""

    @property
    def is_complete(self) -> bool:
        """Whether the end of the response was seen, so that nothing more needs to come."""
        return self._done or self._terminal

    @property
    def may_end(self) -> bool:
        """The same: there is nothing that a response could do without."""
        return self.is_complete

    def take(self, given: _responses.ResponseStreamEvent) -> list[_responses.ResponseStreamEvent]:
        """An event that a client made; who takes such events sees for himself whether they are whole."""
        self._is_given = True
        return [given]

    def feed(self, chunk: bytes) -> list[_responses.ResponseStreamEvent]:
        """The events that this chunk completes, in order; none once the stream failed or is done."""
        if len(self._head) < EXCERPT_BYTES:
            self._head += chunk[:EXCERPT_BYTES]
        return self._events(self._framer.feed(chunk))

    def finish(self) -> list[_responses.ResponseStreamEvent]:
        """The last event, when only its final blank line was missing; then look at `failure` as after `feed`.

        Raises:
            ModelBehaviorError: the stream broke; `ModelStreamBroken` when it ended before the response did.
        """
        if self._is_given:
            return []
        was_whole = self.failure is None
        events = [] if self._terminal else self._events(self._framer.finish())
        if was_whole and not self._has_begun:
            events = self._document_events()
        elif was_whole and not self._terminal:
            # Also where what is left is no event: it was cut.
            self.failure = self._broken()
        if self.failure is not None and not events:
            raise self.failure
        return events

    def _events(self, frames: list[bytes]) -> list[_responses.ResponseStreamEvent]:
        events: list[_responses.ResponseStreamEvent] = []
        for data in frames:
            if self._done or self.failure is not None:
                break
            payload = event_payload(data)
            if payload is None:
                self._end_or_fail(data)
                break
            self._has_begun = True
            if payload["type"] in TERMINAL_TYPES:
                self._terminal = True
                self._done = payload["type"] in _ENDS
            events.append(responses_event(payload))
        return events

    def _document_events(self) -> list[_responses.ResponseStreamEvent]:
        """The event of an error that came in place of a stream; a failure where there is none."""
        body = self._head.lstrip()
        payload = event_payload(body) if len(self._head) <= EXCERPT_BYTES else None
        if payload is not None and payload["type"] == "error":
            self._terminal = True
            return [responses_event(payload)]
        if body.startswith((b"{", b"<")):
            self.failure = ModelBehaviorError(
                f"The model's answer is a document and no event stream. It began with {beginning(self._head)}. "
                "Check that the base URL leads to a server that speaks the Responses API."
            )
        else:
            self.failure = self._broken()
        return []

    def _broken(self) -> ModelStreamBroken:
        return ModelStreamBroken(
            "The model's stream ended before the response was complete: no response.completed, "
            f"response.incomplete or response.failed event came. It began with {beginning(self._head)}."
        )

    def _end_or_fail(self, data: bytes) -> None:
        if data.startswith(b"[DONE]") or self._terminal:
            # Nothing is missing any more: what follows is not ours.
            self._done = True
            return
        self.failure = garbage_failure(data)


def event_payload(data: bytes) -> dict[str, Any] | None:
    """One event of a stream as parsed JSON, however the server lays out its errors; None for what is no event.

    An event is a JSON object whose `type` is a text.
    """
    try:
        decoded: object = _decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            # Python's own reader is laxer.
            decoded = json.loads(data)
        except (ValueError, RecursionError):
            return None
    if type(decoded) is not dict:
        return None
    payload = cast("dict[str, Any]", decoded)
    if payload.get("error") is not None:
        payload = _with_flat_error(payload)
    return payload if type(payload.get("type")) is str else None


def garbage_failure(data: bytes) -> ModelBehaviorError:
    """The error for an event that `event_payload` cannot read."""
    return unreadable_event(data, form="JSON object with a type", api="Responses API")


def _with_flat_error(payload: dict[str, Any]) -> dict[str, Any]:
    """The documented flat form of an error event, beside the nested one it came in.

    Other events that have an `error` stay as they are.
    """
    if payload.get("type") not in (None, "error"):
        return payload
    nested: object = payload["error"]
    details: dict[str, Any] = (
        cast("dict[str, Any]", nested) if isinstance(nested, dict) else {"message": str(nested)}
    )
    code = details.get("code")
    flat: dict[str, Any] = {
        "type": "error",
        "code": None if code is None else str(code),
        "message": details.get("message") or "The server reported an error without a message.",
        "param": details.get("param"),
        # Servers that send the bare form count nothing.
        "sequence_number": 0,
    }
    return {**flat, **payload}
