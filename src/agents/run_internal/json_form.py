"""The JSON form of values that users' code gives: what a record shows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agents._core import facts as f

if TYPE_CHECKING:
    from agents.usage import Usage


def json_form(value: Any) -> Any:
    """The value as JSON-shaped data: itself where it is, else its fields, else its text.

    Never raises: what a record shows must not decide how a run ends.
    """
    if value is None or isinstance(value, bool | int):
        return value
    try:
        # Through text and back: what readers see is then exactly what survives a round trip.
        return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_fields_or_text))
    except Exception:  # noqa: BLE001 (a user's value may raise anything, and must not end the run)
        return _text(value)


def _fields_or_text(value: Any) -> Any:
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json", warnings=False)
    return _text(value)


def _text(value: Any) -> str:
    try:
        return str(value).encode("utf-8", "replace").decode()
    except Exception:  # noqa: BLE001 (a user's __str__ may raise anything, and must not end the run)
        return f"<{type(value).__name__}>"


def usage_data(usage: Usage) -> f.UsageData:
    """A usage as facts hold it."""
    return f.UsageData(usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens)
