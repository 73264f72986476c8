"""Forgets sessions that only the collector finds, and hands work to threads meanwhile; a lock taken twice ends it."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
from typing import Any

from agents import SQLiteSession


async def forget() -> None:
    session = SQLiteSession("a")
    await session.add_items([{"role": "user", "content": "1"}])
    cycle: list[Any] = [session]
    cycle.append(cycle)


async def main() -> None:
    # The collector comes wherever something is made, also where a pool is handed work.
    gc.set_threshold(100, 2, 1)
    for _ in range(3_000):
        await forget()
        await asyncio.to_thread(int)
    print("done")


faulthandler.dump_traceback_later(20, exit=True)
asyncio.run(main())
