"""The id of what has none: responses and items of servers that give them no ids."""

from __future__ import annotations

__all__ = ["FAKE_RESPONSES_ID"]

FAKE_RESPONSES_ID = "__fake_id__"
"""Stands where the Responses API has an id; nothing can be found by it, and it goes to no server."""
