"""Sessions in SQLite: the kit, one file for many, and processes that are killed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from agents import SessionSettings, SQLiteSession
from agents.memory import _sqlite_database
from agents.testing import SessionCheck, session_checks


def said(text: str) -> Any:
    return {"role": "user", "content": text}


def is_open(path: Path) -> bool:
    """Whether this process has a database open, or is still to close it for somebody."""
    return (os.getpid(), str(path)) in _sqlite_database._shared  # pyright: ignore[reportPrivateUsage] (nobody else knows)


def open_descriptors() -> int:
    """How many files this process has open; 0 where the system does not say."""
    directory = Path("/proc/self/fd")
    return len(list(directory.iterdir())) if directory.exists() else 0


async def texts(session: SQLiteSession) -> list[str]:
    items: list[Any] = list(await session.get_items())
    return [item["content"] for item in items]


@pytest.mark.parametrize("check", session_checks(), ids=str)
async def test_a_session_in_a_file_passes(
    check: SessionCheck, opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    await check(lambda session_id: opened(session_id, tmp_path / "sessions.db"))


@pytest.mark.parametrize("check", session_checks(reopens=False), ids=str)
async def test_a_session_in_memory_passes(check: SessionCheck, opened: Callable[..., SQLiteSession]) -> None:
    await check(opened)


async def test_the_event_loop_is_never_blocked(tmp_path: Path) -> None:
    with blockbuster_ctx():
        session = SQLiteSession("a", tmp_path / "sessions.db")
        await session.add_items([said("1"), said("2")])
        assert len(await session.get_items()) == 2
        await session.pop_item()
        await session.clear_session()
        session.close()


async def test_200_writers_at_once_on_one_file_lose_nothing(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    path = tmp_path / "sessions.db"
    own = [opened(f"own {number}", path) for number in range(100)]
    shared = [opened("shared", path) for _ in range(100)]

    async def write(number: int, session: SQLiteSession) -> None:
        for batch in range(5):
            await session.add_items([said(f"{number} {batch} {part}") for part in range(2)])

    await asyncio.gather(*(write(number, session) for number, session in enumerate([*own, *shared])))
    for number, session in enumerate(own):
        assert await texts(session) == [f"{number} {batch} {part}" for batch in range(5) for part in range(2)]
    found = await texts(shared[0])
    assert sorted(found) == sorted(
        f"{n} {b} {p}" for n in range(100, 200) for b in range(5) for p in range(2)
    )
    assert all(first[:-1] == second[:-1] for first, second in zip(found[::2], found[1::2], strict=True))


WRITER = """
import asyncio, sys
from agents import SQLiteSession

async def main(path, name, batches):
    session = SQLiteSession("shared", path)
    for batch in range(batches):
        await session.add_items([{"role": "user", "content": f"{name} {batch} {part}"} for part in range(4)])
        print(batch, flush=True)
    session.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@contextlib.contextmanager
def writing(path: Path, name: str, batches: int) -> Generator[subprocess.Popen[str]]:
    """A process that adds batches of four items and prints the number of each when it is stored."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(batches)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_processes_that_write_to_one_new_file_lose_nothing(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    path = tmp_path / "sessions.db"
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(writing(path, name, 25)) for name in "abcdef"]
        outputs = await asyncio.gather(*(asyncio.to_thread(one.communicate, timeout=90) for one in processes))
    assert [one.returncode for one in processes] == [0] * 6
    assert all(len(output.split()) == 25 for output, _ in outputs)
    found = await texts(opened("shared", path))
    assert sorted(found) == sorted(f"{n} {b} {p}" for n in "abcdef" for b in range(25) for p in range(4))
    assert [text[-1] for text in found] == ["0", "1", "2", "3"] * 150


async def test_a_process_killed_while_it_writes_leaves_whole_batches(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    path = tmp_path / "sessions.db"
    survivor = opened("shared", path)
    acknowledged: list[str] = []
    for name in "abcde":
        with writing(path, name, 1_000_000) as process:
            assert process.stdout is not None
            told = [await asyncio.to_thread(process.stdout.readline) for _ in range(20)]
            process.send_signal(signal.SIGKILL)
            told += await asyncio.to_thread(process.stdout.readlines)
        assert process.returncode == -signal.SIGKILL
        acknowledged += [f"{name} {batch.strip()}" for batch in told if batch.endswith("\n")]
        # Nobody has to repair anything.
        await survivor.add_items([said(f"survivor {name} {part}") for part in range(4)])

    found = await texts(survivor)
    starts = [text.rpartition(" ")[0] for text in found[::4]]
    assert found == [f"{start} {part}" for start in starts for part in range(4)]
    assert [start for start in acknowledged if start not in starts] == []
    assert len(starts) - len(acknowledged) - 5 in range(6)


async def test_several_event_loops_can_use_one_session(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    session = opened("a", tmp_path / "sessions.db")
    begin = threading.Barrier(4)

    def work(name: str) -> None:
        async def write() -> None:
            begin.wait(timeout=30)
            for number in range(10):
                await session.add_items([said(f"{name} {number}")])

        asyncio.run(write())

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    assert sorted(await texts(session)) == sorted(
        f"{name} {number}" for name in "abcd" for number in range(10)
    )


async def test_calls_of_one_session_are_done_in_their_order(opened: Callable[..., SQLiteSession]) -> None:
    session = opened("a")
    *_, found = await asyncio.gather(*(session.add_items([said(str(n))]) for n in range(50)), texts(session))
    assert found == [str(number) for number in range(50)]


async def test_sessions_of_one_file_share_a_thread_and_a_connection(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    # The first session of a process starts the thread that closes forgotten ones, too.
    opened("first", tmp_path / "first.db")
    await opened("first", tmp_path / "first.db").get_items()
    before = threading.active_count()
    descriptors = open_descriptors()
    sessions = [opened(str(number), tmp_path / "sessions.db") for number in range(50)]
    await asyncio.gather(*(session.add_items([said("x")]) for session in sessions))
    assert threading.active_count() <= before + 1
    assert open_descriptors() <= descriptors + 4


class TestClosing:
    async def test_is_final_and_can_be_repeated(self, tmp_path: Path) -> None:
        session = SQLiteSession("a", tmp_path / "sessions.db")
        await session.add_items([said("1")])
        session.close()
        session.close()
        calls = [session.get_items, session.pop_item, session.clear_session, lambda: session.add_items([])]
        for call in calls:
            with pytest.raises(RuntimeError, match="SQLiteSession is closed"):
                await call()

    async def test_leaves_what_was_asked_for_before(
        self, opened: Callable[..., SQLiteSession], tmp_path: Path
    ) -> None:
        session = SQLiteSession("a", tmp_path / "sessions.db")
        adding = [asyncio.ensure_future(session.add_items([said(str(number))])) for number in range(20)]
        await adding[0]
        session.close()
        await asyncio.gather(*adding)
        assert len(await texts(opened("a", tmp_path / "sessions.db"))) == 20

    async def test_leaves_other_sessions_of_the_file_alone(
        self, opened: Callable[..., SQLiteSession], tmp_path: Path
    ) -> None:
        one, other = SQLiteSession("a", tmp_path / "sessions.db"), opened("b", tmp_path / "sessions.db")
        await one.add_items([said("1")])
        await other.add_items([said("2")])
        one.close()
        assert await texts(other) == ["2"]

    def test_outside_a_loop_waits_until_the_file_is_closed(self, tmp_path: Path) -> None:
        session = SQLiteSession("a", tmp_path / "sessions.db")
        asyncio.run(session.add_items([said("1")]))
        session.close()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["sessions.db"]

    def test_comes_by_itself_when_the_session_is_forgotten(self, tmp_path: Path) -> None:
        session = SQLiteSession("a", tmp_path / "sessions.db")
        asyncio.run(session.add_items([said("1")]))
        assert is_open(tmp_path / "sessions.db")
        del session
        gc.collect()
        ends_at = time.monotonic() + 30
        while is_open(tmp_path / "sessions.db"):
            assert time.monotonic() < ends_at, "the file is still open"
            time.sleep(0.001)

    def test_by_itself_may_come_while_the_thread_hands_work_to_another(self) -> None:
        program = Path(__file__).with_name("forgetting.py")
        done = subprocess.run(
            [sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.stdout, done.stderr) == ("done\n", "")

    @pytest.mark.parametrize("forget", ["", "del session"])
    def test_comes_by_itself_when_the_interpreter_ends(self, tmp_path: Path, forget: str) -> None:
        program = f"""if True:
            import asyncio
            from agents import SQLiteSession
            session = SQLiteSession("a", "sessions.db")
            asyncio.run(session.add_items([dict(role="user", content="1")]))
            {forget}
        """
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["sessions.db"]

    def test_of_a_session_that_was_never_used_makes_no_file(self, tmp_path: Path) -> None:
        SQLiteSession("a", tmp_path / "sessions.db").close()
        assert list(tmp_path.iterdir()) == []


async def test_a_failing_write_lets_others_write(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    path = tmp_path / "sessions.db"
    session = opened("a", path)
    await session.add_items([said("1")])
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON agent_messages WHEN new.message_data LIKE '%bad%'"
            " BEGIN SELECT raise(ABORT, 'refused'); END"
        )
    with pytest.raises(sqlite3.IntegrityError, match="refused"):
        await session.add_items([said("good"), said("bad")])
    await opened("b", path).add_items([said("2")])
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection, connection:
        connection.execute("UPDATE agent_sessions SET updated_at = 0")
    assert await texts(session) == ["1"]


async def test_a_file_that_cannot_be_opened_says_so_at_the_first_use(tmp_path: Path) -> None:
    session = SQLiteSession("a", tmp_path / "missing" / "sessions.db")
    with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
        await session.get_items()
    (tmp_path / "missing").mkdir()
    assert await session.get_items() == []
    session.close()


def remove_files(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()


async def test_a_file_that_was_removed_is_made_anew(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    path = tmp_path / "sessions.db"
    session = opened("a", path)
    await session.add_items([said("old")])
    remove_files(tmp_path)
    await session.add_items([said("new")])
    assert await texts(opened("a", path)) == await texts(session) == ["new"]


async def test_a_damaged_row_is_left_out_and_told_of(
    opened: Callable[..., SQLiteSession], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "sessions.db"
    session = opened("a", path)
    await session.add_items([said("1"), said("2"), said("3")])
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE agent_messages SET message_data = '{\"ro' WHERE id = 2")
        connection.execute("UPDATE agent_messages SET message_data = '7' WHERE id = 3")
    assert await texts(session) == ["1"]
    assert await session.pop_item() == said("1")
    assert (
        caplog.messages
        == [f"An item of session 'a' in agent_messages of {path} is left out: it is no JSON object"] * 4
    )


async def test_tables_can_have_any_name(opened: Callable[..., SQLiteSession], tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    session = opened("a", path, 'my "sessions"; --', "order")
    await session.add_items([said("1")])
    other = opened("a", path)
    assert (await texts(session), await texts(other)) == (["1"], [])


async def test_settings_may_be_a_dict(opened: Callable[..., SQLiteSession]) -> None:
    session = opened("a", session_settings={"limit": 1})
    await session.add_items([said("1"), said("2")])
    assert session.session_settings == SessionSettings(limit=1)
    assert await texts(session) == ["2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_session_used_before_a_fork_says_that_it_cannot_go_on(tmp_path: Path) -> None:
    program = """
import asyncio, os, sys, warnings
from agents import SQLiteSession
session = SQLiteSession("a", sys.argv[1])
asyncio.run(session.add_items([{"role": "user", "content": "1"}]))
warnings.simplefilter("ignore")
child = os.fork()
if not child:
    try:
        asyncio.run(session.get_items())
    except RuntimeError as error:
        own = asyncio.run(SQLiteSession("a", sys.argv[1]).get_items())
        print(len(own), error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "sessions.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("1 The SQLite database ")
    assert "was opened before this process was forked" in done.stdout


async def test_files_of_openai_agents_are_read_and_written(
    opened: Callable[..., SQLiteSession], tmp_path: Path
) -> None:
    path = tmp_path / "sessions.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE agent_sessions (session_id TEXT PRIMARY KEY, created_at, updated_at)"
        )
        connection.execute(
            "CREATE TABLE agent_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL,"
            " message_data TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
        )
        row = ("a", json.dumps(said("é")))
        connection.execute("INSERT INTO agent_sessions (session_id) VALUES ('a')")
        connection.execute("INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)", row)
    session = opened("a", path)
    await session.add_items([said("2")])
    assert await texts(session) == ["é", "2"]
