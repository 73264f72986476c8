"""How traces and spans leave the process: a queue, a thread that empties it, and exporters.

1. Reporting never waits: what finds the queue full is dropped, counted, and told once.
2. One thread exports, started by the first item. It is a daemon: no process lives longer for it.
3. What an exporter raises is logged and goes nowhere else; its batch is lost.
4. A forked child starts with an empty queue: what was queued is its parent's to export.
"""
# ruff: noqa: D102  (overrides: the abstract class says what each does)

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from typing import Any, TypeAlias
from weakref import WeakSet

from .backend_exporter import BackendSpanExporter
from .logger import logger
from .processor_interface import TracingExporter, TracingProcessor
from .spans import Span
from .traces import Trace

__all__ = [
    "BackendSpanExporter",
    "BatchTraceProcessor",
    "ConsoleSpanExporter",
    "TracingExporter",
    "TracingProcessor",
    "default_exporter",
    "default_processor",
]

_Item: TypeAlias = Trace | Span[Any]

# A flush is for a process that is about to be frozen: it must not hang on a network that is not there.
_FLUSH_TIMEOUT_S = 60.0


class ConsoleSpanExporter(TracingExporter):
    """Prints each trace and span as a line, with everything in it."""

    def export(self, items: list[_Item]) -> None:
        for item in items:
            if isinstance(item, Trace):
                print(f"[Exporter] Export trace_id={item.trace_id}, name={item.name}")  # noqa: T201
            else:
                print(f"[Exporter] Export span: {item.export()}")  # noqa: T201


class BatchTraceProcessor(TracingProcessor):
    """Queues started traces and ended spans, and has a thread hand them to an exporter in batches.

    A batch is due `schedule_delay` seconds after the first item came, or as soon as the queue is filled to
    `export_trigger_ratio`. An exporter is called by one thread at a time.

    Args:
        exporter: Where batches go.
        max_queue_size: How many items are kept at most; further ones are dropped.
        max_batch_size: How many items an exporter gets at once, at most.
        schedule_delay: In seconds.
        export_trigger_ratio: Of `max_queue_size`, between 0 and 1.
    """

    def __init__(
        self,
        exporter: TracingExporter,
        max_queue_size: int = 8192,
        max_batch_size: int = 128,
        schedule_delay: float = 5.0,
        export_trigger_ratio: float = 0.7,
    ) -> None:
        self._exporter = exporter
        self._backend = exporter if isinstance(exporter, BackendSpanExporter) else None
        self._max_queue_size = max_queue_size
        self._max_batch_size = max_batch_size
        self._schedule_delay_s = schedule_delay
        self._trigger_size = max(1, int(max_queue_size * export_trigger_ratio))
        self._start_empty()
        _processors.add(self)

    def _start_empty(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[_Item] = deque()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        # Counts of items, from the beginning: taken into the queue, out of it, gone through the exporter,
        # and asked to be exported without waiting for the next time.
        self._queued = 0
        self._taken = 0
        self._delivered = 0
        self._wanted = 0
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many items were dropped because the queue was full, or the processor shut down."""
        return self._dropped

    # --- reports

    def on_trace_start(self, trace: Trace) -> None:
        self._put(trace)

    def on_trace_end(self, trace: Trace) -> None:
        """Nothing: a trace is exported from its start on, and has no more to tell at its end."""

    def on_span_start(self, span: Span[Any]) -> None:
        """Nothing: spans are exported when they have ended."""

    def on_span_end(self, span: Span[Any]) -> None:
        self._put(span)

    def _put(self, item: _Item) -> None:
        # What could not be sent is not kept either.
        if self._backend is not None and not self._backend.accepts(item):
            return
        with self._changed:
            size = len(self._queue)
            if size >= self._max_queue_size or self._is_closing:
                self._drop()
                return
            self._queue.append(item)
            self._queued += 1
            if size + 1 >= self._trigger_size:
                self._wanted = self._queued
                self._changed.notify_all()
            elif size == 0:
                self._changed.notify_all()
            if self._thread is None:
                self._thread = _start_thread(self)

    def _drop(self) -> None:
        self._dropped += 1
        if self._dropped == 1 and not self._is_closing:
            logger.warning(
                "The trace queue is full (%d traces and spans): further ones are dropped until there is room. "
                "Raise max_queue_size of BatchTraceProcessor, or see why its exporter is slow.",
                self._max_queue_size,
            )

    # --- the thread

    def run(self) -> None:
        """Export until shut down and empty; the thread's own function."""
        while True:
            batch = self._next_batch()
            if not batch:
                return
            self._deliver(batch)

    def _next_batch(self) -> list[_Item]:
        """The next items that are due, waiting for them; none when shut down and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closing)
            if self._wanted <= self._taken and not self._is_closing:
                self._changed.wait_for(
                    lambda: self._wanted > self._taken or self._is_closing, self._schedule_delay_s
                )
                self._wanted = self._queued
            return self._take()

    def _take(self) -> list[_Item]:
        batch = [self._queue.popleft() for _ in range(min(self._max_batch_size, len(self._queue)))]
        self._taken += len(batch)
        return batch

    def _deliver(self, batch: list[_Item]) -> None:
        try:
            self._exporter.export(batch)
        except Exception as error:  # noqa: BLE001  (rule 3)
            logger.error(
                "%d traces and spans are lost: %s raised %s",
                len(batch),
                type(self._exporter).__name__,
                type(error).__name__,
            )
            logger.debug("Traceback of the trace exporter", exc_info=error)
        with self._changed:
            self._delivered += len(batch)
            self._changed.notify_all()

    # --- flush and end

    def force_flush(self) -> None:
        """Return when everything queued so far went through the exporter, or after a minute.

        It blocks the calling thread: in async code, `await asyncio.to_thread(flush_traces)`.
        """
        with self._changed:
            goal = self._wanted = self._queued
            thread = self._thread
            # An exporter that flushes waits for itself; a thread that could not be started never comes.
            if thread is threading.current_thread() or not self._has_live_thread():
                return
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._delivered >= goal, _FLUSH_TIMEOUT_S):
                logger.warning(
                    "Flushing traces was given up after %s s, with %d still to be exported",
                    _FLUSH_TIMEOUT_S,
                    goal - self._delivered,
                )

    def shutdown(self, timeout: float | None = None) -> None:
        """Export what is queued and end the thread, for at most `timeout` seconds; take nothing any more."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._is_closing = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        left = self._queued - self._delivered
        if left:
            logger.warning("%d traces and spans were not exported before the end", left)

    def _has_live_thread(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


def _start_thread(processor: BatchTraceProcessor) -> threading.Thread | None:
    thread = threading.Thread(target=processor.run, name="agents-trace-export", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # The interpreter is ending: what comes now is not exported, and the end says how much that is.
        return None
    return thread


_processors: WeakSet[BatchTraceProcessor] = WeakSet()


def _forget_what_was_inherited() -> None:
    """Rule 4; also, a lock that another thread held at the fork would never be released."""
    for processor in list(_processors):
        processor._start_empty()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (the same module)


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_what_was_inherited)


_default_lock = threading.Lock()
_default_exporter: BackendSpanExporter | None = None
_default_processor: BatchTraceProcessor | None = None


def default_exporter() -> BackendSpanExporter:
    """The exporter to OpenAI that this process shares; it has a key from `set_tracing_export_api_key`, or `OPENAI_API_KEY`."""
    global _default_exporter
    with _default_lock:
        if _default_exporter is None:
            _default_exporter = BackendSpanExporter()
        return _default_exporter


def default_processor() -> BatchTraceProcessor:
    """The processor that a process has until it sets others: batches, to `default_exporter()`."""
    global _default_processor
    exporter = default_exporter()
    with _default_lock:
        if _default_processor is None:
            _default_processor = BatchTraceProcessor(exporter)
        return _default_processor
