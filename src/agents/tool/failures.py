"""What becomes of the error that a function tool raises.

1. The tool's own `failure_error_function` decides: its text goes to the model;
   None as the function, or as what it returns, means that the error is raised.
2. A tool without one asks the run's `tool_error_formatter`.
3. Else the model gets one fixed sentence. Here the exception is never formatted:
   its text may hold what neither the model nor a log should see.

The error itself stays in the `ToolOutcome`: turning it into text loses nothing.
This is one of the few places that may catch `Exception`, because tools and
formatters are other people's code.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from .._core import history
from .._lazy import lazy_module
from ..run_context import RunContextWrapper
from ..tool_context import ToolContext
from .traits import UNSET, ToolErrorFunction, Unset

if TYPE_CHECKING:
    from .. import run_config as _run_config
    from . import function as _function
else:
    _function = lazy_module("agents.tool.function")
    # The package itself knows where this class lives; this floor must not.
    _run_config = lazy_module("agents")

_logger = logging.getLogger("openai.agents")

ToolType: TypeAlias = Literal["function", "custom", "shell", "apply_patch", "computer"]
"""The kinds that formatters of errors tell apart."""

DEFAULT_FAILURE = "An error occurred while running the tool. Please try again."


class ToolCancelled(Exception):
    """Stands for a cancellation in front of functions that take an `Exception`."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool call came to: the output for the model, and the error that it stands for, if any."""

    output: Any
    error: BaseException | None = None
    answer: dict[str, Any] | None = None
    """The input item for the model, of kinds whose output alone does not say it."""

    @classmethod
    def of_answer(cls, answer: dict[str, Any], error: BaseException | None = None) -> ToolOutcome:
        """What programs get to see of an input item that answers a call, with that item."""
        return cls(history.shown_output(answer), error, answer)


def default_tool_error_function(ctx: RunContextWrapper[Any], error: Exception) -> str:  # noqa: ARG001
    """The text that the model gets for a failed tool when nobody chose another.

    It says nothing about the exception, on purpose.
    """
    return DEFAULT_FAILURE


def default_tool_timeout_error_message(*, tool_name: str, timeout_seconds: float) -> str:
    """The text that the model gets for a tool that took too long when nobody chose another."""
    return f"Tool '{tool_name}' timed out after {timeout_seconds:g} seconds."


def resolve_function_tool_failure_error_function(
    function_tool: _function.FunctionTool,
    context: RunContextWrapper[Any] | None = None,  # noqa: ARG001 - the contract has it
) -> ToolErrorFunction | None:
    """The function that turns this tool's errors into text; None when they are raised."""
    chosen = function_tool.traits.failure_error_function
    return default_tool_error_function if isinstance(chosen, Unset) else chosen


def set_function_tool_failure_error_function(
    function_tool: _function.FunctionTool,
    failure_error_function: ToolErrorFunction | object | None = UNSET,
) -> _function.FunctionTool:
    """Choose how this tool's errors are told from now on; other copies of it keep their choice.

    Args:
        function_tool: The tool to change.
        failure_error_function: Gives the text for the model. None raises the error;
            left out, the run's formatter and the default text apply.

    Returns:
        The same tool.
    """
    chosen = cast("ToolErrorFunction | Unset | None", failure_error_function)
    function_tool.traits = replace(function_tool.traits, failure_error_function=chosen)
    return function_tool


async def maybe_invoke_function_tool_failure_error_function(
    *,
    function_tool: _function.FunctionTool,
    context: RunContextWrapper[Any],
    error: BaseException,
) -> str | None:
    """The text that the model gets for `error`; None when it is to be raised instead.

    Cancellations are presented to the tool's function as an exception.

    Raises:
        Exception: whatever the tool's own function raises.
    """
    chosen = function_tool.traits.failure_error_function
    if isinstance(chosen, Unset):
        return await _default_text(context, error)
    if chosen is None:
        return None
    if not isinstance(error, Exception):
        presented = ToolCancelled(str(error) or "Tool execution cancelled.")
        presented.__cause__ = error
        error = presented
    text = chosen(context, error)
    return await text if inspect.isawaitable(text) else text


async def settle(
    tool: _function.FunctionTool, context: ToolContext[Any], attempt: Awaitable[Any]
) -> ToolOutcome:
    """What `attempt` comes to, under the tool's choice for failures.

    Raises:
        Exception: that of the attempt when it is not to be told to the model.
        CancelledError: as it comes, whoever cancelled.
    """
    try:
        return ToolOutcome(await attempt)
    except Exception as error:
        output = await maybe_invoke_function_tool_failure_error_function(
            function_tool=tool, context=context, error=error
        )
        if output is None:
            raise
        return ToolOutcome(output, error)


async def _default_text(context: RunContextWrapper[Any], error: BaseException) -> str:
    """The formatter's text, or the default whenever the formatter has none."""
    if not isinstance(context, ToolContext) or not isinstance(error, Exception):
        return DEFAULT_FAILURE
    return await formatted_failure(context, error, tool_type="function", default=DEFAULT_FAILURE)


async def formatted_failure(
    context: ToolContext[Any], error: Exception, *, tool_type: ToolType, default: str
) -> str:
    """What the run's formatter makes of a tool's exception; `default` where it makes nothing of it."""
    formatter = None if context.run_config is None else context.run_config.tool_error_formatter
    if formatter is None:
        return default
    question = _run_config.ToolErrorFormatterArgs(
        kind="tool_exception",
        tool_type=tool_type,
        tool_name=context.qualified_tool_name,
        call_id=context.tool_call_id,
        default_message=default,
        run_context=context,
        error=error,
    )
    try:
        made = formatter(question)
        text = cast("object", await made if inspect.isawaitable(made) else made)  # users break the signature
    except Exception:  # noqa: BLE001 - a broken formatter must not replace the tool's error
        _logger.error("Tool error formatter failed; the model gets the default text")  # noqa: TRY400
        return default
    if text is None:
        return default
    if not isinstance(text, str):
        _logger.error("Tool error formatter returned a non-string value; the model gets the default text")
        return default
    return text
