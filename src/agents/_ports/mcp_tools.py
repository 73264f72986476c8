"""The port to what makes function tools of an agent's MCP servers.

It needs the `mcp` package, which is optional: `agents/__init__` provides it to be
imported when an agent with servers is first asked for its tools.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from agents._lazy import lazy_module

if TYPE_CHECKING:
    from agents import agent as _agent
    from agents import run_context as _run_context
    from agents import tool as _tool
else:
    _agent = lazy_module("agents.agent")
    _run_context = lazy_module("agents.run_context")
    _tool = lazy_module("agents.tool")

McpToolsOfAgent: TypeAlias = Callable[
    ["_agent.AgentBase[Any]", "_run_context.RunContextWrapper[Any]"], Awaitable[list["_tool.FunctionTool"]]
]
"""Gives the tools of all servers of an agent, as its `mcp_config` says."""

_resolvers: list[Callable[[], McpToolsOfAgent]] = []


def provide_mcp_tools(resolve: Callable[[], McpToolsOfAgent]) -> None:
    """Say how the tools of an agent's servers are found. Called once, by the package itself."""
    _resolvers[:] = [resolve]


def find_mcp_tools() -> McpToolsOfAgent:
    """What makes function tools of an agent's servers."""
    return _resolvers[0]()
