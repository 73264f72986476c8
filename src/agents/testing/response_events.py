"""Output items in, Responses stream events out: the one builder that the server and the scripted model share.

Rules it keeps, for every event list it makes:

1. Numbers start at 0 and have no gaps; `response.created` comes first, then `response.queued` where there is a queue,
   then `response.in_progress`.
2. Items come one after another: `output_item.added`, the item's own events, `output_item.done`.
3. Each event of an item carries the id and the output index that `output_item.added` announced.
4. The deltas of a part joined are its done text, which is the text in the finished item.
5. The item in `output_item.done` is the very item that the caller passed in, and the terminal
   response's `output` is the list of those.

Pure: no clock, no randomness, no I/O. Events are dicts; they are ready for JSON when the items are mappings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Node = Any
"""An item or a part: a mapping, or whatever the style's `fields` and `edited` understand."""
Event = dict[str, Any]
Split = Callable[[str], Sequence[str]]

_WORD = re.compile(r"\S+\s*|\s+")


def words(text: str) -> list[str]:
    """`text` in pieces of one word each, with the white space that follows it; no piece for no text."""
    return _WORD.findall(text)


def whole(text: str) -> list[str]:
    """`text` as one piece, also when it is empty."""
    return [text]


def mapping_fields(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a mapping: itself."""
    return node


def mapping_edited(node: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A changed copy of a mapping."""
    return {**node, **changes}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStyle:
    """What conforming servers do differently from one another, and what their items are made of.

    `split` cuts text and arguments into deltas (joined they must give the whole).
    `raw_reasoning_parts`: raw reasoning text is wrapped in `content_part.added` and `content_part.done`.
    `named_arguments_done`: `function_call_arguments.done` repeats the function's name.
    `fields` and `edited` read an item or part and make a changed copy of it; by default both are mappings.
    """

    split: Split = words
    raw_reasoning_parts: bool = True
    named_arguments_done: bool = False
    fields: Callable[[Node], Mapping[str, Any]] = mapping_fields
    edited: Callable[[Node, Mapping[str, Any]], Node] = mapping_edited


DEFAULT_STYLE = StreamStyle()

# What an item shows when it is announced: its large fields are still empty.
_ANNOUNCED: dict[str, dict[str, Any]] = {
    "message": {"content": ()},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "reasoning": {"summary": (), "content": (), "encrypted_content": None},
    "mcp_call": {"arguments": "", "output": None, "error": None},
    "mcp_list_tools": {"tools": ()},
    "file_search_call": {"queries": (), "results": None},
    "code_interpreter_call": {"code": "", "outputs": None},
    "image_generation_call": {"result": None},
    "web_search_call": {"action": None},
}
_WITHOUT_STATUS = frozenset({"mcp_list_tools", "mcp_approval_request", "compaction"})
# Hosted tools that only report their progress, in order.
_PROGRESS: dict[str, tuple[str, ...]] = {
    "web_search_call": ("in_progress", "searching", "completed"),
    "file_search_call": ("in_progress", "searching", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
}


def announced_item(item: Node, style: StreamStyle = DEFAULT_STYLE) -> Node:
    """`item` as `output_item.added` shows it: in progress and empty. What it lacks stays absent or None."""
    fields = style.fields(item)
    kind = str(fields.get("type"))
    changes: dict[str, Any] = {}
    for name, empty in _ANNOUNCED.get(kind, {}).items():
        if name in fields:
            changes[name] = None if fields[name] is None else [] if empty == () else empty
    if kind not in _WITHOUT_STATUS:
        changes["status"] = "in_progress"
    return style.edited(item, changes)


def item_events(item: Node, output_index: int, style: StreamStyle = DEFAULT_STYLE) -> Iterator[Event]:
    """The events of one finished `item`, from added to done, without sequence numbers.

    Kinds that have no events of their own (approval requests, shell calls, ...) are added and done at once.
    The item's id is what its events carry, or its call id if it has none.
    """
    added = announced_item(item, style)
    yield {"type": "response.output_item.added", "output_index": output_index, "item": added}
    fields = style.fields(item)
    item_id = fields.get("id")
    place: Event = {
        "output_index": output_index,
        "item_id": fields.get("call_id") if item_id is None else item_id,
    }
    match fields.get("type"):
        case "message":
            yield from _message_events(fields, place, style)
        case "reasoning":
            yield from _reasoning_events(fields, place, style)
        case "function_call":
            yield from _argument_events("function_call_arguments", "arguments", fields, place, style)
        case "custom_tool_call":
            yield from _argument_events("custom_tool_call_input", "input", fields, place, style)
        case "mcp_call":
            yield _event("response.mcp_call.in_progress", place)
            yield from _argument_events("mcp_call_arguments", "arguments", fields, place, style)
            yield _event(
                f"response.mcp_call.{'completed' if fields.get('error') is None else 'failed'}", place
            )
        case "code_interpreter_call":
            yield _event("response.code_interpreter_call.in_progress", place)
            yield from _argument_events("code_interpreter_call_code", "code", fields, place, style)
            yield _event("response.code_interpreter_call.interpreting", place)
            yield _event("response.code_interpreter_call.completed", place)
        case kind:
            for stage in _PROGRESS.get(str(kind), ()):
                yield _event(f"response.{kind}.{stage}", place)
    yield {"type": "response.output_item.done", "output_index": output_index, "item": item}


def response_events(
    opened: Node,
    items: Iterable[Node],
    closed: Node,
    *,
    end: str = "response.completed",
    queued: Node | None = None,
    style: StreamStyle = DEFAULT_STYLE,
) -> Iterator[Event]:
    """A whole numbered stream.

    `opened` is the response as the first two events show it; `closed` is the one of the terminal event, whose
    type is `end` and whose `output` the caller has set to the same `items`. `queued` is the response as it waits
    in the queue, for one that is made in the background.
    """
    opening = [("response.created", opened), ("response.in_progress", opened)]
    if queued is not None:
        opening = [("response.created", queued), ("response.queued", queued), opening[1]]
    for number, (type_, response) in enumerate(opening):
        yield {"type": type_, "response": response, "sequence_number": number}
    number = len(opening)
    for output_index, item in enumerate(items):
        for event in item_events(item, output_index, style):
            event["sequence_number"] = number
            yield event
            number += 1
    yield {"type": end, "response": closed, "sequence_number": number}


def _event(type_: str, place: Event, **fields: Any) -> Event:
    return {"type": type_, **place, **fields}


Fields = Mapping[str, Any]


def _argument_events(
    stem: str, field: str, fields: Fields, place: Event, style: StreamStyle
) -> Iterator[Event]:
    text: str = fields.get(field) or ""
    for piece in style.split(text):
        yield _event(f"response.{stem}.delta", place, delta=piece)
    done = _event(f"response.{stem}.done", place, **{field: text})
    if style.named_arguments_done and stem == "function_call_arguments":
        done["name"] = fields.get("name")
    yield done


def _message_events(fields: Fields, place: Event, style: StreamStyle) -> Iterator[Event]:
    for content_index, part in enumerate(fields.get("content") or ()):
        where = {**place, "content_index": content_index}
        part_fields = style.fields(part)
        if part_fields.get("type") == "refusal":
            text = part_fields["refusal"]
            yield _event("response.content_part.added", where, part=style.edited(part, {"refusal": ""}))
            for piece in style.split(text):
                yield _event("response.refusal.delta", where, delta=piece)
            yield _event("response.refusal.done", where, refusal=text)
        else:
            yield from _text_events(part, part_fields, where, style)
        yield _event("response.content_part.done", where, part=part)


def _text_events(part: Node, fields: Fields, where: Event, style: StreamStyle) -> Iterator[Event]:
    text: str = fields["text"]
    empty: dict[str, Any] = {"text": "", "annotations": [], "logprobs": []}
    yield _event("response.content_part.added", where, part=style.edited(part, empty))
    logprobs = [_event_logprob(each, style) for each in fields.get("logprobs") or ()]
    # What has log probabilities has tokens, so it comes in a delta, also without text.
    for index, piece in enumerate(style.split(text) or [""] * bool(logprobs)):
        # Tokens and pieces need not match, so the first delta carries them all: joined they are right.
        carried = [] if index else logprobs
        yield _event("response.output_text.delta", where, delta=piece, logprobs=carried)
    for annotation_index, annotation in enumerate(fields.get("annotations") or ()):
        yield _event(
            "response.output_text.annotation.added",
            where,
            annotation_index=annotation_index,
            annotation=dict(style.fields(annotation)),
        )
    yield _event("response.output_text.done", where, text=text, logprobs=logprobs)


def _event_logprob(logprob: Node, style: StreamStyle) -> Event:
    """A log probability as events show it: without the token's bytes."""
    fields = style.fields(logprob)
    top = [style.fields(each) for each in fields.get("top_logprobs") or ()]
    return {
        "token": fields["token"],
        "logprob": fields["logprob"],
        "top_logprobs": [{"token": each["token"], "logprob": each["logprob"]} for each in top],
    }


def _reasoning_events(fields: Fields, place: Event, style: StreamStyle) -> Iterator[Event]:
    for summary_index, part in enumerate(fields.get("summary") or ()):
        where = {**place, "summary_index": summary_index}
        text = style.fields(part)["text"]
        added = style.edited(part, {"text": ""})
        yield _event("response.reasoning_summary_part.added", where, part=added)
        for piece in style.split(text):
            yield _event("response.reasoning_summary_text.delta", where, delta=piece)
        yield _event("response.reasoning_summary_text.done", where, text=text)
        yield _event("response.reasoning_summary_part.done", where, part=part)
    for content_index, part in enumerate(fields.get("content") or ()):
        where = {**place, "content_index": content_index}
        text = style.fields(part)["text"]
        if style.raw_reasoning_parts:
            yield _event("response.content_part.added", where, part=style.edited(part, {"text": ""}))
        for piece in style.split(text):
            yield _event("response.reasoning_text.delta", where, delta=piece)
        yield _event("response.reasoning_text.done", where, text=text)
        if style.raw_reasoning_parts:
            yield _event("response.content_part.done", where, part=part)
