"""Logging for a person at a terminal."""

from __future__ import annotations

import logging
import sys


def enable_verbose_stdout_logging() -> None:
    """Print what the package logs, debug lines included, to standard output."""
    logger = logging.getLogger("openai.agents")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(logging.StreamHandler(sys.stdout))
