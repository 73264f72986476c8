"""Whether a model's earlier reasoning is sent back to it over Chat Completions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "ReasoningContentReplayContext",
    "ReasoningContentSource",
    "ShouldReplayReasoningContent",
    "default_should_replay_reasoning_content",
]


@dataclass
class ReasoningContentSource:
    """A reasoning item of the input, and where it came from."""

    item: Any
    """The item, as it stands in the input."""

    origin_model: str | None
    """The model that reasoned, where the item says so."""

    provider_data: Mapping[str, Any]
    """What the item keeps of its server's answer."""


@dataclass
class ReasoningContentReplayContext:
    """What a decision about one reasoning item is made from."""

    model: str
    """The model that is about to be called."""

    base_url: str | None
    """Where its server is."""

    reasoning: ReasoningContentSource
    """The item in question."""


ShouldReplayReasoningContent: TypeAlias = Callable[[ReasoningContentReplayContext], bool]
"""Says whether the item's text goes along as `reasoning_content` of the assistant message behind it."""


def default_should_replay_reasoning_content(context: ReasoningContentReplayContext) -> bool:
    """Yes for DeepSeek, whose API wants it, unless another family's model reasoned."""
    origin = context.reasoning.origin_model
    return _is_deepseek(context.model) and (origin is None or _is_deepseek(origin))


def _is_deepseek(model: str) -> bool:
    return "deepseek" in model.lower()
