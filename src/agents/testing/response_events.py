"""Output items in, Responses stream events out: the one builder that the server and the scripted model share.

Rules it keeps, for every event list it makes:

1. Numbers start at 0 and have no gaps; `response.created`, then `response.in_progress`, come first.
2. Items come one after another: `output_item.added`, the item's own events, `output_item.done`.
3. Each event of an item carries the id and the output index that `output_item.added` announced.
4. The deltas of a part joined are its done text, which is the text in the finished item.
5. The mapping in `output_item.done` is the very mapping that the caller passed in, and the terminal
   response's `output` is the list of those.

Pure: no clock, no randomness, no I/O. Events are plain dicts, ready for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Any]
Event = dict[str, Any]
Split = Callable[[str], Sequence[str]]

_WORD = re.compile(r"\S+\s*|\s+")


def words(text: str) -> list[str]:
    """`text` in pieces of one word each, with the white space that follows it; no piece for no text."""
    return _WORD.findall(text)


def whole(text: str) -> list[str]:
    """`text` as one piece, also when it is empty."""
    return [text]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStyle:
    """What conforming servers do differently from one another.

    `split` cuts text and arguments into deltas (joined they must give the whole).
    `raw_reasoning_parts`: raw reasoning text is wrapped in `content_part.added` and `content_part.done`.
    `named_arguments_done`: `function_call_arguments.done` repeats the function's name.
    """

    split: Split = words
    raw_reasoning_parts: bool = True
    named_arguments_done: bool = False


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
}
_WITHOUT_STATUS = frozenset({"mcp_list_tools", "mcp_approval_request", "compaction"})
# Hosted tools that only report their progress, in order.
_PROGRESS: dict[str, tuple[str, ...]] = {
    "web_search_call": ("in_progress", "searching", "completed"),
    "file_search_call": ("in_progress", "searching", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
}


def announced_item(item: Item) -> Event:
    """`item` as `output_item.added` shows it: in progress and empty. Fields that it lacks stay absent."""
    kind = item.get("type")
    shown = dict(item)
    for name, empty in _ANNOUNCED.get(str(kind), {}).items():
        if name in shown:
            shown[name] = [] if empty == () else empty
    shown.pop("action", None) if kind == "web_search_call" else None
    if kind not in _WITHOUT_STATUS:
        shown["status"] = "in_progress"
    return shown


def item_events(item: Item, output_index: int, style: StreamStyle = DEFAULT_STYLE) -> Iterator[Event]:
    """The events of one finished `item`, from added to done, without sequence numbers.

    Kinds that have no events of their own (approval requests, shell calls, ...) are added and done at once.
    `item` must have an id for any kind that has such events.
    """
    yield {"type": "response.output_item.added", "output_index": output_index, "item": announced_item(item)}
    place: Event = {"output_index": output_index, "item_id": item.get("id")}
    match item.get("type"):
        case "message":
            yield from _message_events(item, place, style)
        case "reasoning":
            yield from _reasoning_events(item, place, style)
        case "function_call":
            yield from _argument_events("function_call_arguments", "arguments", item, place, style)
        case "custom_tool_call":
            yield from _argument_events("custom_tool_call_input", "input", item, place, style)
        case "mcp_call":
            yield _event("response.mcp_call.in_progress", place)
            yield from _argument_events("mcp_call_arguments", "arguments", item, place, style)
            yield _event(f"response.mcp_call.{'completed' if item.get('error') is None else 'failed'}", place)
        case "code_interpreter_call":
            yield _event("response.code_interpreter_call.in_progress", place)
            yield from _argument_events("code_interpreter_call_code", "code", item, place, style)
            yield _event("response.code_interpreter_call.interpreting", place)
            yield _event("response.code_interpreter_call.completed", place)
        case kind:
            for stage in _PROGRESS.get(str(kind), ()):
                yield _event(f"response.{kind}.{stage}", place)
    yield {"type": "response.output_item.done", "output_index": output_index, "item": item}


def response_events(
    opened: Mapping[str, Any],
    items: Iterable[Item],
    closed: Mapping[str, Any],
    *,
    end: str = "response.completed",
    style: StreamStyle = DEFAULT_STYLE,
) -> Iterator[Event]:
    """A whole numbered stream.

    `opened` is the response as the first two events show it; `closed` is the one of the terminal event, whose
    type is `end` and whose `output` the caller has set to the same `items`.
    """
    number = 0
    for type_ in ("response.created", "response.in_progress"):
        yield {"type": type_, "response": opened, "sequence_number": number}
        number += 1
    for output_index, item in enumerate(items):
        for event in item_events(item, output_index, style):
            event["sequence_number"] = number
            yield event
            number += 1
    yield {"type": end, "response": closed, "sequence_number": number}


def _event(type_: str, place: Event, **fields: Any) -> Event:
    return {"type": type_, **place, **fields}


def _argument_events(stem: str, field: str, item: Item, place: Event, style: StreamStyle) -> Iterator[Event]:
    whole_text: str = item.get(field) or ""
    for piece in style.split(whole_text):
        yield _event(f"response.{stem}.delta", place, delta=piece)
    done = _event(f"response.{stem}.done", place, **{field: whole_text})
    if style.named_arguments_done and stem == "function_call_arguments":
        done["name"] = item.get("name")
    yield done


def _message_events(item: Item, place: Event, style: StreamStyle) -> Iterator[Event]:
    for content_index, part in enumerate(item.get("content") or ()):
        where = {**place, "content_index": content_index}
        if part.get("type") == "refusal":
            text = part["refusal"]
            yield _event("response.content_part.added", where, part={**part, "refusal": ""})
            for piece in style.split(text):
                yield _event("response.refusal.delta", where, delta=piece)
            yield _event("response.refusal.done", where, refusal=text)
        else:
            yield from _text_events(part, where, style)
        yield _event("response.content_part.done", where, part=part)


def _text_events(part: Item, where: Event, style: StreamStyle) -> Iterator[Event]:
    text: str = part["text"]
    yield _event(
        "response.content_part.added", where, part={**part, "text": "", "annotations": [], "logprobs": []}
    )
    logprobs = [_event_logprob(each) for each in part.get("logprobs") or ()]
    for index, piece in enumerate(style.split(text)):
        # Tokens and pieces need not match, so the first delta carries them all: joined they are right.
        yield _event("response.output_text.delta", where, delta=piece, logprobs=[] if index else logprobs)
    for annotation_index, annotation in enumerate(part.get("annotations") or ()):
        yield _event(
            "response.output_text.annotation.added",
            where,
            annotation_index=annotation_index,
            annotation=annotation,
        )
    yield _event("response.output_text.done", where, text=text, logprobs=logprobs)


def _event_logprob(logprob: Item) -> Event:
    """A log probability as events show it: without the token's bytes."""
    top = [{"token": each["token"], "logprob": each["logprob"]} for each in logprob.get("top_logprobs") or ()]
    return {"token": logprob["token"], "logprob": logprob["logprob"], "top_logprobs": top}


def _reasoning_events(item: Item, place: Event, style: StreamStyle) -> Iterator[Event]:
    for summary_index, part in enumerate(item.get("summary") or ()):
        where = {**place, "summary_index": summary_index}
        text = part["text"]
        yield _event("response.reasoning_summary_part.added", where, part={**part, "text": ""})
        for piece in style.split(text):
            yield _event("response.reasoning_summary_text.delta", where, delta=piece)
        yield _event("response.reasoning_summary_text.done", where, text=text)
        yield _event("response.reasoning_summary_part.done", where, part=part)
    for content_index, part in enumerate(item.get("content") or ()):
        where = {**place, "content_index": content_index}
        text = part["text"]
        if style.raw_reasoning_parts:
            yield _event("response.content_part.added", where, part={**part, "text": ""})
        for piece in style.split(text):
            yield _event("response.reasoning_text.delta", where, delta=piece)
        yield _event("response.reasoning_text.done", where, text=text)
        if style.raw_reasoning_parts:
            yield _event("response.content_part.done", where, part=part)
