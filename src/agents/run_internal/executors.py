"""How each kind of tool of ours runs: what performs a call, what answers it, and what is kept beside the answer.

Rule 1: a kind of tool is one row in `EXECUTORS`. Guardrails, hooks, progress and settling are the same for all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from agents._core import history
from agents._core.facts import CallId
from agents.items import ItemHelpers
from agents.items.conversion import plain_copy
from agents.items.run_items import raw_field
from agents.tool import CustomTool, FunctionTool, execute_custom_tool, execute_function_tool
from agents.tool.custom_data import extract_custom_data, extract_data_of_custom_tool

if TYPE_CHECKING:
    from agents.tool import ToolOutcome
    from agents.tool_context import ToolContext

RunnableTool: TypeAlias = FunctionTool | CustomTool
"""Every tool whose calls run in this process."""


class Executor(NamedTuple):
    """What differs between kinds of tools. The tool that each function is given is of the row's kind."""

    execute: Callable[[Any, ToolContext[Any], str], Awaitable[ToolOutcome]]
    """Performs a call, given its arguments as the model wrote them."""

    answer: Callable[[Any, Any, Any, BaseException | None], Any]
    """The input item that answers a raw call with an output, which may stand for an error."""

    custom_data: Callable[[Any, ToolContext[Any], Any, Any], Awaitable[dict[str, Any] | None]]
    """What a program keeps beside the answer, given the output and the answer."""


def _function_answer(tool: FunctionTool, raw: Any, output: Any, error: BaseException | None) -> Any:
    return ItemHelpers.tool_call_output_item(
        raw,
        output,
        output_json_schema=tool.output_json_schema if error is None else None,
        output_type_adapter=tool.traits.output_adapter if error is None else None,
    )


def _custom_answer(_tool: CustomTool, raw: Any, output: str, _error: BaseException | None) -> Any:
    answer = history.call_output(CallId(raw_field(raw, "call_id")), output, "custom")
    caller = raw_field(raw, "caller")
    # Where there is one, a program of the model's waits for it, not the model.
    return answer if caller is None else {**answer, "caller": plain_copy(caller)}


EXECUTORS: dict[type, Executor] = {
    FunctionTool: Executor(execute_function_tool, _function_answer, extract_custom_data),
    CustomTool: Executor(execute_custom_tool, _custom_answer, extract_data_of_custom_tool),
}


def executor_of(tool: RunnableTool) -> Executor:
    """How calls of a tool run; a subclass's like those of its kind."""
    return next(EXECUTORS[kind] for kind in type(tool).__mro__ if kind in EXECUTORS)
