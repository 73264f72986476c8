"""What the API refuses before any model is asked: requests that cannot be right. Pure.

Unknown parameters are let through, because servers and gateways have their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from .response_object import error_body
from .responses_script import HttpError, ResponsesRequest

_LANE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")

# Parameter: the types that it may have, and how the refusal names them.
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "model": ((str,), "a string"),
    "input": ((str, list), "a string or an array of input items"),
    "instructions": ((str,), "a string"),
    "previous_response_id": ((str,), "a string"),
    "tools": ((list,), "an array of tools"),
    "tool_choice": ((str, dict), "a string or an object"),
    "stream": ((bool,), "a boolean"),
    "background": ((bool,), "a boolean"),
    "store": ((bool,), "a boolean"),
    "generate": ((bool,), "a boolean"),
    "parallel_tool_calls": ((bool,), "a boolean"),
    "temperature": ((int, float), "a number"),
    "top_p": ((int, float), "a number"),
    "max_output_tokens": ((int,), "an integer"),
    "metadata": ((dict,), "an object"),
    "text": ((dict,), "an object"),
    "reasoning": ((dict,), "an object"),
    "include": ((list,), "an array of strings"),
}


def refusal(
    message: str, *, status: int = 400, code: str | None = None, param: str | None = None
) -> HttpError:
    """An answer that says what is wrong with the request."""
    body = error_body(message, type="invalid_request_error", code=code, param=param)
    return HttpError(status=status, body=body)


def refused_body(request: ResponsesRequest) -> HttpError | None:
    """Why a create body is refused, or None: no model, a parameter of the wrong type, an item that is none."""
    body = request.body
    if body.get("model") is None and body.get("prompt") is None:
        message = "Missing required parameter: 'model'."
        return refusal(message, code="missing_required_parameter", param="model")
    for name, (types, expected) in _TYPES.items():
        value = body.get(name)
        is_stray_bool = isinstance(value, bool) and bool not in types
        if value is not None and (is_stray_bool or not isinstance(value, types)):
            return _wrong_type(name, expected, value)
    for name in ("input", "tools"):
        values: Any = body.get(name)
        for index, value in enumerate(cast("list[Any]", values) if isinstance(values, list) else ()):
            if not isinstance(value, dict):
                return _wrong_type(f"{name}[{index}]", "an object", value)
    tokens = body.get("max_output_tokens")
    if tokens is not None and tokens < 1:
        return refusal(
            f"Invalid 'max_output_tokens': expected a value of at least 1, but got {tokens}.",
            code="integer_below_min_value",
            param="max_output_tokens",
        )
    if request.is_background and body.get("store") is False:
        return refusal("A response in the background must be stored: leave out store=false.", param="store")
    return None


def refused_outputs(items: Iterable[Mapping[str, Any]], known: set[str]) -> HttpError | None:
    """Why these input items are refused, or None: one is the output of a call that is neither before it nor `known`."""
    for item in items:
        kind = str(item.get("type"))
        call_id = item.get("call_id")
        if kind == "item_reference":
            # What it refers to may be a call.
            return None
        if kind.endswith("_call_output") and not (isinstance(call_id, str) and call_id in known):
            return refusal(f"No tool call found for call output with call_id {call_id}.", param="input")
        if isinstance(call_id, str):
            known.add(call_id)
    return None


def refused_lane(stream_id: object) -> HttpError | None:
    """Why this is no name of a lane, or None."""
    if stream_id is None or (isinstance(stream_id, str) and _LANE_NAME.fullmatch(stream_id)):
        return None
    return refusal(
        f"Invalid 'stream_id': {stream_id!r}. Use 1 to 256 letters, digits, '_', '.' and '-'.",
        code="invalid_stream_id",
        param="stream_id",
    )


def _wrong_type(name: str, expected: str, value: object) -> HttpError:
    return refusal(
        f"Invalid type for '{name}': expected {expected}, but got {_named(value)} instead.",
        code="invalid_type",
        param=name,
    )


def _named(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
