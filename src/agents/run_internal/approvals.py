"""Calls that wait for a decision, and calls that are settled without running anything."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core import history
from agents._core.effects import AnswerCall, CheckApproval, ConfirmDecision
from agents.exceptions import UserError
from agents.items import MCPApprovalResponseItem, ToolApprovalItem, ToolCallOutputItem
from agents.run_config import ToolErrorFormatterArgs
from agents.tool import (
    CustomTool,
    FunctionTool,
    HostedMCPTool,
    MachineTool,
    MCPToolApprovalRequest,
    get_function_tool_origin,
)
from agents.tool.failures import ToolType
from agents.tool.function import approval_rule
from agents.tool.preparation import are_taken_as_they_are

from .decisions import covers, has_expired, is_named, now_ms, plain_arguments
from .executors import READERS
from .failures import tool_not_found
from .interpret import needs_acknowledgement, shown_name
from .tools import raw_call
from .view import LiveOutput

if TYPE_CHECKING:
    from agents.run_context import RunContextWrapper

    from .run_loop import Run

_TOOL_TYPES: dict[f.CallForm, ToolType] = {
    "custom": "custom",
    "computer": "computer",
    "local_shell": "shell",
    "shell": "shell",
    "apply_patch": "apply_patch",
}
SECOND_HANDOFF = "Multiple handoffs detected, ignoring this one."
NOT_APPROVED = "Tool execution was not approved."


async def check_approval(run: Run, effect: CheckApproval) -> None:
    """Find out whether a call needs a decision from outside, and record it.

    A standing rule that covers the call decides it at once, else the function that the tool's author gave for it.
    """
    call = effect.call
    environment = run.environment
    agent = environment.agents[run.state.agent]
    toolset = await environment.toolset_for(agent)
    tool = toolset.tool_of(call)
    if tool is None and call.kind != "hosted":
        raise tool_not_found(call, agent)
    rule = _covering_rule(run, agent.name, call)
    # What approves calls unseen acknowledges nothing: somebody has to read what the server wants checked.
    if rule is not None and not (rule.approved and needs_acknowledgement(tool, call.arguments)):
        run.record(f.ApprovalRequested(call.id), approval_item(run, call))
        run.record(f.ApprovalDecided(call.id, rule.approved, rule.message, at_ms=now_ms(), rule=rule.id))
        return
    if not await _needs_decision(run, tool, call):
        run.record(f.ApprovalWaived(call.id))
        return
    item = approval_item(run, call)
    # Before the question is recorded: a run that asks about nothing else would pause.
    verdict = await _program_verdict(environment.context, tool, call, item)
    run.record(f.ApprovalRequested(call.id), item)
    if verdict is not None:
        approved, reason = verdict
        run.record(f.ApprovalDecided(call.id, approved, reason, at_ms=now_ms()))


async def _needs_decision(run: Run, tool: object, call: f.Call) -> bool:
    """What the tool's own policy says. Calls of MCP servers come here because the model's server asks.

    Raises:
        ModelBehaviorError: a call that acts on a machine cannot be read.
    """
    context = run.environment.context
    needed: Any = True
    if isinstance(tool, FunctionTool):
        needed = approval_rule(tool)
        if callable(needed):
            arguments = plain_arguments(call.arguments)
            # Arguments that are no plain JSON object, or that the tool would take otherwise, are for a person to judge.
            if arguments is None or not are_taken_as_they_are(tool, call.arguments, arguments):
                return True
            needed = needed(context, arguments, call.id)
    elif call.form in READERS:
        asked = READERS[call.form](context, call.id, call.arguments, raw_call(run, call))
        if needs_acknowledgement(tool, call.arguments):
            return True
        needed = approval_rule(cast("CustomTool | MachineTool", tool))
        if callable(needed):
            needed = needed(context, asked, call.id)
    return bool(await needed if inspect.isawaitable(needed) else needed)


async def _program_verdict(
    context: RunContextWrapper[Any], tool: object, call: f.Call, item: ToolApprovalItem
) -> tuple[bool, str | None] | None:
    """What the function that the tool's author gave decides, and why; None where a person has to.

    Raises:
        UserError: it decided nothing that can be understood.
    """
    verdict: Any
    if call.form in READERS:
        decider = cast("CustomTool | MachineTool", tool).on_approval
        if decider is None:
            return None
        verdict = decider(context, item)
    # A function cannot know what it decides about where the server does not say what is called.
    elif isinstance(tool, HostedMCPTool) and tool.on_approval_request is not None and is_named(call):
        verdict = tool.on_approval_request(MCPToolApprovalRequest(context, cast("Any", item.raw_item)))
    else:
        return None
    if inspect.isawaitable(verdict):
        verdict = await verdict
    approved: object = verdict.get("approve") if isinstance(verdict, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (what users return)
    reason: object = verdict.get("reason") if isinstance(verdict, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (what users return)
    if not isinstance(approved, bool) or not isinstance(reason, str | None):
        raise UserError(
            f"the approval function of call {call.id!r} ({call.name}) returned {verdict!r}: return a dict like "
            "{'approve': True} or {'approve': False, 'reason': 'why'}"
        )
    return approved, reason


def confirm_decision(run: Run, effect: ConfirmDecision) -> None:
    """Claim an approved call while the approval holds, else ask anew."""
    call = effect.call
    if has_expired(run.state.calls[call.id].decision):
        run.record(f.ApprovalRequested(call.id), approval_item(run, call))
    else:
        run.record(f.ToolClaimed(call.id, call.name))


def approval_item(run: Run, call: f.Call) -> ToolApprovalItem:
    """The item by which somebody is asked about a call of the current turn."""
    environment = run.environment
    agent = environment.agents[run.state.agent]
    toolset = environment.toolset
    tool = None if toolset is None or toolset.agent is not agent else toolset.tool_of(call)
    item = ToolApprovalItem(
        agent,
        raw_call(run, call),
        tool_name=shown_name(call),
        tool_origin=get_function_tool_origin(tool) if isinstance(tool, FunctionTool) else None,
    )
    item.call_path = (*run.path, call.id)
    return item


def item_below(run: Run, waiting: f.Waiting) -> ToolApprovalItem:
    """The item for a call that a nested run waits for, made of what is known of it here."""
    from openai.types.responses import ResponseFunctionToolCall

    raw = ResponseFunctionToolCall(
        type="function_call", call_id=waiting.path[-1], name=waiting.tool, arguments=waiting.arguments
    )
    agent = run.environment.agents.named(waiting.agent) or run.view.agent
    item = ToolApprovalItem(agent, raw, tool_name=waiting.tool)
    item.call_path = waiting.path
    return item


def _covering_rule(run: Run, agent: str, call: f.Call) -> f.Rule | None:
    """The newest standing rule that covers a call, if there is one."""
    root = run.root
    rules = reversed(root.state.rules.values())
    return next((rule for rule in rules if covers(rule, agent, call, root.rule_uses[rule.id])), None)


async def answer_call(run: Run, effect: AnswerCall) -> None:
    """Settle a call without running anything.

    Raises:
        ModelBehaviorError: the tool does not exist, and the run is set to fail for it.
    """
    call = effect.call
    environment = run.environment
    agent = environment.agents[run.state.agent]
    decision = run.state.calls[call.id].decision
    if effect.reason in ("approved", "rejected", "supplied") and has_expired(decision):
        run.record(f.ApprovalRequested(call.id), approval_item(run, call))
        return
    if call.form == "mcp":
        _answer_server(run, effect, decision)
        return
    if effect.reason == "supplied" and decision is not None:
        output, text = decision.output, history.shown_output(decision.output)
    else:
        text = await _reason(run, effect, decision)
        output = history.refusal(call.id, text, call.form)
    item: Any = ToolCallOutputItem(agent, output, text)
    run.record(f.CallAnswered(call.id, call.name, output, effect.reason), LiveOutput(item, text))


async def _reason(run: Run, effect: AnswerCall, decision: f.ApprovalDecided | None) -> str:
    """What the model is told of a call that is not carried out.

    Raises:
        ModelBehaviorError: the tool does not exist, and the run is set to fail for it.
    """
    call, environment = effect.call, run.environment
    match effect.reason:
        case "unknown_tool":
            if environment.config.tool_not_found_behavior == "raise_error":
                raise tool_not_found(call, environment.agents[run.state.agent])
            return await _formatted(run, call, "tool_not_found", f"Tool '{call.name}' not found.")
        case "rejected":
            message = None if decision is None else decision.message
            return (
                message
                if message is not None
                else await _formatted(run, call, "approval_rejected", NOT_APPROVED)
            )
        case "second_handoff":
            return SECOND_HANDOFF
        case "approved" | "supplied":
            raise AssertionError(f"call {call.id} is made here: approved, it is claimed")


def _answer_server(run: Run, effect: AnswerCall, decision: f.ApprovalDecided | None) -> None:
    """Tell the model's server what was decided about a call of its own.

    Raises:
        ModelBehaviorError: its MCP server is not the agent's any more.
    """
    call = effect.call
    agent = run.environment.agents[run.state.agent]
    if effect.reason == "unknown_tool":
        raise tool_not_found(call, agent)
    reason = None if decision is None or decision.approved else decision.message
    approve = effect.reason == "approved"
    output = history.approval_response(call.id, approve=approve, reason=reason)
    item: Any = MCPApprovalResponseItem(agent, output)
    run.record(f.CallAnswered(call.id, call.name, output, effect.reason), LiveOutput(item))


async def _formatted(run: Run, call: f.Call, kind: Any, default: str) -> str:
    formatter = run.environment.config.tool_error_formatter
    if formatter is None:
        return default
    tool_type = _TOOL_TYPES.get(call.form, "function")
    args = ToolErrorFormatterArgs(kind, tool_type, call.name, call.id, default, run.environment.context)
    text: Any = formatter(args)
    if inspect.isawaitable(text):
        text = await text
    return text if isinstance(text, str) else default
