"""What the event loop must not do in generated runs."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx


@pytest.fixture(autouse=True)
def blocking_calls_are_errors() -> Generator[BlockBuster]:
    """Have our own code raise `BlockingError` where it would block the event loop.

    Generated runs have everything imported and no client to open, whose certificates are read with blocking calls.
    """
    with blockbuster_ctx("agents") as buster:
        yield buster
