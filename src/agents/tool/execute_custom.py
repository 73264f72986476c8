"""Performing one call of a custom tool. The rules are those of `execute`, but for the text of a failure."""

from __future__ import annotations

from typing import Any

from ..tool_context import ToolContext
from .attempt import Failed, called, tried
from .custom import CustomTool
from .failures import ToolOutcome


async def execute_custom_tool(tool: CustomTool, context: ToolContext[Any], text: str) -> ToolOutcome:
    """Perform a call for a run: what the model gets, always text, and the error that it stands for.

    Raises:
        CancelledError: the run was cancelled.
    """
    output = await tried(context, called(tool.on_invoke_tool, context, context, text), tool_type="custom")
    if isinstance(output, Failed):
        return ToolOutcome(output.text, output.error)
    return ToolOutcome(output if isinstance(output, str) else str(output))
