"""Run items, model responses, and conversions between what models say and what they are sent.

The aliases of `openai` types (`TResponseInputItem`, `TResponseOutputItem`, ...)
import `openai` at their first access, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module

from .conversion import (
    coerce_tool_search_call_raw_item,
    coerce_tool_search_output_raw_item,
    output_item_to_input,
)
from .item_helpers import ItemHelpers
from .model_response import ModelResponse
from .run_items import (
    CompactionItem,
    FunctionToolLookupKey,
    HandoffCallItem,
    HandoffOutputItem,
    InputItem,
    MCPApprovalRequestItem,
    MCPApprovalResponseItem,
    MCPListToolsItem,
    MessageOutputItem,
    ReasoningItem,
    RunItem,
    RunItemBase,
    T,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
)

if TYPE_CHECKING:
    from .raw_types import (
        ComputerCallOutput,
        FunctionCallOutput,
        LocalShellCallOutput,
        ToolApprovalRawItem,
        ToolCallItemTypes,
        ToolCallOutputTypes,
        ToolSearchCallRawItem,
        ToolSearchOutputRawItem,
        TResponse,
        TResponseInputItem,
        TResponseOutputItem,
        TResponseStreamEvent,
    )
else:
    _raw = lazy_module("agents.items.raw_types")
    _LATE = frozenset({
        "ComputerCallOutput",
        "FunctionCallOutput",
        "LocalShellCallOutput",
        "TResponse",
        "TResponseInputItem",
        "TResponseOutputItem",
        "TResponseStreamEvent",
        "ToolApprovalRawItem",
        "ToolCallItemTypes",
        "ToolCallOutputTypes",
        "ToolSearchCallRawItem",
        "ToolSearchOutputRawItem",
    })  # fmt: skip

    def __getattr__(name: str) -> Any:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(_raw, name)
        globals()[name] = value
        return value


__all__ = [
    "CompactionItem",
    "ComputerCallOutput",
    "FunctionCallOutput",
    "FunctionToolLookupKey",
    "HandoffCallItem",
    "HandoffOutputItem",
    "InputItem",
    "ItemHelpers",
    "LocalShellCallOutput",
    "MCPApprovalRequestItem",
    "MCPApprovalResponseItem",
    "MCPListToolsItem",
    "MessageOutputItem",
    "ModelResponse",
    "ReasoningItem",
    "RunItem",
    "RunItemBase",
    "T",
    "TResponse",
    "TResponseInputItem",
    "TResponseOutputItem",
    "TResponseStreamEvent",
    "ToolApprovalItem",
    "ToolApprovalRawItem",
    "ToolCallItem",
    "ToolCallItemTypes",
    "ToolCallOutputItem",
    "ToolCallOutputTypes",
    "ToolSearchCallItem",
    "ToolSearchCallRawItem",
    "ToolSearchOutputItem",
    "ToolSearchOutputRawItem",
    "coerce_tool_search_call_raw_item",
    "coerce_tool_search_output_raw_item",
    "output_item_to_input",
]
