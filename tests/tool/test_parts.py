"""Namespaces, origins, outputs, custom data, and features that other APIs lack."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import typing
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

import agents.tool
from agents.exceptions import UserError
from agents.tool import (
    FunctionTool,
    ToolOrigin,
    ToolOriginType,
    ToolOutputFileContent,
    ToolOutputImage,
    ToolOutputText,
    ensure_function_tool_supports_responses_only_features,
    ensure_tool_choice_supports_backend,
    extract_custom_data,
    function_tool,
    get_function_tool_responses_only_features,
    tool_namespace,
)
from agents.tool_context import ToolContext
from agents.usage import Usage


@function_tool
def look(item: int) -> int:
    return item


def test_a_namespace_holds_copies_of_its_tools() -> None:
    [member] = tool_namespace(name=" crm ", description=" Customers. ", tools=[look])
    original: Any = look
    wrapped: Any = member
    assert (member.name, member.qualified_name) == ("look", "crm.look")
    assert (look.qualified_name, member is look) == ("look", False)
    assert wrapped.__wrapped__ is original.__wrapped__
    assert member != look
    assert tool_namespace(name="crm", description="Customers.", tools=[]) == []


@pytest.mark.parametrize(
    ("name", "description", "message"),
    [
        ("", "d", "tool_namespace.. requires a non-empty namespace name"),
        (5, "d", "tool_namespace.. requires a non-empty namespace name"),
        ("crm", "", "non-empty description"),
        ("crm", None, "non-empty description"),
        ("crm", "  ", "non-empty description"),
        ("look", "d", "synthetic namespace `look.look`"),
    ],
)
def test_a_namespace_that_could_be_misunderstood_is_refused(
    name: Any, description: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        tool_namespace(name=name, description=description, tools=[look])


def test_a_namespace_takes_function_tools_only_and_keywords_only() -> None:
    with pytest.raises(UserError, match="only supports FunctionTool instances"):
        tool_namespace(name="crm", description="d", tools=typing.cast("Any", ["look"]))
    with pytest.raises(TypeError, match="positional"):
        typing.cast("Any", tool_namespace)("crm", "d", [look])


def test_features_of_the_responses_api_are_named_and_refused_elsewhere() -> None:
    ensure_function_tool_supports_responses_only_features(look, backend_name="Chat")
    [member] = tool_namespace(name="crm", description="d", tools=[look])
    everything = dataclasses.replace(
        member,
        defer_loading=True,
        allowed_callers=["direct"],
        output_json_schema={"type": "object", "properties": {}},
    )
    assert get_function_tool_responses_only_features(everything) == (
        "tool_namespace()",
        "defer_loading=True",
        "allowed_callers",
        "output_json_schema",
    )
    with pytest.raises(UserError, match="only supported with OpenAI Responses models") as raised:
        ensure_function_tool_supports_responses_only_features(everything, backend_name="Chat")
    assert "Tool `crm.look` cannot be used with Chat." in str(raised.value)


def test_a_tool_choice_of_the_responses_api_is_refused_elsewhere() -> None:
    for choice in ("auto", "required", "none", "look", None):
        ensure_tool_choice_supports_backend(choice, backend_name="Chat")
    with pytest.raises(UserError, match="programmatic_tool_calling"):
        ensure_tool_choice_supports_backend("programmatic_tool_calling", backend_name="Chat")


def test_origins_survive_json() -> None:
    origin = ToolOrigin(ToolOriginType.AGENT_AS_TOOL, agent_name="Sub", agent_tool_name="ask_sub")
    assert origin.to_json_dict() == {
        "type": "agent_as_tool",
        "agent_name": "Sub",
        "agent_tool_name": "ask_sub",
    }
    assert ToolOrigin.from_json_dict(origin.to_json_dict()) == origin
    assert hash(origin) == hash(ToolOrigin.from_json_dict(origin.to_json_dict()))
    assert typing.cast("Any", "mcp") == ToolOriginType.MCP


@pytest.mark.parametrize("data", [None, {}, [], {"type": "x"}, {"type": None}])
def test_an_unknown_origin_is_none(data: Any) -> None:
    assert ToolOrigin.from_json_dict(data) is None


def test_fields_of_an_origin_that_are_no_text_count_as_absent() -> None:
    read = ToolOrigin.from_json_dict({"type": "mcp", "mcp_server_name": 5, "more": 1})
    assert read == ToolOrigin(ToolOriginType.MCP)


def test_images_and_files_must_be_somewhere() -> None:
    with pytest.raises(ValidationError, match="At least one of image_url or file_id"):
        ToolOutputImage()
    with pytest.raises(ValidationError, match="At least one of file_data, file_url, or file_id"):
        ToolOutputFileContent(filename="a.txt")
    assert ToolOutputImage(image_url="").type == "image"
    assert ToolOutputFileContent(file_id="f").type == "file"
    assert ToolOutputText(text="t").model_dump() == {"type": "text", "text": "t"}


async def extracted(extractor: Any) -> Any:
    tool = dataclasses.replace(look, custom_data_extractor=extractor)
    context = ToolContext(None, Usage(), "look", "c1", "{}")
    return await extract_custom_data(tool, context, 3, {"type": "function_call_output"})


def giving(data: Any) -> Callable[[Any], Any]:
    def extractor(context: Any) -> Any:
        return data

    return extractor


async def test_custom_data_is_copied_json_and_may_come_late() -> None:
    given = {"span": (1, 2), "nested": {"a": [1.5, None]}}

    async def late(context: Any) -> Any:
        assert (context.output, context.tool.name, context.tool_context.tool_call_id) == (3, "look", "c1")
        assert context.raw_item == {"type": "function_call_output"}
        return given

    assert await extracted(late) == {"span": [1, 2], "nested": {"a": [1.5, None]}}
    assert await extracted(giving(None)) is None
    assert await extracted(giving({})) is None
    assert await extracted(None) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "must return a mapping or None"),
        ("text", "must return a mapping or None"),
        ({1: 2}, "string keys"),
        ({"a": float("nan")}, "custom_data_extractor must return JSON-compatible data"),
        ({"a": object()}, "custom_data_extractor must return JSON-compatible data"),
        ({"a": b"x"}, "custom_data_extractor must return JSON-compatible data"),
    ],
)
async def test_custom_data_that_is_no_json_is_refused(data: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        await extracted(giving(data))


def test_every_public_name_resolves_and_others_do_not_exist() -> None:
    assert all(hasattr(agents.tool, name) for name in agents.tool.__all__)
    assert not hasattr(agents.tool, "NoSuchTool")


def test_annotations_resolve_at_run_time() -> None:
    for public in (
        FunctionTool,
        ToolContext,
        agents.tool.FunctionToolResult,
        agents.tool.FunctionToolCustomDataContext,
        ToolContext.from_agent_context,
        agents.tool.function_tool,
        agents.tool.set_function_tool_failure_error_function,
        agents.tool.maybe_invoke_function_tool_failure_error_function,
        agents.tool.tool_namespace,
        agents.tool.invoke_function_tool,
        agents.tool.execute_function_tool,
        agents.tool.resolve_function_tool_failure_error_function,
        agents.tool.with_function_tool_failure_error_handler,
        agents.tool.CodeInterpreterTool,
        agents.tool.CustomTool,
        agents.tool.CustomToolCustomDataContext,
        agents.tool.CustomToolOnApprovalFunctionResult,
        agents.tool.FileSearchTool,
        agents.tool.HostedMCPTool,
        agents.tool.ImageGenerationTool,
        agents.tool.ImageGenerationToolConfig,
        agents.tool.MCPToolApprovalFunctionResult,
        agents.tool.MCPToolApprovalRequest,
        agents.tool.ToolSearchTool,
        agents.tool.WebSearchTool,
        agents.tool.WebSearchToolImageSettings,
        agents.tool.validate_responses_tool_search_configuration,
    ):
        assert typing.get_type_hints(public)


def test_making_a_tool_loads_neither_openai_nor_the_docstring_parser() -> None:
    program = (
        "import sys\n"
        "from agents.tool import function_tool\n"
        "@function_tool\n"
        "async def look(item: int) -> int: return item\n"
        "from agents import CustomTool, HostedMCPTool, WebSearchTool\n"
        "tools = [WebSearchTool(), HostedMCPTool({'type': 'mcp', 'server_label': 'x'}), CustomTool('a', 'b', look)]\n"
        "assert not {'openai', 'griffe', 'httpx'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
