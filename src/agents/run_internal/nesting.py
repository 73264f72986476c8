"""How a nested run finds its parent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.log import Path

    from .run_loop import Run


@dataclass(slots=True)
class RunLink:
    """A place in a parent's log, under which the runs that a tool starts are written. Travels in the tool's context."""

    parent: Run
    path: Path

    loop: asyncio.AbstractEventLoop
    """The event loop of the parent. A log is written by one loop: a run on another is a run of its own."""

    _taken: int = field(default=0)

    @property
    def is_at_hand(self) -> bool:
        """Whether the parent runs on the event loop that is running here."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def next_path(self) -> Path:
        """The path of the next run that the tool starts: the call's own, then numbered ones."""
        self._taken += 1
        if self._taken == 1:
            return self.path
        return (*self.path[:-1], f"{self.path[-1]}#{self._taken}")
