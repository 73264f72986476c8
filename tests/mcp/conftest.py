from __future__ import annotations

from collections.abc import Iterator

import pytest

from mcp_servers import children


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Whatever a test does to its servers, none of their processes outlives it."""
    before = children()
    yield
    assert children() - before == set()
