from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.tracing import get_trace_provider, set_trace_provider
from agents.tracing.provider import DefaultTraceProvider
from tracing.trace_recorder import Recorder


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[DefaultTraceProvider]:
    """A fresh provider, that of the process for one test."""
    monkeypatch.delenv("OPENAI_AGENTS_DISABLE_TRACING", raising=False)
    before = get_trace_provider()
    fresh = DefaultTraceProvider()
    set_trace_provider(fresh)
    yield fresh
    set_trace_provider(before)


@pytest.fixture
def recorder(provider: DefaultTraceProvider) -> Recorder:
    """The only processor of `provider`."""
    recorder = Recorder()
    provider.set_processors([recorder])
    return recorder
