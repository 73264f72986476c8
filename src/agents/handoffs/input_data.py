"""What a handoff carries over to the next agent, and the functions that may change it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agents._lazy import lazy_module
from agents.run_context import RunContextWrapper

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")


@dataclass(frozen=True)
class HandoffInputData:
    """The conversation at the moment of a handoff, in the three parts that the next agent would see."""

    input_history: str | tuple[_items.TResponseInputItem, ...]
    """The run's input, as the model saw it before any item of the run."""

    pre_handoff_items: tuple[_items.RunItem, ...]
    """What the run added to that before the turn of the handoff."""

    new_items: tuple[_items.RunItem, ...]
    """What the turn of the handoff added, with the handoff call and its output. Sessions keep all of it."""

    run_context: RunContextWrapper[Any] | None = None
    """The context of the run."""

    input_items: tuple[_items.RunItem, ...] | None = None
    """What the next agent sees in the place of `new_items`; None: `new_items` themselves.

    Set it to hide items from the next agent while sessions and results keep them.
    """

    def clone(self, **kwargs: Any) -> HandoffInputData:
        """Give a copy in which the named fields are replaced."""
        return dataclasses.replace(self, **kwargs)


HandoffInputFilter: TypeAlias = Callable[[HandoffInputData], Awaitable[HandoffInputData] | HandoffInputData]
"""Changes what the next agent sees; may be async."""
