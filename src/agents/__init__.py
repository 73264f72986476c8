"""Headrace: agent runs as streams of typed events."""

from __future__ import annotations

__version__ = "0.1.0"
