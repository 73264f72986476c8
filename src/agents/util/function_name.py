"""Names of functions: those that models accept, made of names that people gave to agents, and those with namespaces."""

from __future__ import annotations

import logging
import re

_logger = logging.getLogger("openai.agents")


def qualified_name(name: str, namespace: str | None) -> str:
    """`namespace.name`, or the name alone where there is no namespace, or it only repeats the name."""
    return f"{namespace}.{name}" if namespace and namespace != name else name


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
