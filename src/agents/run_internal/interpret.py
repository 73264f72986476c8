"""Interpreting a response: which items it holds, and which calls are ours to settle.

Rule 1: a kind of output item is one row in `ITEM_KINDS`.
Rule 2: nothing is executed and nobody is asked: the same response always reads the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core.evolve import call_signature
from agents._core.policy import in_doubt_policy
from agents.exceptions import ModelBehaviorError
from agents.items import (
    CompactionItem,
    HandoffCallItem,
    MCPApprovalRequestItem,
    MCPListToolsItem,
    MessageOutputItem,
    ReasoningItem,
    ToolCallItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
    output_item_to_input,
)
from agents.items.run_items import raw_field
from agents.tool import get_function_tool_origin

if TYPE_CHECKING:
    from agents._core.state import State
    from agents.agent import Agent
    from agents.items import ModelResponse, RunItem

    from .environment import Toolset

logger = logging.getLogger("openai.agents")

#: The run item of each kind of output item that we do not execute.
ITEM_KINDS: dict[str, Any] = {
    "message": MessageOutputItem,
    "reasoning": ReasoningItem,
    "file_search_call": ToolCallItem,
    "web_search_call": ToolCallItem,
    "code_interpreter_call": ToolCallItem,
    "image_generation_call": ToolCallItem,
    "mcp_call": ToolCallItem,
    "mcp_list_tools": MCPListToolsItem,
    "mcp_approval_request": MCPApprovalRequestItem,
    "tool_search_call": ToolSearchCallItem,
    "tool_search_output": ToolSearchOutputItem,
    "compaction": CompactionItem,
}

#: Calls that only an executor on our side can answer, and what a run would need to have it.
EXECUTED_KINDS: dict[str, str] = {
    "computer_call": "a computer tool",
    "local_shell_call": "a local shell tool",
    "shell_call": "a shell tool",
    "apply_patch_call": "an apply patch tool",
    "custom_tool_call": "a custom tool",
}


@dataclass(slots=True)
class Interpretation:
    """A response taken apart: JSON items for the history, run items for readers, calls for the loop."""

    output: list[f.Json]
    items: list[RunItem]
    calls: list[f.Call]
    items_by_call: dict[str, RunItem]
    unexecutable: ModelBehaviorError | None = None
    """Set when it asks for a kind of tool that nobody offered: an answer all the same, but the last one."""


def interpret(agent: Agent[Any], toolset: Toolset, state: State, response: ModelResponse) -> Interpretation:
    """Read a response as the answer of `agent`'s model, which was offered `toolset`.

    Raises:
        ModelBehaviorError: it names a call twice, or leaves its name out.
    """
    read = Interpretation([], [], [], {})
    for raw in response.output:
        kind = raw_field(raw, "type")
        if kind == "function_call":
            _read_call(read, agent, toolset, state, raw)
            continue
        if kind in EXECUTED_KINDS and not (kind == "shell_call" and _has_output(raw, response.output)):
            read.unexecutable = ModelBehaviorError(
                f"Model produced {kind} without {EXECUTED_KINDS[kind]}: the agent offered none"
            )
            return read
        read.output.append(output_item_to_input(raw))
        item_class = ITEM_KINDS.get(kind, ToolCallItem if kind in EXECUTED_KINDS else None)
        if item_class is None:
            logger.debug("an output item of unknown type %r is passed through", kind)
            continue
        read.items.append(item_class(agent, raw))
    return read


def _has_output(call: object, output: Iterable[object]) -> bool:
    """Whether a hosted shell has already answered a call, in the same response."""
    call_id = raw_field(call, "call_id")
    return any(
        raw_field(item, "type") == "shell_call_output" and raw_field(item, "call_id") == call_id
        for item in output
    )


def _read_call(read: Interpretation, agent: Agent[Any], toolset: Toolset, state: State, raw: Any) -> None:
    call = read_call(toolset, raw)
    if not call.id:
        raise ModelBehaviorError(
            f"Tool invocations require a non-empty string call ID before execution; {call.name} came without one"
        )
    past = state.past_calls.get(call.id)
    if past is not None and past == call_signature(call):
        # The server repeated a call that is settled: it is in the history already.
        logger.debug("call %s of %s is a replay and is not executed again", call.id, call.name)
        return
    if past is not None or call.id in read.items_by_call:
        where = "in one response" if past is None else "in the run"
        raise ModelBehaviorError(
            f"Model reused a tool call ID {where}: {call.id!r} ({call.name}); each call needs a unique call ID"
        )
    early = state.calls.get(call.id)
    if early is not None and call_signature(early.call) != call_signature(call):
        raise ModelBehaviorError(
            f"The response changed call {call.id!r} after it was complete: it was {call_signature(early.call)}, "
            f"it ended as {call_signature(call)}"
        )
    if call.kind == "handoff":
        item: RunItem = HandoffCallItem(agent, raw)
    else:
        tool = toolset.tools_by_name.get(call.name)
        origin = None if tool is None else get_function_tool_origin(tool)
        description = None if tool is None else tool.description
        title = None if tool is None else tool.traits.title
        item = ToolCallItem(agent, raw, description=description, title=title, tool_origin=origin)
    read.output.append(output_item_to_input(raw))
    read.items.append(item)
    read.calls.append(call)
    read.items_by_call[call.id] = item


def read_call(toolset: Toolset, raw: Any) -> f.Call:
    """The call that a `function_call` item asks for, by what was offered."""
    name, namespace = raw_field(raw, "name"), raw_field(raw, "namespace")
    qualified = f"{namespace}.{name}" if namespace and namespace != name else name
    call_id = f.CallId(raw_field(raw, "call_id") or "")
    arguments = raw_field(raw, "arguments") or ""
    tool = toolset.tools_by_name.get(qualified)
    if tool is None:
        kind: f.CallKind = "handoff" if qualified in toolset.handoffs_by_name else "unknown"
        return f.Call(call_id, kind, qualified, arguments)
    return f.Call(
        call_id,
        "function",
        qualified,
        arguments,
        needs_approval=tool.needs_approval is not False,
        read_only=tool.side_effects == "none",
        on_in_doubt=in_doubt_policy(tool.side_effects, tool.on_in_doubt),
        schema=toolset.fingerprint_of(tool),
    )
