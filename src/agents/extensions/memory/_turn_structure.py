"""What the rows of a conversation say about their items: whose they are, which tool, and what can be searched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

_PREVIEW_CHARACTERS = 100

_TOOL_NAMES = {
    "code_interpreter_call": "code_interpreter_call",
    "computer_call": "computer_call",
    "file_search_call": "file_search_call",
    "tool_search_call": "tool_search",
    "web_search_call": "web_search_call",
}
"""Calls of hosted tools, whose names are those of their kinds."""

_QUALIFIERS = {
    "custom_tool_call": "namespace",
    "function_call": "namespace",
    "mcp_approval_request": "server_label",
    "mcp_call": "server_label",
}
"""Calls of named tools: what stands before the name, where it is there."""


def message_type(item: dict[str, Any]) -> str:
    """`user` or `assistant` for what they said, else the item's own type."""
    role = item.get("role")
    if role in {"user", "assistant"}:
        return str(role)
    return str(item.get("type") or "other")


def tool_name(item: dict[str, Any]) -> str | None:
    """Which tool an item calls; None where it calls none."""
    kind = str(item.get("type"))
    if kind not in _QUALIFIERS:
        return _TOOL_NAMES.get(kind)
    name = str(item.get("name", ""))
    qualifier = item.get(_QUALIFIERS[kind])
    return f"{qualifier}.{name}" if qualifier else name


def preview(content: object) -> str:
    """The beginning of what somebody said, on one line of a list."""
    text = content if isinstance(content, str) else json.dumps(content)
    return text if len(text) <= _PREVIEW_CHARACTERS else f"{text[:_PREVIEW_CHARACTERS]}..."


def says(content: object, search_term: str) -> bool:
    """Whether one of the texts in `content` has the term in it, whatever the case."""
    return any(search_term.casefold() in text.casefold() for text in _texts(content))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in cast("list[object]", content):
            text = cast("dict[str, object]", part).get("text") if isinstance(part, dict) else None
            if isinstance(text, str):
                yield text
