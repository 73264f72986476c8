"""The type of functions that replace the history at a handoff.

Importing this module imports `openai`; `agents.handoffs` does so at the first
access of the alias.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from agents.items.raw_types import TResponseInputItem

HandoffHistoryMapper: TypeAlias = Callable[[list[TResponseInputItem]], list[TResponseInputItem]]
"""Gets the transcript so far; gives the next agent's whole input."""
