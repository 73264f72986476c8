"""Performing one call of a custom tool. The rules are those of `execute`, but for the text of a failure."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any

from ..tool_context import ToolContext, report_from_threads
from ..util.cancellation import cancellation_watch
from .body import CallableKind, kind_of
from .custom import CustomTool
from .failures import DEFAULT_FAILURE, ToolOutcome, formatted_failure

_logger = logging.getLogger("openai.agents")


async def execute_custom_tool(tool: CustomTool, context: ToolContext[Any], text: str) -> ToolOutcome:
    """Perform a call for a run: what the model gets, always text, and the error that it stands for.

    Raises:
        CancelledError: the run was cancelled.
    """
    was_cancelled = cancellation_watch()
    try:
        output = await _invoke(tool, context, text)
        return ToolOutcome(output if isinstance(output, str) else str(output))
    except asyncio.CancelledError as error:
        if was_cancelled():
            raise
        return ToolOutcome("Tool execution cancelled.", error)
    except Exception as error:  # noqa: BLE001 (whatever a tool raises becomes its output)
        _logger.debug("custom tool %s failed: the model is told", tool.name)
        told = str(error) or DEFAULT_FAILURE
        return ToolOutcome(await formatted_failure(context, error, tool_type="custom", default=told), error)


async def _invoke(tool: CustomTool, context: ToolContext[Any], text: str) -> Any:
    if kind_of(tool.on_invoke_tool) is CallableKind.ASYNC:
        return await tool.on_invoke_tool(context, text)
    report_from_threads(context, asyncio.get_running_loop())
    made = await asyncio.to_thread(tool.on_invoke_tool, context, text)
    return await made if inspect.isawaitable(made) else made
