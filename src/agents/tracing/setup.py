"""The trace provider of the process."""

from __future__ import annotations

import atexit
import threading

from .processor_interface import TracingProcessor
from .processors import default_exporter, default_processor
from .provider import DefaultTraceProvider, TraceProvider

# A process does not end much later because its traces cannot be exported.
_EXIT_TIMEOUT_S = 5.0

_provider: TraceProvider | None = None
_shutdown_is_registered = False
_lock = threading.Lock()


def get_trace_provider() -> TraceProvider:
    """The provider of this process; the first call creates one that exports to OpenAI if none is set."""
    provider = _provider
    if provider is None:
        with _lock:
            provider = _provider
            if provider is None:
                provider = DefaultTraceProvider()
                provider.register_processor(default_processor())
                _install(provider)
    return provider


def set_trace_provider(provider: TraceProvider) -> None:
    """Make `provider` that of this process; the one before is left as it is, for its owner to shut down."""
    with _lock:
        _install(provider)


def _install(provider: TraceProvider) -> None:
    global _provider, _shutdown_is_registered
    _provider = provider
    if not _shutdown_is_registered:
        _shutdown_is_registered = True
        atexit.register(_shut_down)


def _shut_down() -> None:
    if isinstance(_provider, DefaultTraceProvider):
        _provider.shutdown(_EXIT_TIMEOUT_S)
    elif _provider is not None:
        _provider.shutdown()


def add_trace_processor(span_processor: TracingProcessor) -> None:
    """Report traces and spans to `span_processor` as well, from now on."""
    get_trace_provider().register_processor(span_processor)


def set_trace_processors(processors: list[TracingProcessor]) -> None:
    """Report traces and spans to `processors` only, from now on; without the one that exports to OpenAI."""
    get_trace_provider().set_processors(processors)


def set_tracing_disabled(disabled: bool) -> None:
    """Turn tracing off or on for this process, whatever `OPENAI_AGENTS_DISABLE_TRACING` says."""
    get_trace_provider().set_disabled(disabled)


def flush_traces() -> None:
    """Have every processor deliver what it has queued; returns when they have, for use before a process is frozen."""
    get_trace_provider().force_flush()


def set_tracing_export_api_key(api_key: str) -> None:
    """Export traces to OpenAI with `api_key`, in place of the environment variable `OPENAI_API_KEY`."""
    default_exporter().set_api_key(api_key)
