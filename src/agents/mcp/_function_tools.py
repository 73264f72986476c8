"""The tools of MCP servers, as function tools of an agent."""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import mcp_types as types

from agents._ports.mcp import MCPServer, MCPToolCustomDataContext
from agents.agent import AgentBase
from agents.exceptions import UserError
from agents.run_context import RunContextWrapper
from agents.strict_schema import ensure_strict_json_schema
from agents.tool import FunctionTool, FunctionToolCustomDataContext, ToolOrigin, ToolOriginType, ToolTraits
from agents.tool.invoker import ToolInvoker
from agents.tool.traits import UNSET, ToolErrorFunction, Unset
from agents.tool_context import ToolContext
from agents.tracing import mcp_tools_span
from agents.util.gathering import all_or_cancel

from ._invoke import Answer, invoke
from ._names import prefixed_names


class MCPUtil:
    """Makes function tools of servers' tools, and calls them."""

    @classmethod
    async def get_all_function_tools(
        cls,
        servers: list[MCPServer],
        convert_schemas_to_strict: bool,
        run_context: RunContextWrapper[Any],
        agent: AgentBase[Any],
        failure_error_function: ToolErrorFunction | Unset | None = UNSET,
        include_server_in_tool_names: bool = False,
        reserved_tool_names: set[str] | None = None,
    ) -> list[FunctionTool]:
        """The tools of all servers, which are asked at once, in the order of the servers.

        Args:
            servers: Connected servers.
            convert_schemas_to_strict: Have the model held to the schemas that can be made strict.
            run_context: For filters and approval.
            agent: The agent that is to have the tools.
            failure_error_function: Text for the model when a call fails, unless the server has its own; None raises.
            include_server_in_tool_names: Name tools `mcp_<server>__<tool>`.
            reserved_tool_names: Names that prefixed ones must not take.

        Raises:
            UserError: two servers have a tool of one name, and names are not prefixed.
            Exception: what a server raised.
        """
        listings = await all_or_cancel([_listed(server, run_context, agent) for server in servers])
        found = [
            (server, number, tool)
            for number, (server, tools) in enumerate(zip(servers, listings, strict=True))
            for tool in tools
        ]
        if include_server_in_tool_names:
            identities = [(server.name, number, tool.name) for server, number, tool in found]
            names = prefixed_names(identities, reserved_tool_names or ())
        else:
            names = [tool.name for _, _, tool in found]
            _refuse_duplicates(names)
        return [
            cls.to_function_tool(tool, server, convert_schemas_to_strict, agent, failure_error_function, name)
            for name, (server, _, tool) in zip(names, found, strict=True)
        ]

    @classmethod
    async def get_function_tools(
        cls,
        server: MCPServer,
        convert_schemas_to_strict: bool,
        run_context: RunContextWrapper[Any],
        agent: AgentBase[Any],
        failure_error_function: ToolErrorFunction | Unset | None = UNSET,
        include_server_in_tool_names: bool = False,
        tool_name_override: Callable[[types.Tool], str] | None = None,
        reserved_tool_names: set[str] | None = None,
        server_index: int = 0,
    ) -> list[FunctionTool]:
        """The tools of one server. `tool_name_override` names each; else as in `get_all_function_tools`.

        `server_index` sets apart servers of one name.
        """
        tools = await _listed(server, run_context, agent)
        if tool_name_override is not None:
            names = [tool_name_override(tool) for tool in tools]
        elif include_server_in_tool_names:
            identities = [(server.name, server_index, tool.name) for tool in tools]
            names = prefixed_names(identities, reserved_tool_names or ())
        else:
            names = [tool.name for tool in tools]
        return [
            cls.to_function_tool(tool, server, convert_schemas_to_strict, agent, failure_error_function, name)
            for name, tool in zip(names, tools, strict=True)
        ]

    @classmethod
    def to_function_tool(
        cls,
        tool: types.Tool,
        server: MCPServer,
        convert_schemas_to_strict: bool,
        agent: AgentBase[Any] | None = None,
        failure_error_function: ToolErrorFunction | Unset | None = UNSET,
        tool_name_override: str | None = None,
    ) -> FunctionTool:
        """One tool. With an approval function and no agent to ask it about, each call waits for a person."""
        schema, is_strict = _schema(tool, convert=convert_schemas_to_strict)
        name = tool.name if tool_name_override is None else tool_name_override
        own = server.failure_error_function
        calls = _Calls(server, tool, name)
        return FunctionTool(
            name=name,
            description=tool.description or _title(tool) or "",
            params_json_schema=schema,
            on_invoke_tool=ToolInvoker(calls.body),
            strict_json_schema=is_strict,
            tool_input_guardrails=server.tool_input_guardrails,
            tool_output_guardrails=server.tool_output_guardrails,
            needs_approval=_approval_rule(server, tool, agent),
            custom_data_extractor=None if server.custom_data_extractor is None else calls.custom_data,
            traits=ToolTraits(
                failure_error_function=failure_error_function if isinstance(own, Unset) else own,
                origin=ToolOrigin(ToolOriginType.MCP, mcp_server_name=server.name),
                title=_title(tool),
                annotations=tool.annotations,
                binding=(server.name, tool.name),
            ),
        )

    @classmethod
    async def invoke_mcp_tool(
        cls,
        server: MCPServer,
        tool: types.Tool,
        context: RunContextWrapper[Any],
        input_json: str,
        *,
        meta: dict[str, Any] | None = None,
        tool_display_name: str | None = None,
    ) -> Any:
        """Call a tool outside a function tool: what a model would get.

        Raises:
            ModelBehaviorError: the arguments are no JSON object.
            MCPToolCancellationError: the server's side cancelled the call.
            MCPConnectionError: the server is gone, or went away meanwhile.
            AgentsException: anything else that went wrong, with the cause.
        """
        answer = await invoke(
            server, tool, context, input_json, meta=meta, tool_display_name=tool_display_name
        )
        return answer.output


class _Calls:
    """The calls of one tool, and what is remembered of each until its data has been extracted."""

    def __init__(self, server: MCPServer, tool: types.Tool, display_name: str) -> None:
        self._server = server
        self._tool = tool
        self._display_name = display_name
        self._answers: WeakKeyDictionary[ToolContext[Any], Answer] = WeakKeyDictionary()

    async def body(self, context: ToolContext[Any], arguments: str, tool_name: str, /) -> Any:
        answer = await invoke(
            self._server,
            self._tool,
            context,
            arguments,
            meta=self._tool.meta,
            tool_display_name=tool_name,
        )
        if self._server.custom_data_extractor is not None:
            self._answers[context] = answer
        return answer.output

    async def custom_data(self, asked: FunctionToolCustomDataContext) -> Mapping[str, Any] | None:
        extract = self._server.custom_data_extractor
        answer = self._answers.pop(asked.tool_context, None)
        if extract is None or answer is None:
            return None
        data = extract(
            MCPToolCustomDataContext(
                run_context=asked.tool_context,
                server_name=self._server.name,
                tool_name=self._tool.name,
                tool_display_name=self._display_name,
                arguments=answer.arguments,
                result_meta=answer.result.meta,
                structured_content=answer.result.structured_content,
                is_error=answer.result.is_error,
                tool_output=asked.output,
            )
        )
        return await data if inspect.isawaitable(data) else data


async def _listed(
    server: MCPServer, run_context: RunContextWrapper[Any], agent: AgentBase[Any]
) -> list[types.Tool]:
    with mcp_tools_span(server=server.name) as span:
        tools = await server.list_tools(run_context, agent)
        span.span_data.result = [tool.name for tool in tools]
    return tools


def _refuse_duplicates(names: list[str]) -> None:
    duplicates = sorted(name for name, count in Counter(names).items() if count > 1)
    if duplicates:
        raise UserError(
            f"Duplicate tool names found across MCP servers: {', '.join(map(repr, duplicates))}. Rename or filter "
            "them, or set mcp_config=MCPConfig(include_server_in_tool_names=True) on the agent."
        )


def _title(tool: types.Tool) -> str | None:
    return tool.title or (None if tool.annotations is None else tool.annotations.title)


def _schema(tool: types.Tool, *, convert: bool) -> tuple[dict[str, Any], bool]:
    """The schema that the model is shown, and whether it is strict; one that cannot be stays as it is."""
    given = copy.deepcopy(tool.input_schema)
    is_free = bool(given.get("additionalProperties", "properties" not in given))
    given.setdefault("properties", {})
    if not convert or is_free:
        return given, False
    try:
        return ensure_strict_json_schema(given), True
    except (TypeError, UserError, ValueError):
        return given, False


def _approval_rule(server: MCPServer, tool: types.Tool, agent: AgentBase[Any] | None) -> Any:
    rule = server.approval_policy.for_tool(tool.name)
    if isinstance(rule, bool):
        return rule
    if agent is None:
        return True

    async def needs_approval(context: RunContextWrapper[Any], _arguments: dict[str, Any], _call: str) -> bool:
        verdict = rule(context, agent, tool)
        return bool(await verdict if inspect.isawaitable(verdict) else verdict)

    return needs_approval
