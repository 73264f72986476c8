"""Laws of the stream checker: what our builder makes is clean, and no single event can go wrong unnoticed."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from agents.testing import check_stream
from agents.testing.check_stream import UnreadableStream, read_events
from agents.testing.response_events import StreamStyle, response_events, whole, words
from agents.testing.response_object import complete_item, response_object, usage_object
from testing.streams import Event, Events, numbered

TEXTS = st.text(alphabet="ab \n€", max_size=8)
WORDS = st.sampled_from(["", "{}", '{"city": "Oslo"}', "one two  three"])
LOGPROBS = st.lists(
    st.fixed_dictionaries({"token": TEXTS, "logprob": st.just(-0.5), "top_logprobs": st.just([])}), max_size=2
)
ANNOTATIONS = st.lists(st.fixed_dictionaries({"type": st.just("file_path"), "file_id": TEXTS}), max_size=2)
PARTS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("output_text"), "text": TEXTS, "annotations": ANNOTATIONS, "logprobs": LOGPROBS}
    ),
    st.fixed_dictionaries({"type": st.just("refusal"), "refusal": TEXTS}),
)


def texts_of(kind: str) -> st.SearchStrategy[list[Event]]:
    return st.lists(st.fixed_dictionaries({"type": st.just(kind), "text": TEXTS}), max_size=2)


def item(kind: str, **fields: Any) -> st.SearchStrategy[Event]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        name: each if isinstance(each, st.SearchStrategy) else st.just(each) for name, each in fields.items()
    }
    return st.fixed_dictionaries({"type": st.just(kind), **drawn})


ITEMS = st.one_of(
    item("message", content=st.lists(PARTS, max_size=3)),
    item("reasoning", summary=texts_of("summary_text"), content=texts_of("reasoning_text")),
    item("function_call", name="f", arguments=WORDS),
    item("custom_tool_call", name="f", input=WORDS),
    item(
        "mcp_call",
        server_label="s",
        name="f",
        arguments=WORDS,
        error=st.sampled_from([None, "no"]),
        output=None,
    ),
    item("mcp_list_tools", server_label="s", tools=[]),
    item("mcp_approval_request", server_label="s", name="f", arguments="{}"),
    item("web_search_call", action={"type": "search", "query": "q"}),
    item("file_search_call", queries=["q"], results=None),
    item("code_interpreter_call", code=WORDS, outputs=None),
    item("image_generation_call", result="aGk="),
    item("apply_patch_call", call_id="call_p", operation={"type": "delete_file", "path": "p"}),
    item("vendor:thing", answer=TEXTS),
)
STYLES = st.builds(
    StreamStyle,
    split=st.sampled_from([words, whole, list]),
    raw_reasoning_parts=st.booleans(),
    named_arguments_done=st.booleans(),
)


@st.composite
def streams(draw: st.DrawFn, ends: tuple[str, ...] = ("completed", "incomplete", "failed")) -> Events:
    """A stream as our builder makes it; a failed one has an error event or none."""
    items = [complete_item(each, 1, at) for at, each in enumerate(draw(st.lists(ITEMS, max_size=3)))]
    end = draw(st.sampled_from(ends))
    common: dict[str, Any] = {"id": "resp_1", "created_at": 1}
    opened = response_object({}, status="in_progress", **common)
    details = {"incomplete_details": {"reason": "content_filter"}} if end == "incomplete" else {}
    error = {"error": {"code": "server_error", "message": "No."}} if end == "failed" else {}
    closed = response_object(
        {}, status=end, output=items, usage=usage_object(1, 2), **details, **error, **common
    )
    events = list(response_events(opened, items, closed, end=f"response.{end}", style=draw(STYLES)))
    if end == "failed" and draw(st.booleans()):
        events.insert(-1, {"type": "error", "error": {"message": "No."}})
    return numbered(json.loads(json.dumps(events)))


@given(events=streams())
def test_what_the_builder_makes_is_clean(events: Events) -> None:
    assert check_stream(events) == []


@given(events=streams(), data=st.data())
def test_every_tail_of_what_the_builder_makes_is_clean(events: Events, data: st.DataObject) -> None:
    start = data.draw(st.integers(1, len(events) - 1))
    assert check_stream(events[start:], tail=True) == []


@given(events=streams(), data=st.data())
def test_a_response_may_fail_after_any_of_its_events(events: Events, data: st.DataObject) -> None:
    kept = events[: data.draw(st.integers(1, len(events) - 1))]
    error = {"code": "server_error", "message": "No."}
    failed = response_object({}, id="resp_1", created_at=1, status="failed", error=error)
    last = {"type": "response.failed", "response": failed}
    assert check_stream(numbered([*kept, last])) == []


# One event goes wrong, its number with it


@given(events=streams(), data=st.data())
def test_a_dropped_event_is_noticed(events: Events, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(events) - 1))
    assert check_stream([*events[:at], *events[at + 1 :]]) != []


@given(events=streams(), data=st.data())
def test_a_repeated_event_is_noticed(events: Events, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(events) - 1))
    assert check_stream([*events[: at + 1], *events[at:]]) != []


@given(events=streams(), data=st.data())
def test_two_swapped_events_are_noticed(events: Events, data: st.DataObject) -> None:
    places = st.integers(0, len(events) - 1)
    one, other = data.draw(places), data.draw(places)
    assume(one != other)
    events[one], events[other] = events[other], events[one]
    assert check_stream(events) != []


# One event goes wrong, and the numbers are right all the same. What nobody can notice then:
#
# - a delta that adds nothing, dropped or repeated;
# - the `error` event before `response.failed`, and `response.in_progress` of a response that failed without an item,
#   dropped: a stream without them is right too;
# - two events in the other order that are the same, that belong to one text whose joined deltas stay what they are, or
#   that add a delta and an annotation to one text.


def adds_nothing(event: Event) -> bool:
    return event.get("delta") == "" and not event.get("logprobs")


def is_optional(events: Events, event: Event) -> bool:
    if event["type"] == "error":
        return True
    has_failed = events[-1]["type"] == "response.failed"
    has_item = any(each["type"] == "response.output_item.added" for each in events)
    return event["type"] == "response.in_progress" and has_failed and not has_item


def have_no_order(one: Event, other: Event) -> bool:
    kinds = {one["type"], other["type"]}
    if kinds == {"response.output_text.delta", "response.output_text.annotation.added"}:
        return True
    if len(kinds) == 1 and "delta" in one:
        return one["delta"] + other["delta"] == other["delta"] + one["delta"]
    return {**one, "sequence_number": 0} == {**other, "sequence_number": 0}


@given(events=streams(), data=st.data())
def test_a_dropped_event_is_noticed_by_more_than_its_number(events: Events, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(events) - 1))
    assume(not adds_nothing(events[at]) and not is_optional(events, events[at]))
    assert check_stream(numbered([*events[:at], *events[at + 1 :]])) != []


@given(events=streams(), data=st.data())
def test_a_repeated_event_is_noticed_by_more_than_its_number(events: Events, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(events) - 1))
    assume(not adds_nothing(events[at]))
    copied: Events = json.loads(json.dumps([*events[: at + 1], *events[at:]]))
    assert check_stream(numbered(copied)) != []


@given(events=streams(), data=st.data())
def test_neighbours_that_swap_places_are_noticed_by_more_than_their_numbers(
    events: Events, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(events) - 2))
    assume(not have_no_order(events[at], events[at + 1]))
    events[at], events[at + 1] = events[at + 1], events[at]
    assert check_stream(numbered(events)) != []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
)


@given(events=streams(), data=st.data())
def test_whatever_the_fields_hold_the_checker_has_an_answer(events: Events, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        event = data.draw(st.sampled_from(events))
        name = data.draw(st.sampled_from(sorted(event)))
        event[name] = data.draw(VALUES)
    assert isinstance(check_stream(events, tail=data.draw(st.booleans())), list)


@given(data=st.binary(max_size=60) | st.text(alphabet='{}[]":,data \n\r1e', max_size=60).map(str.encode))
def test_bytes_are_events_or_unreadable(data: bytes) -> None:
    with suppress(UnreadableStream):
        check_stream(read_events(data))
