"""The Open Responses compliance suite, as it is, against the server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from agents.testing import ResponsesServer, Step
from agents.testing.responses_server import ResponsesRequest


def respond(request: ResponsesRequest) -> Step:
    """A model that calls the first tool it is given, and thinks when it is asked to."""
    tools = request.body.get("tools")
    if tools:
        return Step().function_call(tools[0]["name"], {"location": "Oslo"})
    if request.body.get("reasoning"):
        return Step().reasoning("Let me see.").text("Hello there, friend.")
    return Step().text("Hello there, friend.")


def test_every_test_of_the_suite_passes():
    program = Path(sys.executable).parent / "llm-comply"
    with ResponsesServer(respond) as server:
        # The test about reasoning is skipped unless the model's name is that of one that reasons.
        command = [str(program), "run", "-u", server.base_url, "-k", "x", "-m", "gpt-5", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    report = json.loads(done.stdout)
    failures = [result for result in report["results"] if result["status"] != "passed"]
    assert failures == []
    assert report["summary"] == {"total": 13, "passed": 13, "failed": 0, "skipped": 0}
