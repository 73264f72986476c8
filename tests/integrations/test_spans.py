"""Packages that make OpenTelemetry spans find in `agents` what they need, and tell of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.testing import ResponsesServer, Step
from integrations.packages import SPANS, Package, run_with_packages

pytestmark = run_with_packages


def spans_with(package: Package) -> list[dict[str, Any]]:
    """The spans that a package makes of a run with a tool and a handoff, in the order of their end."""
    steps = [
        Step().function_call("look", {"word": "it"}),
        Step().function_call("transfer_to_heir"),
        Step().text("Hello."),
    ]
    with ResponsesServer(steps) as server:
        spans = package.run("spans.py", package.name, server.base_url)
        server.assert_complete()
    return spans


#: The names that a package gives to the spans of agents, of the tool's call and of model calls.
NAMES = {
    "openinference-instrumentation-openai-agents": ("asker", "heir", "look", "response"),
    "opentelemetry-instrumentation-openai-agents": (
        "asker.agent",
        "heir.agent",
        "look.tool",
        "openai.response",
    ),
    "logfire": ("Agent run: 'asker'", "Agent run: 'heir'", "Function: look", "Responses API"),
    "openai-agents-opentelemetry": ("agent: asker", "agent: heir", "execute_tool look", "gen_ai.response"),
}


#: Those that make their span current, so that spans of the tool's own code are below it.
CURRENT = frozenset(NAMES) - {"openai-agents-opentelemetry"}


@pytest.mark.parametrize("package", SPANS, ids=lambda package: package.name)
def test_a_package_tells_of_agents_calls_and_tools_in_one_tree(package: Package) -> None:
    told = spans_with(package)
    spans = [span for span in told if span["name"] != "inside"]
    names = [span["name"] for span in spans]
    assert [names.count(name) for name in NAMES[package.name]] == [1, 1, 1, 3]
    assert [span["parent"] for span in spans].count(None) == 1
    assert "seen it" in json.dumps(spans)
    by_id = {span["id"]: span for span in spans}

    def above(span: dict[str, Any]) -> list[str]:
        parent = by_id.get(span["parent"])
        return [] if parent is None else [parent["name"], *above(parent)]

    asker, heir, look, response = NAMES[package.name]
    [call] = [span for span in spans if span["name"] == look]
    assert asker in above(call)
    # Two answers of the one agent, and one of the other.
    responses = [above(span) for span in spans if span["name"] == response]
    assert [(asker in names, heir in names) for names in responses] == [
        *[(True, False)] * 2,
        (False, True),
    ]
    [inside] = [span for span in told if span["name"] == "inside"]
    assert (inside["parent"] == call["id"]) == (package.name in CURRENT)
