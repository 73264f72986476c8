"""Reading a run as classic events: a shared position, and any number of iterators that start from it.

Rule 1: an iterator has a position of its own; giving up on `anext`, or closing it, loses nothing and stops nothing.
Rule 2: the furthest position that any iterator has reached is where the next one starts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.stream_events import RawResponsesStreamEvent, StreamEvent

from .streaming import EventOrder

if TYPE_CHECKING:
    from .run_loop import Run


@dataclass(slots=True)
class Position:
    """How far a reader is: records read, and events made of them but not given yet."""

    seq: int = 0
    order: EventOrder = field(default_factory=EventOrder)
    pending: deque[StreamEvent] = field(default_factory=deque[StreamEvent])

    def copy(self) -> Position:
        """The same position for another reader."""
        return Position(self.seq, self.order.copy(), deque(self.pending))


@dataclass(slots=True, eq=False)
class EventReading:
    """The classic events of one run, as all of its readers share them."""

    run: Run
    task: asyncio.Task[Any] | None = None
    """The task that drives the run: the end of the stream awaits it, and raises what it raised."""

    position: Position = field(init=False)
    is_cut_off: bool = False

    def __post_init__(self) -> None:
        # What a resumed run has taken over was told when it happened.
        self.position = Position(self.run.first_seq - 1)

    def open(self) -> EventIterator:
        """A new iterator, from where the furthest one is."""
        return EventIterator(self)

    def cut_off(self) -> None:
        """End all iterators at once, without error."""
        self.is_cut_off = True
        self.run.log.nudge()

    @property
    def exception(self) -> BaseException | None:
        """What ended the run, if it failed."""
        task = self.task
        if task is None or not task.done():
            return None
        if task.cancelled():
            # Not if the task itself was cancelled, but if the run failed with a cancellation of its own.
            return None if self.run.state.error is None else self.run.view.failure
        return task.exception()


class EventIterator(AsyncIterator[StreamEvent]):
    """Gives the classic events of a run, waiting for those to come."""

    __slots__ = ("_cursor", "_is_closed", "_position", "_reading", "_run")

    def __init__(self, reading: EventReading) -> None:
        self._reading = reading
        self._run = reading.run
        self._position = reading.position.copy()
        self._cursor = reading.run.log.cursor(self._position.seq)
        self._is_closed = False

    def __aiter__(self) -> EventIterator:
        return self

    async def __anext__(self) -> StreamEvent:
        position, run, reading = self._position, self._run, self._reading
        pending, take = position.pending, self._cursor.take
        while not (self._is_closed or reading.is_cut_off):
            if pending:
                return pending.popleft()
            entry = take()
            if entry is not None:
                position.seq = entry.last_seq
                if position.seq > reading.position.seq:
                    reading.position = position
                if entry.path != run.path:
                    continue
                if entry.is_delta:
                    return RawResponsesStreamEvent(entry.live)
                position.order.events(entry, pending)
            elif run.is_idle:
                await self._settled()
                self._is_closed = True
                self._raise_error()
            else:
                await run.log.wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End this iterator. The run goes on, and a next iterator goes on from here."""
        self._is_closed = True

    async def _settled(self) -> None:
        """Wait for the task of the run, which has nothing left to do but to end."""
        task = self._reading.task
        if task is not None and not task.done():
            await asyncio.wait([task])

    def _raise_error(self) -> None:
        """Raise what ended the run, if it failed."""
        error = self._reading.exception
        if error is not None:
            raise error
