"""SQLite off the event loop: for each file of this process one thread with one connection.

Rules:

1. Only the database's own thread touches its connection; work is done in the order in which it was asked for.
2. What runs alone in that thread is one piece of work: a cancelled one that had begun goes on to its end.
3. Any number of threads and event loops may ask; other processes are waited for, up to `BUSY_TIMEOUT_S`.
4. A forgotten session may be collected anywhere, also where its thread holds a lock that handing work to another thread
   needs. So all that is done there is `put` of a `SimpleQueue`, which is made for that; one thread does the rest.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

BUSY_TIMEOUT_S = 60.0
"""How long a transaction waits for those of other processes before it fails."""

_RETRY_EVERY_S = 0.01

T = TypeVar("T")


class SQLiteDatabase:
    """A database and the thread that uses it; made by `open_database`, let go of with `close_database`."""

    def __init__(self, path: str, worker: ThreadPoolExecutor, *, owns_worker: bool) -> None:
        self.path = path
        self.prepared: set[object] = set()
        """What has been created in it; whoever creates keeps it here, in the database's thread."""
        self.users = 0
        self._pid = os.getpid()
        self._worker = worker
        self._owns_worker = owns_worker
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @property
    def is_of_this_process(self) -> bool:
        """Whether it was opened here, and not in the process that this one was forked from."""
        return os.getpid() == self._pid

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have `work` done in the database's thread.

        Cancelled before it began, it is not done; after that it is, and whatever is asked for later sees it done.

        Raises:
            sqlite3.OperationalError: the file cannot be opened, or others kept it locked for too long.
            RuntimeError: this process was forked from the one that opened the database.
        """
        if not self.is_of_this_process:
            raise RuntimeError(
                f"The SQLite database {self.path!r} was opened before this process was forked, and neither its thread"
                " nor its connection is usable here. Make a new session in the process that uses it."
            )
        return await asyncio.wrap_future(self._worker.submit(self._work, work))

    def close(self) -> Future[None] | None:
        """Close the connection after what was asked for so far, and end the thread; None: it is closed already."""
        try:
            closing = self._worker.submit(self._disconnect)
        except RuntimeError:
            # The interpreter is ending and has ended all workers: nobody else uses the connection.
            self._disconnect()
            return None
        if self._owns_worker:
            self._worker.shutdown(wait=False)
        return closing

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return work(self._current_connection())

    def _current_connection(self) -> sqlite3.Connection:
        if self._connection is not None and self._file != self._file_now():
            # The file was removed or replaced: what is written to the old one nobody would find.
            self._disconnect()
        if self._connection is None:
            self._connection = _connect(self.path)
            self._file = self._file_now()
        return self._connection

    def _file_now(self) -> tuple[int, int] | None:
        if not is_file(self.path):
            return None
        try:
            found = Path(self.path).stat()
        except FileNotFoundError:
            return None
        return (found.st_dev, found.st_ino)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self.prepared.clear()
        if connection is not None:
            connection.close()


def is_file(path: str) -> bool:
    """Whether SQLite keeps this database in a file that others can open too."""
    return path not in {":memory:", ""}


def _connect(path: str) -> sqlite3.Connection:
    # Autocommit: `transaction` says where a transaction begins. Threads: see rule 1.
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        _set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            # Readers and the one writer do not wait for each other. It stays so for the file.
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            # This one lock SQLite does not wait for by itself.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_EVERY_S)
        else:
            return


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """One transaction that writes: all of it is stored, or nothing where anything is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_lock = threading.RLock()
"""Held while the tables below change. As the interpreter ends, a session may be collected in between, in one thread."""
_shared: dict[tuple[int, str], SQLiteDatabase] = {}
_memory_workers: dict[int, ThreadPoolExecutor] = {}
_forgotten: dict[int, queue.SimpleQueue[SQLiteDatabase | None]] = {}
"""By process: what forgotten sessions used. None is the end."""


def open_database(path: str) -> SQLiteDatabase:
    """The database at an absolute path, the same one for all who have it open; `:memory:` is a new one each time.

    Nothing is opened before the first `run`.
    """
    pid = os.getpid()
    with _lock:
        if pid not in _forgotten:
            _forgotten[pid] = queue.SimpleQueue()
            closer = threading.Thread(
                target=_close_forgotten, args=[_forgotten[pid]], name="agents-sqlite-forgotten", daemon=True
            )
            closer.start()
            atexit.register(_end, pid, closer)
        if is_file(path):
            database = _shared.get((pid, path))
            if database is None:
                database = _shared[pid, path] = SQLiteDatabase(path, _new_worker(), owns_worker=True)
        else:
            if pid not in _memory_workers:
                _memory_workers[pid] = _new_worker()
            database = SQLiteDatabase(path, _memory_workers[pid], owns_worker=False)
        database.users += 1
    return database


def close_database(database: SQLiteDatabase) -> Future[None] | None:
    """Let go of a database. The last one to do so closes it; then what is returned is done when it is closed."""
    with _lock:
        database.users -= 1
        if database.users:
            return None
        for key in [key for key, shared in _shared.items() if shared is database]:
            del _shared[key]
    return database.close()


def forget_database(database: SQLiteDatabase) -> None:
    """Let go of a database where a session is collected, in the middle of whatever its thread is doing."""
    if not database.is_of_this_process:
        # Copied by a fork, as its locks are: whoever opened it closes it.
        return
    forgotten = _forgotten.get(os.getpid())
    if forgotten is None:
        # The interpreter is ending: nobody is in the middle of anything.
        close_database(database)
    else:
        forgotten.put(database)


def _close_forgotten(forgotten: queue.SimpleQueue[SQLiteDatabase | None]) -> None:
    while (database := forgotten.get()) is not None:
        close_database(database)


def _end(pid: int, closer: threading.Thread) -> None:
    """Have all that was forgotten closed, before the interpreter ends."""
    if pid == os.getpid():
        _forgotten.pop(pid).put(None)
        closer.join()


def _new_worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="agents-sqlite")
