"""Where traces and spans come from, and whom they are reported to.

1. Whether tracing is off is decided at first use and then kept; `set_disabled` decides anew.
2. What a processor raises is logged and goes nowhere else.
3. Processors may change at any time: each report goes to those registered at that moment.
"""
# ruff: noqa: D102  (overrides: the abstract class says what each does)

from __future__ import annotations

import inspect
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from . import util
from .config import TracingConfig
from .logger import logger
from .processor_interface import TracingProcessor
from .scope import current_span, current_trace
from .spans import NoOpSpan, Span, SpanImpl, TSpanData
from .traces import NoOpTrace, Trace, TraceImpl, metadata_of

_DISABLING_VALUES = frozenset({"1", "true"})


def _log_failure(message: str, processor: TracingProcessor, error: Exception) -> None:
    """Log what a processor raised: its text may quote traced data, so only debug logs show it."""
    logger.error("%s: %s raised %s", message, type(processor).__name__, type(error).__name__)
    logger.debug("Traceback of the trace processor", exc_info=error)


class SynchronousMultiTracingProcessor(TracingProcessor):
    """Passes every report on to several processors, in the order of their registration."""

    def __init__(self) -> None:
        # Replaced, never changed: reports iterate over it without the lock.
        self._processors: tuple[TracingProcessor, ...] = ()
        self._lock = threading.Lock()

    def add_tracing_processor(self, tracing_processor: TracingProcessor) -> None:
        """Report to `tracing_processor` as well, from now on."""
        with self._lock:
            self._processors = (*self._processors, tracing_processor)

    def set_processors(self, processors: list[TracingProcessor]) -> None:
        """Report to `processors` only, from now on; those before are neither flushed nor shut down."""
        with self._lock:
            self._processors = tuple(processors)

    def on_trace_start(self, trace: Trace) -> None:
        for processor in self._processors:
            try:
                processor.on_trace_start(trace)
            except Exception as error:  # noqa: BLE001  (rule 2)
                _log_failure("Error in trace processor during on_trace_start", processor, error)

    def on_trace_end(self, trace: Trace) -> None:
        for processor in self._processors:
            try:
                processor.on_trace_end(trace)
            except Exception as error:  # noqa: BLE001  (rule 2)
                _log_failure("Error in trace processor during on_trace_end", processor, error)

    def on_span_start(self, span: Span[Any]) -> None:
        for processor in self._processors:
            try:
                processor.on_span_start(span)
            except Exception as error:  # noqa: BLE001  (rule 2)
                _log_failure("Error in trace processor during on_span_start", processor, error)

    def on_span_end(self, span: Span[Any]) -> None:
        for processor in self._processors:
            try:
                processor.on_span_end(span)
            except Exception as error:  # noqa: BLE001  (rule 2)
                _log_failure("Error in trace processor during on_span_end", processor, error)

    def shutdown(self, timeout: float | None = None) -> None:
        """Shut all processors down; those whose `shutdown` takes a `timeout` share `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for processor in self._processors:
            try:
                _shut_down(processor.shutdown, deadline)
            except Exception as error:  # noqa: BLE001  (rule 2)
                _log_failure("Error shutting down trace processor", processor, error)

    def force_flush(self) -> None:
        for processor in self._processors:
            try:
                processor.force_flush()
            except Exception as error:  # noqa: BLE001  (rule 2)
                _log_failure("Error flushing trace processor", processor, error)


def _shut_down(shutdown: Callable[..., object], deadline: float | None) -> None:
    if deadline is not None and "timeout" in inspect.signature(shutdown).parameters:
        shutdown(timeout=max(0.0, deadline - time.monotonic()))
    else:
        shutdown()


class TraceProvider(ABC):
    """Creates traces and spans; install one with `set_trace_provider`."""

    @abstractmethod
    def register_processor(self, processor: TracingProcessor) -> None:
        """Report to `processor` as well, from now on."""

    @abstractmethod
    def set_processors(self, processors: list[TracingProcessor]) -> None:
        """Report to `processors` only, from now on."""

    @abstractmethod
    def get_current_trace(self) -> Trace | None:
        """The trace that new spans belong to, None outside any."""

    @abstractmethod
    def get_current_span(self) -> Span[Any] | None:
        """The span that new spans become children of, None outside any."""

    @abstractmethod
    def set_disabled(self, disabled: bool) -> None:
        """Turn tracing off or on, whatever the environment says."""

    @abstractmethod
    def time_iso(self) -> str:
        """The present time in ISO 8601."""

    @abstractmethod
    def gen_trace_id(self) -> str:
        """A new trace id."""

    @abstractmethod
    def gen_span_id(self) -> str:
        """A new span id."""

    @abstractmethod
    def gen_group_id(self) -> str:
        """A new group id."""

    @abstractmethod
    def create_trace(
        self,
        name: str,
        trace_id: str | None = None,
        group_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        disabled: bool = False,
        tracing: TracingConfig | None = None,
    ) -> Trace:
        """A new trace, not started; one that is not recorded where tracing is off or `disabled`."""

    @abstractmethod
    def create_span(
        self,
        span_data: TSpanData,
        span_id: str | None = None,
        parent: Trace | Span[Any] | None = None,
        disabled: bool = False,
    ) -> Span[TSpanData]:
        """A new span, not started; under `parent`, else under what is current.

        One that is not recorded where tracing is off or `disabled`, where the parent is
        not recorded, or where there is no parent at all.
        """

    def force_flush(self) -> None:
        """Have every processor deliver what it has queued."""
        return

    def shutdown(self) -> None:
        """Shut every processor down."""
        return


class DefaultTraceProvider(TraceProvider):
    """The provider of a process that sets no other; it starts without processors."""

    def __init__(self) -> None:
        # Instrumentors look by this name whether they are registered already.
        self._multi_processor = SynchronousMultiTracingProcessor()
        self._disabled: bool | None = None

    def _is_disabled(self) -> bool:
        disabled = self._disabled
        if disabled is None:
            value = os.environ.get("OPENAI_AGENTS_DISABLE_TRACING", "")
            disabled = self._disabled = value.lower() in _DISABLING_VALUES
        return disabled

    def register_processor(self, processor: TracingProcessor) -> None:
        self._multi_processor.add_tracing_processor(processor)

    def set_processors(self, processors: list[TracingProcessor]) -> None:
        self._multi_processor.set_processors(processors)

    def get_current_trace(self) -> Trace | None:
        return current_trace.get()

    def get_current_span(self) -> Span[Any] | None:
        return current_span.get()

    def set_disabled(self, disabled: bool) -> None:
        self._disabled = disabled

    def time_iso(self) -> str:
        return util.time_iso()

    def gen_trace_id(self) -> str:
        return util.gen_trace_id()

    def gen_span_id(self) -> str:
        return util.gen_span_id()

    def gen_group_id(self) -> str:
        return util.gen_group_id()

    def create_trace(
        self,
        name: str,
        trace_id: str | None = None,
        group_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        disabled: bool = False,
        tracing: TracingConfig | None = None,
    ) -> Trace:
        if self._is_disabled() or disabled:
            logger.debug("Tracing is disabled. Not creating trace %s", name)
            return NoOpTrace()
        return TraceImpl(
            name=name,
            trace_id=trace_id,
            group_id=group_id,
            metadata=metadata,
            processor=self._multi_processor,
            tracing_api_key=None if tracing is None else tracing.get("api_key"),
        )

    def create_span(
        self,
        span_data: TSpanData,
        span_id: str | None = None,
        parent: Trace | Span[Any] | None = None,
        disabled: bool = False,
    ) -> Span[TSpanData]:
        if disabled or self._is_disabled():
            return NoOpSpan(span_data)
        if parent is None:
            span = current_span.get()
            trace = current_trace.get()
            if trace is None:
                logger.debug(
                    "No active trace. Make sure to start a trace with `trace()` first. Returning NoOpSpan."
                )
                return NoOpSpan(span_data)
            if isinstance(span, NoOpSpan):
                return NoOpSpan(span_data)
            # A span of an outer trace is current in an inner one, but its parent it cannot be.
            parent = span if span is not None and span.trace_id == trace.trace_id else trace
        if isinstance(parent, SpanImpl):
            return SpanImpl(
                parent.trace_id,
                span_id,
                parent.span_id,
                self._multi_processor,
                span_data,
                parent.tracing_api_key,
                parent.trace_metadata,
            )
        return self._create_span_under(parent, span_data, span_id)

    def _create_span_under(
        self, parent: Trace | Span[Any], span_data: TSpanData, span_id: str | None
    ) -> Span[TSpanData]:
        if isinstance(parent, NoOpTrace | NoOpSpan):
            return NoOpSpan(span_data)
        is_trace = isinstance(parent, Trace)
        return SpanImpl(
            trace_id=parent.trace_id,
            span_id=span_id,
            parent_id=None if is_trace else parent.span_id,
            processor=self._multi_processor,
            span_data=span_data,
            tracing_api_key=parent.tracing_api_key,
            trace_metadata=metadata_of(parent) if is_trace else parent.trace_metadata,
        )

    def force_flush(self) -> None:
        # Also a first use: a program that flushes and then sets the variable gets what it had.
        self._is_disabled()
        self._multi_processor.force_flush()

    def shutdown(self, timeout: float | None = None) -> None:
        """Shut every processor down, also when tracing is off; `timeout` seconds in all where they can be told."""
        self._multi_processor.shutdown(timeout)
