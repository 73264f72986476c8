"""Traces: one workflow from start to end, and what is kept of it between processes.

1. A trace starts and ends at most once; only a `TraceImpl` tells processors.
2. A `with` block never fails for its closing in another context; an explicit
   `finish(reset_current=True)` there raises `ValueError` after the trace has ended.
3. An API key leaves this module only where the caller asks for it by name.
"""
# ruff: noqa: D102  (overrides: the abstract class says what each does)

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from .logger import logger
from .processor_interface import TracingProcessor
from .scope import Scope, current_trace, leave_trace
from .util import gen_trace_id

DEFAULT_WORKFLOW_NAME = "Agent workflow"

# How many started traces a process remembers, so that resuming one does not start it again.
_REMEMBERED_TRACES = 4096


class Trace(ABC):
    """One workflow: the root of a tree of spans.

    Use it in a `with` block, which also makes it the trace of spans created inside, or
    call `start` and `finish` yourself.
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
    def start(self, mark_as_current: bool = False) -> None:
        """Start it; with `mark_as_current`, new spans of this context belong to it."""

    @abstractmethod
    def finish(self, reset_current: bool = False) -> None:
        """End it; with `reset_current`, the trace that was current before its start is so again.

        Raises:
            ValueError: `reset_current` in another context than that of `start`. The trace has ended all the same.
        """

    @property
    @abstractmethod
    def trace_id(self) -> str:
        """Its id."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the workflow."""

    @abstractmethod
    def export(self) -> dict[str, Any] | None:
        """The JSON-shaped form for a tracing backend, None if there is nothing to export."""

    @property
    @abstractmethod
    def tracing_api_key(self) -> str | None:
        """The key it is exported with, None for the exporter's own."""

    def to_json(self, *, include_tracing_api_key: bool = False) -> dict[str, Any] | None:
        """As `export`, with the key under `tracing_api_key` if asked for and there is one."""
        exported = self.export()
        if exported is None or not include_tracing_api_key or self.tracing_api_key is None:
            return exported
        return {**exported, "tracing_api_key": self.tracing_api_key}


class _ScopedTrace(Trace):
    """A trace that can be current, with nobody told of its start and end."""

    def __init__(self) -> None:
        self._token: Token[Trace | None] | None = None

    def start(self, mark_as_current: bool = False) -> None:
        if mark_as_current and self._token is None:
            self._token = current_trace.set(self)

    def finish(self, reset_current: bool = False) -> None:
        self._end()
        if reset_current and self._token is not None:
            Scope.reset_current_trace(self._token)
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
            leave_trace(self._token)
            self._token = None

    def _end(self) -> None:
        """What happens at the end, before the scope is left."""


class NoOpTrace(_ScopedTrace):
    """A trace that is not recorded; while it is current, spans are not recorded either."""

    @property
    def trace_id(self) -> str:
        return "no-op"

    @property
    def name(self) -> str:
        return "no-op"

    def export(self) -> dict[str, Any] | None:
        return None

    @property
    def tracing_api_key(self) -> str | None:
        return None


NO_OP_TRACE = NoOpTrace()


class ReattachedTrace(_ScopedTrace):
    """A trace that was started elsewhere: spans join it, its start and end are not reported again."""

    def __init__(
        self,
        *,
        name: str,
        trace_id: str,
        group_id: str | None,
        metadata: dict[str, Any] | None,
        tracing_api_key: str | None,
    ) -> None:
        super().__init__()
        self._name = name
        self._trace_id = trace_id
        self._tracing_api_key = tracing_api_key
        self.group_id = group_id
        self.metadata = metadata

    @property
    def trace_id(self) -> str:
        return self._trace_id

    @property
    def name(self) -> str:
        return self._name

    def export(self) -> dict[str, Any] | None:
        return {
            "object": "trace",
            "id": self._trace_id,
            "workflow_name": self._name,
            "group_id": self.group_id,
            "metadata": self.metadata,
        }

    @property
    def tracing_api_key(self) -> str | None:
        return self._tracing_api_key


class TraceImpl(_ScopedTrace):
    """A recorded trace: tells its processor of its start and its end. Create it with a provider's `create_trace`."""

    def __init__(
        self,
        name: str,
        trace_id: str | None,
        group_id: str | None,
        metadata: dict[str, Any] | None,
        processor: TracingProcessor,
        tracing_api_key: str | None = None,
    ) -> None:
        super().__init__()
        self._name = name
        # An empty id is no id.
        self._trace_id = trace_id or gen_trace_id()
        self._tracing_api_key = tracing_api_key
        self._processor = processor
        self._started = False
        self._ended = False
        self.group_id = group_id
        self.metadata = metadata

    @property
    def trace_id(self) -> str:
        return self._trace_id

    @property
    def name(self) -> str:
        return self._name

    def start(self, mark_as_current: bool = False) -> None:
        if self._started:
            return
        self._started = True
        remember_started(self._trace_id)
        self._processor.on_trace_start(self)
        super().start(mark_as_current)

    def __enter__(self) -> Self:
        if self._started and self._token is None:
            logger.error("Trace already started but no context token set")
        return super().__enter__()

    def _end(self) -> None:
        if self._started and not self._ended:
            self._ended = True
            self._processor.on_trace_end(self)

    def export(self) -> dict[str, Any] | None:
        return {
            "object": "trace",
            "id": self._trace_id,
            "workflow_name": self._name,
            "group_id": self.group_id,
            "metadata": self.metadata,
        }

    @property
    def tracing_api_key(self) -> str | None:
        return self._tracing_api_key


def metadata_of(trace: Trace) -> dict[str, Any] | None:
    """The metadata that a trace was created with, where its class keeps any."""
    if isinstance(trace, TraceImpl | ReattachedTrace):
        return trace.metadata
    return None


_started_trace_ids: OrderedDict[str, None] = OrderedDict()


def remember_started(trace_id: str) -> None:
    """Note that this process has reported the start of `trace_id`; the oldest are forgotten."""
    _started_trace_ids[trace_id] = None
    _started_trace_ids.move_to_end(trace_id)
    if len(_started_trace_ids) > _REMEMBERED_TRACES:
        _started_trace_ids.popitem(last=False)


def has_started(trace_id: str) -> bool:
    """Whether this process has reported the start of `trace_id`."""
    return trace_id in _started_trace_ids


def hash_api_key(tracing_api_key: str | None) -> str | None:
    """What tells keys apart where the key itself must not be kept: SHA-256, hexadecimal."""
    if tracing_api_key is None:
        return None
    return hashlib.sha256(tracing_api_key.encode()).hexdigest()


# Where each field of `TraceState` stands in JSON.
_TEXT_KEYS = ("workflow_name", "group_id", "tracing_api_key", "tracing_api_key_hash")
_KNOWN_KEYS = frozenset({"object", "id", "metadata", *_TEXT_KEYS})


@dataclass
class TraceState:
    """What is kept of a trace with a suspended run, enough to go on with it.

    `extra` holds keys of the JSON form that this version does not know; they survive a round trip.
    """

    trace_id: str | None = None
    workflow_name: str | None = None
    group_id: str | None = None
    metadata: dict[str, Any] | None = None
    tracing_api_key: str | None = field(default=None, repr=False)
    tracing_api_key_hash: str | None = None
    object_type: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def from_trace(cls, trace: Trace | None) -> TraceState | None:
        """The state of a trace, None where there is none or it is not recorded."""
        if trace is None:
            return None
        return cls.from_json(trace.to_json(include_tracing_api_key=True))

    @classmethod
    def from_json(cls, payload: Mapping[str, Any] | None) -> TraceState | None:
        """Read what `to_json` wrote, None for an empty payload; a value of the wrong type counts as absent."""
        if not payload:
            return None
        known = set(_KNOWN_KEYS)
        trace_id = _text(payload.get("id"))
        if trace_id is None:
            trace_id = _text(payload.get("trace_id"))
            known.add("trace_id")
        metadata: object = payload.get("metadata")
        texts = {key: _text(payload.get(key)) for key in _TEXT_KEYS}
        return cls(
            trace_id=trace_id,
            workflow_name=texts["workflow_name"],
            group_id=texts["group_id"],
            metadata=dict(payload["metadata"]) if isinstance(metadata, Mapping) else None,
            tracing_api_key=texts["tracing_api_key"],
            tracing_api_key_hash=texts["tracing_api_key_hash"] or hash_api_key(texts["tracing_api_key"]),
            object_type=_text(payload.get("object")),
            extra={key: value for key, value in payload.items() if key not in known},
        )

    def to_json(self, *, include_tracing_api_key: bool = False) -> dict[str, Any] | None:
        """The JSON-shaped form, None if nothing is set; the key is written only if asked for, its hash always."""
        key = self.tracing_api_key if include_tracing_api_key else None
        written: dict[str, Any] = {
            "object": self.object_type,
            "id": self.trace_id,
            "workflow_name": self.workflow_name,
            "group_id": self.group_id,
            "metadata": self.metadata,
            "tracing_api_key": key,
            "tracing_api_key_hash": self.tracing_api_key_hash,
        }
        present = {name: value for name, value in written.items() if value is not None}
        return {**self.extra, **present} or None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def reattach_trace(trace_state: TraceState, *, tracing_api_key: str | None = None) -> Trace | None:
    """The trace that `trace_state` was kept of, None if it names none.

    Spans created while it is current join the earlier ones; its start and end are not
    reported again. `tracing_api_key` replaces the kept key.
    """
    if trace_state.trace_id is None:
        return None
    name = trace_state.workflow_name
    return ReattachedTrace(
        name=DEFAULT_WORKFLOW_NAME if name is None else name,
        trace_id=trace_state.trace_id,
        group_id=trace_state.group_id,
        metadata=trace_state.metadata,
        tracing_api_key=trace_state.tracing_api_key if tracing_api_key is None else tracing_api_key,
    )
