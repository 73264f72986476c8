"""Performing what a user's function does for a call, where the model is told of every failure as a text."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..tool_context import ToolContext, report_from_threads
from ..util.cancellation import cancellation_watch
from .body import CallableKind, kind_of, without_stop
from .failures import DEFAULT_FAILURE, ToolType, formatted_failure

_logger = logging.getLogger("openai.agents")

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that failed: what the model is told, and the error that it stands for."""

    text: str
    error: BaseException


async def tried(
    context: ToolContext[Any], work: Awaitable[_Value], *, tool_type: ToolType
) -> _Value | Failed:
    """What the work comes to; its failure is its error's text, unless the run's formatter makes another.

    Raises:
        CancelledError: the run was cancelled.
    """
    was_cancelled = cancellation_watch()
    try:
        return await work
    except asyncio.CancelledError as error:
        if was_cancelled():
            raise
        return Failed("Tool execution cancelled.", error)
    except Exception as error:  # noqa: BLE001 (whatever a tool raises becomes its output)
        _logger.debug("tool %s failed: the model is told", context.tool_name)
        told = str(error) or DEFAULT_FAILURE
        return Failed(await formatted_failure(context, error, tool_type=tool_type, default=told), error)


async def called(
    function: Callable[..., Any], context: ToolContext[Any], *arguments: Any, **named: Any
) -> Any:
    """What a function returns; a sync one runs in a thread, and what it returns may be awaitable."""
    if kind_of(function) is CallableKind.ASYNC:
        return await function(*arguments, **named)
    report_from_threads(context, asyncio.get_running_loop())
    made = await asyncio.to_thread(without_stop, function, list(arguments), named)
    return await made if inspect.isawaitable(made) else made
