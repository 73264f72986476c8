"""The public home of the settings of sessions."""

from __future__ import annotations

from agents._ports.session import SessionSettings, coerce_session_settings, resolve_session_limit

__all__ = ["SessionSettings", "coerce_session_settings", "resolve_session_limit"]
