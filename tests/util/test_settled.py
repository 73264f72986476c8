"""Changes that are seen through to their end."""

from __future__ import annotations

import asyncio

import pytest

from agents.util.settled import settled


@pytest.mark.parametrize("cancellations", [1, 2, 5])
async def test_however_often_it_is_cancelled_it_waits_for_the_change_to_end(cancellations: int) -> None:
    may_end = asyncio.Event()
    has_ended = False

    async def change() -> None:
        nonlocal has_ended
        await may_end.wait()
        has_ended = True

    waiting = asyncio.create_task(settled(change()))
    for _ in range(cancellations):
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert has_ended
