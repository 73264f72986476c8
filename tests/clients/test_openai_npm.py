"""The `openai` client for JavaScript, as it is, against the server."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from agents.testing import ResponsesServer, Step
from clients.node import FOLDER, node

TEXT = "one two three four"
TYPES = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    *["response.output_text.delta"] * 4,
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


def outcome(scenario: str, *script: Step) -> Any:
    """What the scenario of the program saw of a server that plays this."""
    program = node()
    with ResponsesServer(script) as server:
        command = [program, "openai_npm.mjs", server.base_url, scenario]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_gets_a_response_and_the_request_id():
    assert outcome("create", Step().text(TEXT)) == {"text": TEXT, "request_id": "req_1"}


def test_it_streams_text():
    assert outcome("stream", Step().text(TEXT)) == {"texts": ["one ", "two ", "three ", "four"]}


def test_its_helper_puts_the_response_together():
    assert outcome("helper", Step().text(TEXT)) == {"text": TEXT, "types": TYPES}


def test_it_takes_a_dropped_stream_up_again():
    seen = outcome("resume", Step().text(TEXT).drop(after_events=5).paced(0.002))
    assert seen["first"]["numbers"] == [0, 1, 2, 3, 4]
    assert seen["first"]["error"] is not None
    assert seen["rest"] == {"numbers": [5, 6, 7, 8, 9, 10, 11, 12]}


def test_its_helper_takes_a_dropped_stream_up_again():
    seen = outcome("helper_resume", Step().text(TEXT).drop(after_events=5))
    assert seen == {"numbers": [5, 6, 7, 8, 9, 10, 11, 12], "text": TEXT}


def test_it_cancels_lists_deletes_and_does_not_find():
    seen = outcome("stored", Step().text("word " * 5000).paced(0.02))
    assert seen == {
        "statuses": ["queued", "cancelled"],
        "items": ["Hi"],
        "error": {"kind": "NotFoundError", "status": 404, "type": "invalid_request_error"},
    }


def test_it_plays_a_tool_loop_over_a_websocket():
    seen = outcome("websocket", Step().function_call("weather"), Step().text(TEXT))
    assert (seen["called"], seen["types"]) == ("weather", TYPES)
    assert seen["output"][0]["content"][0]["text"] == TEXT
    assert seen["refused"] == "previous_response_not_found"
