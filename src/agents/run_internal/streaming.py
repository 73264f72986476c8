"""Facts to stream events: one table, one small machine that keeps their order.

Rule 1: a turn's run items come after its raw events, in model order; a tool's output comes when that tool is done,
    and not before the item of its call.
Rule 2: approval placeholders and everything else that the three classic events cannot say have no event.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents.stream_events import (
    AgentUpdatedStreamEvent,
    RawResponsesStreamEvent,
    RunItemEventName,
    RunItemStreamEvent,
    StreamEvent,
)

from .view import LiveHandoff, LiveOutput, LiveProposal, LiveResponse, LiveResumption

if TYPE_CHECKING:
    from agents.items import RunItem
    from agents.log import Entry

#: The event that announces each type of run item. A type that is not here has no event.
EVENT_NAMES: dict[str, RunItemEventName] = {
    "message_output_item": "message_output_created",
    "handoff_call_item": "handoff_requested",
    "handoff_output_item": "handoff_occured",
    "tool_call_item": "tool_called",
    "tool_search_call_item": "tool_search_called",
    "tool_search_output_item": "tool_search_output_created",
    "tool_call_output_item": "tool_output",
    "reasoning_item": "reasoning_item_created",
    "mcp_approval_request_item": "mcp_approval_requested",
    "mcp_approval_response_item": "mcp_approval_response",
    "mcp_list_tools_item": "mcp_list_tools",
}


class QueueCompleteSentinel:
    """Ends a queue of stream events."""


def item_event(item: RunItem) -> RunItemStreamEvent | None:
    """The event of a finished item; None for kinds that have none."""
    name = EVENT_NAMES.get(item.type)
    return None if name is None else RunItemStreamEvent(name, item)


def stream_step_items_to_queue(
    new_step_items: list[RunItem], queue: asyncio.Queue[StreamEvent | QueueCompleteSentinel]
) -> None:
    """Put the event of each item into a queue, in order; items without an event are left out."""
    for item in new_step_items:
        event = item_event(item)
        if event is not None:
            queue.put_nowait(event)


def stream_step_result_to_queue(
    step_result: Any, queue: asyncio.Queue[StreamEvent | QueueCompleteSentinel]
) -> None:
    """Put the events of a step's new items into a queue.

    `step_result` is anything with `new_step_items` or `new_items`.
    """
    items: Any = getattr(step_result, "new_step_items", None)
    stream_step_items_to_queue(step_result.new_items if items is None else items, queue)


class EventOrder:
    """Turns the entries of one run into classic events, in their contractual order.

    `copy` gives a second one that goes on from the same point.
    """

    __slots__ = ("_held", "_is_open")

    def __init__(self) -> None:
        self._is_open = False
        self._held: list[RunItem] = []

    def copy(self) -> EventOrder:
        """Another one, that has seen the same entries."""
        twin = EventOrder()
        twin._is_open = self._is_open
        twin._held = list(self._held)
        return twin

    def events(self, entry: Entry, into: deque[StreamEvent]) -> None:
        """Append the events of an entry that is no delta."""
        live: Any = entry.live
        match entry.known_fact:
            case None:
                into.append(RawResponsesStreamEvent(live))
            case f.RunStarted():
                into.append(AgentUpdatedStreamEvent(live))
            case f.RunResumed():
                assert isinstance(live, LiveResumption), "a resumption is logged with its agent"
                self._is_open = live.is_in_response
                into.append(AgentUpdatedStreamEvent(live.agent))
            case f.TurnStarted():
                self._is_open = True
                self._held = []
            case f.AttemptReset():
                self._held = []
            case f.ModelResponded():
                assert isinstance(live, LiveResponse), "a response is logged with its items"
                self._is_open = False
                _extend(into, live.items)
                _extend(into, [item for item in self._held if item.call_id in live.calls])  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] (held items are tool outputs)
                self._held = []
            case f.ToolReturned() | f.ToolFailed() | f.CallAnswered():
                self._output(live, into)
            case f.HandedOff():
                assert isinstance(live, LiveHandoff), "a handoff is logged with its agents"
                _extend(into, [live.item])
                into.append(AgentUpdatedStreamEvent(live.target))
            case f.OutputProposed():
                assert isinstance(live, LiveProposal), "an output is logged with its value"
                if live.item is not None:
                    _extend(into, [live.item])
            case _:
                pass

    def _output(self, live: LiveOutput, into: deque[StreamEvent]) -> None:
        if live.item is None:
            return
        if self._is_open:
            self._held.append(live.item)
        else:
            _extend(into, [live.item])


def _extend(into: deque[StreamEvent], items: Iterable[RunItem]) -> None:
    for item in items:
        event = item_event(item)
        if event is not None:
            into.append(event)
