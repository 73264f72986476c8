"""Settings of one run's tracing."""

from __future__ import annotations

from typing import TypedDict


class TracingConfig(TypedDict, total=False):
    """What a run may choose about its trace.

    `api_key` authenticates the export of this trace alone. `include_task_and_turn_spans`
    (default true) says whether runs add spans for the task and for each turn.
    """

    api_key: str
    include_task_and_turn_spans: bool
