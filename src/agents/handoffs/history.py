"""Nested history: at a handoff, the conversation so far becomes a summary inside one message.

The next agent sees the summary, the messages of the handing-off turn as they
are, and a further summary of that turn's tool calls and of the handoff itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.items.conversion import output_item_to_input, plain_copy

from .input_data import HandoffInputData
from .transcript import read_summary, summary_text

if TYPE_CHECKING:
    from agents import items as _items
    from agents.items import raw_types as _raw

    from . import mapper as _mapper
else:
    _items = lazy_module("agents.items")
    _mapper = lazy_module("agents.handoffs.mapper")
    _raw = lazy_module("agents.items.raw_types")

_DEFAULT_START = "<CONVERSATION HISTORY>"
_DEFAULT_END = "</CONVERSATION HISTORY>"

_conversation_history_start = _DEFAULT_START
_conversation_history_end = _DEFAULT_END

_SUMMARY_ONLY_TYPES = frozenset(
    {
        "handoff_call_item",
        "handoff_output_item",
        "reasoning_item",
        "tool_call_item",
        "tool_call_output_item",
    }
)
"""Run items that another agent's model could not take as its own: they go into summaries."""


def set_conversation_history_wrappers(*, start: str | None = None, end: str | None = None) -> None:
    """Change the markers around summaries, for the whole process; None leaves one as it is.

    Summaries that were written with other markers are not recognised afterwards.
    """
    global _conversation_history_start, _conversation_history_end
    if start is not None:
        _conversation_history_start = start
    if end is not None:
        _conversation_history_end = end


def reset_conversation_history_wrappers() -> None:
    """Go back to the default markers."""
    set_conversation_history_wrappers(start=_DEFAULT_START, end=_DEFAULT_END)


def get_conversation_history_wrappers() -> tuple[str, str]:
    """Give the markers that summaries begin and end with."""
    return _conversation_history_start, _conversation_history_end


def default_handoff_history_mapper(
    transcript: list[_items.TResponseInputItem],
) -> list[_items.TResponseInputItem]:
    """Give one assistant message that summarises `transcript`."""
    return [_summary_message(cast("Iterable[Mapping[str, Any]]", transcript))]


def nest_handoff_history(
    handoff_input_data: HandoffInputData,
    *,
    history_mapper: _mapper.HandoffHistoryMapper | None = None,
) -> HandoffInputData:
    """Replace what the next agent sees by summaries of it; usable as an input filter.

    In the result `input_history` is the next agent's whole input, and
    `pre_handoff_items` and `input_items` are empty; `new_items` is kept for
    sessions. Summaries from earlier handoffs are taken apart first, so there is
    never a summary inside a summary.

    Args:
        handoff_input_data: The conversation at the moment of the handoff.
        history_mapper: Gets the transcript, as copies, and gives the next agent's input.
    """
    data = handoff_input_data
    turn_items = data.new_items if data.input_items is None else data.input_items
    earlier = _flat_transcript(data.input_history)
    if history_mapper is not None:
        run_items = (*data.pre_handoff_items, *turn_items)
        transcript = [*earlier, *(_plain(item) for item in run_items if item.type != "tool_approval_item")]
        history = history_mapper(cast("list[_raw.TResponseInputItem]", cast("object", transcript)))
    else:
        history = _segments(earlier, data.pre_handoff_items, turn_items)
    return data.clone(input_history=tuple(history), pre_handoff_items=(), input_items=())


def _segments(
    earlier: list[dict[str, Any]],
    pre_handoff_items: tuple[_items.RunItem, ...],
    turn_items: tuple[_items.RunItem, ...],
) -> list[_raw.TResponseInputItem]:
    """Give summaries and forwarded items in the order in which things happened."""
    segments: list[_raw.TResponseInputItem] = []
    pending = earlier
    is_first = True

    def forward(item: dict[str, Any]) -> None:
        nonlocal pending, is_first
        if pending or is_first:
            segments.append(_summary_message(pending))
        pending, is_first = [], False
        segments.append(cast("_raw.TResponseInputItem", cast("object", item)))

    for item in pre_handoff_items:
        if item.type == "tool_approval_item":
            continue
        plain = _plain(item)
        if item.type in _SUMMARY_ONLY_TYPES or plain.get("role") == "assistant":
            pending.append(plain)
        else:
            forward(plain)
    for item in turn_items:
        if item.type == "tool_approval_item":
            continue
        if item.type in _SUMMARY_ONLY_TYPES:
            pending.append(_plain(item))
        else:
            forward(_plain(item))
    if pending or is_first:
        segments.append(_summary_message(pending))
    return segments


def _summary_message(transcript: Iterable[Mapping[str, Any]]) -> _raw.TResponseInputItem:
    text = summary_text(list(transcript), *get_conversation_history_wrappers())
    return {"role": "assistant", "content": text}


def _flat_transcript(history: str | tuple[_raw.TResponseInputItem, ...]) -> list[dict[str, Any]]:
    """Give the items of `history` as copies, with earlier summaries taken apart."""
    if isinstance(history, str):
        return [{"role": "user", "content": history}]
    transcript: list[dict[str, Any]] = []
    markers = get_conversation_history_wrappers()
    for item in history:
        plain = plain_copy(output_item_to_input(item))
        content = plain.get("content")
        if plain.get("role") == "assistant" and isinstance(content, str):
            earlier = read_summary(content, *markers)
            if earlier is not None:
                transcript.extend(earlier)
                continue
        transcript.append(plain)
    return transcript


def _plain(item: _items.RunItem) -> dict[str, Any]:
    return plain_copy(item.to_input_item())
