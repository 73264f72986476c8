"""Guardrails: checks of a run's input and of its final output that can stop the run.

An input guardrail runs beside the first model call, or before it with
`run_in_parallel=False`; an output guardrail runs on the final output. One whose
result has `tripwire_triggered` ends the run with a tripwire exception.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, overload

from typing_extensions import TypeVar

from ._lazy import lazy_module
from .exceptions import UserError
from .run_context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from . import agent as _agent
    from . import items as _items
else:
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")

TContext_co = TypeVar("TContext_co", bound=Any, covariant=True)


@dataclass
class GuardrailFunctionOutput:
    """What a guardrail function found."""

    output_info: Any
    """Whatever the function wants to say about its check; kept in the results, never read here."""

    tripwire_triggered: bool
    """True stops the run."""


InputGuardrailFunction: TypeAlias = Callable[
    [RunContextWrapper[TContext], "_agent.Agent[Any]", "str | list[_items.TResponseInputItem]"],
    Awaitable[GuardrailFunctionOutput] | GuardrailFunctionOutput,
]
OutputGuardrailFunction: TypeAlias = Callable[
    [RunContextWrapper[TContext], "_agent.Agent[Any]", Any],
    Awaitable[GuardrailFunctionOutput] | GuardrailFunctionOutput,
]


@dataclass
class InputGuardrailResult:
    """One finished check of a run's input."""

    guardrail: InputGuardrail[Any]
    output: GuardrailFunctionOutput


@dataclass
class OutputGuardrailResult:
    """One finished check of a final output."""

    guardrail: OutputGuardrail[Any]
    agent_output: Any
    """The final output that was checked."""
    agent: _agent.Agent[Any]
    """The agent that produced it."""
    output: GuardrailFunctionOutput


@dataclass
class InputGuardrail(Generic[TContext]):
    """A check of the input of a run's first agent; usually made with `@input_guardrail`."""

    guardrail_function: Callable[
        [RunContextWrapper[TContext], _agent.Agent[Any], str | list[_items.TResponseInputItem]],
        Awaitable[GuardrailFunctionOutput] | GuardrailFunctionOutput,
    ]
    """Gets the context, the agent and the run's input; may be async."""

    name: str | None = None
    """For traces; the function's own name when None."""

    run_in_parallel: bool = True
    """False: finish before the model is called. True: run beside it, and cancel it on a trip."""

    def get_name(self) -> str:
        """Give the guardrail's name, falling back to its function's."""
        return self.name or callable_name(self.guardrail_function)

    async def run(
        self,
        agent: _agent.Agent[Any],
        input: str | list[_items.TResponseInputItem],
        context: RunContextWrapper[TContext],
    ) -> InputGuardrailResult:
        """Check `input` once.

        Raises:
            UserError: the guardrail's function is not callable.
            Exception: whatever the function raises.
        """
        check_callable(self.guardrail_function)
        output = self.guardrail_function(context, agent, input)
        if inspect.isawaitable(output):
            output = await output
        return InputGuardrailResult(guardrail=self, output=output)


@dataclass
class OutputGuardrail(Generic[TContext]):
    """A check of a run's final output; usually made with `@output_guardrail`."""

    guardrail_function: Callable[
        [RunContextWrapper[TContext], _agent.Agent[Any], Any],
        Awaitable[GuardrailFunctionOutput] | GuardrailFunctionOutput,
    ]
    """Gets the context, the agent and the final output; may be async."""

    name: str | None = None
    """For traces; the function's own name when None."""

    def get_name(self) -> str:
        """Give the guardrail's name, falling back to its function's."""
        return self.name or callable_name(self.guardrail_function)

    async def run(
        self, context: RunContextWrapper[TContext], agent: _agent.Agent[Any], agent_output: Any
    ) -> OutputGuardrailResult:
        """Check `agent_output` once.

        Raises:
            UserError: the guardrail's function is not callable.
            Exception: whatever the function raises.
        """
        check_callable(self.guardrail_function)
        output = self.guardrail_function(context, agent, agent_output)
        if inspect.isawaitable(output):
            output = await output
        return OutputGuardrailResult(guardrail=self, agent_output=agent_output, agent=agent, output=output)


def check_callable(function: object) -> None:
    """Raise `UserError` when a guardrail's function cannot be called."""
    if not callable(function):
        raise UserError(f"Guardrail function must be callable, got {function}")


def callable_name(function: object) -> str:
    """Give the name of a function, or of the class of a callable object."""
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


@overload
def input_guardrail(func: InputGuardrailFunction[TContext], /) -> InputGuardrail[TContext]: ...


@overload
def input_guardrail(
    *, name: str | None = None, run_in_parallel: bool = True
) -> Callable[[InputGuardrailFunction[TContext]], InputGuardrail[TContext]]: ...


def input_guardrail(
    func: InputGuardrailFunction[Any] | None = None,
    *,
    name: str | None = None,
    run_in_parallel: bool = True,
) -> InputGuardrail[Any] | Callable[[InputGuardrailFunction[Any]], InputGuardrail[Any]]:
    """Make an `InputGuardrail` of a function; used bare or with arguments.

    Put the result into `Agent.input_guardrails` or `RunConfig.input_guardrails`.
    """

    def decorate(function: InputGuardrailFunction[Any]) -> InputGuardrail[Any]:
        return InputGuardrail(
            guardrail_function=function,
            name=name or callable_name(function),
            run_in_parallel=run_in_parallel,
        )

    return decorate if func is None else decorate(func)


@overload
def output_guardrail(func: OutputGuardrailFunction[TContext], /) -> OutputGuardrail[TContext]: ...


@overload
def output_guardrail(
    *, name: str | None = None
) -> Callable[[OutputGuardrailFunction[TContext]], OutputGuardrail[TContext]]: ...


def output_guardrail(
    func: OutputGuardrailFunction[Any] | None = None, *, name: str | None = None
) -> OutputGuardrail[Any] | Callable[[OutputGuardrailFunction[Any]], OutputGuardrail[Any]]:
    """Make an `OutputGuardrail` of a function; used bare or with arguments.

    Put the result into `Agent.output_guardrails` or `RunConfig.output_guardrails`.
    """

    def decorate(function: OutputGuardrailFunction[Any]) -> OutputGuardrail[Any]:
        return OutputGuardrail(guardrail_function=function, name=name or callable_name(function))

    return decorate if func is None else decorate(func)
