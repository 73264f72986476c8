"""Handlers that turn some failures of a run into a final output."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from typing_extensions import TypedDict

from ._lazy import lazy_module
from .exceptions import MaxTurnsExceeded, ModelBehaviorError, ModelRefusalError
from .run_context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from . import agent as _agent
    from . import items as _items
else:
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")


@dataclass
class RunErrorData:
    """What the run had done when the handler was asked. The lists are copies."""

    input: str | list[_items.TResponseInputItem]
    new_items: list[_items.RunItem]
    history: list[_items.TResponseInputItem]
    """Input and new items, as the next model call would have seen them."""

    output: list[_items.TResponseInputItem]
    """The new items alone, in the same form."""

    raw_responses: list[_items.ModelResponse]
    last_agent: _agent.Agent[Any]


@dataclass
class RunErrorHandlerInput(Generic[TContext]):
    """What a handler gets."""

    error: MaxTurnsExceeded | ModelRefusalError | ModelBehaviorError
    context: RunContextWrapper[TContext]
    run_data: RunErrorData


@dataclass
class RunErrorHandlerResult:
    """A final output, and whether it is shown as a message in the history."""

    final_output: Any
    include_in_history: bool = True


RunErrorHandler: TypeAlias = Callable[
    [RunErrorHandlerInput[TContext]],
    "Awaitable[RunErrorHandlerResult | dict[str, Any] | Any | None] | RunErrorHandlerResult | dict[str, Any] | Any | None",
]
"""Returns an output, a `RunErrorHandlerResult`, or None to decline: then the error is raised after all."""


class RunErrorHandlers(TypedDict, Generic[TContext], total=False):
    """Handlers by kind of failure."""

    max_turns: RunErrorHandler[TContext]
    model_refusal: RunErrorHandler[TContext]
    invalid_final_output: RunErrorHandler[TContext]
