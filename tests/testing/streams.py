"""Clean Responses streams, and the ways in which a single rule of them can be broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agents.testing.response_events import response_events
from agents.testing.response_object import complete_item, response_object, usage_object

Event = dict[str, Any]
Events = list[Event]

TEXT: Event = {"type": "message", "content": [{"type": "output_text", "text": "Oslo is cold today."}]}
REFUSAL: Event = {"type": "message", "content": [{"type": "refusal", "refusal": "I would rather not."}]}
CALL: Event = {"type": "function_call", "name": "check_weather", "arguments": '{"city": "Oslo", "days": 2}'}
REASONING: Event = {
    "type": "reasoning",
    "summary": [
        {"type": "summary_text", "text": "Look at the map."},
        {"type": "summary_text", "text": "Then ask."},
    ],
    "content": [{"type": "reasoning_text", "text": "Oslo is in Norway."}],
}


def clean_stream(*items: Event, end: str = "completed") -> Events:
    """The events of a response with these items, which ends as `end` says."""
    whole = [complete_item(item, 1, index) for index, item in enumerate(items)]
    if end == "incomplete" and whole:
        whole[-1]["status"] = "incomplete"
    common: dict[str, Any] = {"id": "resp_1", "created_at": 1_700_000_000}
    reasons: dict[str, dict[str, Any]] = {
        "completed": {"completed_at": 1_700_000_001},
        "incomplete": {"incomplete_details": {"reason": "max_output_tokens"}},
        "failed": {"error": {"code": "server_error", "message": "The server had an error."}},
    }
    closed = response_object({}, status=end, output=whole, usage=usage_object(3, 4), **reasons[end], **common)
    opened = response_object({}, status="in_progress", **common)
    # Each event is its own copy, as those that were on a wire are.
    return json.loads(json.dumps(list(response_events(opened, whole, closed, end=f"response.{end}"))))


CLEAN: dict[str, Events] = {
    "text": clean_stream(TEXT),
    "tool": clean_stream(CALL, {**CALL, "arguments": '{"city": "Bergen"}'}),
    "reasoning": clean_stream(REASONING, TEXT),
    "refusal": clean_stream(REFUSAL),
    "incomplete": clean_stream(REASONING, TEXT, end="incomplete"),
    "failed": clean_stream(CALL, end="failed"),
}


def numbered(events: Events) -> Events:
    """The events with numbers from 0."""
    for number, event in enumerate(events):
        event["sequence_number"] = number
    return events


def dropping(is_dropped: Callable[[str], bool]) -> Callable[[Events], Events]:
    """A mutation that drops all events of some types, so that the numbers still have no gap."""
    return lambda events: numbered([event for event in events if not is_dropped(event["type"])])


def changing(name: str, value: Any, type_end: str = "") -> Callable[[Events], Events]:
    """A mutation that sets a field on every event that has it and whose type ends so."""

    def change(events: Events) -> Events:
        for event in events:
            if name in event and event["type"].endswith(type_end):
                event[name] = value
        return events

    return change


def _without_numbers(events: Events) -> Events:
    for event in events:
        del event["sequence_number"]
    return events


def _with_gaps(events: Events) -> Events:
    for event in events:
        event["sequence_number"] *= 2
    return events


def _from_one(events: Events) -> Events:
    for event in events:
        event["sequence_number"] += 1
    return events


def _with_other_done_text(events: Events) -> Events:
    for event in events:
        if event["type"].endswith(("text.done", "refusal.done", "arguments.done")):
            name = next(each for each in ("text", "refusal", "arguments") if each in event)
            event[name] += " "
    return events


def _with_other_final_text(events: Events) -> Events:
    item = events[-1]["response"]["output"][-1]
    if item["type"] == "message":
        part = item["content"][0]
        part["text" if "text" in part else "refusal"] = "Something else."
    else:
        item["arguments"] = "{}"
    return events


def _with_empty_output(events: Events) -> Events:
    events[-1]["response"]["output"] = []
    return events


def _with_unknown_event(events: Events) -> Events:
    return numbered([*events[:-1], {"type": "response.novel"}, events[-1]])


TEXT_ENDS = ("text.done", "refusal.done", "arguments.done")

#: The one-rule mutations of the wire, and the rules that name them.
MUTATIONS: dict[str, tuple[Callable[[Events], Events], set[str]]] = {
    "no sequence_number": (_without_numbers, {"number-missing"}),
    "all sequence_number equal": (changing("sequence_number", 0), {"number-step"}),
    "gaps in sequence_number": (_with_gaps, {"number-step"}),
    "numbers start at 1": (_from_one, {"number-start"}),
    "no response.created": (dropping(lambda kind: kind == "response.created"), {"created-first"}),
    "no response.in_progress": (dropping(lambda kind: kind == "response.in_progress"), {"opening-order"}),
    "no output_item.added": (dropping(lambda kind: kind.endswith("item.added")), {"item-announced"}),
    "no content_part.*": (dropping(lambda kind: "_part." in kind), {"part-announced"}),
    "no *.delta": (dropping(lambda kind: kind.endswith(".delta")), {"text-joined"}),
    "no *_text.done / arguments.done": (dropping(lambda kind: kind.endswith(TEXT_ENDS)), {"text-done"}),
    "no output_item.done": (
        dropping(lambda kind: kind.endswith("item.done")),
        {"item-done", "item-sequence", "response-output"},
    ),
    "output_index 7 on all events": (changing("output_index", 7), {"item-order"}),
    "output_index 7 on deltas only": (changing("output_index", 7, ".delta"), {"item-index"}),
    "wrong item_id on all events": (changing("item_id", "msg_wrong"), {"item-id"}),
    "output_text.done text differs": (_with_other_done_text, {"text-joined", "text-part", "text-item"}),
    "final response text differs from stream": (_with_other_final_text, {"response-output"}),
    "final response.output empty": (_with_empty_output, {"response-output"}),
    "unknown event type before completed": (_with_unknown_event, {"event-type"}),
}
