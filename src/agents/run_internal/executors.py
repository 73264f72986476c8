"""How each kind of tool of ours runs: what performs a call, what answers it, and what is kept beside the answer.

Rule 1: a kind of tool is one row in `EXECUTORS`. Guardrails, hooks, progress and settling are the same for all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from agents._core import history
from agents._core.facts import CallForm, CallId
from agents.items import ItemHelpers
from agents.items.conversion import plain_copy
from agents.items.run_items import raw_field
from agents.tool import (
    ApplyPatchTool,
    ComputerActions,
    ComputerTool,
    CustomTool,
    FunctionTool,
    LocalShellTool,
    MachineTool,
    ShellActionRequest,
    ShellTool,
    execute_apply_patch_tool,
    execute_computer_tool,
    execute_custom_tool,
    execute_function_tool,
    execute_local_shell_tool,
    execute_shell_tool,
    local_shell_call,
    read_action,
    read_operation,
)
from agents.tool.custom_data import extract_custom_data, extract_data_of_custom_tool
from agents.tool_context import link_of

from .computers import computer_of
from .interpret import asked_of_machine
from .nesting import RunLink

if TYPE_CHECKING:
    from agents.run_context import RunContextWrapper
    from agents.tool import ToolOutcome
    from agents.tool_context import ToolContext

RunnableTool: TypeAlias = FunctionTool | CustomTool | MachineTool
"""Every tool whose calls run in this process."""


class Executor(NamedTuple):
    """What differs between kinds of tools. The tool that each function is given is of the row's kind."""

    execute: Callable[[Any, ToolContext[Any], str], Awaitable[ToolOutcome]]
    """Performs a call, given its arguments as the model wrote them."""

    answer: Callable[[Any, Any, ToolOutcome], Any]
    """The input item that answers a raw call with an outcome, which may stand for an error."""

    custom_data: Callable[[Any, ToolContext[Any], Any, Any], Awaitable[dict[str, Any] | None]] | None = None
    """What a program keeps beside the answer, given the output and the answer."""


def _function_answer(tool: FunctionTool, raw: Any, outcome: ToolOutcome) -> Any:
    has_failed = outcome.error is not None
    return ItemHelpers.tool_call_output_item(
        raw,
        outcome.output,
        output_json_schema=None if has_failed else tool.output_json_schema,
        output_type_adapter=None if has_failed else tool.traits.output_adapter,
    )


def _custom_answer(_tool: CustomTool, raw: Any, outcome: ToolOutcome) -> Any:
    return _for_caller(raw, history.call_output(CallId(raw_field(raw, "call_id")), outcome.output, "custom"))


def _machine_answer(_tool: MachineTool, raw: Any, outcome: ToolOutcome) -> Any:
    assert outcome.answer is not None, "tools that act on a machine make the item themselves"
    return _for_caller(raw, outcome.answer)


def _for_caller(raw: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to a call that a program of the model's may have made: then that waits for it, not the model."""
    caller = raw_field(raw, "caller")
    return answer if caller is None else {**answer, "caller": plain_copy(caller)}


async def _execute_computer(
    tool: ComputerTool[Any], context: ToolContext[Any], arguments: str
) -> ToolOutcome:
    link = link_of(context)
    assert isinstance(link, RunLink), "calls of a run are bound to it"
    asked = read_action("computer", asked_of_machine(context.tool_call), ComputerActions)
    computer = await computer_of(link.parent.environment, tool)
    return await execute_computer_tool(tool, computer, context, arguments, asked.pending_safety_checks)


EXECUTORS: dict[type, Executor] = {
    FunctionTool: Executor(execute_function_tool, _function_answer, extract_custom_data),
    CustomTool: Executor(execute_custom_tool, _custom_answer, extract_data_of_custom_tool),
    ComputerTool: Executor(_execute_computer, _machine_answer),
    LocalShellTool: Executor(execute_local_shell_tool, _machine_answer),
    ShellTool: Executor(execute_shell_tool, _machine_answer),
    ApplyPatchTool: Executor(execute_apply_patch_tool, _machine_answer),
}


def executor_of(tool: RunnableTool) -> Executor:
    """How calls of a tool run; a subclass's like those of its kind."""
    return next(EXECUTORS[kind] for kind in type(tool).__mro__ if kind in EXECUTORS)


def _actions(_context: RunContextWrapper[Any] | None, _call_id: str, arguments: str, _raw: Any) -> Any:
    actions = read_action("computer", arguments, ComputerActions).actions
    return [msgspec.to_builtins(action) for action in actions]


#: What a call of each form asks for, as functions that judge it are given it: (context, call id, arguments, raw item).
READERS: dict[CallForm, Callable[[RunContextWrapper[Any] | None, str, str, Any], Any]] = {
    "computer": _actions,
    "local_shell": lambda _context, call_id, arguments, raw: local_shell_call(call_id, arguments, raw),
    "shell": lambda _context, _call_id, arguments, _raw: read_action("shell", arguments, ShellActionRequest),
    "apply_patch": lambda context, _call_id, arguments, _raw: read_operation(context, arguments),
    "custom": lambda _context, _call_id, arguments, _raw: arguments,
}
