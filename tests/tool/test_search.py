"""Which sets of tools the Responses API takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from agents import (
    HostedMCPTool,
    ProgrammaticToolCallingTool,
    Tool,
    ToolSearchTool,
    UserError,
    WebSearchTool,
    function_tool,
    tool_namespace,
)
from agents.tool import (
    has_required_tool_search_surface,
    has_responses_tool_search_surface,
    prune_orphaned_tool_search_tools,
    validate_responses_programmatic_tool_calling_configuration,
    validate_responses_tool_search_configuration,
)


@function_tool
def add(a: int) -> int:
    """Adds."""
    return a


LATE = dataclasses.replace(add, name="lookup_account", defer_loading=True)
SERVER = HostedMCPTool({"type": "mcp", "server_label": "crm", "server_url": "https://crm.example"})
LATE_SERVER = HostedMCPTool({**SERVER.tool_config, "defer_loading": True})
FOR_PROGRAMS = dataclasses.replace(add, allowed_callers=["programmatic"])
SEARCH, PROGRAMS, WEB = ToolSearchTool(), ProgrammaticToolCallingTool(), WebSearchTool()


def crm(*tools: Any) -> list[Any]:
    return list(tool_namespace(name="crm", description="Customers.", tools=list(tools)))


@pytest.mark.parametrize(
    ("tools", "is_found", "is_only_found"),
    [
        ([], False, False),
        ([add, WEB, SERVER, SEARCH], False, False),
        (crm(add), True, False),
        (crm(LATE), True, True),
        ([LATE], True, True),
        ([add, LATE_SERVER], True, True),
    ],
)
def test_a_search_finds_namespaces_and_what_is_deferred(
    tools: list[Tool], is_found: bool, is_only_found: bool
) -> None:
    assert has_responses_tool_search_surface(tools) is is_found
    assert has_required_tool_search_surface(tools) is is_only_found


@pytest.mark.parametrize("tools", [[], [add, WEB, SERVER], [SEARCH, LATE], [SEARCH, LATE_SERVER], crm(add)])
def test_tools_that_a_search_can_find_or_that_need_none_are_taken(tools: list[Tool]) -> None:
    validate_responses_tool_search_configuration(tools)
    assert prune_orphaned_tool_search_tools(tools) == tools


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([SEARCH, SEARCH, LATE], "Only one ToolSearchTool() is allowed"),
        ([SEARCH, add, WEB], "ToolSearchTool() requires at least one searchable Responses surface"),
        ([LATE], "Deferred-loading Responses tools require ToolSearchTool()"),
        ([LATE_SERVER], "Deferred-loading Responses tools require ToolSearchTool()"),
        ([SEARCH, LATE, LATE], "the deferred top-level tool name `lookup_account` is used by multiple tools"),
    ],
)
def test_a_search_without_finds_and_finds_without_a_search_are_refused(
    tools: list[Tool], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        validate_responses_tool_search_configuration(tools)
    assert message in str(caught.value)


def test_a_prompt_may_bring_what_a_search_finds() -> None:
    validate_responses_tool_search_configuration([SEARCH], allow_opaque_search_surface=True)
    with pytest.raises(UserError, match="require ToolSearchTool"):
        validate_responses_tool_search_configuration([LATE], allow_opaque_search_surface=True)


@pytest.mark.parametrize("tools", [[], [add], [PROGRAMS, FOR_PROGRAMS], [PROGRAMS, SEARCH]])
def test_programs_that_can_call_something_are_taken(tools: list[Tool]) -> None:
    validate_responses_programmatic_tool_calling_configuration(tools)


@pytest.mark.parametrize(
    ("tools", "choice", "message"),
    [
        ([PROGRAMS, PROGRAMS, FOR_PROGRAMS], None, "Only one ProgrammaticToolCallingTool() is allowed"),
        ([PROGRAMS, add], None, "ProgrammaticToolCallingTool() requires at least one tool"),
        (
            [FOR_PROGRAMS],
            None,
            "Tool `add` only allows programmatic callers and requires ProgrammaticToolCallingTool",
        ),
        ([add], "programmatic_tool_calling", "requires ProgrammaticToolCallingTool()"),
    ],
)
def test_programs_that_can_call_nothing_and_calls_without_programs_are_refused(
    tools: list[Tool], choice: str | None, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        validate_responses_programmatic_tool_calling_configuration(tools, tool_choice=choice)
    assert message in str(caught.value)


def test_a_prompt_may_bring_what_programs_call() -> None:
    validate_responses_programmatic_tool_calling_configuration(
        [PROGRAMS], allow_opaque_tool_search_surface=True
    )
