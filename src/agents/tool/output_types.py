"""The declared type of a tool's output, for programs that call the tool."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import PydanticUserError, TypeAdapter

from ..exceptions import UserError
from ..strict_schema import ensure_strict_json_schema

_HOW = "Use a Pydantic model, TypedDict, or dataclass"


def declared_output(
    *,
    output_type: Any,
    output_json_schema: dict[str, Any] | None,
    return_annotation: Any,
    is_programmatic: bool,
) -> tuple[TypeAdapter[Any] | None, dict[str, Any] | None]:
    """What checks the outputs of a tool, and the JSON schema that programs are told of.

    The schema is read from the return annotation only when programs may call the
    tool. Text, `Any` and nothing at all need none.

    Raises:
        UserError: both are given, or the type is not that of a JSON object that can be strict.
    """
    if output_type is not None and output_json_schema is not None:
        raise UserError("output_type and output_json_schema cannot both be provided.")
    if output_json_schema is not None:
        return None, output_json_schema
    if output_type is not None:
        return _strict_object(
            output_type,
            "Function tool output_type must define a strict JSON object schema. "
            f"{_HOW}, or provide output_json_schema directly.",
        )
    if not is_programmatic or _is_untyped(return_annotation):
        return None, None
    return _strict_object(
        return_annotation,
        "A programmatic function tool return annotation must define a strict JSON object schema. "
        f"{_HOW}; annotate the return as str or Any for an untyped result; "
        "or provide output_type or output_json_schema.",
    )


def _is_untyped(annotation: Any) -> bool:
    return any(annotation is untyped for untyped in (inspect.Signature.empty, None, type(None), str, Any))


def _strict_object(declared: Any, refusal: str) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(declared)
        schema = ensure_strict_json_schema(adapter.json_schema())
    except (PydanticUserError, UserError) as error:
        raise UserError(refusal) from error
    if schema.get("type") != "object":
        raise UserError(refusal)
    return adapter, schema
