from __future__ import annotations

import pytest

from hitl.desk import Book


@pytest.fixture
def book() -> Book:
    return Book()
