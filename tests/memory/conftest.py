from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents import SQLiteSession


@pytest.fixture
def opened() -> Iterator[Callable[..., SQLiteSession]]:
    """Makes SQLite sessions, which are closed behind the test."""
    sessions: list[SQLiteSession] = []

    def make(*arguments: Any, **keywords: Any) -> SQLiteSession:
        sessions.append(SQLiteSession(*arguments, **keywords))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()
