"""What is said where a package is missing that a session needs."""

from __future__ import annotations


def missing_extra(session: str, extra: str) -> ImportError:
    """The error for a session whose extra is not installed."""
    return ImportError(
        f"{session} requires the '{extra}' extra. Install it with: pip install 'headrace[{extra}]'"
        f" (it is what openai-agents[{extra}] installs)"
    )
