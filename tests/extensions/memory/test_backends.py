"""Every session of the package passes the kit: with real servers, and in processes that are killed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from agents import SessionABC, SQLiteSession
from agents._ports.session import has_rewriting
from agents.extensions.memory import (
    AdvancedSQLiteSession,
    AsyncSQLiteSession,
    EncryptedSession,
    RedisSession,
    SQLAlchemySession,
)
from agents.testing import SessionCheck, session_checks

Opened = Callable[[str], SessionABC]
KEY = "a key"


@pytest_asyncio.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What is to be closed behind the test."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(
    params=[
        "async-sqlite",
        "encrypted",
        "redis",
        "encrypted-redis",
        "sqlalchemy-sqlite",
        "sqlalchemy-postgres",
    ]
)
async def opened(request: pytest.FixtureRequest, tmp_path: Path, stack: AsyncExitStack) -> Opened:
    """Opens sessions of one kind, in one store."""
    kind = str(request.param)
    if kind == "async-sqlite":
        return lambda name: closed_behind(stack, AsyncSQLiteSession(name, tmp_path / "sessions.db"))
    if kind == "advanced-sqlite":
        return lambda name: advanced(stack, name, tmp_path / "sessions.db")
    if kind == "encrypted":
        return lambda name: EncryptedSession(name, sqlite(stack, name, tmp_path), KEY)
    if kind.endswith("redis"):
        url = str(request.getfixturevalue("redis_url"))
        return lambda name: redis(stack, name, url, encrypted=kind.startswith("encrypted"))
    url = f"sqlite+aiosqlite:///{tmp_path}/sessions.db"
    if kind == "sqlalchemy-postgres":
        url = str(request.getfixturevalue("postgres_url"))
    return alchemy(stack, url)


def closed_behind(stack: AsyncExitStack, session: Any) -> Any:
    stack.push_async_callback(session.close)
    return session


def sqlite(stack: AsyncExitStack, name: str, directory: Path) -> SQLiteSession:
    session = SQLiteSession(name, directory / "sessions.db")
    stack.callback(session.close)
    return session


def advanced(stack: AsyncExitStack, name: str, path: Path | str) -> AdvancedSQLiteSession:
    session = AdvancedSQLiteSession(session_id=name, db_path=path, create_tables=True)
    stack.callback(session.close)
    return session


def redis(stack: AsyncExitStack, name: str, url: str, *, encrypted: bool = False) -> SessionABC:
    session = closed_behind(stack, RedisSession.from_url(name, url=url))
    return EncryptedSession(name, session, KEY) if encrypted else session


def alchemy(stack: AsyncExitStack, url: str) -> Opened:
    """Opens sessions that all use one engine; those of a test have tables of their own only in SQLite."""
    first = SQLAlchemySession.from_url("first", url=url, create_tables=True)
    stack.push_async_callback(first.engine.dispose)
    return lambda name: SQLAlchemySession(name, engine=first.engine, create_tables=True)


@pytest.mark.parametrize("check", session_checks(), ids=str)
async def test_every_session_passes(check: SessionCheck, opened: Opened) -> None:
    await check(opened)


def all_said(*texts: str) -> list[Any]:
    return [said(text) for text in texts]


async def rewrite(session: SessionABC, before: list[Any], after: list[Any]) -> bool:
    assert has_rewriting(session)
    return await session.rewrite_items(before, after)


async def test_those_that_can_rewrite_their_oldest_items_do_so_at_once(opened: Opened) -> None:
    session = opened(uuid.uuid4().hex)
    assert not await rewrite(session, all_said("nothing"), all_said("new"))
    await session.add_items(all_said("1", "2", "3"))
    assert not await rewrite(session, all_said("1", "3"), all_said("new"))
    assert not await rewrite(session, all_said("1", "2", "3", "4"), all_said("new"))
    assert await session.get_items() == all_said("1", "2", "3")
    assert await rewrite(session, all_said("1", "2"), all_said("new", "newer"))
    assert await session.get_items() == all_said("new", "newer", "3")
    assert await rewrite(session, all_said("new"), [])
    await session.add_items(all_said("4"))
    assert await session.get_items() == all_said("newer", "3", "4")


async def test_what_is_added_while_items_are_rewritten_stays(opened: Opened) -> None:
    name = uuid.uuid4().hex
    session = opened(name)
    await session.add_items(all_said("1", "2"))
    others = [opened(name) for _ in range(5)]
    done, *_ = await asyncio.gather(
        rewrite(session, all_said("1", "2"), all_said("new")),
        *(other.add_items(all_said(f"a{number}", f"b{number}")) for number, other in enumerate(others)),
    )
    assert done
    texts = [str(item["content"]) for item in cast("list[Any]", await session.get_items())]
    assert texts[0] == "new"
    pairs = sorted(zip(texts[1::2], texts[2::2], strict=True))
    assert pairs == [(f"a{number}", f"b{number}") for number in range(5)]


@pytest.mark.parametrize("check", session_checks(reopens=False), ids=str)
async def test_a_database_in_memory_passes(check: SessionCheck, stack: AsyncExitStack) -> None:
    await check(lambda name: closed_behind(stack, AsyncSQLiteSession(name)))
    await check(lambda name: advanced(stack, name, ":memory:"))
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    stack.push_async_callback(engine.dispose)
    await check(lambda name: SQLAlchemySession(name, engine=engine, create_tables=True))


def said(text: str) -> Any:
    return {"role": "user", "content": text}


async def texts(session: SessionABC) -> list[str]:
    items: list[Any] = list(await session.get_items())
    return [item["content"] for item in items]


WRITER = """
import asyncio, sys
from agents.extensions.memory import RedisSession, SQLAlchemySession

async def main(url, name, batches):
    if url.startswith("unix:"):
        session = RedisSession.from_url("shared", url=url)
    else:
        session = SQLAlchemySession.from_url("shared", url=url, create_tables=True)
    for batch in range(batches):
        await session.add_items([{"role": "user", "content": f"{name} {batch} {part}"} for part in range(4)])
        print(batch, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@contextlib.contextmanager
def writing(url: str, name: str, batches: int) -> Generator[subprocess.Popen[str]]:
    """A process that adds batches of four items and prints the number of each when it is stored."""
    command = [sys.executable, "-W", "ignore", "-c", WRITER, url, name, str(batches)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(params=["redis", "postgres", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/sessions.db"
    return str(request.getfixturevalue(f"{request.param}_url"))


async def test_processes_that_write_at_once_lose_nothing_and_a_killed_one_leaves_whole_batches(
    url: str, stack: AsyncExitStack
) -> None:
    session = redis(stack, "shared", url) if url.startswith("unix:") else alchemy(stack, url)("shared")
    with contextlib.ExitStack() as processes:
        whole = [processes.enter_context(writing(url, name, 20)) for name in "ab"]
        killed = processes.enter_context(writing(url, "k", 1_000_000))
        assert killed.stdout is not None
        told = [await asyncio.to_thread(killed.stdout.readline) for _ in range(10)]
        killed.send_signal(signal.SIGKILL)
        told += await asyncio.to_thread(killed.stdout.readlines)
        await asyncio.gather(*(asyncio.to_thread(one.communicate, timeout=60) for one in whole))
        assert [one.returncode for one in whole] == [0, 0]

    found = await texts(session)
    starts = [text.rpartition(" ")[0] for text in found[::4]]
    assert found == [f"{start} {part}" for start in starts for part in range(4)]
    acknowledged = [f"{name} {batch}" for name in "ab" for batch in range(20)]
    acknowledged += [f"k {batch.strip()}" for batch in told if batch.endswith("\n")]
    assert [start for start in acknowledged if start not in starts] == []
    assert len(starts) - len(acknowledged) in {0, 1}


async def test_a_cancelled_change_on_a_server_is_done_to_its_end_first(
    url: str, stack: AsyncExitStack
) -> None:
    session = redis(stack, "cancelled", url) if url.startswith("unix:") else alchemy(stack, url)("cancelled")
    await session.add_items([said("0")])
    for number in range(1, 6):
        adding = asyncio.ensure_future(session.add_items([said(str(number))]))
        for _ in range(number):
            await asyncio.sleep(0)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        assert await texts(session) == [str(done) for done in range(number + 1)]


MISSING = {
    "EncryptedSession": ("cryptography.fernet", "encrypt"),
    "RedisSession": ("redis.asyncio", "redis"),
    "SQLAlchemySession": ("sqlalchemy", "sqlalchemy"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_extra_says_what_to_install(name: str) -> None:
    module, extra = MISSING[name]
    program = f"""
import sys
sys.modules[{module!r}] = None
import agents.extensions.memory as memory
memory.AsyncSQLiteSession
try:
    memory.{name}
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == (
        f"{name} requires the '{extra}' extra. Install it with: pip install 'headrace[{extra}]'"
        f" (it is what openai-agents[{extra}] installs)\n"
    )


async def test_closing_an_async_session_is_final_and_can_be_repeated(tmp_path: Path) -> None:
    session = AsyncSQLiteSession("a", tmp_path / "sessions.db")
    await session.add_items([said("1")])
    await session.close()
    await session.close()
    with pytest.raises(RuntimeError, match="AsyncSQLiteSession is closed"):
        await session.add_items([])
    assert sorted(path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))) == [
        "sessions.db"
    ]
