"""Tools of the server's: how they are sent, and who refuses them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from openai.types.responses import ToolParam
from pydantic import TypeAdapter

from agents import (
    CodeInterpreterTool,
    FileSearchTool,
    HostedMCPTool,
    ImageGenerationTool,
    ProgrammaticToolCallingTool,
    Tool,
    ToolSearchTool,
    UserError,
    WebSearchTool,
    function_tool,
)
from agents.models.chatcmpl_converter import Converter as ChatConverter
from agents.models.openai_responses import Converter
from models.test_responses_request import sent


@function_tool
def add(a: int) -> int:
    """Adds."""
    return a


LATE = dataclasses.replace(add, name="late", defer_loading=True)
FOR_PROGRAMS = dataclasses.replace(add, allowed_callers=["programmatic"])
WEB: dict[str, Any] = {
    "type": "web_search",
    "filters": None,
    "user_location": None,
    "search_context_size": "medium",
}
FILES: dict[str, Any] = {"type": "file_search", "vector_store_ids": ["vs_1"]}

CASES: dict[str, tuple[Tool, dict[str, Any], list[str]]] = {
    "web search": (WebSearchTool(), WEB, []),
    "web search, all": (
        WebSearchTool(
            user_location={"type": "approximate", "city": "Bern"},
            filters={"allowed_domains": ["example.org"]},
            search_context_size="low",
            external_web_access=False,
            search_content_types=["text", "image"],
            image_settings={"max_results": 2, "caption": True},
        ),
        {
            "type": "web_search",
            "filters": {"allowed_domains": ["example.org"]},
            "user_location": {"type": "approximate", "city": "Bern"},
            "search_context_size": "low",
            "external_web_access": False,
            "search_content_types": ["text", "image"],
            "image_settings": {"max_results": 2, "caption": True},
        },
        ["web_search_call.results"],
    ),
    "web search, text": (
        WebSearchTool(search_content_types=["text"]),
        {**WEB, "search_content_types": ["text"]},
        [],
    ),
    "file search": (FileSearchTool(["vs_1"]), FILES, []),
    "file search, zero": (FileSearchTool(["vs_1"], 0), FILES, []),
    "file search, all": (
        FileSearchTool(
            ["vs_1"],
            50,
            include_search_results=True,
            ranking_options={"ranker": "auto"},
            filters={"type": "eq", "key": "year", "value": 2024},
        ),
        {
            **FILES,
            "max_num_results": 50,
            "ranking_options": {"ranker": "auto"},
            "filters": {"type": "eq", "key": "year", "value": 2024},
        },
        ["file_search_call.results"],
    ),
    "code interpreter": (
        CodeInterpreterTool({"type": "code_interpreter", "container": {"type": "auto"}}),
        {"type": "code_interpreter", "container": {"type": "auto"}},
        [],
    ),
    "image generation": (
        ImageGenerationTool({"type": "image_generation", "quality": "low"}),
        {"type": "image_generation", "quality": "low"},
        [],
    ),
    "hosted MCP": (
        HostedMCPTool({"type": "mcp", "server_label": "crm", "server_url": "https://crm.example"}),
        {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example"},
        [],
    ),
}


@pytest.mark.parametrize(("tool", "expected", "includes"), CASES.values(), ids=CASES)
def test_a_hosted_tool_is_a_parameter_of_the_request(
    tool: Tool, expected: dict[str, Any], includes: list[str]
) -> None:
    converted = Converter.convert_tools([tool], [])
    assert (converted.tools, converted.includes) == ([expected], includes)
    request = sent(tools=[tool])
    assert request["tools"] == [expected]
    assert request.get("include", []) == includes
    TypeAdapter[ToolParam](ToolParam).validate_python(expected)


def test_searches_and_programs_are_sent_with_what_they_need() -> None:
    search = ToolSearchTool("Finds.", "client", {"type": "object"})
    assert Converter.convert_tools([LATE, search], []).tools[1] == {
        "type": "tool_search",
        "description": "Finds.",
        "execution": "client",
        "parameters": {"type": "object"},
    }
    assert Converter.convert_tools([LATE, ToolSearchTool()], []).tools[1] == {"type": "tool_search"}
    assert Converter.convert_tools([FOR_PROGRAMS, ProgrammaticToolCallingTool()], []).tools[1] == {
        "type": "programmatic_tool_calling"
    }


def test_the_parameter_that_is_sent_is_not_the_authors_own() -> None:
    tool = ImageGenerationTool({"type": "image_generation"})
    Converter.convert_tools([tool], []).tools[0]["quality"] = "high"  # pyright: ignore[reportGeneralTypeIssues] (some kinds have no such key)
    assert tool.tool_config == {"type": "image_generation"}


@pytest.mark.parametrize("limit", [-1, 51, True, 2.0, "3"])
def test_a_file_search_that_the_server_would_refuse_is_refused(limit: Any) -> None:
    with pytest.raises(UserError) as caught:
        Converter.convert_tools([FileSearchTool(["vs_1"], limit)], [])
    assert "max_num_results must be zero, an integer between 1 and 50, or None" in str(caught.value)
    assert repr(limit) in str(caught.value)


def test_a_set_of_tools_that_cannot_work_is_refused_unless_a_prompt_may_complete_it() -> None:
    with pytest.raises(UserError, match="at least one searchable Responses surface"):
        sent(tools=[ToolSearchTool()])
    assert sent(tools=[ToolSearchTool()], prompt={"id": "pmpt_1"})["tools"] == [{"type": "tool_search"}]
    with pytest.raises(UserError, match="requires at least one tool whose allowed_callers"):
        sent(tools=[ProgrammaticToolCallingTool()])


def test_a_call_of_some_tool_can_be_required_once_there_is_a_search() -> None:
    assert Converter.convert_tool_choice("required", tools=[LATE, ToolSearchTool()]) == "required"


def test_a_search_is_no_tool_that_can_be_chosen() -> None:
    with pytest.raises(UserError, match=r"'tool_search' is not supported for ToolSearchTool\(\)"):
        Converter.convert_tool_choice("tool_search", tools=[LATE, ToolSearchTool()])


@pytest.mark.parametrize("tool", [case[0] for case in CASES.values()] + [ToolSearchTool()])
def test_chat_completions_has_no_hosted_tools(tool: Tool) -> None:
    with pytest.raises(UserError) as caught:
        ChatConverter.tool_to_openai(tool)
    assert "Hosted tools are not supported with the ChatCompletions API" in str(caught.value)
    assert type(tool).__name__ in str(caught.value)
