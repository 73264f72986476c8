"""Where the progress of a tool call goes: from who makes the call to the connection below, past `MCPServer.call_tool`.

`call_tool` is a method that programs override, so its parameters cannot grow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, Protocol


class ReportProgress(Protocol):
    """Takes one report of a server: how far it is, of how much, and words for people."""

    def __call__(self, value: dict[str, Any], /) -> None:
        """`value` has `progress`, and `total` and `message` where the server gave them."""
        ...


_report: ContextVar[ReportProgress | None] = ContextVar("agents_mcp_progress", default=None)


@contextlib.contextmanager
def progress_to(report: ReportProgress | None) -> Generator[None]:
    """Inside, the reports about calls of this task go to `report`."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def current_report() -> ReportProgress | None:
    """Who wants to know about the call that this task is about to make."""
    return _report.get()
