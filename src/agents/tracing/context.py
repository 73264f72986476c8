"""The trace of one run: the caller's, a new one, the suspended one, or none.

1. A disabled run hides the caller's trace and span from what it calls, and puts both back.
2. A run inside a trace uses it.
3. A resumed run goes on with its trace, without a second start, if this process has reported
   the start and every setting is the same; else it starts a trace by its own settings.
"""

from __future__ import annotations

from contextvars import Token
from types import TracebackType
from typing import Any, Self

from .config import TracingConfig
from .scope import current_span, current_trace, leave_span
from .setup import get_trace_provider
from .span_data import CustomSpanData
from .spans import NoOpSpan, Span
from .traces import NoOpTrace, Trace, TraceState, has_started, hash_api_key, reattach_trace


def create_trace_for_run(
    *,
    workflow_name: str,
    trace_id: str | None,
    group_id: str | None,
    metadata: dict[str, Any] | None,
    tracing: TracingConfig | None,
    disabled: bool,
    trace_state: TraceState | None = None,
    reattach_resumed_trace: bool = False,
) -> Trace | None:
    """The trace that a run must start, None where it uses the current one.

    `trace_state` is that of the run being resumed; it is gone on with only if
    `reattach_resumed_trace` and rule 3 hold. The caller enters the trace.
    """
    if not disabled and current_trace.get() is not None:
        return None
    if not disabled and reattach_resumed_trace and trace_state is not None:
        api_key = None if tracing is None else tracing.get("api_key")
        settings = (trace_id, workflow_name, group_id, metadata, hash_api_key(api_key))
        if settings == _settings_of(trace_state) and trace_id is not None and has_started(trace_id):
            return reattach_trace(trace_state, tracing_api_key=api_key)
    return get_trace_provider().create_trace(
        name=workflow_name,
        trace_id=trace_id,
        group_id=group_id,
        metadata=metadata,
        disabled=disabled,
        tracing=tracing,
    )


def _settings_of(
    state: TraceState,
) -> tuple[str | None, str | None, str | None, dict[str, Any] | None, str | None]:
    key_hash = state.tracing_api_key_hash
    if key_hash is None:
        key_hash = hash_api_key(state.tracing_api_key)
    return (state.trace_id, state.workflow_name, state.group_id, state.metadata, key_hash)


class TraceCtxManager:
    """Makes the trace of a run current for the length of a `with` block.

    `trace` is the trace that the block started, None while the caller's is used. Leaving
    the block in another context than it was entered in does not raise.
    """

    def __init__(
        self,
        workflow_name: str,
        trace_id: str | None,
        group_id: str | None,
        metadata: dict[str, Any] | None,
        tracing: TracingConfig | None,
        disabled: bool,
        trace_state: TraceState | None = None,
        reattach_resumed_trace: bool = False,
    ) -> None:
        self.workflow_name = workflow_name
        self.trace_id = trace_id
        self.group_id = group_id
        self.metadata = metadata
        self.tracing: TracingConfig | None = tracing
        self.disabled = disabled
        self.trace_state = trace_state
        self.reattach_resumed_trace = reattach_resumed_trace
        self.trace: Trace | None = None
        self._span_token: Token[Span[Any] | None] | None = None

    def __enter__(self) -> Self:
        self.trace = create_trace_for_run(
            workflow_name=self.workflow_name,
            trace_id=self.trace_id,
            group_id=self.group_id,
            metadata=self.metadata,
            tracing=self.tracing,
            disabled=self.disabled,
            trace_state=self.trace_state,
            reattach_resumed_trace=self.reattach_resumed_trace,
        )
        if self.trace is None:
            return self
        self.trace.__enter__()
        if isinstance(self.trace, NoOpTrace):
            # What asks for the current span must not find the caller's.
            self._span_token = current_span.set(NoOpSpan(CustomSpanData(self.workflow_name, {})))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._span_token is not None:
            leave_span(self._span_token)
            self._span_token = None
        if self.trace is not None:
            self.trace.__exit__(exc_type, exc_val, exc_tb)
