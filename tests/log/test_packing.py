"""Packed deltas: a log holds old deltas in little memory, and readers do not notice."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import (
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)

from agents._core import facts as f
from agents.log import Entry, RunLog
from agents.log.memory import LOOSE
from agents.log.record import PackedEntry
from agents.models._responses_events import responses_event


def text_delta(number: int, text: str = "word ", **others: Any) -> Any:
    fields: dict[str, Any] = {
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "logprobs": [],
        **others,
    }
    return responses_event(
        {"type": "response.output_text.delta", "delta": text, "sequence_number": number, **fields}
    )


def seen(entries: list[Entry]) -> list[tuple[Any, ...]]:
    """All that a reader can tell of entries."""
    return [
        (
            entry.seq,
            entry.last_seq,
            entry.at,
            entry.path,
            entry.turn,
            type(entry.live),
            entry.live,
            entry.fact,
        )
        for entry in entries
    ]


def log_of(*, retention: int = 20_000) -> RunLog:
    ticks = itertools.count(1)
    return RunLog("run_1", retention=retention, clock=lambda: next(ticks) / 8)


def fed(log: RunLog, events: list[Any]) -> list[Entry]:
    """The entries as they are when they are new."""
    fresh: list[Entry] = []
    for event in events:
        log.append_delta(event, 1)
        fresh += log.entries_after(log.last_seq - 1)
    return fresh


def read_all(log: RunLog, after: int = 0) -> list[Entry]:
    cursor = log.cursor(after)
    entries: list[Entry] = []
    while (entry := cursor.take()) is not None:
        entries.append(entry)
    return entries


@st.composite
def deltas(draw: st.DrawFn) -> Any:
    others: dict[str, Any] = {"item_id": draw(st.sampled_from(["msg_1", "msg_2"]))}
    if draw(st.booleans()):
        others["obfuscation"] = draw(st.text(max_size=3))
    if draw(st.sampled_from([False, False, False, True])):
        others["logprobs"] = [{"token": "x", "logprob": -1.0}]
    return text_delta(draw(st.integers(min_value=-1, max_value=2**63)), draw(st.text(max_size=3)), **others)


OTHERS = st.sampled_from(
    [
        ResponseTextDoneEvent(
            type="response.output_text.done",
            text="x",
            item_id="msg_1",
            output_index=0,
            content_index=0,
            logprobs=[],
            sequence_number=1,
        ),
        ResponseFunctionCallArgumentsDeltaEvent(
            type="response.function_call_arguments.delta",
            delta="{",
            item_id="fc_1",
            output_index=0,
            sequence_number=1,
        ),
        {"type": "response.output_text.delta", "delta": "plain"},
        responses_event({"type": "response.output_text.delta", "delta": "incomplete"}),
    ]
)


@given(
    runs=st.lists(st.tuples(deltas() | OTHERS, st.integers(1, 700)), min_size=1, max_size=8), data=st.data()
)
def test_a_reader_from_anywhere_sees_what_was_appended(
    runs: list[tuple[Any, int]], data: st.DataObject
) -> None:
    log = log_of()
    fresh = seen(fed(log, [event for event, count in runs for _ in range(count)]))

    after = data.draw(st.integers(0, log.last_seq))

    assert seen(read_all(log, after)) == fresh[after:]
    assert seen(log.entries_after(after)) == fresh[after:]
    assert log.statistics().kept == log.last_seq


def test_deltas_that_differ_in_text_number_and_padding_are_packed() -> None:
    log = log_of()
    events = [text_delta(number, f"{number} ", obfuscation="x" * (number % 5)) for number in range(5_000)]
    fresh = fed(log, events)

    packed = [entry for entry in log._entries if isinstance(entry, PackedEntry)]  # pyright: ignore[reportPrivateUsage] (how it is kept is what is tested)

    assert sum(len(entry.ends) for entry in packed) >= 5_000 - 2 * LOOSE
    assert seen(read_all(log)) == seen(fresh)


def test_the_newest_events_are_the_very_objects_of_the_model() -> None:
    log = log_of()
    events = [text_delta(number) for number in range(3_000)]
    fed(log, events)

    newest = log.entries_after(log.last_seq - LOOSE)

    assert [entry.live for entry in newest] == events[-LOOSE:]
    assert all(entry.live is event for entry, event in zip(newest, events[-LOOSE:], strict=True))


def test_facts_between_deltas_are_kept_as_they_are() -> None:
    log = log_of()
    facts = [f.TurnStarted(number, f.AgentKey("a")) for number in range(1, 11)]
    for fact in facts:
        for number in range(300):
            log.append_delta(text_delta(number), fact.turn)
        log.append(fact, live=fact)

    entries = read_all(log)

    assert [entry.seq for entry in entries] == list(range(1, log.last_seq + 1))
    assert [entry.known_fact for entry in entries if not entry.is_delta] == facts
    assert all(entry.live is entry.known_fact for entry in entries if not entry.is_delta)


@pytest.mark.parametrize("retention", [1, 10, 1_000, 3_000])
def test_beyond_the_retention_packed_deltas_are_joined_and_no_text_is_lost(retention: int) -> None:
    log = log_of(retention=retention)
    texts = [f"{number} " for number in range(10_000)]
    for number, text in enumerate(texts):
        log.append_delta(text_delta(number, text), 1)

    entries = read_all(log)

    assert "".join(entry.live.delta for entry in entries) == "".join(texts)
    assert [entry.seq for entry in entries] == [1, *(entry.last_seq + 1 for entry in entries[:-1])]
    assert log.statistics().kept == len(entries) <= retention + 1
    for after in (0, 1, 4_999, 9_990):
        assert "".join(entry.live.delta for entry in read_all(log, after)) == "".join(texts[after:])


def test_an_event_of_a_class_of_ones_own_is_never_made_anew() -> None:
    class Marked(ResponseTextDeltaEvent):
        pass

    log = log_of()
    events = [Marked.model_construct(**dict(text_delta(number))) for number in range(3_000)]
    fed(log, events)

    assert all(entry.live is event for entry, event in zip(read_all(log), events, strict=True))
