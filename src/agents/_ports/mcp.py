"""The port to an MCP server: what an agent asks of it.

Rules for implementations:

1. `connect` is awaited before anything else, `cleanup` after everything else;
   after `cleanup` nothing of the server is left in this process.
2. `list_tools` gives tools that the caller may change.
3. A call that is cancelled, or fails, leaves the server fit for the next one.

Nothing here needs the `mcp` package: it is optional, and imported when a server is made.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agents._lazy import lazy_module
from agents.run_context import RunContextWrapper
from agents.tool.traits import UNSET, MaybeAwaitable, ToolErrorFunction, Unset

from .mcp_approval import ApprovalPolicy, RequireApprovalSetting

if TYPE_CHECKING:
    import mcp_types as _mcp_types

    from agents import agent as _agent
    from agents import tool_guardrails as _tool_guardrails
else:
    _mcp_types = lazy_module("mcp_types")
    _agent = lazy_module("agents.agent")
    _tool_guardrails = lazy_module("agents.tool_guardrails")

__all__ = [
    "MCPServer",
    "MCPToolCustomDataContext",
    "MCPToolCustomDataExtractor",
    "MCPToolMetaContext",
    "MCPToolMetaResolver",
]


@dataclass
class MCPToolMetaContext:
    """What a `tool_meta_resolver` gets: one call, before it is made."""

    run_context: RunContextWrapper[Any]
    server_name: str
    tool_name: str
    """The tool's name on the server."""

    arguments: dict[str, Any] | None
    """A copy of the call's arguments."""


MCPToolMetaResolver: TypeAlias = Callable[[MCPToolMetaContext], MaybeAwaitable[dict[str, Any] | None]]
"""Gives the `_meta` that goes to the server with a call: tenants, trace ids."""


@dataclass
class MCPToolCustomDataContext:
    """What a `custom_data_extractor` gets: one call, after the server answered."""

    run_context: RunContextWrapper[Any]
    server_name: str
    tool_name: str
    """The tool's name on the server."""

    tool_display_name: str
    """The tool's name as the model called it."""

    arguments: Mapping[str, Any]
    result_meta: Mapping[str, Any] | None
    structured_content: Mapping[str, Any] | None
    is_error: bool | None
    tool_output: Any
    """What the model gets."""


MCPToolCustomDataExtractor: TypeAlias = Callable[
    [MCPToolCustomDataContext], MaybeAwaitable[Mapping[str, Any] | None]
]
"""Gives data to keep beside a tool's output item; the model never sees it."""


class MCPServer(abc.ABC):
    """A server whose tools an agent may call, under the Model Context Protocol.

    The attributes hold for all of its tools, and may be changed between runs.

    Raises:
        UserError: `require_approval` is none of its forms.
    """

    use_structured_content: bool = False
    """Whether the model gets a result's structured content, where there is one, instead of its texts and images."""

    failure_error_function: ToolErrorFunction | Unset | None = UNSET
    """Text for the model when a call fails; None raises. Unset, the agent's `mcp_config` decides."""

    tool_meta_resolver: MCPToolMetaResolver | None = None
    custom_data_extractor: MCPToolCustomDataExtractor | None = None
    tool_input_guardrails: list[_tool_guardrails.ToolInputGuardrail[Any]] | None = None
    tool_output_guardrails: list[_tool_guardrails.ToolOutputGuardrail[Any]] | None = None
    approval_policy: ApprovalPolicy = ApprovalPolicy()
    """Which calls wait for a person."""

    def __init__(
        self,
        use_structured_content: bool = False,
        require_approval: RequireApprovalSetting = None,
        failure_error_function: ToolErrorFunction | Unset | None = UNSET,
        tool_meta_resolver: MCPToolMetaResolver | None = None,
        custom_data_extractor: MCPToolCustomDataExtractor | None = None,
        *,
        tool_input_guardrails: list[_tool_guardrails.ToolInputGuardrail[Any]] | None = None,
        tool_output_guardrails: list[_tool_guardrails.ToolOutputGuardrail[Any]] | None = None,
    ) -> None:
        self.use_structured_content = use_structured_content
        self.approval_policy = ApprovalPolicy.of(require_approval)
        self.failure_error_function = failure_error_function
        self.tool_meta_resolver = tool_meta_resolver
        self.custom_data_extractor = custom_data_extractor
        self.tool_input_guardrails = tool_input_guardrails
        self.tool_output_guardrails = tool_output_guardrails

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What people, traces and prefixed tool names call the server."""

    @property
    def cached_tools(self) -> list[_mcp_types.Tool] | None:
        """The tools of the last listing, unfiltered, as copies; None when there is none to be had."""
        return None

    @abc.abstractmethod
    async def connect(self) -> None:
        """Start or reach the server; nothing happens where that is done."""

    @abc.abstractmethod
    async def cleanup(self) -> None:
        """Let go of the server and of everything that was started for it."""

    @abc.abstractmethod
    async def list_tools(
        self,
        run_context: RunContextWrapper[Any] | None = None,
        agent: _agent.AgentBase[Any] | None = None,
    ) -> list[_mcp_types.Tool]:
        """The tools that `agent` may be offered in this run."""

    @abc.abstractmethod
    async def call_tool(
        self, tool_name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None = None
    ) -> _mcp_types.CallToolResult:
        """Call a tool; a result whose `is_error` is set is a result."""

    @abc.abstractmethod
    async def list_prompts(self) -> _mcp_types.ListPromptsResult:
        """The prompts that the server has."""

    @abc.abstractmethod
    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None
    ) -> _mcp_types.GetPromptResult:
        """One prompt, filled in."""

    async def list_resources(self, cursor: str | None = None) -> _mcp_types.ListResourcesResult:
        """One page of the server's resources; `next_cursor` of the result is the `cursor` of the next."""
        del cursor
        raise self._lacks("list_resources")

    async def list_resource_templates(
        self, cursor: str | None = None
    ) -> _mcp_types.ListResourceTemplatesResult:
        """One page of the server's resource templates."""
        del cursor
        raise self._lacks("list_resource_templates")

    async def read_resource(self, uri: str) -> _mcp_types.ReadResourceResult:
        """The contents of a resource."""
        del uri
        raise self._lacks("read_resource")

    def _lacks(self, method: str) -> Exception:
        # Not abstract, and of this class: servers written before there were resources stay usable.
        return NotImplementedError(
            f"{type(self).__name__} has no {method}(): define it to use resources of server {self.name!r}"
        )
