"""What a tool makes of a model's arguments before its function sees them, for those who judge a call before it runs."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from .function import FunctionTool
from .invoker import ToolInvoker


def are_taken_as_they_are(tool: FunctionTool, text: str, arguments: dict[str, Any]) -> bool:
    """Whether the tool's own reading changes nothing: no coercion, default, alias or validator has an effect.

    `arguments` are those of `text`. A tool made by hand reads the text itself: what it gets is what is there.
    """
    prepare = _preparation(tool)
    if prepare is None:
        return True
    try:
        return _canonical(prepare(text)) == _canonical(arguments)
    except Exception:  # noqa: BLE001 (validators of the tool's own may raise anything)
        return False


def still_fit(tool: FunctionTool, text: str) -> bool:
    """Whether the tool takes these arguments; no for a tool made by hand, of which that is not known."""
    prepare = _preparation(tool)
    if prepare is None:
        return False
    try:
        prepare(text)
    except Exception:  # noqa: BLE001 (validators of the tool's own may raise anything)
        return False
    return True


def schema_fingerprint(tool: FunctionTool) -> str:
    """A short text that changes with the schema of the tool's arguments, and with where its calls go."""
    schema, binding = _digest(tool.params_json_schema), tool.traits.binding
    return schema if binding is None else f"{schema}@{_digest(binding)}"


def recipient_of(fingerprint: str) -> str:
    """The part of a fingerprint that says where calls go; empty for tools that run in the program itself."""
    return fingerprint.partition("@")[2]


def _digest(value: Any) -> str:
    return blake2b(_canonical(value).encode(), digest_size=8).hexdigest()


def _preparation(tool: FunctionTool) -> Any:
    invoker = tool.on_invoke_tool
    return invoker.prepare if isinstance(invoker, ToolInvoker) else None


def _canonical(value: Any) -> str:
    # As text: Python takes 1, 1.0 and True for equal, JSON does not.
    return json.dumps(value, sort_keys=True)
