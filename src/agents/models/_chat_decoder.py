"""The Chat Completions event stream without I/O: bytes in, typed events of the Responses API out.

Who raises what, always after the events that came before:

- An error that the server reports (`{"error": ...}` in the stream, or as the whole body) is `openai.APIError`, as
  the client has it.
- Garbage before the end (data that is not a JSON object) and a body that is no answer raise `ModelBehaviorError`.
- An empty body, an end inside a chunk, and an answer that is cut off where that can be told raise
  `ModelStreamBroken`.
- The end may be `[DONE]`, or just the end of the stream. A body that is one whole answer, from a server that does
  not stream, is read as one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from agents.exceptions import ModelBehaviorError, ModelStreamBroken

from ._chat_events import ChatEvents
from ._chat_parts import json_list, json_object, json_objects
from ._sse import EventFramer
from ._unreadable import beginning, unreadable_event

if TYPE_CHECKING:
    from openai.types import responses as _responses

    _Events = list[_responses.ResponseStreamEvent]

__all__ = ["ChatDecoder", "answer_as_chunk", "chunk_fields", "told_answer"]

Json = dict[str, Any]

_API = "Chat Completions API"

_MAX_BODY_BYTES = 4_000_000
"""As much is kept of a body without events, to see what it is."""

_decode_json = msgspec.json.Decoder().decode


class ChatDecoder:
    """Decodes one answer.

    Feed it every chunk of bytes, cut anywhere; then look at `failure`, and raise it once the events are handed on.
    Call `finish` at the end of the stream. Chunks that are objects already go to `take` instead of `feed`.

    States: open, failed (`failure` is set, nothing more is decoded), done (`[DONE]` was read or the stream has
    ended; what follows is ignored).
    """

    def __init__(self, events: ChatEvents) -> None:
        self._framer = EventFramer()
        self._answer = events
        self._body: list[bytes] = []
        self._body_size = 0
        self._done = False
        self._failure: Exception | None = None

    @property
    def failure(self) -> Exception | None:
        """What broke the stream, found after the events given so far."""
        return self._failure or self._answer.failure

    @property
    def is_complete(self) -> bool:
        """Whether the end of the answer was seen, so that nothing more needs to come."""
        return self._done

    @property
    def may_end(self) -> bool:
        """Whether the answer is whole but for its usage, so that a connection that breaks loses no more."""
        return self._done or self._answer.finish_reason is not None

    def feed(self, chunk: bytes) -> _Events:
        """The events that these bytes complete, in order; none once the stream failed or is done."""
        if not self._answer.has_begun and self._body_size < _MAX_BODY_BYTES:
            self._body.append(chunk)
            self._body_size += len(chunk)
        return self._events(self._framer.feed(chunk))

    def finish(self) -> _Events:
        """The events that end the answer; then look at `failure` as after `feed`."""
        was_whole = self.failure is None
        events = self._events(self._framer.finish())
        if self._failure is not None and was_whole:
            self._failure = ModelStreamBroken(f"The model's stream ended inside a chunk. {self._failure}")
        if not self._done and self.failure is None and not self._answer.has_begun:
            events.extend(self._read_body())
        if not self._done and self.failure is None:
            events.extend(self._ended())
        return events

    def take(self, given: object) -> _Events:
        """The events of a chunk that is an object, or a mapping, already."""
        return [] if self._done else self._answer.take(chunk_fields(given))

    def _ended(self) -> _Events:
        self._done = True
        return self._answer.finish()

    def _events(self, frames: list[bytes]) -> _Events:
        events: _Events = []
        for data in frames:
            if self._done or self.failure is not None:
                break
            try:
                decoded: object = _decode_json(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                if data.strip() == b"[DONE]":
                    if self._answer.has_begun:
                        events.extend(self._ended())
                    continue
                decoded = _decoded_otherwise(data)
            if type(decoded) is dict:
                events.extend(self._answer.take(_with_error(cast("Json", decoded))))
            elif not self.may_end:
                self._failure = unreadable_event(data, form="JSON object", api=_API)
        return events

    def _read_body(self) -> _Events:
        """The answer of a server that sent no events at all, but one JSON object."""
        body = b"".join(self._body)
        answer = _answer_or_error(json_object(_decoded_otherwise(body)))
        if answer is not None:
            return self._answer.take(answer_as_chunk(answer))
        kind = ModelBehaviorError if body.strip() else ModelStreamBroken
        self._failure = kind(
            f"The model's stream ended without any chunk of an answer. It began with {beginning(body)}. "
            f"Check that the base URL leads to a server that speaks the {_API}."
        )
        return []


def _with_error(chunk: Json) -> Json:
    """The chunk; where its error stands in it and not beneath `error`, it is put there."""
    if chunk.get("object") == "error" and not chunk.get("error"):
        return {"error": chunk}
    return chunk


def chunk_fields(given: object) -> Json:
    """A chunk or an answer as JSON values: a mapping is one, an object of the client gives its own.

    Raises:
        ModelBehaviorError: it is neither.
    """
    if isinstance(given, Mapping):
        return dict(cast("Mapping[str, Any]", given))
    dump: Any = getattr(given, "model_dump", None)
    if dump is None:
        raise ModelBehaviorError(
            f"The client gave {given!r:.300} for an answer of the Chat Completions API. "
            "Check that the base URL leads to a server that speaks it."
        )
    return dump(warnings=False)


def told_answer(answer: Json) -> Json:
    """An answer that came as one document, if it is one or tells an error: that stands beneath `error` then.

    Raises:
        ModelBehaviorError: it is neither.
    """
    told = _answer_or_error(answer)
    if told is None:
        raise ModelBehaviorError(
            f"ChatCompletion response has no choices (possible provider error payload): {answer!r:.300}. "
            f"Check that the base URL leads to a server that speaks the {_API}."
        )
    return told


def _answer_or_error(answer: Json) -> Json | None:
    """The answer; where it is an error that stands in it and not beneath `error`, it is put there. None for neither."""
    if json_objects(answer.get("choices")) or answer.get("error"):
        return answer
    return {**answer, "error": answer} if isinstance(answer.get("message"), str) else None


def answer_as_chunk(answer: Json) -> Json:
    """A whole answer as the one chunk of a stream: its message is the delta, its calls are numbered."""
    choices = json_list(answer.get("choices"))
    first = json_object(choices[0]) if choices else {}
    delta = dict(json_object(first.get("message")))
    calls = [json_object(one) for one in json_list(delta.get("tool_calls"))]
    if calls:
        delta["tool_calls"] = [{**one, "index": number} for number, one in enumerate(calls)]
    return {**answer, "choices": [{**first, "index": 0, "delta": delta}] if first else []}


def _decoded_otherwise(data: bytes) -> object:
    """JSON as Python's own reader takes it, which is laxer; None for what is no JSON.

    What only that reader takes, lone surrogates and numbers that are none, is replaced.
    """
    try:
        value = json.loads(data, parse_constant=lambda _: None)
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
