"""What a function tool made by this package has as its `on_invoke_tool`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from .._lazy import lazy_module
from ..exceptions import UserError
from ..tool_context import ToolContext
from .failures import ToolOutcome, settle

if TYPE_CHECKING:
    from . import function as _function
else:
    _function = lazy_module("agents.tool.function")


class ToolBody(Protocol):
    """Does the work of a tool; raises what goes wrong."""

    def __call__(self, context: ToolContext[Any], arguments: str, tool_name: str, /) -> Awaitable[Any]:
        """Perform a call with the model's `arguments`; `tool_name` is for messages."""
        ...


class ToolInvoker:
    """Calls a tool's body and lets the tool decide what becomes of its errors.

    Each tool has one of its own, so that a renamed or copied tool speaks under
    its present name and its own choice for failures. The bodies are shared.
    """

    __slots__ = ("_on_handled_error", "_tool", "body", "prepare", "supports_timeout", "wrapped")

    body: ToolBody
    supports_timeout: bool
    """Whether cancelling stops the work, which a thread does not do."""

    prepare: Callable[[str], Any] | None
    """Gives arguments, as JSON-shaped data, as the body takes them; raises `ValueError` where it does not."""

    wrapped: Callable[..., Any] | None
    """The Python callable that the tool was made of, if it was."""

    def __init__(
        self,
        body: ToolBody,
        *,
        prepare: Callable[[str], Any] | None = None,
        wrapped: Callable[..., Any] | None = None,
        supports_timeout: bool = True,
        on_handled_error: Callable[[_function.FunctionTool, Exception, str], None] | None = None,
    ) -> None:
        self.body = body
        self.prepare = prepare
        self.wrapped = wrapped
        self.supports_timeout = supports_timeout
        self._on_handled_error = on_handled_error
        self._tool: _function.FunctionTool | None = None

    def bound_to(self, tool: _function.FunctionTool) -> ToolInvoker:
        """An invoker with the same body for `tool`; this one stays as it is."""
        made = ToolInvoker(
            self.body,
            prepare=self.prepare,
            wrapped=self.wrapped,
            supports_timeout=self.supports_timeout,
            on_handled_error=self._on_handled_error,
        )
        made._tool = tool
        return made

    async def __call__(self, context: ToolContext[Any], arguments: str) -> Any:
        """The output, or the text that stands for an error.

        Raises:
            UserError: the invoker was never given to a `FunctionTool`.
        """
        tool = self._tool
        if tool is None:
            raise UserError(
                "This invoker has no tool yet: give it to FunctionTool(on_invoke_tool=...) first."
            )
        return (await self.perform(tool, context, arguments)).output

    async def perform(
        self, tool: _function.FunctionTool, context: ToolContext[Any], arguments: str
    ) -> ToolOutcome:
        """As a call, on behalf of `tool`, and with the error kept beside the output."""
        outcome = await settle(tool, context, self.body(context, arguments, tool.name))
        if isinstance(outcome.error, Exception) and self._on_handled_error is not None:
            self._on_handled_error(tool, outcome.error, arguments)
        return outcome

    def __deepcopy__(self, memo: dict[int, Any]) -> ToolInvoker:
        """Itself: the tool that is copied binds one of its own."""
        return self


def with_function_tool_failure_error_handler(
    invoke_tool_impl: Callable[[ToolContext[Any], str], Awaitable[Any]],
    on_handled_error: Callable[[_function.FunctionTool, Exception, str], None],
) -> Callable[[ToolContext[Any], str], Awaitable[Any]]:
    """An `on_invoke_tool` whose errors become text by the tool's choice for failures.

    Args:
        invoke_tool_impl: Does the work; gets the context and the arguments as JSON.
        on_handled_error: Told of each error that became text: the tool, the error, the arguments.

    Returns:
        What to give to `FunctionTool(on_invoke_tool=...)`.
    """

    def body(context: ToolContext[Any], arguments: str, _tool_name: str, /) -> Awaitable[Any]:
        return invoke_tool_impl(context, arguments)

    return ToolInvoker(body, on_handled_error=on_handled_error)
