"""Changes that are seen through to their end, whoever stops waiting for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def settled(change: Coroutine[Any, Any, T]) -> T:
    """Await a change that is not to be broken off.

    Cancelled, it waits for the change to end, done or failed, and then is cancelled. So a connection never goes back
    to its pool in the middle of something.
    """
    task = asyncio.ensure_future(change)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            # Cancelled once more: what is asked for stays the same.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise
