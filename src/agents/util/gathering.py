"""Awaiting several things at once without leaving any of them behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any


async def all_or_cancel(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    """The results, in order. When one fails, or this is cancelled, the others are cancelled and awaited.

    Raises:
        BaseException: what the first that failed raised.
    """
    if len(awaitables) == 1:
        return [await awaitables[0]]
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
