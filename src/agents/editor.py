"""What an apply-patch tool and the editor behind it say to each other."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from .run_context import RunContextWrapper

ApplyPatchOperationType = Literal["create_file", "update_file", "delete_file"]


@dataclass(slots=True)
class ApplyPatchOperation:
    """One change of one file that a model asks for."""

    type: ApplyPatchOperationType

    path: str
    """As the model wrote it: an editor must check that it leads nowhere but where edits are allowed."""

    diff: str | None = None
    """A V4A diff, for `agents.apply_diff`: of a new file with `mode="create"`; None for a deletion."""

    ctx_wrapper: RunContextWrapper[Any] | None = None
    """The context of the run; None outside of one."""

    move_to: str | None = None
    """The new path of an updated file that is moved too; None leaves it where it is."""


@dataclass(slots=True)
class ApplyPatchResult:
    """What became of an operation."""

    status: Literal["completed", "failed"] | None = None
    """None counts as completed."""

    output: str | None = None
    """A text for the model: what was done, or why it was not and what to do instead."""


@runtime_checkable
class ApplyPatchEditor(Protocol):
    """Carries out the operations of an apply-patch tool; its methods may be coroutines.

    A text or None stands for a result that is completed. What a method raises is told the model as a failure.
    `agents.extensions.workspace.WorkspaceEditor` is one that edits the files of a folder.
    """

    def create_file(
        self, operation: ApplyPatchOperation
    ) -> ApplyPatchResult | str | Awaitable[ApplyPatchResult | str | None] | None:
        """Make a file that is not there yet, from `operation.diff`."""
        ...

    def update_file(
        self, operation: ApplyPatchOperation
    ) -> ApplyPatchResult | str | Awaitable[ApplyPatchResult | str | None] | None:
        """Change a file by `operation.diff`, and move it to `operation.move_to` if that is given."""
        ...

    def delete_file(
        self, operation: ApplyPatchOperation
    ) -> ApplyPatchResult | str | Awaitable[ApplyPatchResult | str | None] | None:
        """Remove a file."""
        ...
