"""Policies: small tables of what may happen when, consulted by `decide` alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .facts import FailureKind, InDoubt

#: What a declared side effect means for a call that was claimed and not settled when its process died.
IN_DOUBT_BY_SIDE_EFFECTS: Mapping[str | None, InDoubt] = MappingProxyType(
    {"none": "retry", "idempotent": "retry", "once": "ask", None: "ask"}
)


#: Failures that the caller may have given a handler for.
HANDLED_KINDS: frozenset[FailureKind] = frozenset({"max_turns", "model_refusal", "invalid_final_output"})


def max_turns_message(limit: int | None) -> str:
    """What a run that needs more model calls than it may make is told."""
    return f"Max turns ({limit}) exceeded"


def in_doubt_policy(side_effects: str | None, on_in_doubt: InDoubt | None) -> InDoubt:
    """The policy of a call: what its tool says, or what follows from its declared side effects."""
    return on_in_doubt if on_in_doubt is not None else IN_DOUBT_BY_SIDE_EFFECTS[side_effects]
