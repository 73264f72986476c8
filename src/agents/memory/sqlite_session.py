"""A session in an SQLite database, in memory or in a file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from agents._lazy import lazy_module
from agents._ports.session import (
    SessionABC,
    SessionSettings,
    coerce_session_settings,
    resolve_session_limit,
)

from ._item_json import decode_item, decode_items, encode_items, rewritten
from ._sqlite_database import (
    SQLiteDatabase,
    close_database,
    forget_database,
    is_file,
    open_database,
    transaction,
)

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")

__all__ = ["SQLiteSession", "SQLiteSessionBase"]

T = TypeVar("T")

_opening = threading.Lock()
"""Held while a session gets its database: several threads may be the first to use one."""


class SQLiteSessionBase(SessionABC):
    """The memory of one conversation, in an SQLite database; never blocks the event loop.

    A database in memory belongs to the session that made it. One in a file takes any number of sessions, threads,
    event loops and processes; those of one process share a thread and a connection. A batch is one transaction that
    is on the disk when `add_items` returns.

    A cancelled `add_items`, `pop_item` or `clear_session` is done wholly or not at all, and what is called later on the
    same session sees which.

    Raises:
        sqlite3.Error: from any method, when the file cannot be opened, read or written, with SQLite's reason.
        RuntimeError: from any method, after `close()`.
    """

    def __init__(
        self,
        session_id: str,
        db_path: str | Path = ":memory:",
        sessions_table: str = "agent_sessions",
        messages_table: str = "agent_messages",
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        """A session; nothing is opened before its first use.

        Args:
            session_id: Which conversation this is.
            db_path: The file, which is made if it is not there; by default a database in memory.
            sessions_table: The table that has one row for each conversation.
            messages_table: The table that has one row for each item.
            session_settings: What holds for calls that do not say otherwise.
        """
        self.session_id = session_id
        self.session_settings: SessionSettings | None = (
            SessionSettings() if session_settings is None else coerce_session_settings(session_settings)
        )
        self.db_path = db_path
        self.sessions_table = sessions_table
        self.messages_table = messages_table
        self._sessions = quoted(sessions_table)
        self._messages = quoted(messages_table)
        # The working directory may be another one by the first use.
        self._path = str(Path(db_path).absolute()) if is_file(str(db_path)) else str(db_path)
        self._database: SQLiteDatabase | None = None
        self._finalizer: weakref.finalize[..., SQLiteSessionBase] | None = None
        self._closed = False

    async def get_items(self, limit: int | None = None) -> list[_items.TResponseInputItem]:
        """The latest `limit` items, oldest first; by default as `session_settings` say, else all. 0 is none."""
        count = resolve_session_limit(limit, self.session_settings)

        def read(connection: sqlite3.Connection) -> list[_items.TResponseInputItem]:
            rows = connection.execute(
                f"SELECT message_data FROM {self._messages} WHERE session_id = ? ORDER BY id DESC LIMIT ?",  # noqa: S608 (quoted)
                # A negative limit is none.
                (self.session_id, -1 if count is None else count),
            ).fetchall()
            return decode_items((text for (text,) in reversed(rows)), self._where)

        return await self._run(read)

    async def add_items(self, items: list[_items.TResponseInputItem]) -> None:
        """Append a batch of items in one transaction.

        Raises:
            TypeError: an item holds something that is not JSON; nothing is stored.
        """
        self._refuse_closed()
        if not items:
            return
        # Here and not in the thread: what the caller does with the items from now on is not stored.
        texts = encode_items(items)

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                self._insert(connection, texts)

        await self._run(write)

    async def pop_item(self) -> _items.TResponseInputItem | None:
        """Remove the latest item and return it; None where there is none."""

        def pop(connection: sqlite3.Connection) -> _items.TResponseInputItem | None:
            with transaction(connection):
                return self._pop(connection)

        return await self._run(pop)

    async def clear_session(self) -> None:
        """Remove all items, and the conversation's own row."""

        def clear(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                for table in (self._messages, self._sessions):
                    connection.execute(f"DELETE FROM {table} WHERE session_id = ?", (self.session_id,))  # noqa: S608 (quoted)

        await self._run(clear)

    async def rewrite_items(
        self, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
    ) -> bool:
        """Replace the oldest items by `after` in one transaction, if they are `before`; those behind them stay.

        Returns whether it was done.

        Raises:
            TypeError: an item of `after` holds something that is not JSON; nothing is changed.
        """
        self._refuse_closed()
        texts = encode_items(after)

        def rewrite(connection: sqlite3.Connection) -> bool:
            with transaction(connection):
                kept = rewritten(self._texts(connection), before, texts, self._where)
                if kept is None:
                    return False
                self._remove(connection)
                self._insert(connection, cast("list[str]", kept))
            return True

        return await self._run(rewrite)

    def _let_go(self) -> Future[None] | None:
        """Close the session for good; what is returned, if anything, is done when the file is closed."""
        self._closed = True
        finalizer, self._finalizer = self._finalizer, None
        if finalizer is None or self._database is None or finalizer.detach() is None:
            return None
        return close_database(self._database)

    @property
    def _where(self) -> str:
        return f"session {self.session_id!r} in {self.messages_table} of {self.db_path}"

    def _refuse_closed(self) -> None:
        if self._closed:
            raise RuntimeError(f"{type(self).__name__} is closed")

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have `work` done in the database's thread, with the tables there."""
        self._refuse_closed()
        with _opening:
            database = self._database
            if database is None:
                database = self._database = open_database(self._path)
                self._finalizer = weakref.finalize(self, forget_database, database)

        def prepared_work(connection: sqlite3.Connection) -> T:
            key = (type(self), self._sessions, self._messages)
            if key not in database.prepared:
                self._prepare(connection)
                database.prepared.add(key)
            return work(connection)

        return await database.run(prepared_work)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables that are not there."""
        # Looking takes no lock that a writer holds.
        if not self._has_tables(connection):
            self._make_tables(connection)

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        names = (self.sessions_table, self.messages_table)
        found = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name COLLATE NOCASE IN (?, ?)", names
        ).fetchone()
        return found == (2,)

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        with transaction(connection):
            for statement in self._schema():
                connection.execute(statement)

    def _schema(self) -> list[str]:
        sessions = (
            f"CREATE TABLE IF NOT EXISTS {self._sessions} (session_id TEXT PRIMARY KEY,"
            " created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
        )
        messages = (
            f"CREATE TABLE IF NOT EXISTS {self._messages} (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " session_id TEXT NOT NULL, message_data TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,"
            f" FOREIGN KEY (session_id) REFERENCES {self._sessions} (session_id) ON DELETE CASCADE)"
        )
        name = quoted(f"idx_{self.messages_table}_session_id")
        index = f"CREATE INDEX IF NOT EXISTS {name} ON {self._messages} (session_id, id)"
        return [sessions, messages, index]

    def _texts(self, connection: sqlite3.Connection) -> list[str]:
        """All that is stored of the conversation, oldest first."""
        query = f"SELECT message_data FROM {self._messages} WHERE session_id = ? ORDER BY id"  # noqa: S608 (quoted)
        return [text for (text,) in connection.execute(query, (self.session_id,))]

    def _remove(self, connection: sqlite3.Connection) -> None:
        """Remove what `_texts` gives, in the transaction that is open."""
        connection.execute(f"DELETE FROM {self._messages} WHERE session_id = ?", (self.session_id,))  # noqa: S608 (quoted)

    def _insert(self, connection: sqlite3.Connection, texts: list[str]) -> list[int]:
        """Append rows in the transaction that is open; returns their ids."""
        connection.execute(
            f"INSERT INTO {self._sessions} (session_id) VALUES (?)"  # noqa: S608 (quoted)
            " ON CONFLICT (session_id) DO UPDATE SET updated_at = CURRENT_TIMESTAMP",
            (self.session_id,),
        )
        insert = f"INSERT INTO {self._messages} (session_id, message_data) VALUES (?, ?)"  # noqa: S608 (quoted)
        cursors = (connection.execute(insert, (self.session_id, text)) for text in texts)
        return [cursor.lastrowid or 0 for cursor in cursors]

    def _pop(self, connection: sqlite3.Connection) -> _items.TResponseInputItem | None:
        while True:
            row = connection.execute(
                f"SELECT id, message_data FROM {self._messages} WHERE session_id = ? ORDER BY id DESC LIMIT 1",  # noqa: S608 (quoted)
                (self.session_id,),
            ).fetchone()
            if row is None:
                return None
            connection.execute(f"DELETE FROM {self._messages} WHERE id = ?", (row[0],))  # noqa: S608 (quoted)
            item = decode_item(row[1], self._where)
            if item is not None:
                return item


class SQLiteSession(SQLiteSessionBase):
    """The memory of one conversation, in an SQLite database; never blocks the event loop.

    A database in memory belongs to the session that made it; one in a file takes any number of sessions, threads,
    event loops and processes. See `SQLiteSessionBase` for what cancelling leaves behind and which errors there are.
    """

    def close(self) -> None:
        """Let go of the database, for good; a second time does nothing. One in memory is gone then.

        What was asked for before is done first. Called while an event loop runs it does not wait for that, elsewhere
        it returns when the file is closed.
        """
        closing = self._let_go()
        if closing is None:
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            closing.result()


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
