"""Chat Completions answers: made, cut in pieces, decoded."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent

from agents.models._chat_decoder import ChatDecoder, answer_as_chunk
from agents.models._chat_events import ChatEvents, ChatRules, blank_response
from agents.models.fake_id import FAKE_RESPONSES_ID

Json = dict[str, Any]

USAGE: Json = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def chunk(delta: Json | None = None, finish_reason: str | None = None, **fields: Any) -> Json:
    """A chunk with one choice, or with none when there is no delta."""
    told = {name: fields.pop(name) for name in ("logprobs",) if name in fields}
    choice: Json = {"index": 0, "delta": delta, "finish_reason": finish_reason, **told}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"} | {
        "choices": [] if delta is None else [choice],
        **fields,
    }


def text(piece: str, finish_reason: str | None = None) -> Json:
    return chunk({"content": piece}, finish_reason)


def call(
    index: int | None, call_id: str | None = None, name: str | None = None, arguments: Any = None
) -> Json:
    """A chunk with a piece of one tool call; what is None is not in it."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    told = {"index": index, "id": call_id, "function": function or None}
    piece = {key: value for key, value in told.items() if value is not None}
    return chunk({"tool_calls": [piece]})


def sse(chunks: Iterable[Json], *, done: bool = True) -> bytes:
    """The chunks as a server sends them."""
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks)
    return body + b"data: [DONE]\n\n" if done else body


HELLO = [
    chunk({"role": "assistant", "content": ""}),
    text("Hel"),
    text("lo."),
    chunk({}, "stop"),
    chunk(usage=USAGE),
]
"""A short answer in pieces, with usage."""


def answer(message: Json, finish_reason: str = "stop", **fields: Any) -> Json:
    """An answer that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    return {**head, "choices": [choice], "usage": USAGE, **fields}


def translator(**rules: Any) -> ChatEvents:
    """A translator that makes up `call_made_0`, `call_made_1`, ..."""
    numbers = itertools.count()
    return ChatEvents(
        blank_response("m", 0.0), ChatRules(model="m", **rules), lambda: f"call_made_{next(numbers)}"
    )


def decoded(*pieces: bytes, **rules: Any) -> tuple[list[ResponseStreamEvent], Exception | None]:
    """The events of a stream that comes in these pieces, and the error that ends it."""
    decoder = ChatDecoder(translator(**rules))
    events: list[ResponseStreamEvent] = []
    try:
        for piece in pieces:
            events.extend(decoder.feed(piece))
            if decoder.failure is not None:
                raise decoder.failure
        events.extend(decoder.finish())
        if decoder.failure is not None:
            raise decoder.failure
    except Exception as error:
        return events, error
    return events, None


def streamed(chunks: Sequence[Json], **rules: Any) -> list[ResponseStreamEvent]:
    """The events of a stream that must not fail."""
    events, error = decoded(sse(chunks), **rules)
    assert error is None, repr(error)
    return events


def whole(given: Json, **rules: Any) -> Response:
    """The response that an answer stands for which is not streamed."""
    events = translator(**rules)
    made = [*events.take(answer_as_chunk(given)), *events.finish()]
    assert events.failure is None, repr(events.failure)
    return response_of(made)


def response_of(events: Sequence[ResponseStreamEvent]) -> Response:
    last = events[-1]
    assert last.type == "response.completed"
    return last.response


def said(response: Response) -> list[Any]:
    """The output in few words: a text, `("refusal", text)`, `("reasoning", text)`, `(name, arguments)`."""
    output: list[Any] = []
    for item in response.output:
        if item.type == "message":
            parts = [
                part.text if part.type == "output_text" else ("refusal", part.refusal)
                for part in item.content
            ]
            output.extend(parts)
        elif item.type == "reasoning":
            summary = [part.text for part in item.summary]
            output.append(("reasoning", "".join(summary or [part.text for part in item.content or ()])))
        elif item.type == "function_call":
            output.append((item.name, item.arguments))
        else:
            output.append(item)
    return output


def kinds(events: Iterable[ResponseStreamEvent]) -> list[str]:
    return [event.type.removeprefix("response.") for event in events]


def broken_rules(events: Sequence[ResponseStreamEvent]) -> list[str]:
    """Which rules of the format the events break; they need not have an end."""
    broken: list[str] = []

    def hold(is_kept: bool, rule: str) -> None:
        if not is_kept:
            broken.append(rule)

    numbers = [event.sequence_number for event in events]
    hold(numbers == list(range(len(events))), f"numbers: {numbers}")
    hold(kinds(events)[:2] == ["created", "in_progress"], f"beginning: {kinds(events)[:2]}")
    done: dict[int, Any] = {}
    added: list[int] = []
    texts: dict[tuple[Any, ...], str] = {}
    for event in events:
        fields: Any = event
        if event.type == "response.output_item.added":
            hold(event.output_index == len(added), f"index of added: {event.output_index}")
            added.append(event.output_index)
        elif event.type == "response.output_item.done":
            hold(event.output_index not in done, f"done twice: {event.output_index}")
            done[event.output_index] = event.item
        elif event.type == "response.completed":
            hold(event is events[-1], "completed is last")
            hold(event.response.output == [done.get(index) for index in added], "output is the done items")
        elif event.type not in {"response.created", "response.in_progress"}:
            hold(fields.output_index in added and fields.output_index not in done, f"open item: {event.type}")
            hold(fields.item_id == FAKE_RESPONSES_ID, f"item id: {fields.item_id}")
            _follow(event, texts, hold)
    return broken


def _follow(event: Any, texts: dict[tuple[Any, ...], str], hold: Callable[[bool, str], None]) -> None:
    """Joined deltas are the done text."""
    kind, _, stage = event.type.rpartition(".")
    part = getattr(event, "content_index", getattr(event, "summary_index", None))
    place = (event.output_index, part, kind)
    if stage == "delta":
        texts[place] = texts.get(place, "") + event.delta
    elif stage == "done" and not kind.endswith("part"):
        told = next(getattr(event, name) for name in ("text", "refusal", "arguments") if hasattr(event, name))
        hold(told == texts.pop(place, ""), f"done text: {event.type}")
