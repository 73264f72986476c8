"""The open output items of a Chat Completions answer: each turns pieces into its events.

Rules, those of the Responses API's streams:

1. An item is added, its parts are added, filled and done, one after another, then the item is done.
2. The deltas of a part joined are its done text, which is the text in the done item.
3. Every item has the same id, `FAKE_RESPONSES_ID`: its output index tells it from the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agents.exceptions import ModelBehaviorError
from agents.usage import ATTACHED_RAW_USAGE

from ._responses_events import responses_event
from .fake_id import FAKE_RESPONSES_ID

if TYPE_CHECKING:
    from openai.types import responses as _responses

__all__ = ["REASONING_FIELD", "EventSink", "MessageItem", "ReasoningItem", "ThinkingBlocks"]

Json = dict[str, Any]

REASONING_FIELD = "_chat_completions_reasoning_field"
"""Under this key an item's provider data names the field that its reasoning came in."""


class EventSink:
    """Makes, numbers and collects events, and keeps the finished items of the answer."""

    def __init__(self) -> None:
        self.events: list[_responses.ResponseStreamEvent] = []
        """What was made since somebody last put another list here."""

        self.provider_data: Json = {}
        """What each item keeps of the server's answer."""

        self._number = 0
        self._items: list[Json] = []

    def emit(self, kind: str, **fields: Any) -> None:
        """Make one event of type `response.{kind}`."""
        event: Json = {"type": f"response.{kind}", **fields, "sequence_number": self._number}
        self._number += 1
        self.events.append(responses_event(event))

    def emit_delta(self, payload: Json) -> None:
        """Make one event from all its fields but its number; the payload is taken over."""
        payload["sequence_number"] = self._number
        self._number += 1
        self.events.append(responses_event(payload))

    def add(self, item: Json) -> int:
        """Announce an item as it is now; its output index."""
        index = len(self._items)
        self._items.append(item)
        self.emit("output_item.added", output_index=index, item=item)
        return index

    def done(self, index: int, item: Json) -> None:
        """Tell that an item is whole."""
        self._items[index] = item
        self.emit("output_item.done", output_index=index, item=item)

    def finished_items(self) -> list[Json]:
        """The items in order, once each is done."""
        return self._items

    def complete(self, response: Json, raw_usage: Json | None) -> None:
        """Make the terminal event; the usage as the server told it is put beside the response."""
        self.emit("completed", response=response)
        if raw_usage is not None:
            last: Any = self.events[-1]
            setattr(last.response, ATTACHED_RAW_USAGE, raw_usage)


class MessageItem:
    """A message with parts of text and of refusal."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._parts: list[Json] = []
        self._kind: str | None = None
        self._pieces: list[str] = []
        self._logprobs: list[Json] = []
        self._annotations: list[Json] = []
        self._index = sink.add(self._item("in_progress"))
        self._place: Json = {}

    def text(self, piece: str, delta_logprobs: list[Json], text_logprobs: list[Json]) -> None:
        """More text, which is not empty, with its log probabilities in both forms."""
        if self._kind != "output_text":
            self._begin("output_text")
        self._pieces.append(piece)
        if text_logprobs:
            self._logprobs.extend(text_logprobs)
        delta = {"type": "response.output_text.delta", **self._place}
        delta["delta"] = piece
        delta["logprobs"] = delta_logprobs
        self._sink.emit_delta(delta)

    def refusal(self, piece: str) -> None:
        """More of a refusal; it is not empty."""
        if self._kind != "refusal":
            self._begin("refusal")
        self._pieces.append(piece)
        self._sink.emit("refusal.delta", **self._place, delta=piece)

    def annotate(self, annotation: Json) -> bool:
        """Add an annotation to the text that is being written; False when there is none."""
        if self._kind != "output_text":
            return False
        number = len(self._annotations)
        self._annotations.append(annotation)
        self._sink.emit(
            "output_text.annotation.added", **self._place, annotation_index=number, annotation=annotation
        )
        return True

    def close(self) -> None:
        """End the open part and the message."""
        self._end()
        self._sink.done(self._index, self._item("completed"))

    def _item(self, status: str) -> Json:
        return {
            "id": FAKE_RESPONSES_ID,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [*self._parts],
            "provider_data": self._sink.provider_data,
        }

    def _begin(self, kind: str) -> None:
        self._end()
        self._kind = kind
        self._place = {
            "content_index": len(self._parts),
            "item_id": FAKE_RESPONSES_ID,
            "output_index": self._index,
        }
        self._sink.emit("content_part.added", **self._place, part=self._part())

    def _end(self) -> None:
        if self._kind is None:
            return
        part = self._part()
        if self._kind == "refusal":
            self._sink.emit("refusal.done", **self._place, refusal=part["refusal"])
        else:
            logprobs = [_without_bytes(one) for one in self._logprobs]
            self._sink.emit("output_text.done", **self._place, text=part["text"], logprobs=logprobs)
        self._sink.emit("content_part.done", **self._place, part=part)
        self._parts.append(part)
        self._kind, self._pieces, self._logprobs, self._annotations = None, [], [], []

    def _part(self) -> Json:
        joined = "".join(self._pieces)
        if self._kind == "refusal":
            return {"type": "refusal", "refusal": joined}
        return {
            "type": "output_text",
            "text": joined,
            "annotations": self._annotations,
            "logprobs": self._logprobs,
        }


def _without_bytes(logprob: Json) -> Json:
    """A log probability as events have it."""
    tops = [{"token": one["token"], "logprob": one["logprob"]} for one in logprob["top_logprobs"]]
    return {"token": logprob["token"], "logprob": logprob["logprob"], "top_logprobs": tops}


class ReasoningItem:
    """Reasoning: a summary, or the text itself where the server sends it in its field `reasoning`.

    Signed blocks, as Anthropic's models give them, are kept in the item's provider data; their text is the
    item's content, their last signature its `encrypted_content`.
    """

    def __init__(self, sink: EventSink, *, is_summary: bool) -> None:
        self._sink = sink
        self._is_summary = is_summary
        self._pieces: list[str] = []
        self._thinking = ThinkingBlocks()
        self._index = sink.add(self._item({"summary": []}))
        self._place: Json = {"item_id": FAKE_RESPONSES_ID, "output_index": self._index}
        self._place["summary_index" if is_summary else "content_index"] = 0

    def text(self, piece: str) -> None:
        """More text, which is not empty."""
        if not self._pieces:
            self._tell_part("added", "")
        self._pieces.append(piece)
        kind = "reasoning_summary_text" if self._is_summary else "reasoning_text"
        self._sink.emit_delta({"type": f"response.{kind}.delta", **self._place, "delta": piece})

    def thinking(self, block: Json) -> None:
        """A piece of a signed block.

        Raises:
            ModelBehaviorError: it is not in the form of one.
        """
        self._thinking.take(block)

    def close(self) -> None:
        """End the text and the item."""
        text = "".join(self._pieces)
        fields: Json = {"summary": []}
        if self._is_summary:
            if text:
                self._sink.emit("reasoning_summary_text.done", **self._place, text=text)
                self._tell_part("done", text)
                fields["summary"] = [{"type": "summary_text", "text": text}]
            signed = self._signed_text()
            if signed:
                fields["content"] = [{"type": "reasoning_text", "text": signed}]
        elif text:
            self._sink.emit("reasoning_text.done", **self._place, text=text)
            self._tell_part("done", text)
            fields["content"] = [{"type": "reasoning_text", "text": text}]
        signatures = [one["signature"] for one in self._thinking.joined() if one.get("signature")]
        if signatures:
            fields["encrypted_content"] = signatures[-1]
        self._sink.done(self._index, self._item(fields))

    def _signed_text(self) -> str:
        """The text of the signed blocks, shown as the item's content."""
        text = "".join(one["thinking"] for one in self._thinking.joined() if one["type"] == "thinking")
        if text:
            place = {"item_id": FAKE_RESPONSES_ID, "output_index": self._index, "content_index": 0}
            part = {"type": "reasoning_text", "text": text}
            self._sink.emit("content_part.added", **place, part={**part, "text": ""})
            self._sink.emit("reasoning_text.delta", **place, delta=text)
            self._sink.emit("reasoning_text.done", **place, text=text)
            self._sink.emit("content_part.done", **place, part=part)
        return text

    def _tell_part(self, stage: str, text: str) -> None:
        if self._is_summary:
            part = {"type": "summary_text", "text": text}
            self._sink.emit(f"reasoning_summary_part.{stage}", **self._place, part=part)
        else:
            part = {"type": "reasoning_text", "text": text}
            self._sink.emit(f"content_part.{stage}", **self._place, part=part)

    def _item(self, fields: Json) -> Json:
        provider_data = self._sink.provider_data
        if not self._is_summary:
            provider_data = {**provider_data, REASONING_FIELD: "reasoning"}
        blocks = self._thinking.joined()
        if blocks:
            provider_data = {**provider_data, "thinking_blocks": blocks}
        return {"id": FAKE_RESPONSES_ID, "type": "reasoning", **fields, "provider_data": provider_data}


class ThinkingBlocks:
    """Signed blocks that come in pieces: text goes on in the last block until that has its signature."""

    def __init__(self, blocks: Iterable[Json] = ()) -> None:
        """Those so far; they are not changed."""
        self._blocks = [dict(one) for one in blocks]
        self._pieces: list[str] = []
        """The text of the last block behind what stands in it."""

    def take(self, block: Json) -> None:
        """One more piece; a redacted block comes whole.

        Raises:
            ModelBehaviorError: a field is not a string.
        """
        kind = _string(block, "type")
        if kind == "redacted_thinking":
            self._begin({"type": kind, "data": _string(block, "data")})
            return
        text, signature = _string(block, "thinking"), _string(block, "signature")
        last = self._blocks[-1] if self._blocks else {"type": ""}
        if last["type"] == "thinking" and not last["signature"]:
            self._pieces.append(text)
            last["signature"] = signature
        elif text or signature:
            self._begin({"type": "thinking", "thinking": text, "signature": signature})

    def joined(self) -> list[Json]:
        """The blocks so far."""
        if self._pieces:
            self._blocks[-1]["thinking"] += "".join(self._pieces)
            self._pieces = []
        return self._blocks

    def _begin(self, block: Json) -> None:
        self.joined()
        self._blocks.append(block)


def _string(block: Json, field: str) -> str:
    value = block.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ModelBehaviorError(
            f"Expected streamed thinking block field '{field}' to be a string, got {type(value).__name__}."
        )
    return value
