"""Filters: which of a server's tools an agent is offered."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import mcp_types as types
from typing_extensions import TypedDict

from agents._lazy import lazy_module
from agents.exceptions import UserError
from agents.run_context import RunContextWrapper
from agents.tool.traits import MaybeAwaitable

if TYPE_CHECKING:
    from agents import agent as _agent
else:
    _agent = lazy_module("agents.agent")

_logger = logging.getLogger("openai.agents")


class ToolFilterStatic(TypedDict, total=False):
    """Tools by name: with an allow list those in it, without those in the block list."""

    allowed_tool_names: list[str]
    blocked_tool_names: list[str]


@dataclass
class ToolFilterContext:
    """For whom a dynamic filter decides."""

    run_context: RunContextWrapper[Any]
    agent: _agent.AgentBase[Any]
    server_name: str


ToolFilterCallable: TypeAlias = Callable[[ToolFilterContext, types.Tool], MaybeAwaitable[bool]]
"""Says whether an agent is offered a tool; one that fails drops the tool."""

ToolFilter: TypeAlias = ToolFilterCallable | ToolFilterStatic | None


def create_static_tool_filter(
    allowed_tool_names: list[str] | None = None, blocked_tool_names: list[str] | None = None
) -> ToolFilterStatic | None:
    """A filter by names; None when neither list is given."""
    made = ToolFilterStatic()
    if allowed_tool_names is not None:
        made["allowed_tool_names"] = allowed_tool_names
    if blocked_tool_names is not None:
        made["blocked_tool_names"] = blocked_tool_names
    return made or None


async def filtered(
    tools: list[types.Tool],
    tool_filter: ToolFilter,
    server_name: str,
    run_context: RunContextWrapper[Any] | None,
    agent: _agent.AgentBase[Any] | None,
) -> list[types.Tool]:
    """The tools that a filter lets through, in order.

    Raises:
        UserError: a dynamic filter has to decide and does not know for whom.
    """
    if tool_filter is None:
        return tools
    if not callable(tool_filter):
        allowed = tool_filter.get("allowed_tool_names")
        blocked = tool_filter.get("blocked_tool_names", ())
        return [
            tool for tool in tools if (allowed is None or tool.name in allowed) and tool.name not in blocked
        ]
    if run_context is None or agent is None:
        raise UserError(
            f"The tool filter of MCP server {server_name!r} decides by run context and agent: "
            "pass both to list_tools()."
        )
    context = ToolFilterContext(run_context, agent, server_name)
    return [tool for tool in tools if await _passes(tool, tool_filter, context)]


async def _passes(tool: types.Tool, decide: ToolFilterCallable, context: ToolFilterContext) -> bool:
    try:
        verdict = decide(context, tool)
        return bool(await verdict if inspect.isawaitable(verdict) else verdict)
    except Exception:
        _logger.exception(
            "The filter of MCP server %r failed: tool %r is not offered", context.server_name, tool.name
        )
        return False
