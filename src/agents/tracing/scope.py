"""Which span and which trace are current, per execution context.

1. The current span and trace live in context variables: a task starts with a copy of its
   creator's, and what it sets does not leak out.
2. Only the context that set a value can reset it. `Scope.reset_*` raises elsewhere;
   `leave_span` and `leave_trace` do nothing there, for blocks that are closed by another task.
3. To start work with a span current without touching one's own context:
   `context = contextvars.copy_context(); context.run(Scope.set_current_span, span)`.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from .._lazy import lazy_module
from .logger import logger

if TYPE_CHECKING:
    from . import spans as _spans
    from . import traces as _traces
else:
    _spans = lazy_module("agents.tracing.spans")
    _traces = lazy_module("agents.tracing.traces")

current_span: contextvars.ContextVar[_spans.Span[Any] | None] = contextvars.ContextVar(
    "current_span", default=None
)
current_trace: contextvars.ContextVar[_traces.Trace | None] = contextvars.ContextVar(
    "current_trace", default=None
)


class Scope:
    """Reads and sets the current span and the current trace of the calling context."""

    @classmethod
    def get_current_span(cls) -> _spans.Span[Any] | None:
        """The span that new spans become children of, None outside any."""
        return current_span.get()

    @classmethod
    def set_current_span(cls, span: _spans.Span[Any] | None) -> contextvars.Token[_spans.Span[Any] | None]:
        """Make `span` current; hand the token to `reset_current_span` in the same context."""
        return current_span.set(span)

    @classmethod
    def reset_current_span(cls, token: contextvars.Token[_spans.Span[Any] | None]) -> None:
        """Bring back the span that was current before.

        Raises:
            ValueError: the token comes from another context.
        """
        current_span.reset(token)

    @classmethod
    def get_current_trace(cls) -> _traces.Trace | None:
        """The trace that new spans belong to, None outside any."""
        return current_trace.get()

    @classmethod
    def set_current_trace(cls, trace: _traces.Trace | None) -> contextvars.Token[_traces.Trace | None]:
        """Make `trace` current; hand the token to `reset_current_trace` in the same context."""
        return current_trace.set(trace)

    @classmethod
    def reset_current_trace(cls, token: contextvars.Token[_traces.Trace | None]) -> None:
        """Bring back the trace that was current before.

        Raises:
            ValueError: the token comes from another context.
        """
        current_trace.reset(token)


def leave_span(token: contextvars.Token[_spans.Span[Any] | None]) -> None:
    """Bring back the span before, if the calling context is the one that set `token`."""
    try:
        current_span.reset(token)
    except ValueError:
        logger.debug("Skipping span context reset, token belongs to another context")


def leave_trace(token: contextvars.Token[_traces.Trace | None]) -> None:
    """Bring back the trace before, if the calling context is the one that set `token`."""
    try:
        current_trace.reset(token)
    except ValueError:
        logger.debug("Skipping trace context reset, token belongs to another context")
