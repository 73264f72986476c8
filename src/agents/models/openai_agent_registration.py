"""The harness that a program registered with OpenAI: its id stands in the metadata of the program's traces.

Nothing is sent unless an id is given. Nothing of it goes into a model request: it is a key of a trace's metadata, and
goes where the traces go. What is given nearest holds: a provider's, then `set_default_openai_agent_registration`, then
the environment variable `OPENAI_AGENT_HARNESS_ID`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, cast

from agents.util._field_values import check_known_keys

__all__ = [
    "OPENAI_HARNESS_ID_TRACE_METADATA_KEY",
    "OpenAIAgentRegistrationConfig",
    "ResolvedOpenAIAgentRegistrationConfig",
    "resolve_openai_agent_registration_config",
    "set_default_openai_agent_registration",
    "with_harness_id",
]

OPENAI_HARNESS_ID_TRACE_METADATA_KEY = "agent_harness_id"
"""The key of a trace's metadata under which the id stands."""

_VARIABLE = "OPENAI_AGENT_HARNESS_ID"


@dataclass
class OpenAIAgentRegistrationConfig:
    """What a program registered with OpenAI.

    Raises:
        TypeError: the id is no string.
    """

    harness_id: str | None
    """The id of the harness; None, or blank, leaves it to the default."""

    def __post_init__(self) -> None:
        if self.harness_id is not None and not isinstance(cast("object", self.harness_id), str):
            raise TypeError(f"harness_id must be a string or None, got {type(self.harness_id).__name__}")


@dataclass(frozen=True, slots=True)
class ResolvedOpenAIAgentRegistrationConfig:
    """A registration that holds: with an id."""

    harness_id: str


@dataclass(slots=True)
class _Default:
    harness_id: str | None = None


_default = _Default()


def set_default_openai_agent_registration(
    config: OpenAIAgentRegistrationConfig | dict[str, Any] | None,
) -> None:
    """Have providers that are made from now on, and are given no registration of their own, use this; None for none.

    Raises:
        TypeError: it is something else, or a dict with other keys than `harness_id`.
    """
    _default.harness_id = None if config is None else _own_id(config)


def resolve_openai_agent_registration_config(
    config: OpenAIAgentRegistrationConfig | dict[str, Any] | None,
) -> ResolvedOpenAIAgentRegistrationConfig | None:
    """The registration that holds where `config` was given; None where no id is to be found.

    Raises:
        TypeError: it is something else, or a dict with other keys than `harness_id`.
    """
    own = None if config is None else _own_id(config)
    harness_id = own or _default.harness_id or os.environ.get(_VARIABLE, "").strip()
    return ResolvedOpenAIAgentRegistrationConfig(harness_id) if harness_id else None


def with_harness_id(
    metadata: dict[str, Any] | None, registration: ResolvedOpenAIAgentRegistrationConfig | None
) -> dict[str, Any] | None:
    """A trace's metadata with the id in it, unless the program has put one there itself."""
    if registration is None:
        return metadata
    return {OPENAI_HARNESS_ID_TRACE_METADATA_KEY: registration.harness_id, **(metadata or {})}


def _own_id(config: OpenAIAgentRegistrationConfig | dict[str, Any]) -> str | None:
    given = cast("object", config)
    if isinstance(given, dict):
        values = cast("dict[str, Any]", given)
        what = "OpenAI agent registration settings"
        check_known_keys(values, OpenAIAgentRegistrationConfig, what=what, path="")
        if "harness_id" not in values:
            raise TypeError("An OpenAI agent registration needs harness_id, which may be None")
        given = OpenAIAgentRegistrationConfig(**values)
    if not isinstance(given, OpenAIAgentRegistrationConfig):
        raise TypeError(
            "OpenAI agent registration must be a OpenAIAgentRegistrationConfig instance or a dict, got"
            f" {type(given).__name__}"
        )
    return None if given.harness_id is None else given.harness_id.strip() or None
