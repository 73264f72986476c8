"""What to say of data from a server that cannot be read."""

from __future__ import annotations

from agents.exceptions import ModelBehaviorError

__all__ = ["EXCERPT_BYTES", "beginning", "unreadable_event"]

EXCERPT_BYTES = 300
"""As much of the data is shown."""


def beginning(data: bytes | str) -> str:
    """How the data begins, in quotes; "nothing" where there is none."""
    if isinstance(data, bytes):
        data = data[:EXCERPT_BYTES].decode("utf-8", "replace")
    return repr(data[:EXCERPT_BYTES]) if data else "nothing"


def unreadable_event(data: bytes, *, form: str, api: str) -> ModelBehaviorError:
    """The error for an event of a stream that does not have the form that events of this API have."""
    return ModelBehaviorError(
        f"The model's stream holds an event that is no {form}: {beginning(data)}. "
        f"Check that the base URL leads to a server that speaks the {api}."
    )
