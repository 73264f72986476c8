"""What `AgentBase.get_mcp_tools` gives: the tools of the agent's servers, as its `mcp_config` says."""

from __future__ import annotations

import inspect
from typing import Any

from agents.agent import Agent, AgentBase
from agents.handoffs import Handoff
from agents.run_context import RunContextWrapper
from agents.tool import FunctionTool
from agents.tool.traits import UNSET

from ._function_tools import MCPUtil


async def tools_of_agent(agent: AgentBase[Any], run_context: RunContextWrapper[Any]) -> list[FunctionTool]:
    """The tools of all servers of an agent.

    Raises:
        UserError: two servers have a tool of one name, and names are not prefixed.
        Exception: what a server raised.
    """
    config = agent.mcp_config
    has_prefixes = config.get("include_server_in_tool_names", False)
    return await MCPUtil.get_all_function_tools(
        agent.mcp_servers,
        config.get("convert_schemas_to_strict", False),
        run_context,
        agent,
        config.get("failure_error_function", UNSET),
        has_prefixes,
        await _taken(agent, run_context) if has_prefixes else None,
    )


async def _taken(agent: AgentBase[Any], run_context: RunContextWrapper[Any]) -> set[str]:
    """The names of the agent's own tools and of the handoffs that it may make now."""
    names = {tool.name for tool in agent.tools}
    if not isinstance(agent, Agent):
        return names
    for target in agent.handoffs:
        if not isinstance(target, Handoff):
            names.add(Handoff.default_tool_name(target))
        elif await _is_enabled(target, run_context, agent):
            names.add(target.tool_name)
    return names


async def _is_enabled(
    handoff: Handoff[Any, Any], run_context: RunContextWrapper[Any], agent: Agent[Any]
) -> bool:
    enabled = handoff.is_enabled
    if isinstance(enabled, bool):
        return enabled
    verdict = enabled(run_context, agent)
    return bool(await verdict if inspect.isawaitable(verdict) else verdict)
