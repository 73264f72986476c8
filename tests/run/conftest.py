from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture
def default_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop that the main thread has while no test runs one; closed after the test."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    if not loop.is_closed():
        loop.close()
    asyncio.set_event_loop(None)
