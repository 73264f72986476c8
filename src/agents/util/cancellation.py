"""Telling the cancellation of a task from that of something it awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


def cancellation_watch() -> Callable[[], bool]:
    """Says whether the current task has been asked to end since this call, and not only what it awaits."""
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    return lambda: task is not None and task.cancelling() > before
