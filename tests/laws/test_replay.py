"""Law 5, Replay: reading after seq n gives exactly what came after n, once, in order, to any reader, live or late.

Beyond the retention, adjacent deltas come joined, their text exact; what is gone is announced, never skipped.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents._core import facts as f
from agents._core.state import State
from agents.log import Cursor, Record, RecordsExpired, RunLog
from laws.playing import end_of, plain, play, without_partials
from laws.strategies import any_cases
from laws.virtual_time import run_in_virtual_time
from laws.world import Case, World

# --- the log alone


@dataclass(frozen=True, slots=True)
class Written:
    """One record as it was appended: what a reader must be told of it."""

    kind: str
    item: str
    text: str


def append_delta(log: RunLog, written: list[Written], item: str, text: str) -> None:
    event = {"type": "response.output_text.delta", "item_id": item, "delta": text}
    log.append_delta(event, 1)
    written.append(Written("delta", item, text))


def append_done(log: RunLog, written: list[Written], item: str, _text: str) -> None:
    log.append_delta({"type": "response.output_text.done", "item_id": item}, 1)
    written.append(Written("done", item, ""))


def append_fact(log: RunLog, written: list[Written], item: str, _text: str) -> None:
    log.append(f.HookSettled(item))
    written.append(Written("fact", item, ""))


def append_progress(log: RunLog, written: list[Written], item: str, text: str) -> None:
    log.append(f.ToolProgressed(f.CallId(item), text))
    written.append(Written("progress", item, text))


def append_response(log: RunLog, written: list[Written], item: str, _text: str) -> None:
    log.append(f.ModelResponded(1, []))
    written.append(Written("response", "", ""))


Append = Callable[[RunLog, list[Written], str, str], None]
appends = st.tuples(
    st.sampled_from(
        [append_delta, append_delta, append_delta, append_done, append_fact, append_progress, append_response]
    ),
    st.sampled_from(["m1", "m2"]),
    st.text(max_size=3),
    st.integers(1, 12),
)


def read(cursor: Cursor) -> list[tuple[int, int, f.Fact]]:
    """All that is at hand, from what is still there."""
    found: list[tuple[int, int, f.Fact]] = []
    while (entry := cursor.take()) is not None:
        found.append((entry.seq, entry.last_seq, entry.fact))
    return found


def assert_exact(found: list[tuple[int, int, f.Fact]], after: int, written: list[Written]) -> None:
    at = after
    for seq, last_seq, fact in found:
        assert seq == at + 1
        at = last_seq
        covered = written[seq - 1 : last_seq]
        match fact:
            case f.ModelDelta():
                assert {(each.kind, each.item) for each in covered} == {
                    (fact.event["type"].rpartition(".")[2], fact.event["item_id"])
                }
                assert fact.event.get("delta", "") == "".join(each.text for each in covered)
            case f.HookSettled():
                assert covered == [Written("fact", fact.moment, "")]
            case f.ToolProgressed():
                assert covered == [Written("progress", fact.call, fact.progress)]
            case _:
                assert covered == [Written("response", "", "")]
    assert at == len(written)


@given(st.integers(1, 40), st.lists(appends, max_size=25), st.data())
def test_a_log_gives_what_was_written_or_says_what_is_gone(
    retention: int, steps: list[tuple[Append, str, str, int]], data: st.DataObject
) -> None:
    log, written = RunLog("run_1", retention=retention, clock=lambda: 0.0), list[Written]()
    live, lived = log.cursor(), list[tuple[int, int, f.Fact]]()
    for append, item, text, times in steps:
        for _ in range(times):
            append(log, written, item, text)
        # This reader keeps up most of the time; a log of few records may be faster.
        if data.draw(st.booleans()):
            try:
                lived += read(live)
            except RecordsExpired as expired:
                live, lived = log.cursor(expired.first_seq - 1), []
    for after in {0, *data.draw(st.lists(st.integers(0, len(written)), max_size=3))}:
        try:
            assert_exact(read(log.cursor(after)), after, written)
        except RecordsExpired as expired:
            first_seq = expired.first_seq
        else:
            continue
        assert after + 1 < first_seq <= len(written) + 1
        assert_exact(read(log.cursor(first_seq - 1)), first_seq - 1, written)
    if lived and live.seq == len(written):
        assert_exact(lived, lived[0][0] - 1, written)


@given(st.integers(4, 40), st.lists(appends, max_size=25))
def test_nothing_but_deltas_and_progress_ever_goes(
    retention: int, steps: list[tuple[Append, str, str, int]]
) -> None:
    log, written = RunLog("run_1", retention=retention, clock=lambda: 0.0), list[Written]()
    for append, item, text, times in steps:
        for _ in range(times):
            append(log, written, item, text)
    numbers = log.statistics()
    kept = sum(each.kind in {"fact", "response"} for each in written)
    assert numbers.records == len(written)
    assert numbers.kept >= kept
    assert numbers.dropped <= len(written) - kept
    assert numbers.first_seq == 1 or numbers.dropped


# --- runs


@given(any_cases, st.lists(st.integers(0, 80), max_size=4), st.integers(0, 200))
def test_readers_of_a_run_see_the_same_records_live_or_late(
    case: Case, starts: list[int], after: int
) -> None:
    async def watch() -> tuple[list[Record], list[tuple[int, list[Record]]]]:
        result = World(case).run_streamed()
        readers = [asyncio.create_task(_reader(result, start)) for start in starts]
        await asyncio.wait([result.run_loop_task])
        late = [record async for record in result.records(after)]
        whole = [record async for record in result.records()]
        return whole, [(after, late), *[await reader for reader in readers]]

    whole, readings = run_in_virtual_time(watch())
    assert [record.seq for record in whole] == list(range(1, len(whole) + 1))
    for start, seen in readings:
        assert seen == whole[start:]


async def _reader(result: Any, start: int) -> tuple[int, list[Record]]:
    """Opens when the log has `start` records, or as many as it gets, and reads on while the run goes on."""
    async for record in result.records():
        if record.seq >= start:
            break
    first = min(start, result.statistics().records)
    return first, [record async for record in result.records(first)]


@given(any_cases, st.integers(1, 30))
def test_a_run_with_a_small_log_gives_its_events_all_the_same(case: Case, retention: int) -> None:
    # An agent tool that is watched is a reader, too, and its call fails when it is told that it is too late.
    tools = [dataclasses.replace(tool, does="nest") if "nest" in tool.does else tool for tool in case.tools]
    case = dataclasses.replace(case, tools=tuple(tools))
    whole = play(case, is_streamed=True)
    small = play(dataclasses.replace(case, retention=retention), is_streamed=True)
    if not isinstance(small.error, RecordsExpired):
        assert without_partials(end_of(small)) == without_partials(end_of(whole))
    assert plain_state(small.run.state) == plain_state(whole.run.state)


def plain_state(state: State) -> dict[str, Any]:
    # What an interrupted stream had given is read from the log: what is gone there is gone here.
    return {**plain(dataclasses.asdict(state)), "partial": None}
