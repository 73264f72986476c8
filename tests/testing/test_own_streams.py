"""What the scripted model and the loopback server stream keeps the rules of the format, whatever the script says."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from openai.types import responses as rt
from openai.types.responses.response_reasoning_item import Content, Summary

from agents.model_settings import ModelSettings
from agents.models.interface import ModelTracing
from agents.testing import (
    ModelStep,
    ResponsesServer,
    ScriptedModel,
    Step,
    assistant_message,
    check_stream,
    function_call,
)
from agents.testing.check_stream import UnreadableStream, read_events
from testing.streams import CALL, REASONING, REFUSAL, TEXT

LOGPROBS = [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}]
ANNOTATIONS = [{"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2}]
HOSTED: list[dict[str, Any]] = [
    {"type": "custom_tool_call", "name": "sql", "input": "select 1"},
    {"type": "mcp_list_tools", "server_label": "s", "tools": []},
    {"type": "mcp_call", "server_label": "s", "name": "n", "arguments": "{}", "output": "ok", "error": None},
    {"type": "mcp_call", "server_label": "s", "name": "n", "arguments": "{}", "output": None, "error": "no"},
    {"type": "mcp_approval_request", "server_label": "s", "name": "n", "arguments": "{}"},
    {"type": "web_search_call", "action": {"type": "search", "query": "q"}},
    {"type": "file_search_call", "queries": ["q"], "results": None},
    {"type": "code_interpreter_call", "container_id": "c", "code": "1 + 1", "outputs": None},
    {"type": "image_generation_call", "result": "aGk="},
    {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "p"}},
    {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
    {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"], "env": {}}},
    {"type": "compaction", "encrypted_content": "x"},
    {"type": "openai_agents:function_call", "name": "f"},
]

STEPS: dict[str, Step] = {
    "text": Step().text("Oslo is cold."),
    "empty text": Step().text(""),
    "nothing": Step().items(),
    "refusal": Step().refusal("I will not."),
    "reasoning": Step().reasoning("One.", "Two.", raw="Raw."),
    "reasoning without a word": Step().reasoning(),
    "function call": Step().function_call("f", {"a": 1}).function_call("f"),
    "function call with its own ids": Step().function_call("f", "not json", call_id="call_x", id="fc_x"),
    "several": Step().reasoning("Hm.").text("First.").refusal("No.").function_call("f"),
    "annotations and logprobs": Step().items(
        {
            "type": "message",
            "content": [
                {"type": "output_text", "text": "Hi you", "annotations": ANNOTATIONS, "logprobs": LOGPROBS}
            ],
        }
    ),
    "several parts": Step().items({"type": "message", "content": [*TEXT["content"], *REFUSAL["content"]]}),
    "a part of another type": Step().items(REASONING, CALL),
    **{f"{item['type']} {index}": Step().items(item) for index, item in enumerate(HOSTED)},
    "all hosted": Step().items(*HOSTED),
    "incomplete": Step().text("Cut").incomplete(),
    "incomplete call": Step().function_call("f", '{"a":').incomplete("content_filter"),
    "incomplete and empty": Step().incomplete(),
    "failed": Step().text("one two").fail("Broken."),
    "failed in mid-text": Step().text("one two").fail("Broken.", after_events=5),
    "failed at once": Step().fail("Broken.", after_events=2, error_event=False),
    "failed before it began": Step().text("one").fail("Broken.", after_events=1),
    "usage and id": Step().text("Hi").with_usage(3, 4, reasoning_tokens=1).with_response_id("resp_x"),
    "chunks": Step().text("Hi").paced(chunk_size=7),
}


def streamed(step: Step, **body: Any) -> bytes:
    """The stream that the server answers with."""
    with ResponsesServer([step]) as server:
        request = urllib.request.Request(
            f"{server.base_url}/responses",
            data=json.dumps({"model": "m", "input": "Hi", "stream": True, **body}).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()


@pytest.mark.parametrize("name", STEPS)
def test_every_step_of_the_server_keeps_the_rules(name: str) -> None:
    assert [str(each) for each in check_stream(read_events(streamed(STEPS[name])))] == []


def test_the_request_is_echoed_without_breaking_a_rule() -> None:
    tools = [{"type": "function", "name": "f"}]
    stream = streamed(Step().text("Hi"), tools=tools, instructions="Be brief.", tool_choice="required")
    assert check_stream(read_events(stream)) == []


def test_a_recording_is_played_with_the_rules_it_breaks() -> None:
    events = read_events(streamed(STEPS["several"]))
    assert check_stream(read_events(streamed(Step.recorded(events)))) == []
    assert [each.rule for each in check_stream(read_events(streamed(Step.recorded(events[:-1]))))] == [
        "terminal-missing"
    ]


def test_faults_are_what_the_checker_finds() -> None:
    assert [each.rule for each in check_stream(read_events(streamed(Step().text("one").truncate())))] == [
        "terminal-missing"
    ]
    for step in (
        Step().text("one").garbage(after_events=4, data=b"data: <html>\n\n"),
        Step().invalid_json(after_events=1),
    ):
        with pytest.raises(UnreadableStream):
            read_events(streamed(step))


REASONED = rt.ResponseReasoningItem(
    id="rs_1",
    type="reasoning",
    summary=[Summary(text="One.", type="summary_text"), Summary(text="", type="summary_text")],
    content=[
        Content(text="Raw one.", type="reasoning_text"),
        Content(text="Raw two.", type="reasoning_text"),
    ],
)
PATCH = {
    "type": "apply_patch_call",
    "call_id": "call_p",
    "operation": {"type": "create_file", "path": "p", "diff": "+x"},
}
OUTPUTS: dict[str, list[Any]] = {
    "text": [assistant_message("Hello there.")],
    "empty text": [assistant_message("")],
    "nothing": [],
    "refusal": [
        rt.ResponseOutputMessage(
            id="msg_1",
            type="message",
            role="assistant",
            status="completed",
            content=[rt.ResponseOutputRefusal(type="refusal", refusal="No.")],
        )
    ],
    "calls": [function_call("f", {"a": 1}, call_id="call_1"), function_call("g", {}, call_id="call_2")],
    "reasoning": [REASONED, assistant_message("Then this.")],
    "patch": [PATCH],
}


@pytest.mark.parametrize("name", OUTPUTS)
async def test_every_automatic_stream_of_the_scripted_model_keeps_the_rules(name: str) -> None:
    model = ScriptedModel([ModelStep(output=OUTPUTS[name])])
    events = [
        event
        async for event in model.stream_response(
            system_instructions=None,
            input="Hi",
            model_settings=ModelSettings(),
            tools=[],
            output_schema=None,
            handoffs=[],
            tracing=ModelTracing.DISABLED,
            previous_response_id=None,
            conversation_id=None,
            prompt=None,
        )
    ]
    assert [str(each) for each in check_stream(events)] == []
