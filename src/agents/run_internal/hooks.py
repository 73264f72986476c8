"""Hook moments: who is to be told what, and whether anybody listens at all."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core import history
from agents._core.effects import RunHook
from agents.lifecycle import AgentHooksBase, RunHooksBase
from agents.run_context import AgentHookContext, RunContextWrapper
from agents.tool.execute import run_failure
from agents.util.gathering import all_or_cancel

from .view import LiveHandoff, LiveOutput

if TYPE_CHECKING:
    from agents.agent import Agent

    from .environment import Environment
    from .run_loop import Run


def listens(hooks: object, name: str) -> bool:
    """Whether a hook is overridden, on the class or on the object."""
    if hooks is None:
        return False
    base: Any = RunHooksBase if isinstance(hooks, RunHooksBase) else AgentHooksBase
    owner: Any = cast("object", hooks)
    return getattr(owner.__class__, name) is not getattr(base, name) or name in vars(owner)


def anybody_listens(environment: Environment, agent: Agent[Any], run_hook: str, agent_hook: str) -> bool:
    """Whether a moment of this agent needs an effect. Where nobody listens there is no fact and no task."""
    run_hooks, agent_hooks = environment.hooks, agent.hooks
    if run_hooks is None and agent_hooks is None:
        return False
    return listens(run_hooks, run_hook) or listens(agent_hooks, agent_hook)


async def tell(
    environment: Environment, agent: Agent[Any], run_hook: str, agent_hook: str, *args: Any
) -> None:
    """Await the run's hook and the agent's, side by side; each gets `context, agent, *args`."""
    calls: list[Awaitable[None]] = []
    if listens(environment.hooks, run_hook):
        calls.append(getattr(environment.hooks, run_hook)(*args))
    if listens(agent.hooks, agent_hook):
        calls.append(getattr(agent.hooks, agent_hook)(*args))
    await all_or_cancel(calls)


def agent_hook_context(run: Run) -> AgentHookContext[Any]:
    """The context of start and end hooks, with the run's input in it."""
    context = run.environment.context
    made: AgentHookContext[Any] = AgentHookContext(
        context.context, context.usage, turn_input(run), context.tool_input
    )
    return made


def turn_input(run: Run) -> list[Any]:
    """The run's input as items; where a handoff's filter replaced it, what it was replaced with."""
    return history.input_items(run.view.seen_input)


async def run_hook(run: Run, effect: RunHook) -> None:
    """Await the hooks of a moment and record that they are settled."""
    environment = run.environment
    agent = environment.agents[effect.agent]
    match effect.moment:
        case "agent_start":
            context = agent_hook_context(run)
            await tell(environment, agent, "on_agent_start", "on_start", context, agent)
        case "llm_end":
            response = run.view.raw_responses[-1]
            await tell(environment, agent, "on_llm_end", "on_llm_end", environment.context, agent, response)
        case "tool_end":
            live = run.view.outputs[effect.subject]
            assert isinstance(live, LiveOutput), "a tool's end belongs to a tool"
            call = run.state.calls[f.CallId(effect.subject)].call
            tool = live.tool or (await environment.toolset_for(agent)).tool_of(call)
            context = live.tool_context if live.tool_context is not None else environment.context
            await _tell_tool_end(environment, agent, context, tool, live.value)
        case "handoff":
            live = run.view.outputs[effect.subject]
            assert isinstance(live, LiveHandoff), "a handoff's hooks belong to a handoff"
            await _tell_handoff(environment, live)
        case "agent_end":
            output = None if run.view.proposal is None else run.view.proposal.value
            context = agent_hook_context(run)
            await tell(environment, agent, "on_agent_end", "on_end", context, agent, output)
    run.record(f.HookSettled(effect.id))


async def _tell_tool_end(
    environment: Environment, agent: Agent[Any], context: RunContextWrapper[Any], tool: Any, value: Any
) -> None:
    try:
        await tell(environment, agent, "on_tool_end", "on_tool_end", context, agent, tool, value)
    except Exception as error:
        failure = run_failure(tool, error)
        if failure is error:
            raise
        raise failure from error


async def _tell_handoff(environment: Environment, live: LiveHandoff) -> None:
    calls: list[Awaitable[None]] = []
    context, source, target = environment.context, live.source, live.target
    if environment.hooks is not None and listens(environment.hooks, "on_handoff"):
        calls.append(environment.hooks.on_handoff(context, source, target))
    if source.hooks is not None and listens(source.hooks, "on_handoff"):
        calls.append(source.hooks.on_handoff(context, target, source))
    await all_or_cancel(calls)
