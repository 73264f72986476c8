"""A limit on the time between the events of a stream that costs next to nothing for an event.

One timer stands for many events: when it goes off, it looks when the last event came, and is set anew.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from agents.exceptions import ModelTimeoutError
from agents.model_timeouts import ModelTimeouts


class EventWatch:
    """Within its block, raises `ModelTimeoutError` in the place of an event that does not come in time.

    Call `note` for each event.
    """

    __slots__ = ("_has_begun", "_last", "_limits", "_loop", "_missed", "_scope", "_timer")

    def __init__(self, limits: ModelTimeouts) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._scope = asyncio.timeout(None)
        self._last = self._loop.time()
        self._has_begun = False
        self._missed: ModelTimeoutError | None = None
        self._timer: asyncio.TimerHandle | None = None

    def note(self) -> None:
        """An event came."""
        self._last = self._loop.time()
        if not self._has_begun:
            self._has_begun = True
            self._stop_timer()
            self._look()

    async def __aenter__(self) -> Self:
        await self._scope.__aenter__()
        self._look()
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop_timer()
        try:
            await self._scope.__aexit__(error_type, error, traceback)
        except TimeoutError:
            if self._missed is None:
                raise
            raise self._missed from error

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Set the timer for when the next event is due, or end the wait for one that was."""
        self._timer = None
        limit = self._limits.between_events if self._has_begun else self._limits.first_event
        if limit is None:
            return
        due = self._last + limit
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._look)
            return
        self._missed = ModelTimeoutError(limit, "next event" if self._has_begun else "first event")
        self._scope.reschedule(self._loop.time())
