from __future__ import annotations

from typing import Any, cast

from agents.extensions.handoff_filters import nest_handoff_history, remove_all_tools
from agents.handoffs import HandoffInputData
from agents.handoffs import nest_handoff_history as original
from agents.items import (
    CompactionItem,
    InputItem,
    MCPApprovalRequestItem,
    MCPApprovalResponseItem,
    MCPListToolsItem,
    RunItem,
    ToolApprovalItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
)
from handoffs.conversation import A, call, handoff_call, handoff_output, message, output, reasoning

RAW: Any = {}
KEPT: tuple[RunItem, ...] = (
    message("x"),
    InputItem(agent=A, raw_item={"role": "user", "content": "x"}),
    CompactionItem(agent=A, raw_item=RAW),
)
REMOVED: tuple[RunItem, ...] = (
    call(),
    output(),
    handoff_call(),
    handoff_output(),
    reasoning(),
    MCPListToolsItem(agent=A, raw_item=RAW),
    MCPApprovalRequestItem(agent=A, raw_item=RAW),
    MCPApprovalResponseItem(agent=A, raw_item=RAW),
    ToolSearchCallItem(agent=A, raw_item=RAW),
    ToolSearchOutputItem(agent=A, raw_item=RAW),
    ToolApprovalItem(agent=A, raw_item=RAW),
)


def test_tool_items_are_removed_from_every_part():
    items = (*KEPT, *REMOVED)
    result = remove_all_tools(
        HandoffInputData(input_history="x", pre_handoff_items=items, new_items=items, input_items=items)
    )
    assert result == HandoffInputData(
        input_history="x", pre_handoff_items=KEPT, new_items=KEPT, input_items=KEPT
    )


def test_tool_items_are_removed_from_the_history():
    kinds = [
        "function_call",
        "shell_call_output",
        "mcp_call",
        "program",
        "tool_search_output",
        "reasoning",
        "web_search_call",
    ]
    user = {"role": "user", "content": "u"}
    said = {"type": "message", "role": "assistant", "content": ""}
    history = cast("Any", (user, *({"type": kind} for kind in kinds), said))
    result = remove_all_tools(HandoffInputData(input_history=history, pre_handoff_items=(), new_items=()))
    assert result.input_history == (user, said)
    assert result.input_items is None


def test_nothing_to_remove_gives_equal_data():
    data = HandoffInputData(input_history="x", pre_handoff_items=KEPT, new_items=())
    assert remove_all_tools(data) == data


def test_nesting_is_offered_here_too():
    assert nest_handoff_history is original
