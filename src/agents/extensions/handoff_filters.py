"""Ready-made input filters for handoffs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agents._lazy import lazy_module
from agents.handoffs import HandoffInputData, default_handoff_history_mapper, nest_handoff_history
from agents.items.run_items import raw_field

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")

__all__ = ["default_handoff_history_mapper", "nest_handoff_history", "remove_all_tools"]

_TOOL_RUN_ITEMS = frozenset(
    {
        "handoff_call_item",
        "handoff_output_item",
        "mcp_approval_request_item",
        "mcp_approval_response_item",
        "mcp_list_tools_item",
        "reasoning_item",
        "tool_approval_item",
        "tool_call_item",
        "tool_call_output_item",
        "tool_search_call_item",
        "tool_search_output_item",
    }
)

_TOOL_INPUT_TYPES = frozenset(
    {
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "computer_call",
        "computer_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "file_search_call",
        "function_call",
        "function_call_output",
        "hosted_tool_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "reasoning",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)


def remove_all_tools(handoff_input_data: HandoffInputData) -> HandoffInputData:
    """Leave out all that has to do with tools: calls, outputs, approvals, handoffs, and the reasoning for them.

    Messages, compactions and the caller's own input stay. A history given as a
    string is kept as it is.
    """
    data = handoff_input_data
    history = data.input_history
    if not isinstance(history, str):
        history = tuple(item for item in history if raw_field(item, "type") not in _TOOL_INPUT_TYPES)
    return data.clone(
        input_history=history,
        pre_handoff_items=_without_tools(data.pre_handoff_items),
        new_items=_without_tools(data.new_items),
        input_items=None if data.input_items is None else _without_tools(data.input_items),
    )


def _without_tools(items: Iterable[_items.RunItem]) -> tuple[_items.RunItem, ...]:
    return tuple(item for item in items if item.type not in _TOOL_RUN_ITEMS)
