"""What carries out the file changes of an `ApplyPatchTool`."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from ._lazy import lazy_module

if TYPE_CHECKING:
    from . import run_context as _run_context
else:
    _run_context = lazy_module("agents.run_context")

ApplyPatchOperationType: TypeAlias = Literal["create_file", "update_file", "delete_file"]


@dataclass(slots=True)
class ApplyPatchOperation:
    """One change of one file."""

    type: ApplyPatchOperationType
    path: str
    diff: str | None = None
    """In the V4A form; None where a file is deleted. `agents.apply_diff` applies it."""

    ctx_wrapper: _run_context.RunContextWrapper[Any] | None = None
    move_to: str | None = None


@dataclass(slots=True)
class ApplyPatchResult:
    """What a change came to."""

    status: Literal["completed", "failed"] | None = None
    output: str | None = None


@runtime_checkable
class ApplyPatchEditor(Protocol):
    """Changes files; each method may be async, and returns a result, a text for the model, or None."""

    def create_file(
        self, operation: ApplyPatchOperation
    ) -> Awaitable[ApplyPatchResult | str | None] | ApplyPatchResult | str | None:
        """Make a file of a diff whose every line is added."""
        ...

    def update_file(
        self, operation: ApplyPatchOperation
    ) -> Awaitable[ApplyPatchResult | str | None] | ApplyPatchResult | str | None:
        """Apply a diff to a file that is there."""
        ...

    def delete_file(
        self, operation: ApplyPatchOperation
    ) -> Awaitable[ApplyPatchResult | str | None] | ApplyPatchResult | str | None:
        """Remove a file."""
        ...
