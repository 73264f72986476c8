"""What requests say they come from."""

from __future__ import annotations

from functools import cache
from importlib import metadata

__all__ = ["user_agent"]


@cache
def user_agent() -> str:
    """The value of the `User-Agent` header."""
    try:
        version = metadata.version("headrace")
    except metadata.PackageNotFoundError:
        # Run from a checkout that is not installed.
        version = "0"
    return f"Agents/Python {version}"
