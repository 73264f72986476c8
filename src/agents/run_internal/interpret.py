"""Interpreting a response: which items it holds, and which calls are ours to settle.

Rule 1: a kind of output item is one row in `ITEM_KINDS`, a kind that asks something of us one in `_CALL_READERS`.
Rule 2: nothing is executed and nobody is asked: the same response always reads the same.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core.evolve import call_signature
from agents._core.history import shown_output
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
    ToolCallOutputItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
    output_item_to_input,
)
from agents.items.conversion import plain_copy
from agents.items.run_items import raw_field
from agents.tool import (
    ComputerTool,
    CustomTool,
    FunctionTool,
    ShellTool,
    get_function_tool_origin,
)
from agents.util.function_name import qualified_name

from .environment import hosted_call_name, hosted_label

if TYPE_CHECKING:
    from agents._core.state import State
    from agents.agent import Agent
    from agents.items import ModelResponse, RunItem

    from .environment import Toolset

logger = logging.getLogger("openai.agents")


def _server_output(agent: Agent[Any], raw: Any) -> ToolCallOutputItem:
    """What the server's shell answered to a call of its own."""
    return ToolCallOutputItem(agent, raw, shown_output(output_item_to_input(raw)))


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
    "shell_call_output": _server_output,
    "compaction": CompactionItem,
}

#: Calls that act on a machine: their form, what a run needs to have them, and where the item says what to do.
MACHINE_KINDS: dict[str, tuple[f.CallForm, str, str]] = {
    "computer_call": ("computer", "a computer tool", "actions"),
    "local_shell_call": ("local_shell", "a local shell tool", "action"),
    "shell_call": ("shell", "a shell tool", "action"),
    "apply_patch_call": ("apply_patch", "an apply patch tool", "operation"),
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
        if kind in MACHINE_KINDS:
            if not _read_machine_call(read, agent, toolset, state, raw, response.output):
                return read
            continue
        if kind in _CALL_READERS:
            if kind == "mcp_approval_request" and not is_server_known(toolset, raw):
                label = raw_field(raw, "server_label")
                read.unexecutable = ModelBehaviorError(f"MCP server label {label} not found")
                return read
            _read_call(read, agent, toolset, state, raw)
            continue
        read.output.append(output_item_to_input(raw))
        item_class = ITEM_KINDS.get(kind)
        if item_class is None:
            logger.debug("an output item of unknown type %r is passed through", kind)
            continue
        read.items.append(item_class(agent, raw))
    return read


def _read_machine_call(
    read: Interpretation,
    agent: Agent[Any],
    toolset: Toolset,
    state: State,
    raw: Any,
    output: list[Any],
) -> bool:
    """Read a call that acts on a machine; whether the response can be gone on with."""
    kind = raw_field(raw, "type")
    form, wanted, _ = MACHINE_KINDS[kind]
    if kind == "shell_call" and _has_output(raw, output):
        read.output.append(output_item_to_input(raw))
        read.items.append(ToolCallItem(agent, raw))
        return True
    tool = toolset.machine_tools.get(form)
    if tool is None:
        read.unexecutable = ModelBehaviorError(
            f"Model produced {kind} without {wanted}: the agent offered none"
        )
        return False
    if isinstance(tool, ShellTool) and not tool.is_local:
        # The server's shell did not get so far: sent back alone, the call would be one without its output.
        read.items.append(ToolCallItem(agent, raw))
        return True
    _read_call(read, agent, toolset, state, raw)
    return True


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
    item = call_item(agent, call, raw, toolset)
    read.output.append(output_item_to_input(raw))
    read.items.append(item)
    read.calls.append(call)
    read.items_by_call[call.id] = item


def call_item(agent: Agent[Any], call: f.Call, raw: Any, toolset: Toolset | None = None) -> RunItem:
    """The run item of a call; what the tool's author says of it comes from the toolset, where there is one."""
    if call.kind == "handoff":
        return HandoffCallItem(agent, raw)
    if call.form == "mcp":
        return MCPApprovalRequestItem(agent, raw)
    tool = None if toolset is None else toolset.tool_of(call)
    if isinstance(tool, CustomTool):
        return ToolCallItem(agent, raw, description=tool.description)
    if not isinstance(tool, FunctionTool):
        return ToolCallItem(agent, raw)
    origin, title = get_function_tool_origin(tool), tool.traits.title
    return ToolCallItem(agent, raw, description=tool.description, title=title, tool_origin=origin)


def shown_name(call: f.Call) -> str | None:
    """The name of a call's tool without its namespace, which only functions have; None: that of the raw item."""
    if call.form == "function":
        return call.name.rpartition(".")[2]
    return call.name if call.form in f.IN_SEQUENCE else None


def call_id_of(raw: object) -> str | None:
    """The id of the call that an output item, an object or a dict, asks of us; None where it asks for none."""
    kind = raw_field(raw, "type")
    if kind not in _CALL_READERS:
        return None
    return raw_field(raw, "id" if kind == "mcp_approval_request" else "call_id")


def is_server_known(toolset: Toolset, raw: object) -> bool:
    """Whether an MCP server that waits for approval may be one of the agent's: its prompt may bring servers too."""
    label = hosted_label(raw_field(raw, "server_label"))
    return label in toolset.mcp_servers or toolset.agent.prompt is not None


def read_call(toolset: Toolset, raw: Any) -> f.Call:
    """The call that an output item asks of us, by what was offered."""
    return _CALL_READERS[raw_field(raw, "type")](toolset, raw)


def _function_call(toolset: Toolset, raw: Any) -> f.Call:
    name, namespace = raw_field(raw, "name"), raw_field(raw, "namespace")
    qualified = qualified_name(name, namespace)
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


def _custom_call(toolset: Toolset, raw: Any) -> f.Call:
    name = raw_field(raw, "name")
    call_id = f.CallId(raw_field(raw, "call_id") or "")
    text = raw_field(raw, "input") or ""
    tool = toolset.custom_tools.get(name)
    if tool is None:
        return f.Call(call_id, "unknown", name, text, form="custom")
    needs_approval = tool.needs_approval is not False
    return f.Call(call_id, "function", name, text, needs_approval=needs_approval, form="custom")


def _approval_request(_toolset: Toolset, raw: Any) -> f.Call:
    name = hosted_call_name(raw_field(raw, "server_label"), raw_field(raw, "name"))
    arguments = raw_field(raw, "arguments") or ""
    call_id = f.CallId(raw_field(raw, "id") or "")
    return f.Call(call_id, "hosted", name, arguments, needs_approval=True, form="mcp")


def asked_of_machine(raw: object) -> str:
    """What an item asks of a machine, as the arguments of its call."""
    form, _, field = MACHINE_KINDS[raw_field(raw, "type")]
    asked = plain_copy(raw_field(raw, field))
    if form == "computer":
        checks: list[Any] = plain_copy(raw_field(raw, "pending_safety_checks")) or []
        # One action, or several in newer models.
        actions = [plain_copy(raw_field(raw, "action"))] if asked is None else asked
        asked = {"actions": actions, **({"pending_safety_checks": checks} if checks else {})}
    return json.dumps(asked)


def _machine_call(toolset: Toolset, raw: Any) -> f.Call:
    form, _, _ = MACHINE_KINDS[raw_field(raw, "type")]
    tool = toolset.machine_tools.get(form)
    call_id = f.CallId(raw_field(raw, "call_id") or "")
    arguments = asked_of_machine(raw)
    if tool is None:
        return f.Call(call_id, "unknown", form, arguments, form=form)
    return f.Call(
        call_id,
        "function",
        tool.name,
        arguments,
        needs_approval=tool.needs_approval is not False or needs_acknowledgement(tool, arguments),
        form=form,
    )


def needs_acknowledgement(tool: object, arguments: str) -> bool:
    """Whether the server wants something checked before a computer call, and only a person can do it."""
    return isinstance(tool, ComputerTool) and tool.on_safety_check is None and has_safety_checks(arguments)


def has_safety_checks(arguments: str) -> bool:
    """Whether the server wants something checked before a computer call."""
    return "pending_safety_checks" in json.loads(arguments)


#: The kinds of output item that ask something of us, and how they are read.
_CALL_READERS: dict[str, Callable[[Toolset, Any], f.Call]] = {
    "function_call": _function_call,
    "custom_tool_call": _custom_call,
    "mcp_approval_request": _approval_request,
    **dict.fromkeys(MACHINE_KINDS, _machine_call),
}
