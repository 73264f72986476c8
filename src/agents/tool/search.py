"""Which sets of tools the Responses API takes: tool search, and programs that call tools."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from ..exceptions import UserError
from .apply_patch import ApplyPatchTool
from .custom import CustomTool
from .function import FunctionTool
from .hosted import HostedMCPTool, ProgrammaticToolCallingTool, ToolSearchTool
from .kinds import Tool
from .shell import ShellTool


def is_responses_tool_search_surface(tool: Tool) -> bool:
    """Whether a search can find the tool: it is deferred, or in a namespace."""
    in_namespace = isinstance(tool, FunctionTool) and tool.traits.namespace is not None
    return in_namespace or is_required_tool_search_surface(tool)


def has_responses_tool_search_surface(tools: list[Tool]) -> bool:
    """Whether a search can find any of the tools."""
    return any(map(is_responses_tool_search_surface, tools))


def is_required_tool_search_surface(tool: Tool) -> bool:
    """Whether the tool can only be found by a search: it is deferred."""
    if isinstance(tool, FunctionTool):
        return tool.defer_loading
    return isinstance(tool, HostedMCPTool) and bool(tool.tool_config.get("defer_loading"))


def has_required_tool_search_surface(tools: list[Tool]) -> bool:
    """Whether any of the tools can only be found by a search."""
    return any(map(is_required_tool_search_surface, tools))


def prune_orphaned_tool_search_tools(tools: list[Tool]) -> list[Tool]:
    """The tools for a request, in a list of their own.

    All of them: a search that has nothing to find is an error of whoever chose the tools, who is told when they are
    sent, and a prompt may bring what it finds.
    """
    return list(tools)


def validate_responses_tool_search_configuration(
    tools: list[Tool], *, allow_opaque_search_surface: bool = False
) -> None:
    """Refuse tools of which a search could find none, or some that nothing could find.

    Args:
        tools: Those of one request.
        allow_opaque_search_surface: Whether a prompt, or something else that is not known here, may bring more.

    Raises:
        UserError: there are two searches, a search without anything to find, deferred tools without a search, or two
            deferred tools of one name.
    """
    searches = sum(isinstance(tool, ToolSearchTool) for tool in tools)
    if searches > 1:
        raise UserError("Only one ToolSearchTool() is allowed when using OpenAI Responses models.")
    if searches and not (allow_opaque_search_surface or has_responses_tool_search_surface(tools)):
        raise UserError(
            "ToolSearchTool() requires at least one searchable Responses surface: a tool_namespace(...) function "
            "tool, a deferred-loading function tool (`function_tool(..., defer_loading=True)`), or a "
            "deferred-loading hosted MCP server (`HostedMCPTool(tool_config={..., 'defer_loading': True})`)."
        )
    if not searches and has_required_tool_search_surface(tools):
        raise UserError(
            "Deferred-loading Responses tools require ToolSearchTool() when using OpenAI Responses models."
        )
    deferred = Counter(
        tool.name
        for tool in tools
        if isinstance(tool, FunctionTool) and tool.defer_loading and tool.traits.namespace is None
    )
    for name, count in deferred.items():
        if count > 1:
            raise UserError(
                f"Ambiguous function tool configuration: the deferred top-level tool name `{name}` is used by "
                "multiple tools. Rename one of the deferred-loading top-level function tools to avoid ambiguous "
                "dispatch."
            )


def validate_responses_programmatic_tool_calling_configuration(
    tools: list[Tool],
    *,
    tool_choice: Literal["auto", "required", "none"] | str | Any | None = None,  # noqa: PYI051 (editors complete the modes)
    allow_opaque_tool_search_surface: bool = False,
) -> None:
    """Refuse programs that could call nothing, and tools that only programs could call where there are none.

    Args:
        tools: Those of one request.
        tool_choice: What the model has to call, in the settings' terms.
        allow_opaque_tool_search_surface: Whether a prompt, or something else that is not known here, may bring more.

    Raises:
        UserError: naming what is missing, or that there are two of what may be there once.
    """
    programs = sum(isinstance(tool, ProgrammaticToolCallingTool) for tool in tools)
    if programs > 1:
        raise UserError(
            "Only one ProgrammaticToolCallingTool() is allowed when using OpenAI Responses models."
        )
    callers = [_allowed_callers(tool) for tool in tools]
    if not programs:
        if tool_choice == "programmatic_tool_calling":
            raise UserError(
                "tool_choice='programmatic_tool_calling' requires ProgrammaticToolCallingTool() when using "
                "OpenAI Responses models."
            )
        for tool, allowed in zip(tools, callers, strict=True):
            if allowed == ["programmatic"]:
                raise UserError(
                    f"Tool `{_name(tool)}` only allows programmatic callers and requires ProgrammaticToolCallingTool() "
                    "when using OpenAI Responses models."
                )
        return
    is_open = allow_opaque_tool_search_surface or any(isinstance(tool, ToolSearchTool) for tool in tools)
    if not is_open and not any("programmatic" in (allowed or ()) for allowed in callers):
        raise UserError(
            "ProgrammaticToolCallingTool() requires at least one tool whose allowed_callers includes "
            "'programmatic', a ToolSearchTool(), or an opaque prompt-managed tool surface."
        )


def _name(tool: Tool) -> str:
    return tool.qualified_name if isinstance(tool, FunctionTool) else tool.name


def _allowed_callers(tool: Tool) -> Any:
    if isinstance(tool, FunctionTool | CustomTool | ShellTool | ApplyPatchTool):
        return tool.allowed_callers
    return tool.tool_config.get("allowed_callers") if isinstance(tool, HostedMCPTool) else None
