"""Names that models accept for functions, made of names that people gave to agents."""

from __future__ import annotations

import logging
import re

_logger = logging.getLogger("openai.agents")


def function_name(name: str, *, advice: str) -> str:
    """`name` in lower case letters, digits and underscores.

    Logs a warning, with the advice, when more than spaces had to be replaced:
    two agents could end up with the same name.
    """
    spaced = re.sub(r"\s", "_", name)
    safe = re.sub(r"[^a-zA-Z0-9_]", "_", spaced)
    if safe != spaced:
        _logger.warning(
            "The tool name %r contains invalid characters for function calling; %r is used. %s",
            name,
            safe.lower(),
            advice,
        )
    return safe.lower()
