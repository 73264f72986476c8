"""What the tools that act on a machine share: who is asked about a call, and how a call is read.

Rule 1: such a tool does nothing without an executor that the program gives it.
Rule 2: what a call asks for is read of its arguments, JSON of what the model's item holds, and checked before anybody
is asked about it or anything is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ForwardRef, NotRequired, TypeAlias, TypeVar

import msgspec
from typing_extensions import TypedDict

from .._lazy import lazy_module
from ..exceptions import ModelBehaviorError
from ..run_context import RunContextWrapper

if TYPE_CHECKING:
    from ..items import ToolApprovalItem
else:
    _items = lazy_module("agents.items")
    # The names of this module are not those of the modules that use the alias below.
    ToolApprovalItem = ForwardRef("_items.ToolApprovalItem", module=__name__)

_Action = TypeVar("_Action")


class OnApprovalResult(TypedDict):
    """What an `on_approval` function decides."""

    approve: bool
    reason: NotRequired[str]
    """What the model is told of a rejection; a default text when there is none."""


OnApprovalFunction: TypeAlias = Callable[
    [RunContextWrapper[Any], ToolApprovalItem], Awaitable[OnApprovalResult] | OnApprovalResult
]
"""Decides about a call in the program's place, so that the run does not pause."""


def read_action(kind: str, arguments: str, shape: type[_Action]) -> _Action:
    """What a call of a kind asks for.

    Raises:
        ModelBehaviorError: it lacks something, or something in it is of another type.
    """
    try:
        return msgspec.json.decode(arguments, type=shape)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ModelBehaviorError(f"a {kind} call cannot be carried out as it came: {error}") from error
