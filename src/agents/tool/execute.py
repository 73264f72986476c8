"""Performing one call of a function tool: time limit, failures, cancellation.

1. An error that the tool's author wants told to the model becomes the output; the
   `ToolOutcome` keeps it. Any other error is raised.
2. A cancellation from outside is never a result: it is raised. A tool that
   raises `CancelledError` by itself has failed.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any

from ..exceptions import AgentsException, ToolTimeoutError, UserError
from ..tool_context import ToolContext
from ..util.cancellation import cancellation_watch
from .custom import CustomTool
from .failures import (
    ToolOutcome,
    default_tool_timeout_error_message,
    maybe_invoke_function_tool_failure_error_function,
)
from .function import FunctionTool
from .invoker import ToolInvoker
from .kinds import MachineTool


async def execute_function_tool(tool: FunctionTool, context: ToolContext[Any], arguments: str) -> ToolOutcome:
    """Perform a call for a run: what the model gets, and the error that it stands for.

    Call `run_failure` on what is raised to get the error that ends the run.

    Raises:
        CancelledError: the run was cancelled, or the tool raised it and its author wants errors raised.
        ToolTimeoutError: it took too long, under `timeout_behavior="raise_exception"`.
        Exception: what the tool raised, when that is not to be told to the model.
    """
    was_cancelled = cancellation_watch()
    try:
        return await _attempt(tool, context, arguments)
    except asyncio.CancelledError as error:
        if was_cancelled():
            raise
        output = await maybe_invoke_function_tool_failure_error_function(
            function_tool=tool, context=context, error=error
        )
        if output is None:
            raise
        return ToolOutcome(output, error)


async def invoke_function_tool(
    *, function_tool: FunctionTool, context: ToolContext[Any], arguments: str
) -> Any:
    """Call a tool outside a run: its output, or the text that stands for its failure.

    Raises:
        CancelledError: whoever raised it.
        ToolTimeoutError: it took too long, under `timeout_behavior="raise_exception"`.
        Exception: what the tool raised, when that is not to be told to the model.
    """
    return (await _attempt(function_tool, context, arguments)).output


def run_failure(tool: FunctionTool | CustomTool | MachineTool, error: Exception) -> AgentsException:
    """The exception that ends a run because `tool` raised `error`: itself, or a `UserError` caused by it."""
    if isinstance(error, AgentsException):
        return error
    name = tool.qualified_name if isinstance(tool, FunctionTool) else tool.name
    failure = UserError(f"Error running tool {name}: {error}")
    failure.__cause__ = error
    return failure


async def _attempt(tool: FunctionTool, context: ToolContext[Any], arguments: str) -> ToolOutcome:
    invoker = tool.on_invoke_tool
    attempt = (
        invoker.perform(tool, context, arguments)
        if isinstance(invoker, ToolInvoker)
        else _plain(invoker(context, arguments))
    )
    if tool.timeout_seconds is None:
        return await attempt
    return await _limited(tool, context, attempt, tool.timeout_seconds)


async def _plain(call: Awaitable[Any]) -> ToolOutcome:
    return ToolOutcome(await call)


async def _limited(
    tool: FunctionTool, context: ToolContext[Any], attempt: Awaitable[ToolOutcome], seconds: float
) -> ToolOutcome:
    """The attempt's outcome, or that of its time-out; a `TimeoutError` of the tool's own is no time-out."""
    own: TimeoutError | None = None
    try:
        async with asyncio.timeout(seconds):
            try:
                return await attempt
            except TimeoutError as error:
                own = error
                raise
    except TimeoutError as error:
        if error is own:
            raise
        timed_out = ToolTimeoutError(tool.name, seconds)
        timed_out.__cause__ = error
    if tool.timeout_behavior == "raise_exception":
        raise timed_out
    if tool.timeout_error_function is None:
        message = default_tool_timeout_error_message(tool_name=tool.name, timeout_seconds=seconds)
        return ToolOutcome(message, timed_out)
    text = tool.timeout_error_function(context, timed_out)
    return ToolOutcome(await text if inspect.isawaitable(text) else text, timed_out)
