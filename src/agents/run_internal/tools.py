"""Running one tool call: guardrails, hooks, the tool itself, and what the model is told."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core.effects import RunTool
from agents.approvals import NestedPause
from agents.exceptions import (
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
)
from agents.items import ToolCallOutputItem
from agents.tool import FunctionTool, HostedMCPTool, ToolOutcome, get_function_tool_origin, run_failure
from agents.tool_context import ToolContext, bind_call
from agents.tool_guardrails import (
    ToolInputGuardrailData,
    ToolInputGuardrailResult,
    ToolOutputGuardrailData,
    ToolOutputGuardrailResult,
)

from . import failures, hooks
from .executors import RunnableTool, executor_of
from .failures import tool_not_found
from .json_form import json_form
from .nesting import RunLink
from .view import LiveOutput

if TYPE_CHECKING:
    from agents.agent import Agent

    from .run_loop import Run


@dataclass(slots=True)
class _Invocation:
    """One call on its way through its tool."""

    run: Run
    call: f.Call
    agent: Agent[Any]
    tool: RunnableTool
    raw: Any
    context: ToolContext[Any]
    began: float

    @property
    def duration_ms(self) -> float:
        return round((time.perf_counter() - self.began) * 1000, 3)


async def run_tool(run: Run, effect: RunTool) -> None:
    """Run a claimed tool and settle its call.

    Raises:
        AgentsException: a hook or a guardrail of the call raised it, or is its cause; the call is not settled.
    """
    call = effect.call
    invocation = await _prepare(run, call)
    try:
        await _perform(invocation)
    except NestedPause as pause:
        run.record(f.ToolPaused(call.id, _waiting(pause)), pause.items)
    except Exception as error:
        failure = run_failure(invocation.tool, error)
        if failure is error:
            raise
        raise failure from error
    finally:
        bind_call(invocation.context, idempotency_key=invocation.context.idempotency_key)


async def _perform(invocation: _Invocation) -> None:
    run = invocation.run
    rejection = await _check_input(invocation)
    if rejection is not None:
        await _settle(invocation, ToolOutcome(rejection), has_run=False)
        return
    environment, agent, context = run.environment, invocation.agent, invocation.context
    if hooks.anybody_listens(environment, agent, "on_tool_start", "on_tool_start"):
        await hooks.tell(
            environment, agent, "on_tool_start", "on_tool_start", context, agent, invocation.tool
        )
    try:
        execute = executor_of(invocation.tool).execute
        outcome = await execute(invocation.tool, context, context.tool_arguments)
    except Exception as error:  # noqa: BLE001 (whatever a tool raises ends the run as the fact ToolFailed)
        _fail(invocation, run_failure(invocation.tool, error))
        return
    shown = await _check_output(invocation, outcome.output)
    await _settle(invocation, outcome if shown is outcome.output else replace(outcome, output=shown))


def _waiting(pause: NestedPause) -> tuple[f.Waiting, ...]:
    return tuple(
        f.Waiting(item.call_path, item.agent.name, item.tool_name or "", item.arguments or "")
        for item in pause.items
    )


async def _prepare(run: Run, call: f.Call) -> _Invocation:
    environment = run.environment
    agent = environment.agents[run.state.agent]
    toolset = await environment.toolset_for(agent)
    tool = toolset.tool_of(call)
    if tool is None or isinstance(tool, HostedMCPTool):
        raise tool_not_found(call, agent)
    raw = raw_call(run, call)
    context = environment.context
    tool_context: ToolContext[Any] = ToolContext(
        context.context,
        context.usage,
        tool.name,
        call.id,
        run.state.calls[call.id].arguments,
        raw,
        agent=agent,
        run_config=environment.config,
        turn_input=context.turn_input,
        tool_input=context.tool_input,
    )
    path = (*run.path, call.id)

    loop = asyncio.get_running_loop()
    thread = threading.get_ident()

    def progress(value: Any) -> None:
        fact = f.ToolProgressed(call.id, json_form(value))
        if threading.get_ident() == thread:
            run.observe(fact)
            return
        # From a thread of the tool's: the log belongs to the loop. One that is closed has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(run.observe, fact)

    bind_call(
        tool_context,
        idempotency_key="/".join(path),
        progress=progress,
        link=RunLink(run, path, loop),
    )
    return _Invocation(run, call, agent, tool, raw, tool_context, time.perf_counter())


def raw_call(run: Run, call: f.Call) -> Any:
    """The call as the model made it; one made of its facts while its response still streams."""
    turn = run.view.turn
    if turn is not None and call.id in turn.calls:
        return turn.calls[call.id].raw_item
    from openai.types.responses import ResponseFunctionToolCall

    name = call.name.rpartition(".")[2]
    return ResponseFunctionToolCall(
        type="function_call", call_id=call.id, name=name, arguments=call.arguments
    )


# --- guardrails of a call


async def _check_input(invocation: _Invocation) -> str | None:
    """The message that takes the tool's place when a guardrail rejects the call; None when none does."""
    tool = invocation.tool
    for guardrail in (isinstance(tool, FunctionTool) and tool.tool_input_guardrails) or ():
        output = await guardrail.run(ToolInputGuardrailData(invocation.context, invocation.agent))
        _record_verdict(invocation, guardrail, output, "input", ToolInputGuardrailResult(guardrail, output))
        behavior = output.behavior
        if behavior["type"] == "raise_exception":
            raise ToolInputGuardrailTripwireTriggered(guardrail, output)
        if behavior["type"] == "reject_content":
            return behavior["message"]
    return None


async def _check_output(invocation: _Invocation, value: Any) -> Any:
    """What the model is shown: the output, or the message of a guardrail that rejects it."""
    tool = invocation.tool
    for guardrail in (isinstance(tool, FunctionTool) and tool.tool_output_guardrails) or ():
        data = ToolOutputGuardrailData(invocation.context, invocation.agent, value)
        output = await guardrail.run(data)
        _record_verdict(invocation, guardrail, output, "output", ToolOutputGuardrailResult(guardrail, output))
        behavior = output.behavior
        if behavior["type"] == "raise_exception":
            raise ToolOutputGuardrailTripwireTriggered(guardrail, output)
        if behavior["type"] == "reject_content":
            return behavior["message"]
    return value


def _record_verdict(invocation: _Invocation, guardrail: Any, output: Any, stage: Any, result: Any) -> None:
    fact = f.ToolGuardrailChecked(
        invocation.call.id,
        guardrail.get_name(),
        stage,
        output.behavior["type"],
        json_form(output.output_info),
    )
    invocation.run.record(fact, result)


# --- settling


async def _settle(invocation: _Invocation, outcome: ToolOutcome, *, has_run: bool = True) -> None:
    run, call, tool = invocation.run, invocation.call, invocation.tool
    shown, error = outcome.output, outcome.error
    executor = executor_of(tool)
    raw_item = executor.answer(tool, invocation.raw, outcome)
    custom = None
    if executor.custom_data is not None:
        custom = await executor.custom_data(tool, invocation.context, shown, raw_item)
    origin = get_function_tool_origin(tool) if isinstance(tool, FunctionTool) else None
    item = ToolCallOutputItem(invocation.agent, raw_item, shown, tool_origin=origin, custom_data=custom)
    live = LiveOutput(item, shown, tool, invocation.context, error)
    end_hook = has_run and hooks.anybody_listens(
        run.environment, invocation.agent, "on_tool_end", "on_tool_end"
    )
    if error is None:
        fact: f.Fact = f.ToolReturned(call.id, call.name, raw_item, invocation.duration_ms, end_hook)
    else:
        data = failures.error_data(error)
        fact = f.ToolFailed(call.id, call.name, data, raw_item, invocation.duration_ms, end_hook)
    run.record(fact, live)


def _fail(invocation: _Invocation, error: BaseException) -> None:
    call = invocation.call
    fact = f.ToolFailed(
        call.id, call.name, failures.error_data(error), None, duration_ms=invocation.duration_ms
    )
    invocation.run.record(fact, LiveOutput(None, None, invocation.tool, None, error))
