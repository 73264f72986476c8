from __future__ import annotations

from typing import Any

import pytest

from agents.testing.response_events import StreamStyle, response_events, whole, words

MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "content": [
        {
            "type": "output_text",
            "text": "Oslo is cold.",
            "annotations": [
                {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 4}
            ],
            "logprobs": [],
        },
        {"type": "refusal", "refusal": "No more."},
    ],
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c",
    "name": "f",
    "arguments": '{"a": 1}',
    "status": "completed",
}
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "status": "completed",
    "summary": [{"type": "summary_text", "text": "one two"}, {"type": "summary_text", "text": "three"}],
    "content": [{"type": "reasoning_text", "text": "raw text"}],
}
HOSTED: list[dict[str, Any]] = [
    {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    },
    {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"], "results": None},
    {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1 + 1", "outputs": None},
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="},
    {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "s", "tools": []},
    {
        "type": "mcp_call",
        "id": "mcp_1",
        "server_label": "s",
        "name": "n",
        "arguments": "{}",
        "error": "no",
        "output": None,
    },
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "n", "input": "a b"},
    {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "n", "arguments": "{}"},
]


def stream(*items: dict[str, Any], style: StreamStyle | None = None) -> list[dict[str, Any]]:
    closed = {"id": "resp_1", "output": list(items)}
    return list(response_events({"id": "resp_1"}, items, closed, style=style or StreamStyle()))


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_numbers_start_at_zero_and_have_no_gaps():
    events = stream(REASONING, MESSAGE, CALL, *HOSTED)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_a_stream_opens_with_created_and_in_progress_and_closes_with_the_terminal_event():
    assert types(stream()) == ["created", "in_progress", "completed"]


def test_a_message_streams_its_parts_one_after_another():
    assert types(stream(MESSAGE))[2:-1] == [
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * 3,
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        *["refusal.delta"] * 2,
        "refusal.done",
        "content_part.done",
        "output_item.done",
    ]


def test_reasoning_streams_each_summary_part_and_then_its_raw_text():
    summary = ["reasoning_summary_part.added", "reasoning_summary_text.delta"]
    assert types(stream(REASONING))[2:-1] == [
        "output_item.added",
        *summary,
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        *summary,
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "content_part.added",
        *["reasoning_text.delta"] * 2,
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ]


def test_a_failed_mcp_call_ends_as_failed():
    assert types(stream(HOSTED[5]))[3:-2] == [
        "mcp_call.in_progress",
        "mcp_call_arguments.delta",
        "mcp_call_arguments.done",
        "mcp_call.failed",
    ]


def test_hosted_calls_report_their_stages():
    assert types(stream(HOSTED[0]))[2:-1] == [
        "output_item.added",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "web_search_call.completed",
        "output_item.done",
    ]


@pytest.mark.parametrize("style", [StreamStyle(), StreamStyle(split=whole), StreamStyle(split=list)])
def test_every_copy_of_the_text_agrees(style: StreamStyle):
    events = stream(REASONING, MESSAGE, CALL, *HOSTED, style=style)
    spoken: dict[tuple[Any, ...], str] = {}
    for event in events:
        kind, _, stage = event["type"].rpartition(".")
        key = (kind, event.get("item_id"), event.get("content_index"), event.get("summary_index"))
        if stage == "delta":
            spoken[key] = spoken.get(key, "") + event["delta"]
        elif stage == "done" and key in spoken:
            done = next(
                event[name] for name in ("text", "refusal", "arguments", "input", "code") if name in event
            )
            assert spoken.pop(key) == done
    assert spoken == {}


def test_an_announced_item_is_empty_and_in_progress_and_the_done_item_is_the_one_given():
    events = stream(MESSAGE, CALL)
    added = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [item["status"] for item in added] == ["in_progress", "in_progress"]
    assert (added[0]["content"], added[1]["arguments"]) == ([], "")
    assert done[0] is MESSAGE
    assert done[1] is CALL


def test_an_items_events_carry_its_id_and_its_index():
    place = {
        (event["output_index"], event["item_id"]) for event in stream(CALL, MESSAGE) if "item_id" in event
    }
    assert place == {(0, "fc_1"), (1, "msg_1")}


def test_words_keep_every_character():
    text = "  one\n two\tthree  "
    assert "".join(words(text)) == text
    assert words("") == []


def test_log_probabilities_come_in_a_delta_also_without_text():
    logprob: dict[str, Any] = {"token": "", "logprob": -0.5, "top_logprobs": []}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": [logprob]}
    deltas = [
        event for event in stream({**MESSAGE, "content": [part]}) if event["type"].endswith("text.delta")
    ]
    assert [(event["delta"], event["logprobs"]) for event in deltas] == [("", [logprob])]
