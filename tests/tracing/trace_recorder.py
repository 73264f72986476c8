"""A processor that keeps what it is told, for the tests of tracing."""

from __future__ import annotations

from typing import Any

from agents.tracing import Span, Trace, TracingProcessor


class Recorder(TracingProcessor):
    """Keeps every call in order: its name, and the trace or span."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.traces: list[Trace] = []
        self.spans: list[Span[Any]] = []

    def on_trace_start(self, trace: Trace) -> None:
        self.calls.append(f"start {trace.name}")

    def on_trace_end(self, trace: Trace) -> None:
        self.calls.append(f"end {trace.name}")
        self.traces.append(trace)

    def on_span_start(self, span: Span[Any]) -> None:
        self.calls.append(f"start {span.span_data.name}")

    def on_span_end(self, span: Span[Any]) -> None:
        self.calls.append(f"end {span.span_data.name}")
        self.spans.append(span)

    def shutdown(self) -> None:
        self.calls.append("shutdown")

    def force_flush(self) -> None:
        self.calls.append("flush")


class Failing(Recorder):
    """Raises from every call."""

    def on_trace_start(self, trace: Trace) -> None:
        raise RuntimeError("secret")

    def on_trace_end(self, trace: Trace) -> None:
        raise RuntimeError("secret")

    def on_span_start(self, span: Span[Any]) -> None:
        raise RuntimeError("secret")

    def on_span_end(self, span: Span[Any]) -> None:
        raise RuntimeError("secret")

    def shutdown(self) -> None:
        raise RuntimeError("secret")

    def force_flush(self) -> None:
        raise RuntimeError("secret")
