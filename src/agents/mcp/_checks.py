"""Checks of the numbers that servers and their manager take."""

from __future__ import annotations

import math


def seconds(name: str, value: object) -> float | None:
    """A duration in seconds, or None for no limit.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative, infinite or NaN.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds or None, got {type(value).__name__}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a non-negative finite number of seconds or None, got {value!r}")
    return float(value)


def pages(value: object) -> int | None:
    """A `max_list_pages`.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is not positive.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_list_pages must be a positive integer or None, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"max_list_pages must be a positive integer or None, got {value}")
    return value
