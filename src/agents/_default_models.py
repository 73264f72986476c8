"""Which model is used when none is named, and with which settings.

The default is `gpt-5.6-luna`; the environment variable `OPENAI_DEFAULT_MODEL`
names another, in any case.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal

from agents._lazy import lazy_module
from agents.model_settings import ModelSettings

if TYPE_CHECKING:
    from openai.types import shared as _shared
else:
    _shared = lazy_module("openai.types.shared")

__all__ = [
    "get_default_model",
    "get_default_model_settings",
    "gpt_5_reasoning_settings_required",
    "is_gpt_5_default",
]

_FALLBACK_MODEL = "gpt-5.6-luna"

# The least reasoning that each model accepts. A GPT-5 model that is not here is
# asked for no effort at all: not every effort is accepted by every model.
_EFFORTS: dict[str, Literal["none", "low", "medium"]] = {
    "gpt-5": "low",
    "gpt-5.1": "none",
    "gpt-5.2": "none",
    "gpt-5.2-codex": "low",
    "gpt-5.2-pro": "medium",
    "gpt-5.3-codex": "none",
    "gpt-5.4": "none",
    "gpt-5.4-mini": "none",
    "gpt-5.4-nano": "none",
    "gpt-5.4-pro": "medium",
    "gpt-5.5": "none",
    "gpt-5.6": "none",
    "gpt-5.6-luna": "none",
    "gpt-5.6-sol": "none",
    "gpt-5.6-terra": "none",
}

_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def get_default_model() -> str:
    """The model of an agent that names none, in lower case."""
    return os.environ.get("OPENAI_DEFAULT_MODEL", _FALLBACK_MODEL).lower()


def gpt_5_reasoning_settings_required(model_name: str) -> bool:
    """Whether the model is of the GPT-5 family and reasons; its chat variants do not."""
    return model_name.startswith("gpt-5") and not model_name.endswith("-chat-latest")


def is_gpt_5_default() -> bool:
    """Whether the default model is of the GPT-5 family and reasons."""
    return gpt_5_reasoning_settings_required(get_default_model())


def get_default_model_settings(model: str | None = None) -> ModelSettings:
    """New settings for `model`, or for the default model; empty but for GPT-5 models.

    A GPT-5 model starts with short answers and the least reasoning it accepts;
    dated snapshots are treated like the model they are of.
    """
    name = get_default_model() if model is None else model
    if not gpt_5_reasoning_settings_required(name):
        return ModelSettings()
    effort = _EFFORTS.get(_DATE.sub("", name))
    return ModelSettings(
        reasoning=None if effort is None else _shared.Reasoning(effort=effort), verbosity="low"
    )
