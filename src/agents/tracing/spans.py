"""Spans: one timed operation of a trace.

1. `start` and `finish` take effect once; a second call is a warning in the log.
2. A `with` block never fails for its closing in another context; an explicit
   `finish(reset_current=True)` there raises `ValueError` after the span has ended.
3. A span that is not recorded is a `NoOpSpan`: same interface, ids `no-op`, no processor calls.
"""
# ruff: noqa: D102  (overrides: the abstract class says what each does)

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextvars import Token
from types import TracebackType
from typing import Any, Generic, Self, TypedDict, TypeVar

from .logger import logger
from .processor_interface import TracingProcessor
from .scope import Scope, current_span, leave_span
from .span_data import SpanData
from .util import format_time, gen_span_id

TSpanData = TypeVar("TSpanData", bound=SpanData)


class SpanError(TypedDict):
    """What went wrong in a span: a message for people, and details for programs."""

    message: str
    data: dict[str, Any] | None


class Span(ABC, Generic[TSpanData]):
    """One timed operation of a trace.

    Use it in a `with` block, which also makes it the parent of spans created inside, or
    call `start` and `finish` yourself. Times are ISO 8601 strings in UTC, None until known.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def trace_id(self) -> str:
        """The id of the trace it belongs to."""

    @property
    @abstractmethod
    def span_id(self) -> str:
        """Its own id."""

    @property
    @abstractmethod
    def span_data(self) -> TSpanData:
        """What the operation is; fill it in while the span is open."""

    @property
    @abstractmethod
    def parent_id(self) -> str | None:
        """The id of the span it is part of, None directly under the trace."""

    @abstractmethod
    def start(self, mark_as_current: bool = False) -> None:
        """Start it; with `mark_as_current`, new spans of this context become its children."""

    @abstractmethod
    def finish(self, reset_current: bool = False) -> None:
        """End it; with `reset_current`, the span that was current before its start is so again.

        Raises:
            ValueError: `reset_current` in another context than that of `start`. The span has ended all the same.
        """

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...

    @abstractmethod
    def set_error(self, error: SpanError) -> None:
        """Say what went wrong; the last call counts."""

    @property
    @abstractmethod
    def error(self) -> SpanError | None:
        """What went wrong, None if nothing did."""

    @abstractmethod
    def export(self) -> dict[str, Any] | None:
        """The JSON-shaped form for a tracing backend, None if there is nothing to export."""

    @property
    @abstractmethod
    def started_at(self) -> str | None:
        """When it started."""

    @property
    @abstractmethod
    def ended_at(self) -> str | None:
        """When it ended."""

    @property
    @abstractmethod
    def tracing_api_key(self) -> str | None:
        """The key its trace is exported with, None for the exporter's own."""

    @property
    def trace_metadata(self) -> dict[str, Any] | None:
        """The metadata of its trace, for processors; it is not part of the export."""
        return None


class NoOpSpan(Span[TSpanData]):
    """A span that is not recorded; it can still be current, so that its children are not recorded either."""

    __slots__ = ("_span_data", "_token")

    def __init__(self, span_data: TSpanData) -> None:
        self._span_data = span_data
        self._token: Token[Span[Any] | None] | None = None

    @property
    def trace_id(self) -> str:
        return "no-op"

    @property
    def span_id(self) -> str:
        return "no-op"

    @property
    def span_data(self) -> TSpanData:
        return self._span_data

    @property
    def parent_id(self) -> str | None:
        return None

    def start(self, mark_as_current: bool = False) -> None:
        if mark_as_current and self._token is None:
            self._token = current_span.set(self)

    def finish(self, reset_current: bool = False) -> None:
        if reset_current and self._token is not None:
            Scope.reset_current_span(self._token)
            self._token = None

    def __enter__(self) -> Self:
        self.start(mark_as_current=True)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._token is not None:
            leave_span(self._token)
            self._token = None

    def set_error(self, error: SpanError) -> None:
        pass

    @property
    def error(self) -> SpanError | None:
        return None

    def export(self) -> dict[str, Any] | None:
        return None

    @property
    def started_at(self) -> str | None:
        return None

    @property
    def ended_at(self) -> str | None:
        return None

    @property
    def tracing_api_key(self) -> str | None:
        return None


class SpanImpl(Span[TSpanData]):
    """A recorded span: tells its processor of its start and its end. Create it with a provider's `create_span`."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_ended_at_s",
        "_error",
        "_is_marked",
        "_parent_id",
        "_processor",
        "_span_data",
        "_span_id",
        "_started_at_s",
        "_token",
        "_trace_id",
        "_trace_metadata",
        "_tracing_api_key",
    )

    def __init__(
        self,
        trace_id: str,
        span_id: str | None,
        parent_id: str | None,
        processor: TracingProcessor,
        span_data: TSpanData,
        tracing_api_key: str | None,
        trace_metadata: dict[str, Any] | None = None,
    ) -> None:
        self._trace_id = trace_id
        # An empty id is no id.
        self._span_id = span_id or gen_span_id()
        self._parent_id = parent_id
        self._processor = processor
        self._span_data = span_data
        self._tracing_api_key = tracing_api_key
        self._trace_metadata = trace_metadata
        self._error: SpanError | None = None
        self._started_at_s: float | None = None
        self._ended_at_s: float | None = None
        self._token: Token[Span[Any] | None] | None = None
        self._is_marked = False

    @property
    def is_marked(self) -> bool:
        """Whether it is, or is about to be, the current span of the context in which it started."""
        return self._is_marked

    @property
    def trace_id(self) -> str:
        return self._trace_id

    @property
    def span_id(self) -> str:
        return self._span_id

    @property
    def span_data(self) -> TSpanData:
        return self._span_data

    @property
    def parent_id(self) -> str | None:
        return self._parent_id

    def start(self, mark_as_current: bool = False) -> None:
        if self._started_at_s is not None:
            logger.warning("Span already started")
            return
        self._started_at_s = time.time()
        self._is_marked = mark_as_current
        self._processor.on_span_start(self)
        if mark_as_current:
            self._token = current_span.set(self)

    def finish(self, reset_current: bool = False) -> None:
        self._end()
        if reset_current and self._token is not None:
            Scope.reset_current_span(self._token)
            self._token = None

    def __enter__(self) -> Self:
        self.start(mark_as_current=True)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._end()
        if self._token is not None:
            leave_span(self._token)
            self._token = None

    def _end(self) -> None:
        if self._ended_at_s is not None:
            logger.warning("Span already finished")
            return
        self._ended_at_s = time.time()
        self._processor.on_span_end(self)

    def set_error(self, error: SpanError) -> None:
        self._error = error

    @property
    def error(self) -> SpanError | None:
        return self._error

    def export(self) -> dict[str, Any] | None:
        return {
            "object": "trace.span",
            "id": self._span_id,
            "trace_id": self._trace_id,
            "parent_id": self._parent_id,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "span_data": self._span_data.export(),
            "error": self._error,
        }

    @property
    def started_at(self) -> str | None:
        return None if self._started_at_s is None else format_time(self._started_at_s)

    @property
    def ended_at(self) -> str | None:
        return None if self._ended_at_s is None else format_time(self._ended_at_s)

    @property
    def tracing_api_key(self) -> str | None:
        return self._tracing_api_key

    @property
    def trace_metadata(self) -> dict[str, Any] | None:
        return self._trace_metadata
