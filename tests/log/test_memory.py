"""The in-memory log: numbers, readers, retention. What any sequence of appends gives is in the law Replay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents._core import facts as f
from agents.log import Entry, LogStatistics, Record, RecordsExpired, RunLog


def fact(number: int) -> f.Fact:
    return f.HookSettled(f"hook {number}")


def delta(text: str, item: str = "m1", **others: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": item, "delta": text, **others}


def log_of(facts: int, retention: int = 20_000) -> RunLog:
    log = RunLog("run_1", retention=retention, clock=lambda: 2.0)
    for number in range(1, facts + 1):
        log.append(fact(number))
    return log


def taken(log: RunLog, after: int = 0) -> list[Entry]:
    cursor = log.cursor(after)
    entries: list[Entry] = []
    while (entry := cursor.take()) is not None:
        entries.append(entry)
    return entries


class TestNumbers:
    def test_records_are_numbered_from_1(self) -> None:
        log = RunLog("run_1")
        assert log.last_seq == 0
        assert [log.append(fact(number)).seq for number in range(3)] == [1, 2, 3]
        log.append_delta(delta("x"), 1)
        assert log.last_seq == 4

    def test_a_clock_that_goes_back_changes_no_order(self) -> None:
        times = iter([5.0, 3.0, 4.0])
        log = RunLog("run_1", clock=lambda: next(times))
        for number in range(3):
            log.append(fact(number))
        assert [(entry.seq, entry.at) for entry in taken(log)] == [(1, 5.0), (2, 3.0), (3, 4.0)]

    def test_the_live_value_stands_beside_its_fact(self) -> None:
        log, live = RunLog("run_1"), object()
        log.append(fact(1), live, ("call_1",))
        assert [(entry.live, entry.path) for entry in taken(log)] == [(live, ("call_1",))]

    def test_a_delta_is_a_fact_when_somebody_asks(self) -> None:
        log = RunLog("run_1")
        log.append_delta(delta("x"), 3)
        (entry,) = taken(log)
        assert entry.known_fact is None
        assert entry.fact == f.ModelDelta(3, delta("x"))
        assert Record.of(entry, "run_1").kind == "model_delta"


class TestReaders:
    @pytest.mark.parametrize("after", [0, 1, 4, 5])
    def test_a_reader_gets_what_comes_after_its_position(self, after: int) -> None:
        assert [entry.seq for entry in taken(log_of(5), after)] == list(range(after + 1, 6))

    def test_a_position_beyond_the_end_gives_what_comes_behind_it(self) -> None:
        log = log_of(2)
        cursor = log.cursor(3)
        assert cursor.take() is None
        log.append(fact(3))
        assert cursor.take() is None
        log.append(fact(4))
        entry = cursor.take()
        assert entry is not None
        assert entry.seq == 4

    def test_a_position_before_the_beginning_is_refused(self) -> None:
        with pytest.raises(ValueError, match="-1"):
            log_of(1).cursor(-1)

    def test_readers_share_nothing(self) -> None:
        log = log_of(3)
        one, other = log.cursor(), log.cursor()
        one.take()
        assert (one.seq, other.seq) == (1, 0)
        assert [entry.seq for entry in taken(log)] == [1, 2, 3]

    async def test_a_reader_waits_for_what_comes_and_ends_with_the_log(self) -> None:
        log = log_of(0)
        cursor = log.cursor()

        async def read() -> list[int]:
            numbers: list[int] = []
            while (entry := await cursor.next()) is not None:
                numbers.append(entry.seq)
            return numbers

        reading = asyncio.create_task(read())
        for number in range(3):
            await asyncio.sleep(0)
            log.append(fact(number))
        log.close()
        assert await reading == [1, 2, 3]

    async def test_a_reader_that_gives_up_waiting_loses_nothing(self) -> None:
        log = log_of(0)
        cursor = log.cursor()
        waiting = asyncio.create_task(cursor.next())
        await asyncio.sleep(0)
        assert log.statistics().waiting_readers == 1
        waiting.cancel()
        await asyncio.wait([waiting])
        assert log.statistics().waiting_readers == 0
        log.append(fact(1))
        entry = await cursor.next()
        assert entry is not None
        assert entry.seq == 1

    async def test_one_append_wakes_every_reader(self) -> None:
        log = log_of(0)
        readers = [asyncio.create_task(log.cursor().next()) for _ in range(3)]
        await asyncio.sleep(0)
        log.append(fact(1))
        entries = await asyncio.gather(*readers)
        assert [entry and entry.seq for entry in entries] == [1, 1, 1]

    async def test_a_log_that_is_opened_again_gives_what_comes_then(self) -> None:
        log = log_of(1)
        log.close()
        assert log.is_closed
        log.reopen()
        reading = asyncio.create_task(log.cursor(1).next())
        await asyncio.sleep(0)
        log.append(fact(2))
        entry = await reading
        assert entry is not None
        assert entry.seq == 2


class TestRetention:
    def test_a_retention_below_one_record_is_refused(self) -> None:
        with pytest.raises(ValueError, match="got 0"):
            RunLog("run_1", retention=0)

    def test_up_to_the_retention_nothing_is_joined(self) -> None:
        log = RunLog("run_1", retention=100)
        for number in range(100):
            log.append_delta(delta(str(number)), 1)
        assert [entry.live for entry in taken(log)] == [delta(str(number)) for number in range(100)]
        assert (log.statistics().joined, log.statistics().dropped) == (0, 0)

    def test_beyond_it_a_joined_record_covers_its_numbers_with_the_exact_text(self) -> None:
        log = RunLog("run_1", retention=100)
        for number in range(150):
            log.append_delta(delta(f"{number} "), 1)
        first = Record.of(taken(log)[0], "run_1")
        assert first.last_seq > first.seq == 1
        assert first.data["event"]["delta"] == "".join(f"{number} " for number in range(first.last_seq))

    def test_a_reader_inside_a_joined_record_gets_the_rest_of_it(self) -> None:
        log = RunLog("run_1", retention=100)
        for number in range(150):
            log.append_delta(delta(f"{number} "), 1)
        rest = taken(log, 10)[0]
        assert rest.seq == 11
        assert rest.live["delta"] == "".join(f"{number} " for number in range(10, rest.last_seq))

    @pytest.mark.parametrize(
        "other",
        [
            delta("x", item="m2"),
            delta("x", content_index=1),
            {**delta("x"), "type": "response.refusal.delta"},
            delta("x", logprobs=[{"token": "x", "logprob": -1.0}]),
        ],
    )
    def test_deltas_of_different_parts_are_not_joined(self, other: dict[str, Any]) -> None:
        log = RunLog("run_1", retention=40)
        for _ in range(10):
            log.append_delta(delta("a"), 1)
            log.append_delta(other, 1)
            log.append(fact(0))
            log.append(fact(1))
        log.append(fact(2))
        assert log.statistics().joined == 0

    def test_facts_are_never_joined_or_dropped(self) -> None:
        log = log_of(500, retention=10)
        assert [entry.known_fact for entry in taken(log)] == [fact(number) for number in range(1, 501)]

    def test_a_reader_who_would_miss_something_is_told_where_to_read_on(self) -> None:
        log = RunLog("run_1", retention=20)
        for number in range(200):
            log.append(f.ToolProgressed(f.CallId("c1"), number))
        with pytest.raises(RecordsExpired, match="read from after=") as expired:
            taken(log)
        first_seq = expired.value.first_seq
        assert [entry.seq for entry in taken(log, first_seq - 1)] == list(range(first_seq, 201))

    def test_statistics_count_records(self) -> None:
        log = log_of(3)
        assert log.statistics() == LogStatistics(
            records=3, kept=3, joined=0, dropped=0, first_seq=1, waiting_readers=0
        )
