"""Calls that wait for a decision, and calls that are settled without running anything."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core import history
from agents._core.effects import AnswerCall, CheckApproval, ConfirmDecision
from agents.items import ToolApprovalItem, ToolCallOutputItem
from agents.run_config import ToolErrorFormatterArgs
from agents.tool import get_function_tool_origin
from agents.tool.function import approval_rule
from agents.tool.preparation import are_taken_as_they_are

from .decisions import covers, has_expired, now_ms, plain_arguments
from .failures import tool_not_found
from .tools import raw_call
from .view import LiveOutput

if TYPE_CHECKING:
    from .run_loop import Run

SECOND_HANDOFF = "Multiple handoffs detected, ignoring this one."
NOT_APPROVED = "Tool execution was not approved."


async def check_approval(run: Run, effect: CheckApproval) -> None:
    """Find out whether a call needs a decision from outside, and record it.

    A standing rule that covers the call decides it at once.
    """
    call = effect.call
    environment = run.environment
    agent = environment.agents[run.state.agent]
    toolset = await environment.toolset_for(agent)
    tool = toolset.tools_by_name.get(call.name)
    if tool is None:
        raise tool_not_found(call, agent)
    rule = _covering_rule(run, agent.name, call)
    if rule is not None:
        run.record(f.ApprovalRequested(call.id), approval_item(run, call))
        run.record(f.ApprovalDecided(call.id, rule.approved, rule.message, at_ms=now_ms(), rule=rule.id))
        return
    asks = approval_rule(tool)
    needed: Any = asks
    if callable(asks):
        arguments = plain_arguments(call.arguments)
        # Arguments that are no plain JSON object, or that the tool would take otherwise, are for a person to judge.
        if arguments is None or not are_taken_as_they_are(tool, call.arguments, arguments):
            needed = True
        else:
            needed = asks(environment.context, arguments, call.id)
        if inspect.isawaitable(needed):
            needed = await needed
    if needed:
        run.record(f.ApprovalRequested(call.id), approval_item(run, call))
    else:
        run.record(f.ApprovalWaived(call.id))


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
    tool = None if toolset is None or toolset.agent is not agent else toolset.tools_by_name.get(call.name)
    item = ToolApprovalItem(
        agent,
        raw_call(run, call),
        tool_name=call.name.rpartition(".")[2],
        tool_origin=None if tool is None else get_function_tool_origin(tool),
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
    if effect.reason in ("rejected", "supplied") and has_expired(decision):
        run.record(f.ApprovalRequested(call.id), approval_item(run, call))
        return
    match effect.reason:
        case "unknown_tool":
            if environment.config.tool_not_found_behavior == "raise_error":
                raise tool_not_found(call, agent)
            text = await _formatted(run, call, "tool_not_found", f"Tool '{call.name}' not found.")
        case "rejected":
            message = None if decision is None else decision.message
            text = (
                await _formatted(run, call, "approval_rejected", NOT_APPROVED) if message is None else message
            )
        case "supplied":
            assert decision is not None, "a result is supplied by a decision"
            text = decision.output["output"]
        case "second_handoff":
            text = SECOND_HANDOFF
    output = history.call_output(call.id, text)
    item: Any = ToolCallOutputItem(agent, output, text)
    run.record(f.CallAnswered(call.id, call.name, output, effect.reason), LiveOutput(item, text))


async def _formatted(run: Run, call: f.Call, kind: Any, default: str) -> str:
    formatter = run.environment.config.tool_error_formatter
    if formatter is None:
        return default
    args = ToolErrorFormatterArgs(kind, "function", call.name, call.id, default, run.environment.context)
    text: Any = formatter(args)
    if inspect.isawaitable(text):
        text = await text
    return text if isinstance(text, str) else default
