"""What a run hands to the code it calls: the caller's own context, and the usage so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from ._lazy import lazy_module
from .usage import Usage

if TYPE_CHECKING:
    from . import items as _items
else:
    _items = lazy_module("agents.items")

TContext = TypeVar("TContext", default=Any)


@dataclass(eq=False)
class RunContextWrapper(Generic[TContext]):
    """Carries the object given as `context` to hooks, guardrails, tools and dynamic instructions.

    It is never sent to a model. `usage` grows while the run goes on and stays
    right when the run fails or is cancelled.
    """

    context: TContext
    """The object that the caller passed to `Runner.run(..., context=...)`, or None."""

    usage: Usage = field(default_factory=Usage)
    """Requests and tokens of the run so far; nested agents add to the same object."""

    turn_input: list[_items.TResponseInputItem] = field(default_factory=list["_items.TResponseInputItem"])
    """The items that the current turn adds to the model's input."""

    tool_input: Any | None = None
    """The structured input, when this run was started by an agent used as a tool."""


@dataclass(eq=False)
class AgentHookContext(RunContextWrapper[TContext]):
    """The context given to agent start and end hooks; `turn_input` is always a list of items."""
