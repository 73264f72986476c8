"""What runs when a tool made of a Python callable is called: arguments in, output out.

1. A sync callable runs in a thread, with the caller's context variables: it must
   not hold up the event loop. What it returns is handed on, awaitable or not.
2. A generator reports each value that it yields as progress. The last one is the
   output, unless a sync generator returns something.
"""

from __future__ import annotations

import asyncio
import enum
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from ..exceptions import ModelBehaviorError, UserError
from ..function_schema import FuncSchema, is_not_an_object
from ..tool_context import ToolContext, report_from_threads
from .invoker import ToolBody


class CallableKind(enum.Enum):
    """How a callable is called, and how its output comes."""

    SYNC = "sync"
    ASYNC = "async"
    SYNC_GENERATOR = "sync generator"
    ASYNC_GENERATOR = "async generator"


CANCELLABLE = frozenset({CallableKind.ASYNC, CallableKind.ASYNC_GENERATOR})
"""What stops when it is cancelled; a thread goes on."""

_Call: TypeAlias = Callable[[ToolContext[Any], list[Any], dict[str, Any]], Awaitable[Any]]


def kind_of(function: Callable[..., Any]) -> CallableKind:
    """The kind of a callable; that of its `__call__` for an instance."""
    if isinstance(function, staticmethod):
        function = function.__func__
    elif not isinstance(function, FunctionType | MethodType | BuiltinFunctionType | type):
        function = type(function).__call__
    if inspect.isasyncgenfunction(function):
        return CallableKind.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(function):
        return CallableKind.ASYNC
    if inspect.isgeneratorfunction(function):
        return CallableKind.SYNC_GENERATOR
    return CallableKind.SYNC


def body_of(
    function: Callable[..., Any], schema: FuncSchema, output_adapter: TypeAdapter[Any] | None
) -> ToolBody:
    """The body of a tool that calls `function`, once `schema` has checked the arguments.

    It raises `ModelBehaviorError` for arguments that are no JSON, no object, or not
    of the right types. The details are in the cause alone: they quote the arguments.
    """
    call = _CALLS[kind_of(function)](function)
    validate, to_call_args, takes_context = schema.validate_json, schema.to_call_args, schema.takes_context

    async def body(context: ToolContext[Any], arguments: str, tool_name: str, /) -> Any:
        try:
            data = validate(arguments)
        except ValidationError as error:
            reason = ": expected a JSON object" if is_not_an_object(error) else ""
            raise ModelBehaviorError(f"Invalid JSON input for tool {tool_name}{reason}") from error
        positional, named = to_call_args(data)
        if takes_context:
            positional.insert(0, context)
        output = await call(context, positional, named)
        if output_adapter is not None:
            _check_output(output_adapter, output, tool_name)
        return output

    return body


def _async(function: Callable[..., Awaitable[Any]]) -> _Call:
    def call(_context: ToolContext[Any], positional: list[Any], named: dict[str, Any]) -> Awaitable[Any]:
        return function(*positional, **named)

    return call


def _sync(function: Callable[..., Any]) -> _Call:
    async def call(context: ToolContext[Any], positional: list[Any], named: dict[str, Any]) -> Any:
        report_from_threads(context, asyncio.get_running_loop())
        return await asyncio.to_thread(without_stop, function, positional, named)

    return call


def _async_generator(function: Callable[..., AsyncGenerator[Any]]) -> _Call:
    async def call(context: ToolContext[Any], positional: list[Any], named: dict[str, Any]) -> Any:
        last: Any = None
        async with aclosing(function(*positional, **named)) as values:
            async for last in values:
                context.report_progress(last)
        return last

    return call


def _sync_generator(function: Callable[..., Generator[Any, None, Any]]) -> _Call:
    async def call(context: ToolContext[Any], positional: list[Any], named: dict[str, Any]) -> Any:
        report_from_threads(context, asyncio.get_running_loop())
        # One thread for the whole of it: generators may hold what belongs to a thread.
        return await asyncio.to_thread(drain, context, positional, named)

    def drain(context: ToolContext[Any], positional: list[Any], named: dict[str, Any]) -> Any:
        last: Any = None
        with closing(function(*positional, **named)) as values:
            while True:
                try:
                    last = next(values)
                except StopIteration as end:
                    return last if end.value is None else end.value
                context.report_progress(last)

    return call


_CALLS: dict[CallableKind, Callable[[Callable[..., Any]], _Call]] = {
    CallableKind.ASYNC: _async,
    CallableKind.SYNC: _sync,
    CallableKind.ASYNC_GENERATOR: _async_generator,
    CallableKind.SYNC_GENERATOR: _sync_generator,
}
"""How each kind of callable is called: a new kind is one row."""


def without_stop(function: Callable[..., Any], positional: list[Any], named: dict[str, Any]) -> Any:
    """Call `function`; a `StopIteration` could not leave the thread, its caller would wait for ever."""
    try:
        return function(*positional, **named)
    except StopIteration as error:
        raise RuntimeError("the tool raised StopIteration") from error


def _check_output(adapter: TypeAdapter[Any], output: Any, tool_name: str) -> None:
    try:
        adapter.validate_python(output)
    except ValidationError as error:
        raise UserError(f"Output of tool {tool_name} does not match its declared output type.") from error
