"""The apply-patch tool: the model writes diffs of files, an editor of the program's carries them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..editor import ApplyPatchEditor, ApplyPatchOperation
from ..run_context import RunContextWrapper
from .machine import OnApprovalFunction, OnApprovalResult
from .programmatic import ToolCaller, check_allowed_callers
from .traits import MaybeAwaitable

ApplyPatchOnApprovalFunction: TypeAlias = OnApprovalFunction
ApplyPatchOnApprovalFunctionResult: TypeAlias = OnApprovalResult

ApplyPatchApprovalFunction: TypeAlias = Callable[
    [RunContextWrapper[Any], ApplyPatchOperation, str], MaybeAwaitable[bool]
]
"""Whether a call waits for a decision: given the context, the operation and the call's id."""


@dataclass
class ApplyPatchTool:
    """Lets the model create, update and delete files, through an editor.

    An exception of the editor becomes the call's output: its text, with status `failed`, unless
    `RunConfig.tool_error_formatter` makes another. Calls of one response run one after the other.

    Raises:
        UserError: `allowed_callers` is wrong.
    """

    editor: ApplyPatchEditor
    name: str = "apply_patch"
    """What hooks, traces and decisions call it."""

    needs_approval: bool | ApplyPatchApprovalFunction = False
    """Whether a call waits for a decision, or a function that says so."""

    on_approval: ApplyPatchOnApprovalFunction | None = None
    """Decides about the calls that need it; without one they pause the run."""

    allowed_callers: list[ToolCaller] | None = field(default=None, kw_only=True)
    """Who may call it: the model itself, programs that it writes, or both."""

    def __post_init__(self) -> None:
        check_allowed_callers(self.name, self.allowed_callers)

    @property
    def type(self) -> str:
        """The kind of tool, as the API has it."""
        return "apply_patch"
