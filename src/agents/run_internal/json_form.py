"""The JSON form of values that users' code gives: what a record shows of them."""

from __future__ import annotations

from typing import Any

import msgspec


def json_form(value: Any) -> Any:
    """The value as JSON-shaped data: itself where it is, else its fields, else its text.

    Never raises: what a record shows must not decide how a run ends.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", warnings=False)
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_text)
    except (TypeError, ValueError, RecursionError):
        return _text(value)


def _text(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", warnings=False)
    try:
        return str(value)
    except Exception:  # noqa: BLE001 (a user's __str__ that raises must not end the run)
        return f"<{type(value).__name__}>"
