"""What receives traces and spans, and what carries them elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from .._lazy import lazy_module

if TYPE_CHECKING:
    from . import spans as _spans
    from . import traces as _traces
else:
    _spans = lazy_module("agents.tracing.spans")
    _traces = lazy_module("agents.tracing.traces")


class TracingProcessor(ABC):
    """Is told when traces and spans start and end.

    Calls come synchronously, on whatever thread or task the span is on, so an
    implementation is thread-safe and quick: it queues, and exports elsewhere. What it
    raises is logged and reaches neither the run nor other processors. Register it with
    `add_trace_processor` or `set_trace_processors`.
    """

    @abstractmethod
    def on_trace_start(self, trace: _traces.Trace) -> None:
        """A trace has started; it is not yet current."""

    @abstractmethod
    def on_trace_end(self, trace: _traces.Trace) -> None:
        """A trace has ended, after all of its spans."""

    @abstractmethod
    def on_span_start(self, span: _spans.Span[Any]) -> None:
        """A span has started; it is not yet current and its data may be incomplete."""

    @abstractmethod
    def on_span_end(self, span: _spans.Span[Any]) -> None:
        """A span has ended: its data, error and times are final."""

    @abstractmethod
    def shutdown(self) -> None:
        """The process ends: finish what is queued and release resources."""

    @abstractmethod
    def force_flush(self) -> None:
        """Deliver what is queued before returning."""


class TracingExporter(ABC):
    """Carries finished traces and spans out of the process, or to a log."""

    @abstractmethod
    def export(self, items: list[_traces.Trace | _spans.Span[Any]]) -> None:
        """Deliver `items`, in the order they were queued."""
