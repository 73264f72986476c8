"""Packages that hook into `agents` find there what they need, and tell of a run.

`make test-integrations` installs them, and sets HEADRACE_INTEGRATIONS; otherwise these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agents.testing import ResponsesServer, Step
from integrations.packages import PACKAGES, Package

PROGRAM = Path(__file__).parent / "programs" / "spans.py"

pytestmark = pytest.mark.skipif(
    not os.environ.get("HEADRACE_INTEGRATIONS"),
    reason="packages of others, each in an environment of its own: run make test-integrations",
)


def spans_with(package: Package) -> list[dict[str, Any]]:
    """The spans that a package makes of a run with a tool and a handoff, in the order of their end."""
    steps = [
        Step().function_call("look", {"word": "it"}),
        Step().function_call("transfer_to_heir"),
        Step().text("Hello."),
    ]
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "PYTHON", "OTEL_"))
    }
    with ResponsesServer(steps) as server:
        done = subprocess.run(
            [str(package.python), str(PROGRAM), package.name, server.base_url],
            env={**kept, "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        server.assert_complete()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(params=PACKAGES, ids=lambda package: package.name)
def spans(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return spans_with(request.param)


#: The names that a package gives to the spans of agents, of the tool's call and of model calls.
NAMES = {
    "openinference-instrumentation-openai-agents": ("asker", "heir", "look", "response"),
    "opentelemetry-instrumentation-openai-agents": (
        "asker.agent",
        "heir.agent",
        "look.tool",
        "openai.response",
    ),
    "openai-agents-opentelemetry": ("agent: asker", "agent: heir", "execute_tool look", "gen_ai.response"),
}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_tells_of_agents_calls_and_tools_in_one_tree(package: Package) -> None:
    spans = spans_with(package)
    names = [span["name"] for span in spans]
    assert [names.count(name) for name in NAMES[package.name]] == [1, 1, 1, 3]
    assert [span["parent"] for span in spans].count(None) == 1
    assert "seen it" in json.dumps(spans)
    by_id = {span["id"]: span for span in spans}
    [call] = [span for span in spans if span["name"] == NAMES[package.name][2]]
    above: list[str] = []
    while call["parent"] is not None:
        call = by_id[call["parent"]]
        above.append(call["name"])
    assert NAMES[package.name][0] in above
