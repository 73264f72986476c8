"""Performing calls of shell tools: read, run by the executor, and answered in the API's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from .._core import history
from .._lazy import lazy_module
from ..exceptions import UserError
from ..tool_context import ToolContext
from .attempt import Failed, called, tried
from .failures import ToolOutcome
from .machine import read_action
from .shell import (
    LocalShellCommandRequest,
    LocalShellTool,
    ShellActionRequest,
    ShellCallData,
    ShellCommandOutput,
    ShellCommandRequest,
    ShellResult,
    ShellTool,
)

if TYPE_CHECKING:
    from openai.types.responses import response_output_item as _output_item
else:
    _output_item = lazy_module("openai.types.responses.response_output_item")


class LocalShellAction(msgspec.Struct):
    """What a `LocalShellTool` is asked to run."""

    command: list[str]
    env: dict[str, str] = {}
    type: str = "exec"
    timeout_ms: int | None = None
    user: str | None = None
    working_directory: str | None = None


def local_shell_call(call_id: str, arguments: str, raw: Any) -> _output_item.LocalShellCall:
    """A call as executors get it, with the arguments that it has by now.

    Raises:
        ModelBehaviorError: it cannot be read.
    """
    action = read_action("local shell", arguments, LocalShellAction)
    item: Any = {
        "id": getattr(raw, "id", None) or call_id,
        "call_id": call_id,
        "action": msgspec.to_builtins(action),
        "status": getattr(raw, "status", None) or "completed",
        "type": "local_shell_call",
    }
    return _output_item.LocalShellCall.construct(**item)


async def execute_shell_tool(tool: ShellTool, context: ToolContext[Any], arguments: str) -> ToolOutcome:
    """Perform a call for a run: what the model gets, and the error that it stands for.

    Raises:
        CancelledError: the run was cancelled.
        ModelBehaviorError: the call cannot be read.
    """
    action = read_action("shell", arguments, ShellActionRequest)
    call_id, raw = context.tool_call_id, cast("Any", context.tool_call)
    data = ShellCallData(call_id, action, getattr(raw, "status", None), raw)
    result = await tried(context, _run(tool, context, ShellCommandRequest(context, data)), tool_type="shell")
    if isinstance(result, Failed):
        return ToolOutcome.of_answer(history.refusal(call_id, result.text, "shell"), result.error)
    limit = action.max_output_length if result.max_output_length is None else result.max_output_length
    answer = history.shell_output(call_id, _chunks(result.output, limit))
    if limit is not None:
        answer["max_output_length"] = limit
    return ToolOutcome.of_answer(answer)


async def execute_local_shell_tool(
    tool: LocalShellTool, context: ToolContext[Any], arguments: str
) -> ToolOutcome:
    """The same for the local shell of older models.

    Raises:
        CancelledError: the run was cancelled.
        ModelBehaviorError: the call cannot be read.
    """
    call_id = context.tool_call_id
    request = LocalShellCommandRequest(context, local_shell_call(call_id, arguments, context.tool_call))
    output = await tried(context, called(tool.executor, context, request), tool_type="shell")
    if isinstance(output, Failed):
        return ToolOutcome.of_answer(history.refusal(call_id, output.text, "local_shell"), output.error)
    return ToolOutcome.of_answer(history.call_output(call_id, str(output), "local_shell"))


async def _run(tool: ShellTool, context: ToolContext[Any], request: ShellCommandRequest) -> ShellResult:
    executor = tool.executor
    assert executor is not None, "a shell without an executor is the server's"
    result: object = await called(executor, context, request)
    if isinstance(result, ShellResult):
        return result
    if isinstance(result, str):
        return ShellResult([ShellCommandOutput(stdout=result)])
    raise UserError(f"a shell executor returns a text or a ShellResult, got {type(result).__name__}")


def _chunks(outputs: list[ShellCommandOutput], limit: int | None) -> list[dict[str, Any]]:
    """The outputs in the API's form, with at most so many characters in all, the first ones."""
    left = limit
    chunks: list[dict[str, Any]] = []
    for output in outputs:
        stdout, stderr = output.stdout, output.stderr
        if left is not None:
            stdout = stdout[: max(left, 0)]
            stderr = stderr[: max(left - len(stdout), 0)]
            left -= len(stdout) + len(stderr)
        has_timed_out = output.outcome.type == "timeout"
        chunks.append(
            history.shell_chunk(stdout, stderr, exit_code=output.exit_code, has_timed_out=has_timed_out)
        )
    return chunks
