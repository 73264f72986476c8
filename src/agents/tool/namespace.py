"""Namespaces: tools under one heading, which a model can search and load together."""

from __future__ import annotations

from dataclasses import replace

from ..exceptions import UserError
from .function import FunctionTool


def tool_namespace(*, name: str, description: str | None, tools: list[FunctionTool]) -> list[FunctionTool]:
    """Copies of the tools in the namespace `name`; give them to `Agent(tools=...)`.

    The tools that are given stay outside it. Their copies are called by `name.tool`.

    Args:
        name: The namespace.
        description: Tells the model what its tools are for.
        tools: Function tools, none of them called as the namespace itself.

    Raises:
        UserError: name or description is empty, a tool is no function tool, or has the namespace's name.
    """
    namespace = _text(name)
    if namespace is None:
        raise UserError("tool_namespace() requires a non-empty namespace name.")
    heading = _text(description)
    if heading is None:
        raise UserError("tool_namespace() requires a non-empty description.")
    return [_member(tool, namespace, heading) for tool in tools]


def _member(tool: object, namespace: str, description: str) -> FunctionTool:
    if not isinstance(tool, FunctionTool):
        raise UserError("tool_namespace() only supports FunctionTool instances.")
    if tool.name == namespace:
        raise UserError(
            f"Responses tool-search reserves the synthetic namespace `{namespace}.{namespace}` for deferred "
            "top-level function tools. Rename the namespace or tool name to avoid ambiguous dispatch."
        )
    return replace(tool, traits=replace(tool.traits, namespace=namespace, namespace_description=description))


def _text(value: object) -> str | None:
    """The text without surrounding space; None when nothing is left."""
    return (value.strip() or None) if isinstance(value, str) else None
