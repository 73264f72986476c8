"""Performing calls of an apply-patch tool: read, carried out by the editor, and answered in the API's form."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .._core import history
from ..editor import ApplyPatchOperation, ApplyPatchResult
from ..exceptions import ModelBehaviorError, UserError
from ..run_context import RunContextWrapper
from ..tool_context import ToolContext
from .apply_patch import ApplyPatchTool
from .attempt import Failed, called, tried
from .failures import ToolOutcome
from .machine import read_action


class _Operation(msgspec.Struct):
    type: Literal["create_file", "update_file", "delete_file"]
    path: str
    diff: str | None = None
    move_to: str | None = None


def read_operation(context: RunContextWrapper[Any] | None, arguments: str) -> ApplyPatchOperation:
    """What a call asks for.

    Raises:
        ModelBehaviorError: it cannot be read, or lacks the diff.
    """
    read = read_action("apply patch", arguments, _Operation)
    if read.diff is None and read.type != "delete_file":
        raise ModelBehaviorError(f"an apply patch call cannot be carried out: {read.type} without a diff")
    return ApplyPatchOperation(read.type, read.path, read.diff, context, read.move_to)


async def execute_apply_patch_tool(
    tool: ApplyPatchTool, context: ToolContext[Any], arguments: str
) -> ToolOutcome:
    """Perform a call for a run: what the model gets, and the error that it stands for.

    Raises:
        CancelledError: the run was cancelled.
        ModelBehaviorError: the call cannot be read.
    """
    operation = read_operation(context, arguments)
    call_id = context.tool_call_id
    result = await tried(context, _change(tool, context, operation), tool_type="apply_patch")
    if isinstance(result, Failed):
        return ToolOutcome.of_answer(history.refusal(call_id, result.text, "apply_patch"), result.error)
    return ToolOutcome.of_answer(history.patch_output(call_id, result.output, result.status or "completed"))


async def _change(
    tool: ApplyPatchTool, context: ToolContext[Any], operation: ApplyPatchOperation
) -> ApplyPatchResult:
    method = getattr(tool.editor, operation.type)
    result: object = await called(method, context, operation)
    if result is None or isinstance(result, str):
        return ApplyPatchResult("completed", result)
    if isinstance(result, ApplyPatchResult):
        return result
    raise UserError(
        f"an editor returns an ApplyPatchResult, a text or None, got {type(result).__name__} of {operation.type}()"
    )
