"""A processor that keeps what it is told of runs, for the tests of their spans."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from agents.tracing import Span, Trace, TracingProcessor, get_trace_provider, set_trace_provider
from agents.tracing.provider import DefaultTraceProvider


class Notes(TracingProcessor):
    """Keeps the spans and the order in which everything started and ended."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.traces: list[Trace] = []
        self.spans: list[Span[Any]] = []

    def on_trace_start(self, trace: Trace) -> None:
        self.order.append(f"+ trace {trace.name}")
        self.traces.append(trace)

    def on_trace_end(self, trace: Trace) -> None:
        self.order.append(f"- trace {trace.name}")

    def on_span_start(self, span: Span[Any]) -> None:
        self.order.append(f"+ {kind(span)}")
        self.spans.append(span)

    def on_span_end(self, span: Span[Any]) -> None:
        self.order.append(f"- {named(span)}")

    def shutdown(self) -> None:
        pass

    def force_flush(self) -> None:
        pass

    def tree(self) -> list[str]:
        """The spans in the order of their start, each indented below its parent."""
        depth: dict[str, int] = {}
        lines: list[str] = []
        for span in self.spans:
            depth[span.span_id] = depth.get(span.parent_id or "", -1) + 1
            lines.append("  " * depth[span.span_id] + named(span))
        return lines

    def only(self, wanted: str) -> Span[Any]:
        [span] = [span for span in self.spans if kind(span) == wanted]
        return span

    def data(self, wanted: str) -> list[dict[str, Any]]:
        return [export(span) for span in self.spans if kind(span) == wanted]

    def form(self) -> list[Any]:
        """Everything but ids and times."""
        errors = [span.error for span in self.spans]
        return [self.order, self.tree(), [export(span) for span in self.spans], errors]


def export(span: Span[Any]) -> dict[str, Any]:
    data = span.span_data.export()
    assert data is not None
    return data


def kind(span: Span[Any]) -> str:
    return span.span_data.type


def named(span: Span[Any]) -> str:
    data = export(span)
    name = data.get("to_agent") if kind(span) == "handoff" else data.get("name")
    return kind(span) if kind(span) in {"task", "turn", "generation"} else f"{kind(span)} {name}"


@contextmanager
def processing(processor: TracingProcessor, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Make `processor` the only one of a fresh provider, that of the process for the length of the block."""
    monkeypatch.delenv("OPENAI_AGENTS_DISABLE_TRACING", raising=False)
    before = get_trace_provider()
    provider = DefaultTraceProvider()
    provider.set_processors([processor])
    set_trace_provider(provider)
    try:
        yield
    finally:
        set_trace_provider(before)
