"""Models: the port they implement, those of OpenAI, and which one is the default."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .default_models import (
        get_default_model,
        get_default_model_settings,
        gpt_5_reasoning_settings_required,
        is_gpt_5_default,
    )

__all__ = [
    "get_default_model",
    "get_default_model_settings",
    "gpt_5_reasoning_settings_required",
    "is_gpt_5_default",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(".default_models", __name__), name)
    globals()[name] = value
    return value
