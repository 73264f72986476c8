"""A session in an SQLite database that is closed by awaiting it."""

from __future__ import annotations

import asyncio

from agents.memory.sqlite_session import SQLiteSessionBase

__all__ = ["AsyncSQLiteSession"]


class AsyncSQLiteSession(SQLiteSessionBase):
    """`SQLiteSession`, which never blocks the event loop either, with a `close` to await."""

    async def close(self) -> None:
        """Let go of the database, for good; a second time does nothing. One in memory is gone then.

        What was asked for before is done first; it returns when the file is closed.
        """
        closing = self._let_go()
        if closing is not None:
            await asyncio.wrap_future(closing)
