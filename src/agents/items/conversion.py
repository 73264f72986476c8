"""From what a model answered to what it is sent on the next turn.

1. The result is a new top-level dict of JSON values; the original is never changed.
2. Fields that only servers write (`created_by`) are left out: on the item itself
   and on the chunks of a shell output. Anything deeper is payload and stays.
3. Nothing is validated. An `openai` object gives the fields that were set on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.exceptions import AgentsException

if TYPE_CHECKING:
    import pydantic as _pydantic
    from openai.types import responses as _rt

    from . import raw_types as _raw
else:
    _pydantic = lazy_module("pydantic")
    _rt = lazy_module("openai.types.responses")
    _raw = lazy_module("agents.items.raw_types")

OUTPUT_ONLY_FIELD = "created_by"


def output_item_to_input(raw_item: object) -> dict[str, Any]:
    """Give the JSON-shaped dict that replays `raw_item`, an `openai` object or a dict, to a model.

    Nested values of a dict are shared with it: copy before changing them. An
    object costs one to two microseconds, a dict less.

    Raises:
        AgentsException: `raw_item` is neither a mapping nor a pydantic object.
    """
    if isinstance(raw_item, dict):
        item = cast("dict[str, Any]", raw_item).copy()
    elif (serializer := getattr(type(raw_item), "__pydantic_serializer__", None)) is not None:
        # Once for every item of a run: asking isinstance of a pydantic class costs a third more in all.
        item = serializer.to_python(raw_item, by_alias=True, exclude_unset=True, warnings=False)
    elif isinstance(raw_item, Mapping):
        item = dict(cast("Mapping[str, Any]", raw_item))
    else:
        raise AgentsException(f"Unexpected raw item type: {type(raw_item)}")
    item.pop(OUTPUT_ONLY_FIELD, None)
    if item.get("type") == "shell_call_output":
        chunks: object = item.get("output")
        if isinstance(chunks, list):
            item["output"] = [_without_output_only(chunk) for chunk in cast("list[object]", chunks)]
    return item


def model_to_dict(model: _pydantic.BaseModel) -> dict[str, Any]:
    """Give the fields that were set on `model`, by their names on the wire.

    The compiled serializer is called directly: `model_dump` spends as long again
    on arguments that are always the same here.
    """
    serializer = type(model).__pydantic_serializer__
    return serializer.to_python(model, by_alias=True, exclude_unset=True, warnings=False)


def _without_output_only(chunk: object) -> object:
    if not isinstance(chunk, dict):
        return chunk
    fields = cast("dict[str, Any]", chunk)
    return {key: value for key, value in fields.items() if key != OUTPUT_ONLY_FIELD}


def plain_copy(value: object) -> Any:
    """Copy `value` deeply into plain dicts and lists; pydantic objects become dicts.

    Iterators (pydantic keeps lazily validated lists as such) are read to their
    end, once. Values that are no containers are kept as they are.
    """
    if isinstance(value, str | int | float | bytes | bytearray) or value is None:
        return value
    if isinstance(value, Mapping):
        return {key: plain_copy(item) for key, item in cast("Mapping[Any, object]", value).items()}
    if isinstance(value, _pydantic.BaseModel):
        return plain_copy(model_to_dict(value))
    if isinstance(value, Iterable):
        return [plain_copy(item) for item in cast("Iterable[object]", value)]
    return value


def coerce_tool_search_call_raw_item(raw_item: Any) -> _raw.ToolSearchCallRawItem:
    """Give `raw_item` as a `ResponseToolSearchCall`, or as a dict when it is an incomplete one.

    Raises:
        AgentsException: it is not a tool search call at all.
    """
    if isinstance(raw_item, _rt.ResponseToolSearchCall):
        return raw_item
    fields = _tool_search_fields(raw_item, "tool_search_call", "call")
    try:
        return _rt.ResponseToolSearchCall.model_validate(fields)
    except _pydantic.ValidationError:
        # A client-executed search may lack what the server fills in.
        return fields


def coerce_tool_search_output_raw_item(raw_item: Any) -> _raw.ToolSearchOutputRawItem:
    """Give `raw_item` as a `ResponseToolSearchOutputItem`, or as a dict when it is an incomplete one.

    Raises:
        AgentsException: it is not a tool search output at all.
    """
    if isinstance(raw_item, _rt.ResponseToolSearchOutputItem):
        return raw_item
    fields = _tool_search_fields(raw_item, "tool_search_output", "output")
    try:
        return _rt.ResponseToolSearchOutputItem.model_validate(fields)
    except _pydantic.ValidationError:
        return fields


def _tool_search_fields(raw_item: object, expected_type: str, role: str) -> dict[str, Any]:
    if not isinstance(raw_item, Mapping):
        raise AgentsException(f"Unexpected tool search {role} item type: {type(raw_item)}")
    fields = dict(cast("Mapping[str, Any]", raw_item))
    if fields.get("type") != expected_type:
        raise AgentsException(f"Unexpected tool search {role} item type: {fields.get('type')!r}")
    return fields
