"""One call of a server's tool: its arguments, its `_meta`, its errors, and what the model gets of its result."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import mcp_types as types

from agents._ports.mcp import MCPServer, MCPToolMetaContext
from agents.exceptions import AgentsException, MCPToolCancellationError, ModelBehaviorError
from agents.run_context import RunContextWrapper
from agents.tool_context import ToolContext
from agents.tracing import FunctionSpanData, get_current_span
from agents.util.cancellation import cancellation_watch

from ._elicitation import Asker, questions_to
from ._progress import progress_to
from ._text import without_secrets


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to."""

    arguments: dict[str, Any]
    result: types.CallToolResult
    output: Any
    """What the model gets."""


async def invoke(
    server: MCPServer,
    tool: types.Tool,
    context: RunContextWrapper[Any],
    input_json: str,
    *,
    meta: Mapping[str, Any] | None = None,
    tool_display_name: str | None = None,
) -> Answer:
    """Call `tool` with the arguments in `input_json`; the server's progress reports go to `context`.

    Raises:
        ModelBehaviorError: the arguments are no JSON object.
        MCPToolCancellationError: the server's side cancelled the call.
        MCPConnectionError: the server is gone, or went away meanwhile.
        AgentsException: anything else that went wrong, with the cause.
        NestedPause: the server asks something that somebody has to answer first.
    """
    arguments = _arguments(input_json, tool_display_name or tool.name)
    span = get_current_span()
    if span is not None and isinstance(span.span_data, FunctionSpanData):
        span.span_data.mcp_data = {"server": server.name}
    was_cancelled = cancellation_watch()
    asker = Asker(server.name, context) if isinstance(context, ToolContext) and context.run_link else None
    report = context.report_progress if isinstance(context, ToolContext) and context.progress_sink else None
    try:
        sent = await _meta(server, tool, context, arguments, meta)
        # Servers of programs' own may have no parameter for what is not sent.
        extra = {} if sent is None else {"meta": sent}
        with progress_to(report):
            async with questions_to(asker):
                result = await server.call_tool(tool.name, arguments, **extra)
    except asyncio.CancelledError as error:
        if was_cancelled():
            raise
        raise MCPToolCancellationError(
            f"Tool {tool.name!r} of MCP server {server.name!r}: tool execution was cancelled"
        ) from error
    except AgentsException:
        _pause_if_asked(asker)
        raise
    except Exception as error:
        _pause_if_asked(asker)
        reason = without_secrets(str(error) or type(error).__name__)
        raise AgentsException(
            f"Error invoking MCP tool {tool.name!r} of server {server.name!r}: {reason}"
        ) from error
    _pause_if_asked(asker)
    return Answer(arguments, result, _output(result, prefers_structured=server.use_structured_content))


def _pause_if_asked(asker: Asker | None) -> None:
    if asker is not None:
        asker.raise_if_paused()


def _arguments(input_json: str, name: str) -> dict[str, Any]:
    try:
        arguments: object = json.loads(input_json) if input_json.strip() else {}
    except ValueError as error:
        raise ModelBehaviorError(f"Invalid JSON input for tool {name}") from error
    if not isinstance(arguments, dict):
        raise ModelBehaviorError(f"Invalid JSON input for tool {name}: expected a JSON object")
    return cast("dict[str, Any]", arguments)


async def _meta(
    server: MCPServer,
    tool: types.Tool,
    context: RunContextWrapper[Any],
    arguments: dict[str, Any],
    given: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """The `_meta` of a call: what the resolver gives, overridden by what was given; nothing in it is shared."""
    resolve = server.tool_meta_resolver
    resolved: Mapping[str, Any] | None = None
    if resolve is not None:
        made = resolve(MCPToolMetaContext(context, server.name, tool.name, copy.deepcopy(arguments)))
        resolved = await made if inspect.isawaitable(made) else made
    if resolved is None and given is None:
        return None
    return copy.deepcopy({**(resolved or {}), **(given or {})})


def _output(result: types.CallToolResult, *, prefers_structured: bool) -> Any:
    if prefers_structured and result.structured_content and not result.is_error:
        return json.dumps(result.structured_content, ensure_ascii=False)
    parts = [_part(block) for block in result.content]
    return parts[0] if len(parts) == 1 else parts


def _part(block: types.ContentBlock) -> dict[str, Any]:
    match block:
        case types.TextContent():
            return {"type": "text", "text": block.text}
        case types.ImageContent():
            return {"type": "image", "image_url": f"data:{block.mime_type};base64,{block.data}"}
        case _:
            # Sounds, resources and links: what the model can read of them is their JSON.
            return {"type": "text", "text": block.model_dump_json(by_alias=True, exclude_none=True)}
