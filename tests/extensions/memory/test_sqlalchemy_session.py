"""Sessions over SQLAlchemy: engines, tables, and what is stored."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from agents import SQLiteSession
from agents.extensions.memory import SQLAlchemySession


def said(text: str) -> Any:
    return {"role": "user", "content": text}


async def test_tables_that_are_not_there_are_made_only_when_asked_for(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/sessions.db"
    session = SQLAlchemySession.from_url("a", url=url)
    with pytest.raises(OperationalError, match="no such table: agent_sessions"):
        await session.add_items([said("1")])
    await session.engine.dispose()
    making = SQLAlchemySession.from_url("a", url=url, create_tables=True, session_settings={"limit": 1})
    await making.add_items([said("1"), said("2")])
    assert await making.get_items() == [said("2")]
    await making.engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_first_writes_at_once_make_the_tables_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/sessions.db"
    if kind == "postgres":
        url = str(request.getfixturevalue("postgres_url"))
    names: dict[str, Any] = {"sessions_table": "first_sessions", "messages_table": "first_messages"}
    sessions = [SQLAlchemySession.from_url("a", url=url, create_tables=True, **names) for _ in range(6)]
    await asyncio.gather(*(session.add_items([said(str(n))]) for n, session in enumerate(sessions)))
    items: list[Any] = list(await sessions[0].get_items())
    assert sorted(item["content"] for item in items) == list("012345")
    await asyncio.gather(*(session.engine.dispose() for session in sessions))


def test_one_session_can_be_used_from_one_event_loop_after_another(tmp_path: Path) -> None:
    async def add(text: str) -> list[Any]:
        session = SQLAlchemySession("a", engine=engine, create_tables=True)
        await session.add_items([said(text)])
        return list(await session.get_items())

    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/sessions.db")
    asyncio.run(add("1"))
    assert asyncio.run(add("2")) == [said("1"), said("2")]
    asyncio.run(engine.dispose())


async def test_the_engine_can_be_read_and_not_replaced() -> None:
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    session: Any = SQLAlchemySession("a", engine=engine)
    assert session.engine is engine
    with pytest.raises(AttributeError):
        session.engine = None
    await engine.dispose()


@pytest.mark.parametrize(("ensure_ascii", "stored"), [(True, '"\\u00e9"'), (False, '"é"')])
async def test_stored_json_is_ascii_unless_told_otherwise(
    tmp_path: Path, ensure_ascii: bool, stored: str
) -> None:
    path = tmp_path / "sessions.db"
    session = SQLAlchemySession.from_url(
        "a", url=f"sqlite+aiosqlite:///{path}", create_tables=True, ensure_ascii=ensure_ascii
    )
    await session.add_items([said("é")])
    async with session.engine.connect() as connection:
        text = (await connection.execute(sa.text("SELECT message_data FROM agent_messages"))).scalar_one()
    assert stored in text
    assert await session.get_items() == [said("é")]
    await session.engine.dispose()


async def test_its_file_is_that_of_an_sqlite_session_too(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    session = SQLAlchemySession.from_url("a", url=f"sqlite+aiosqlite:///{path}", create_tables=True)
    await session.add_items([said("1")])
    other = SQLiteSession("a", path)
    await other.add_items([said("2")])
    assert await session.get_items() == [said("1"), said("2")]
    other.close()
    await session.engine.dispose()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_failing_write_stores_nothing_and_lets_others_write(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/sessions.db"
    session = SQLAlchemySession.from_url("a", url=url, create_tables=True)
    await session.add_items([said("1")])
    async with session.engine.begin() as connection:
        await connection.execute(
            sa.text(
                "CREATE TRIGGER refuse BEFORE INSERT ON agent_messages WHEN new.message_data LIKE '%bad%'"
                " BEGIN SELECT raise(ABORT, 'refused'); END"
            )
        )
    with pytest.raises(IntegrityError, match="refused"):
        await session.add_items([said("good"), said("bad")])
    await session.add_items([said("2")])
    assert await session.get_items() == [said("1"), said("2")]
    await session.engine.dispose()
