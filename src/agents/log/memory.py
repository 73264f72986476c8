"""The in-memory log: appended to by one run, read by any number of cursors, bounded.

Rule 1: a reader has a position, not a queue; a slow reader costs nothing but what the log keeps anyway.
Rule 2: an append wakes all waiting readers once; until they wait again, further appends wake nobody.
Rule 3: older deltas are packed, so that memory and the garbage collector hardly feel them; readers do not notice.
Rule 4: over the retention, adjacent deltas of one item are joined; nothing but deltas and progress is ever joined
    or dropped, and a reader who would miss something is told so with `RecordsExpired`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .._core import facts as f
from .record import (
    DeltaEntry,
    Entry,
    JoinedEntry,
    PackedEntry,
    Path,
    join_key,
    packed,
    position_after,
    record_count,
)

DEFAULT_RETENTION = 20_000

LOOSE = 512
"""So many of the newest entries are never packed: readers that keep up get the very events of the model."""


class RecordsExpired(LookupError):
    """The records after a position are no longer all there. Read again from `first_seq`, which is complete."""

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        super().__init__(f"records before {first_seq} have expired; read from after={first_seq - 1}")


@dataclass(frozen=True, slots=True)
class LogStatistics:
    """How much a log holds. Sizes are counts of records."""

    records: int
    """Records appended so far; also the last `seq`."""

    kept: int
    """Records in memory; a joined one counts once."""

    joined: int
    """Deltas that now stand in joined entries."""

    dropped: int
    """Ephemeral records given up because joining was not enough."""

    first_seq: int
    """The first record from which on nothing is missing."""

    waiting_readers: int


class RunLog:
    """The records of one run and of the runs nested in it.

    Not thread-safe: everything happens on the event loop that the run runs on.
    """

    __slots__ = (
        "_clock",
        "_closed",
        "_dropped",
        "_entries",
        "_first_seq",
        "_gone",
        "_joined",
        "_last_seq",
        "_limit",
        "_packed",
        "_retention",
        "_tidy_at",
        "_waiters",
        "run_id",
    )

    def __init__(
        self, run_id: str, *, retention: int = DEFAULT_RETENTION, clock: Callable[[], float] = time.time
    ) -> None:
        if retention < 1:
            raise ValueError(f"retention must be at least 1 record, got {retention}")
        self.run_id = run_id
        self._clock = clock
        self._entries: list[Entry] = []
        self._last_seq = 0
        self._first_seq = 1
        self._joined = 0
        self._dropped = 0
        self._retention = retention
        self._limit = retention
        self._gone = 0
        self._packed = 0
        self._tidy_at = min(2 * LOOSE, retention + 1)
        self._closed = False
        self._waiters: list[asyncio.Future[None]] = []

    # --- writing

    def append(self, fact: f.Fact, live: Any = None, path: Path = (), *, at: float | None = None) -> Entry:
        """Number a fact and keep it, with the live value that belongs to it.

        `at`, in seconds since the epoch, is when it happened, if that was not now.
        """
        self._last_seq = seq = self._last_seq + 1
        entry = Entry(seq, self._clock() if at is None else at, path, fact, live)
        self._entries.append(entry)
        if self._waiters:
            self._wake()
        if seq >= self._tidy_at:
            self._tidy()
        return entry

    def append_delta(self, event: Any, turn: int, path: Path = ()) -> None:
        """Number an event of a model's stream. The hot path: no fold, no JSON, no task."""
        self._last_seq = seq = self._last_seq + 1
        self._entries.append(DeltaEntry(seq, self._clock(), path, None, event, turn))
        if self._waiters:
            self._wake()
        if seq >= self._tidy_at:
            self._tidy()

    def close(self) -> None:
        """Nothing more comes: readers end when they have read what is there."""
        self._closed = True
        self._wake()

    def nudge(self) -> None:
        """Wake the waiting readers although nothing was appended: a nested run has come to its end."""
        self._wake()

    def reopen(self) -> None:
        """More comes after all: a suspended run goes on."""
        self._closed = False

    # --- reading

    @property
    def last_seq(self) -> int:
        """The number of the newest record; 0 when there is none."""
        return self._last_seq

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def cursor(self, after: int = 0) -> Cursor:
        """A reader that gives what comes after record `after`, from the past or as it happens."""
        return Cursor(self, after)

    def statistics(self) -> LogStatistics:
        """How much the log holds, now."""
        return LogStatistics(
            self._last_seq,
            self._last_seq - self._gone,
            self._joined,
            self._dropped,
            self._first_seq,
            len(self._waiters),
        )

    def entries_after(self, seq: int) -> list[Entry]:
        """The entries after a position, those at hand.

        Raises:
            RecordsExpired: some of them are gone.
        """
        entries: list[Entry] = []
        while batch := self.batch_after(seq):
            entries += batch
            seq = batch[-1].last_seq
        return entries

    def batch_after(self, seq: int) -> list[Entry]:
        """The next entries after a position, not always all; none when there are none.

        Raises:
            RecordsExpired: some of them are gone.
        """
        if seq + 1 < self._first_seq:
            raise RecordsExpired(self._first_seq)
        entries = self._entries
        count = self._last_seq - seq
        # A reader that keeps up finds its place by counting from the end; others search for it.
        if 0 < count <= len(entries) and entries[-count].seq == seq + 1:
            return entries[-count:]
        index = position_after(entries, seq)
        batch: list[Entry] = []
        for entry in entries[index : index + LOOSE]:
            if isinstance(entry, PackedEntry):
                # One at a time, so that a late reader does not have all of them in memory at once.
                return batch or entry.unpacked(seq)
            batch.append(entry.after(seq) if isinstance(entry, JoinedEntry) else entry)
        return batch

    async def wait(self) -> None:
        """Return when something was appended, or the log was closed. Cancelling it leaves no trace."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        try:
            await future
        finally:
            if not future.done() or future.cancelled():
                self._waiters = [other for other in self._waiters if other is not future]

    # --- the rest

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for future in waiters:
            if not future.done():
                future.set_result(None)

    def _tidy(self) -> None:
        """Pack what is not among the newest; over the retention, shrink."""
        end = len(self._entries) - LOOSE
        if end - self._packed >= LOOSE:
            fresh = packed(self._entries[self._packed : end])
            self._entries[self._packed : end] = fresh
            self._packed += len(fresh)
        if self._last_seq - self._gone > self._limit:
            self._shrink()
        self._tidy_at = min(self._last_seq + LOOSE, self._gone + self._limit + 1)

    def _shrink(self) -> None:
        """Join, the settled responses first, then drop; make room for a while, so that the cost is amortised.

        The newest quarter is left as it is: readers that keep up never see a joined delta.
        """
        quarter = self._retention // 4
        cut = position_after(self._entries, self._last_seq - quarter)
        old, newest = self._entries[:cut], self._entries[cut:]
        settled_turns = {
            (entry.path, entry.known_fact.turn)
            for entry in self._entries
            if isinstance(entry.known_fact, f.ModelResponded | f.ModelInterrupted | f.AttemptReset)
        }
        if settled_turns:
            old = self._join(old, settled_turns)
        if _count(old) > 2 * quarter:
            old = self._join(old, None)
        excess = _count(old) + _count(newest) - self._retention
        if excess > 0:
            old = self._drop(old, excess + quarter)
        self._entries = [*old, *newest]
        self._packed = len(old)
        kept = _count(self._entries)
        self._gone = self._last_seq - kept
        # What cannot be given up does not make every append shrink again.
        self._limit = max(self._retention, kept + quarter)

    def _join(self, entries: list[Entry], turns: set[tuple[Path, int]] | None) -> list[Entry]:
        """Join adjacent deltas: those of some turns, or all."""
        kept: list[Entry] = []
        key: tuple[object, ...] | None = None
        run: list[Entry] = []
        for entry in entries:
            may_join = turns is None or (entry.path, entry.turn) in turns
            entry_key = join_key(entry) if may_join else None
            if entry_key is None:
                self._keep(kept, run)
                run = []
                kept.append(entry)
            elif entry_key != key:
                self._keep(kept, run)
                run = [entry]
            else:
                run.append(entry)
            key = entry_key
        self._keep(kept, run)
        return kept

    def _keep(self, kept: list[Entry], run: list[Entry]) -> None:
        """Keep entries of one key, as one."""
        if sum(map(record_count, run)) < 2:
            kept.extend(run)
            return
        kept.append(JoinedEntry.of(run))
        self._joined += sum(record_count(entry) for entry in run if not isinstance(entry, JoinedEntry))

    def _drop(self, entries: list[Entry], count: int) -> list[Entry]:
        kept: list[Entry] = []
        for entry in entries:
            ephemeral = entry.is_delta or type(entry.known_fact) in f.EPHEMERAL
            if count > 0 and ephemeral:
                count -= record_count(entry)
                self._dropped += entry.last_seq - entry.seq + 1
                self._first_seq = entry.last_seq + 1
            else:
                kept.append(entry)
        return kept


def _count(entries: list[Entry]) -> int:
    return sum(map(record_count, entries))


class Cursor:
    """A reader's position in a log. Two cursors share nothing."""

    __slots__ = ("_batch", "_log", "_seq")

    def __init__(self, log: RunLog, after: int) -> None:
        if after < 0:
            raise ValueError(f"after must be 0 or a record's seq, got {after}")
        self._log = log
        self._seq = after
        self._batch: Iterator[Entry] = iter(())

    @property
    def seq(self) -> int:
        """The last record that was given."""
        return self._seq

    def take(self) -> Entry | None:
        """The next entry if there is one at hand, else None.

        Raises:
            RecordsExpired: records between this cursor and the rest are gone.
        """
        entry = next(self._batch, None)
        if entry is None:
            log = self._log
            if log.last_seq <= self._seq:
                return None
            # A batch is a snapshot: what the log joins or drops meanwhile does not move under the reader.
            self._batch = iter(log.batch_after(self._seq))
            entry = next(self._batch, None)
            if entry is None:
                return None
        self._seq = entry.last_seq
        return entry

    async def next(self) -> Entry | None:
        """The next entry, waiting for it if need be; None at the end of a closed log.

        Cancelling it loses nothing: call it again.

        Raises:
            RecordsExpired: records between this cursor and the rest are gone.
        """
        while True:
            entry = self.take()
            if entry is not None:
                return entry
            if self._log.is_closed:
                return None
            await self._log.wait()
