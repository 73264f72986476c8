"""Guardrails around one tool: a check of the call before it, and of its output after it.

Each verdict is to allow, to put a message in the place of the tool's output, or
to end the run with an exception.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, overload

from typing_extensions import TypedDict

from ._lazy import lazy_module
from .guardrail import TContext_co, callable_name, check_callable

if TYPE_CHECKING:
    from . import agent as _agent
    from . import tool_context as _tool_context
else:
    _agent = lazy_module("agents.agent")
    _tool_context = lazy_module("agents.tool_context")


class RejectContentBehavior(TypedDict):
    """Do not use the content: the model gets `message` as the tool's output, and the run goes on."""

    type: Literal["reject_content"]
    message: str


class RaiseExceptionBehavior(TypedDict):
    """End the run with a tool guardrail tripwire exception."""

    type: Literal["raise_exception"]


class AllowBehavior(TypedDict):
    """Go on as if there were no guardrail."""

    type: Literal["allow"]


def _allow() -> RejectContentBehavior | RaiseExceptionBehavior | AllowBehavior:
    return AllowBehavior(type="allow")


@dataclass
class ToolGuardrailFunctionOutput:
    """What a tool guardrail function found, and what shall happen."""

    output_info: Any
    """Whatever the function wants to say about its check; kept in the results, never read here."""

    behavior: RejectContentBehavior | RaiseExceptionBehavior | AllowBehavior = field(default_factory=_allow)
    """What shall happen; see the class methods."""

    @classmethod
    def allow(cls, output_info: Any = None) -> ToolGuardrailFunctionOutput:
        """Let the call, or its output, pass."""
        return cls(output_info=output_info, behavior=AllowBehavior(type="allow"))

    @classmethod
    def reject_content(cls, message: str, output_info: Any = None) -> ToolGuardrailFunctionOutput:
        """Give the model `message` in the place of the tool's output."""
        return cls(
            output_info=output_info, behavior=RejectContentBehavior(type="reject_content", message=message)
        )

    @classmethod
    def raise_exception(cls, output_info: Any = None) -> ToolGuardrailFunctionOutput:
        """End the run with `ToolInputGuardrailTripwireTriggered` or its output twin."""
        return cls(output_info=output_info, behavior=RaiseExceptionBehavior(type="raise_exception"))


@dataclass
class ToolInputGuardrailData:
    """What an input guardrail of a tool gets."""

    context: _tool_context.ToolContext[Any]
    """The call: its tool name, call id and arguments, and the run's context."""

    agent: _agent.Agent[Any]
    """The agent whose tool is called."""


@dataclass
class ToolOutputGuardrailData(ToolInputGuardrailData):
    """What an output guardrail of a tool gets."""

    output: Any
    """What the tool returned."""


ToolInputGuardrailFunction: TypeAlias = Callable[
    [ToolInputGuardrailData], Awaitable[ToolGuardrailFunctionOutput] | ToolGuardrailFunctionOutput
]
ToolOutputGuardrailFunction: TypeAlias = Callable[
    [ToolOutputGuardrailData], Awaitable[ToolGuardrailFunctionOutput] | ToolGuardrailFunctionOutput
]


@dataclass
class ToolInputGuardrailResult:
    """One finished check of a tool call."""

    guardrail: ToolInputGuardrail[Any]
    output: ToolGuardrailFunctionOutput


@dataclass
class ToolOutputGuardrailResult:
    """One finished check of a tool's output."""

    guardrail: ToolOutputGuardrail[Any]
    output: ToolGuardrailFunctionOutput


@dataclass
class ToolInputGuardrail(Generic[TContext_co]):
    """A check of a tool call before the tool runs; usually made with `@tool_input_guardrail`."""

    guardrail_function: Callable[
        [ToolInputGuardrailData], Awaitable[ToolGuardrailFunctionOutput] | ToolGuardrailFunctionOutput
    ]
    """Gets the call; may be async."""

    name: str | None = None
    """For traces; the function's own name when None."""

    def get_name(self) -> str:
        """Give the guardrail's name, falling back to its function's."""
        return self.name or callable_name(self.guardrail_function)

    async def run(self, data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        """Check one call.

        Raises:
            UserError: the guardrail's function is not callable.
            Exception: whatever the function raises.
        """
        check_callable(self.guardrail_function)
        output = self.guardrail_function(data)
        return await output if inspect.isawaitable(output) else output


@dataclass
class ToolOutputGuardrail(Generic[TContext_co]):
    """A check of what a tool returned; usually made with `@tool_output_guardrail`."""

    guardrail_function: Callable[
        [ToolOutputGuardrailData], Awaitable[ToolGuardrailFunctionOutput] | ToolGuardrailFunctionOutput
    ]
    """Gets the call and its output; may be async."""

    name: str | None = None
    """For traces; the function's own name when None."""

    def get_name(self) -> str:
        """Give the guardrail's name, falling back to its function's."""
        return self.name or callable_name(self.guardrail_function)

    async def run(self, data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        """Check one output.

        Raises:
            UserError: the guardrail's function is not callable.
            Exception: whatever the function raises.
        """
        check_callable(self.guardrail_function)
        output = self.guardrail_function(data)
        return await output if inspect.isawaitable(output) else output


@overload
def tool_input_guardrail(func: ToolInputGuardrailFunction, /) -> ToolInputGuardrail[Any]: ...


@overload
def tool_input_guardrail(
    *, name: str | None = None
) -> Callable[[ToolInputGuardrailFunction], ToolInputGuardrail[Any]]: ...


def tool_input_guardrail(
    func: ToolInputGuardrailFunction | None = None, *, name: str | None = None
) -> ToolInputGuardrail[Any] | Callable[[ToolInputGuardrailFunction], ToolInputGuardrail[Any]]:
    """Make a `ToolInputGuardrail` of a function; used bare or with arguments.

    Put the result into a tool's `tool_input_guardrails`.
    """

    def decorate(function: ToolInputGuardrailFunction) -> ToolInputGuardrail[Any]:
        return ToolInputGuardrail(guardrail_function=function, name=name or callable_name(function))

    return decorate if func is None else decorate(func)


@overload
def tool_output_guardrail(func: ToolOutputGuardrailFunction, /) -> ToolOutputGuardrail[Any]: ...


@overload
def tool_output_guardrail(
    *, name: str | None = None
) -> Callable[[ToolOutputGuardrailFunction], ToolOutputGuardrail[Any]]: ...


def tool_output_guardrail(
    func: ToolOutputGuardrailFunction | None = None, *, name: str | None = None
) -> ToolOutputGuardrail[Any] | Callable[[ToolOutputGuardrailFunction], ToolOutputGuardrail[Any]]:
    """Make a `ToolOutputGuardrail` of a function; used bare or with arguments.

    Put the result into a tool's `tool_output_guardrails`.
    """

    def decorate(function: ToolOutputGuardrailFunction) -> ToolOutputGuardrail[Any]:
        return ToolOutputGuardrail(guardrail_function=function, name=name or callable_name(function))

    return decorate if func is None else decorate(func)
