"""Handoffs: passing the conversation from one agent to another.

`HandoffHistoryMapper` names `openai` types and imports them at its first access.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module

from .history import (
    default_handoff_history_mapper,
    get_conversation_history_wrappers,
    nest_handoff_history,
    reset_conversation_history_wrappers,
    set_conversation_history_wrappers,
)
from .input_data import HandoffInputData, HandoffInputFilter
from .transfer import Handoff, OnHandoffWithInput, OnHandoffWithoutInput, THandoffInput, handoff

if TYPE_CHECKING:
    from .mapper import HandoffHistoryMapper
else:
    _mapper = lazy_module("agents.handoffs.mapper")

    def __getattr__(name: str) -> Any:
        if name != "HandoffHistoryMapper":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _mapper.HandoffHistoryMapper


__all__ = [
    "Handoff",
    "HandoffHistoryMapper",
    "HandoffInputData",
    "HandoffInputFilter",
    "OnHandoffWithInput",
    "OnHandoffWithoutInput",
    "THandoffInput",
    "default_handoff_history_mapper",
    "get_conversation_history_wrappers",
    "handoff",
    "nest_handoff_history",
    "reset_conversation_history_wrappers",
    "set_conversation_history_wrappers",
]
