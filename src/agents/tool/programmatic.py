"""Function tools that programs written by the model may call: who may, and what they get back."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast, get_args

from ..exceptions import UserError
from ..strict_schema import ensure_strict_json_schema

ToolCaller: TypeAlias = Literal["direct", "programmatic"]
"""The model itself, or a program that it wrote."""


def check_allowed_callers(tool_name: str, allowed_callers: object) -> None:
    """Refuse a list of callers that means nothing.

    Raises:
        UserError: the list is empty, has a caller twice, or names one that does not exist.
    """
    if allowed_callers is None:
        return
    if not isinstance(allowed_callers, list) or not allowed_callers:
        raise UserError(
            f"Tool `{tool_name}` allowed_callers must be a non-empty list containing "
            "'direct', 'programmatic', or both."
        )
    callers = cast("list[object]", allowed_callers)
    for position, caller in enumerate(callers):
        if caller not in get_args(ToolCaller):
            raise UserError(
                f"Tool `{tool_name}` allowed_callers contains unsupported caller {caller!r}. "
                "Expected 'direct' or 'programmatic'."
            )
        if caller in callers[:position]:
            raise UserError(f"Tool `{tool_name}` allowed_callers contains duplicate caller {caller!r}.")


def strict_output_schema(schema: object) -> dict[str, Any]:
    """A strict copy of the schema of a tool's output.

    Raises:
        UserError: it is not the schema of an object, or cannot be strict.
    """
    if not isinstance(schema, dict) or cast("dict[str, Any]", schema).get("type") != "object":
        raise UserError("Function tool output_json_schema must define a JSON object schema.")
    try:
        return ensure_strict_json_schema(cast("dict[str, Any]", schema))
    except UserError as error:
        raise UserError(
            "Function tool output_json_schema must define a strict JSON object schema."
        ) from error
