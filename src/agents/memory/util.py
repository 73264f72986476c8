"""The public home of the call-back that joins a session's history and a run's input."""

from __future__ import annotations

from agents._ports.session import SessionInputCallback

__all__ = ["SessionInputCallback"]
