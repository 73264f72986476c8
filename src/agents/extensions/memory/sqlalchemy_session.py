"""A session in any database that SQLAlchemy reaches asynchronously.

Rules:

1. A change first locks the conversation's row, so that changes of one conversation come one after the other: batches
   stay together, and ids rise in the order in which batches are stored.
2. A transaction's first statement writes. SQLite would refuse one that reads first and finds that others wrote.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, cast

from agents._lazy import lazy_module
from agents._ports.session import (
    SessionABC,
    SessionSettings,
    coerce_session_settings,
    resolve_session_limit,
)
from agents.memory._item_json import decode_item, decode_items, encode_items, rewritten
from agents.util.settled import settled

from ._extras import missing_extra

try:
    import sqlalchemy as sa
    from sqlalchemy import event
    from sqlalchemy.exc import DBAPIError, IntegrityError
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
    from sqlalchemy.pool import StaticPool
except ImportError as error:
    raise missing_extra("SQLAlchemySession", "sqlalchemy") from error

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")

__all__ = ["SQLAlchemySession"]

_CREATION_ATTEMPTS = 5
_SQLITE_TIMEOUT_S = 60.0

_single_connections: weakref.WeakKeyDictionary[sa.Engine, asyncio.Lock] = weakref.WeakKeyDictionary()
"""For engines whose users share one connection: who uses it, so that no two transactions become one."""


class SQLAlchemySession(SessionABC):
    """The memory of one conversation, in two tables of a database, for any number of processes.

    A batch is one transaction. A call that is cancelled is done to its end first, so that no connection goes back to
    its pool in the middle of a transaction.
    """

    def __init__(
        self,
        session_id: str,
        *,
        engine: AsyncEngine,
        create_tables: bool = False,
        sessions_table: str = "agent_sessions",
        messages_table: str = "agent_messages",
        session_settings: SessionSettings | dict[str, Any] | None = None,
        ensure_ascii: bool = True,
    ) -> None:
        """A session over an engine of yours, which you dispose of.

        Args:
            session_id: Which conversation this is.
            engine: The database.
            create_tables: Whether tables that are not there are made, at the first use.
            sessions_table: The table that has one row for each conversation.
            messages_table: The table that has one row for each item.
            session_settings: What holds for calls that do not say otherwise.
            ensure_ascii: Whether the stored JSON is ASCII; otherwise other scripts can be read in the database.
        """
        self.session_id = session_id
        self.session_settings: SessionSettings | None = (
            SessionSettings() if session_settings is None else coerce_session_settings(session_settings)
        )
        self._engine = engine
        self._has_tables = not create_tables
        self._ensure_ascii = ensure_ascii
        self._sessions, self._messages = _tables(sessions_table, messages_table)

    @classmethod
    def from_url(
        cls,
        session_id: str,
        *,
        url: str,
        engine_kwargs: dict[str, Any] | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """A session with an engine of its own; `await session.engine.dispose()` when you are done.

        Args:
            session_id: Which conversation this is.
            url: `postgresql+asyncpg://…`, `sqlite+aiosqlite:///file`, …
            engine_kwargs: For `create_async_engine`.
            session_settings: What holds for calls that do not say otherwise.
            kwargs: For the session: `create_tables`, `ensure_ascii` and the names of the tables.
        """
        settings = dict(engine_kwargs or {})
        is_sqlite = sa.make_url(url).get_backend_name() == "sqlite"
        if is_sqlite:
            settings["connect_args"] = {"timeout": _SQLITE_TIMEOUT_S, **settings.get("connect_args", {})}
        engine = create_async_engine(url, **settings)
        if is_sqlite:
            event.listen(engine.sync_engine, "connect", _use_wal)
        return cls(session_id, engine=engine, session_settings=session_settings, **kwargs)

    @property
    def engine(self) -> AsyncEngine:
        """The database."""
        return self._engine

    async def get_items(self, limit: int | None = None) -> list[_items.TResponseInputItem]:
        """The latest `limit` items, oldest first; by default as `session_settings` say, else all. 0 is none."""
        count = resolve_session_limit(limit, self.session_settings)
        if count == 0:
            return []
        return decode_items(await settled(self._texts(count)), self._where)

    async def _texts(self, count: int | None) -> list[str]:
        messages = self._messages.c
        query = sa.select(messages.message_data).where(messages.session_id == self.session_id)
        latest = query.order_by(messages.id.desc()).limit(None if count is None or count < 0 else count)
        await self._ensure_tables()
        async with self._connected(self._engine.connect) as connection:
            rows = (await connection.execute(latest)).scalars().all()
        return cast("list[str]", rows[::-1])

    async def add_items(self, items: list[_items.TResponseInputItem]) -> None:
        """Append a batch of items in one transaction.

        Raises:
            TypeError: an item holds something that is not JSON; nothing is stored.
        """
        if not items:
            return
        texts = encode_items(items, ensure_ascii=self._ensure_ascii)
        rows = [{"session_id": self.session_id, "message_data": text} for text in texts]
        await settled(self._add(rows))

    async def _add(self, rows: list[dict[str, str]]) -> None:
        await self._ensure_tables()
        async with self._connected(self._engine.begin) as connection:
            if not await self._lock(connection):
                try:
                    async with connection.begin_nested():
                        await connection.execute(self._sessions.insert().values(session_id=self.session_id))
                except IntegrityError:
                    # Somebody else was first, and has stored a batch.
                    await self._lock(connection)
            await connection.execute(self._messages.insert(), rows)

    async def pop_item(self) -> _items.TResponseInputItem | None:
        """Remove the latest item and return it; None where there is none."""
        while True:
            text = await settled(self._pop())
            if text is None:
                return None
            item = decode_item(text, self._where)
            if item is not None:
                return item

    async def _pop(self) -> str | None:
        messages = self._messages.c
        query = sa.select(messages.id, messages.message_data).where(messages.session_id == self.session_id)
        await self._ensure_tables()
        async with self._connected(self._engine.begin) as connection:
            if not await self._lock(connection):
                return None
            row = (await connection.execute(query.order_by(messages.id.desc()).limit(1))).first()
            if row is None:
                return None
            await connection.execute(self._messages.delete().where(messages.id == row.id))
            return cast("str", row.message_data)

    async def clear_session(self) -> None:
        """Remove all items, and the conversation's own row."""
        await settled(self._clear())

    async def _clear(self) -> None:
        await self._ensure_tables()
        async with self._connected(self._engine.begin) as connection:
            await self._lock(connection)
            for table in (self._messages, self._sessions):
                await connection.execute(table.delete().where(table.c.session_id == self.session_id))

    async def rewrite_items(
        self, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
    ) -> bool:
        """Replace the oldest items by `after` in one transaction, if they are `before`; those behind them stay.

        Returns whether it was done.

        Raises:
            TypeError: an item of `after` holds something that is not JSON; nothing is changed.
        """
        return await settled(self._rewrite(before, encode_items(after, ensure_ascii=self._ensure_ascii)))

    async def _rewrite(self, before: list[_items.TResponseInputItem], after: list[str]) -> bool:
        messages = self._messages.c
        query = sa.select(messages.message_data).where(messages.session_id == self.session_id)
        await self._ensure_tables()
        async with self._connected(self._engine.begin) as connection:
            if not await self._lock(connection):
                # Nothing was ever added.
                return False
            texts = (await connection.execute(query.order_by(messages.id))).scalars().all()
            kept = rewritten(cast("list[str]", texts), before, after, self._where)
            if kept is None:
                return False
            await connection.execute(self._messages.delete().where(messages.session_id == self.session_id))
            rows = [{"session_id": self.session_id, "message_data": text} for text in kept]
            if rows:
                await connection.execute(self._messages.insert(), rows)
            return True

    async def _lock(self, connection: AsyncConnection) -> bool:
        """Lock the conversation's row to the end of the transaction; whether there is one."""
        change = self._sessions.update().where(self._sessions.c.session_id == self.session_id)
        done = await connection.execute(change.values(updated_at=sa.func.current_timestamp()))
        return done.rowcount > 0

    @asynccontextmanager
    async def _connected(self, connect: Callable[[], Any]) -> AsyncGenerator[AsyncConnection]:
        """A connection, alone where the engine has only one."""
        engine = self._engine.sync_engine
        if not isinstance(engine.pool, StaticPool):
            async with connect() as connection:
                yield connection
            return
        async with _single_connections.setdefault(engine, asyncio.Lock()), connect() as connection:
            yield connection

    async def _ensure_tables(self) -> None:
        """Make the tables that are not there, if that was asked for. Any number of processes may do so at once."""
        for attempt in range(_CREATION_ATTEMPTS):
            if self._has_tables:
                return
            try:
                async with self._connected(self._engine.begin) as connection:
                    await connection.run_sync(self._sessions.metadata.create_all)
            except DBAPIError:
                # Another one was making them: they were not there when it was looked, and were when they were made.
                if attempt + 1 == _CREATION_ATTEMPTS:
                    raise
            else:
                self._has_tables = True

    @property
    def _where(self) -> str:
        return f"session {self.session_id!r} in {self._messages.name}"


def _tables(sessions_table: str, messages_table: str) -> tuple[sa.Table, sa.Table]:
    metadata = sa.MetaData()
    now = sa.text("CURRENT_TIMESTAMP")
    sessions = sa.Table(
        sessions_table,
        metadata,
        sa.Column("session_id", sa.String, primary_key=True),
        sa.Column("created_at", sa.TIMESTAMP, server_default=now, nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP, server_default=now, nullable=False),
    )
    messages = sa.Table(
        messages_table,
        metadata,
        # SQLite counts up in the type of this name only, which has 64 bits there.
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column(
            "session_id",
            sa.String,
            sa.ForeignKey(f"{sessions_table}.session_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("message_data", sa.Text, nullable=False),
        sa.Column("created_at", sa.TIMESTAMP, server_default=now, nullable=False),
        sa.Index(f"idx_{messages_table}_session_time", "session_id", "created_at"),
        sqlite_autoincrement=True,
    )
    return sessions, messages


def _use_wal(connection: Any, _: object) -> None:
    """Let those that read and the one that writes not wait for each other, on each new connection to SQLite."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()
