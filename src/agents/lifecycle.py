"""Hooks: awaited by the run at fixed moments, for observing it or changing what comes next.

Override the methods you need in a subclass of `RunHooks` (every agent of a run)
or `AgentHooks` (one agent). A method that is not overridden costs nothing. An
exception from a hook ends the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from ._lazy import lazy_module
from .run_context import AgentHookContext, RunContextWrapper, TContext

if TYPE_CHECKING:
    from . import agent as _agent
    from . import items as _items
    from . import tool as _tool
else:
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")
    _tool = lazy_module("agents.tool")

TAgent = TypeVar("TAgent", default=Any)


class RunHooksBase(Generic[TContext, TAgent]):
    """Receives the moments of a whole run, whichever agent is at work."""

    async def on_llm_start(
        self,
        context: RunContextWrapper[TContext],
        agent: _agent.Agent[TContext],
        system_prompt: str | None,
        input_items: list[_items.TResponseInputItem],
    ) -> None:
        """Called before each model call, with what the model will see."""

    async def on_llm_end(
        self,
        context: RunContextWrapper[TContext],
        agent: _agent.Agent[TContext],
        response: _items.ModelResponse,
    ) -> None:
        """Called after each model call, before its tools run."""

    async def on_agent_start(self, context: AgentHookContext[TContext], agent: TAgent) -> None:
        """Called each time an agent becomes the current one, not each turn."""

    async def on_agent_end(self, context: AgentHookContext[TContext], agent: TAgent, output: Any) -> None:
        """Called once, with the final output, for the agent that gave it."""

    async def on_handoff(
        self, context: RunContextWrapper[TContext], from_agent: TAgent, to_agent: TAgent
    ) -> None:
        """Called when `from_agent` has handed the conversation to `to_agent`."""

    async def on_tool_start(
        self, context: RunContextWrapper[TContext], agent: TAgent, tool: _tool.Tool
    ) -> None:
        """Called before a local tool runs; `context` is its `ToolContext`."""

    async def on_tool_end(
        self, context: RunContextWrapper[TContext], agent: TAgent, tool: _tool.Tool, result: object
    ) -> None:
        """Called after a local tool ran, with what it returned, not the text made of it."""


class AgentHooksBase(Generic[TContext, TAgent]):
    """Receives the moments of one agent. Set it as `Agent(hooks=...)`."""

    async def on_start(self, context: AgentHookContext[TContext], agent: TAgent) -> None:
        """Called each time this agent becomes the current one."""

    async def on_end(self, context: AgentHookContext[TContext], agent: TAgent, output: Any) -> None:
        """Called with the final output, when this agent gave it."""

    async def on_handoff(self, context: RunContextWrapper[TContext], agent: TAgent, source: TAgent) -> None:
        """Called on the hooks of the agent that hands off: `agent` is the new one, `source` this one."""

    async def on_tool_start(
        self, context: RunContextWrapper[TContext], agent: TAgent, tool: _tool.Tool
    ) -> None:
        """Called before a local tool of this agent runs."""

    async def on_tool_end(
        self, context: RunContextWrapper[TContext], agent: TAgent, tool: _tool.Tool, result: object
    ) -> None:
        """Called after a local tool of this agent ran."""

    async def on_llm_start(
        self,
        context: RunContextWrapper[TContext],
        agent: _agent.Agent[TContext],
        system_prompt: str | None,
        input_items: list[_items.TResponseInputItem],
    ) -> None:
        """Called before each model call of this agent."""

    async def on_llm_end(
        self,
        context: RunContextWrapper[TContext],
        agent: _agent.Agent[TContext],
        response: _items.ModelResponse,
    ) -> None:
        """Called after each model call of this agent."""


if TYPE_CHECKING:
    RunHooks = RunHooksBase[TContext, _agent.Agent]
    AgentHooks = AgentHooksBase[TContext, _agent.Agent]
else:
    # Aliases that do not import the agent module: the argument is only a name here.
    RunHooks = RunHooksBase[TContext, "_agent.Agent"]
    AgentHooks = AgentHooksBase[TContext, "_agent.Agent"]
