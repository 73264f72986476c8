"""What a tool returned, as the `output` of a function call output item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.exceptions import UserError

if TYPE_CHECKING:
    import pydantic as _pydantic
    import pydantic_core as _pydantic_core

    from agents import tool as _tool
else:
    _pydantic = lazy_module("pydantic")
    _pydantic_core = lazy_module("pydantic_core")
    _tool = lazy_module("agents.tool")

_PAYLOAD_KEYS: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("image_url", "file_id"),
    "file": ("file_data", "file_url", "file_id"),
}
"""By type: what a part must have one of."""

_OPTIONAL_KEYS: dict[str, tuple[str, ...]] = {
    "text": (),
    "image": ("detail",),
    "file": ("filename",),
}
_IMAGE_DETAILS = ("low", "high", "auto")


def tool_output_payload(
    output: Any,
    *,
    as_json: bool,
    requires_object: bool,
    type_adapter: _pydantic.TypeAdapter[Any] | None,
) -> str | list[dict[str, Any]]:
    """Give `output` as text, or as a list of `input_*` parts.

    With `requires_object` or a `type_adapter` the text is the JSON of an object.
    With `as_json` (a program called the tool) it is JSON unless it is a string.

    Raises:
        UserError: see `ItemHelpers.tool_call_output_item`.
    """
    if requires_object or type_adapter is not None:
        return _object_json(output, type_adapter)
    if isinstance(output, str):
        return output
    parts = _structured_parts(output)
    if parts is not None:
        return parts
    if not as_json:
        return str(output)
    try:
        return _pydantic_core.to_json(output, inf_nan_mode="null").decode()
    except ValueError as error:
        raise UserError(
            "Programmatic function tool outputs must be strings, structured tool outputs, "
            "or JSON-serializable values."
        ) from error


def _object_json(output: Any, type_adapter: _pydantic.TypeAdapter[Any] | None) -> str:
    value = output
    if isinstance(output, str):
        # The error handlers of tools return text; a declared object may also come as its JSON.
        try:
            value = json.loads(output)
        except ValueError as error:
            raise UserError("Function tool output schema requires a JSON object.") from error
    if type_adapter is not None:
        try:
            value = type_adapter.dump_python(type_adapter.validate_python(value), mode="json", by_alias=True)
        except _pydantic.ValidationError as error:
            raise UserError("Function tool output does not match its declared output schema.") from error
    else:
        value = _pydantic_core.to_jsonable_python(value, inf_nan_mode="null")
    if not isinstance(value, dict):
        raise UserError("Function tool output schema requires a JSON object.")
    return _pydantic_core.to_json(value, inf_nan_mode="null").decode()


def _structured_parts(output: object) -> list[dict[str, Any]] | None:
    """Give parts when all of `output` is texts, images and files; None when any of it is not."""
    if not isinstance(output, list | tuple):
        part = _structured_part(output)
        return None if part is None else [part]
    parts: list[dict[str, Any]] = []
    for value in cast("list[object] | tuple[object, ...]", output):
        part = _structured_part(value)
        if part is None:
            return None
        parts.append(part)
    return parts or None


def _structured_part(value: object) -> dict[str, Any] | None:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
    elif isinstance(value, _pydantic.BaseModel) and isinstance(
        value, (_tool.ToolOutputText, _tool.ToolOutputImage, _tool.ToolOutputFileContent)
    ):
        fields = value.model_dump(exclude_none=True)
    else:
        return None
    kind: object = fields.get("type")
    if not isinstance(kind, str) or kind not in _PAYLOAD_KEYS:
        return None
    part: dict[str, Any] = {"type": f"input_{kind}"}
    for key in (*_PAYLOAD_KEYS[kind], *_OPTIONAL_KEYS[kind]):
        text: object = fields.get(key)
        if text is None:
            continue
        if not isinstance(text, str) or (key == "detail" and text not in _IMAGE_DETAILS):
            return None
        part[key] = text
    return part if any(key in part for key in _PAYLOAD_KEYS[kind]) else None
