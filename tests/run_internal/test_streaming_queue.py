from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai.types import responses as rt

from agents import (
    Agent,
    CompactionItem,
    HandoffCallItem,
    HandoffOutputItem,
    MCPApprovalRequestItem,
    MCPApprovalResponseItem,
    MCPListToolsItem,
    MessageOutputItem,
    ReasoningItem,
    RunItemStreamEvent,
    StreamEvent,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
)
from agents.items import RunItem
from agents.run_internal.streaming import (
    QueueCompleteSentinel,
    stream_step_items_to_queue,
    stream_step_result_to_queue,
)

A: Agent[Any] = Agent(name="a")
RAW: Any = rt.ResponseFunctionToolCall(type="function_call", name="f", arguments="{}", call_id="c")
OUTPUT: Any = {"type": "function_call_output", "call_id": "c", "output": "x"}

NAMED: list[tuple[RunItem, str]] = [
    (MessageOutputItem(A, RAW), "message_output_created"),
    (HandoffCallItem(A, RAW), "handoff_requested"),
    (HandoffOutputItem(A, OUTPUT, A, A), "handoff_occured"),
    (ToolCallItem(A, RAW), "tool_called"),
    (ToolCallOutputItem(A, OUTPUT, "x"), "tool_output"),
    (ToolSearchCallItem(A, RAW), "tool_search_called"),
    (ToolSearchOutputItem(A, RAW), "tool_search_output_created"),
    (ReasoningItem(A, RAW), "reasoning_item_created"),
    (MCPApprovalRequestItem(A, RAW), "mcp_approval_requested"),
    (MCPApprovalResponseItem(A, RAW), "mcp_approval_response"),
    (MCPListToolsItem(A, RAW), "mcp_list_tools"),
]
SILENT: list[RunItem] = [ToolApprovalItem(A, RAW), CompactionItem(A, RAW)]

Queue = asyncio.Queue[StreamEvent | QueueCompleteSentinel]


def drained(queue: Queue) -> list[tuple[str, RunItem]]:
    found: list[tuple[str, RunItem]] = []
    while not queue.empty():
        event = queue.get_nowait()
        assert isinstance(event, RunItemStreamEvent)
        found.append((event.name, event.item))
    return found


@pytest.mark.parametrize(("item", "name"), NAMED)
def test_each_kind_of_item_has_its_event(item: RunItem, name: str):
    queue: Queue = asyncio.Queue()
    stream_step_items_to_queue([item], queue)
    assert drained(queue) == [(name, item)]


@pytest.mark.parametrize("item", SILENT)
def test_placeholders_have_none(item: RunItem):
    queue: Queue = asyncio.Queue()
    stream_step_items_to_queue([item], queue)
    assert queue.empty()


def test_order_is_kept():
    queue: Queue = asyncio.Queue()
    items = [item for item, _ in NAMED]
    stream_step_items_to_queue([items[0], SILENT[0], *items[1:]], queue)
    assert [item for _, item in drained(queue)] == items


@dataclass
class StepResult:
    new_step_items: list[RunItem] = field(default_factory=list[RunItem])


def test_a_step_result_gives_the_events_of_its_new_items():
    queue: Queue = asyncio.Queue()
    stream_step_result_to_queue(StepResult([NAMED[3][0], SILENT[0], NAMED[4][0]]), queue)
    assert [name for name, _ in drained(queue)] == ["tool_called", "tool_output"]


async def test_a_sentinel_ends_a_queue():
    queue: Queue = asyncio.Queue()
    stream_step_items_to_queue([NAMED[0][0]], queue)
    queue.put_nowait(QueueCompleteSentinel())
    events: list[StreamEvent] = []
    while not isinstance(event := await queue.get(), QueueCompleteSentinel):
        events.append(event)
    assert len(events) == 1
