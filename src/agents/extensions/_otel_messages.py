"""Messages of either API as JSON text in the form of OpenTelemetry's conventions: a role, and parts with a type each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec
from pydantic import BaseModel


def messages_json(messages: Any) -> str | None:
    """What a model was sent: a text, messages of Chat Completions, or items of Responses."""
    if messages is None:
        return None
    found = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return _text([_message(_fields(one)) for one in found])


def output_json(outputs: Iterable[Any] | None) -> str | None:
    """What came back: messages, or responses with items in their `output`; all of it is the model's one message."""
    if outputs is None:
        return None
    parts: list[Any] = []
    for one in outputs:
        fields = _fields(one)
        items: list[Any] = fields["output"] if isinstance(fields.get("output"), list) else [fields]
        for item in items:
            parts += _message(_fields(item))["parts"]
    return _text([{"role": "assistant", "parts": parts}])


def _text(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: object) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return cast("Mapping[str, Any]", value)


def _message(fields: Mapping[str, Any]) -> dict[str, Any]:
    """One message or item as a message."""
    kind = fields.get("type", "message")
    call_id = fields.get("call_id") or fields.get("tool_call_id")
    if kind == "function_call":
        parts = [_call(call_id, fields)]
    elif kind.endswith("_output") or fields.get("role") == "tool":
        result = fields.get("output", fields.get("content"))
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": call_id, "response": result}],
        }
    elif kind == "message":
        asked: list[Mapping[str, Any]] = fields.get("tool_calls") or []
        calls = [_call(one.get("id"), one.get("function") or {}) for one in asked]
        parts = [*_parts(fields.get("content")), *calls]
    else:
        # Items that the conventions do not know, a hosted tool's call for instance, are parts as they are.
        parts = [dict(fields)]
    return {"role": fields.get("role") or "assistant", "parts": parts}


def _call(call_id: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "tool_call",
        "id": call_id,
        "name": fields.get("name"),
        "arguments": fields.get("arguments"),
    }


def _parts(content: Any) -> list[Any]:
    match content:
        case None:
            return []
        case str():
            return [{"type": "text", "content": content}]
        case _:
            return [_part(_fields(part)) for part in content]


def _part(fields: Mapping[str, Any]) -> dict[str, Any]:
    text = fields.get("text") or fields.get("refusal")
    return dict(fields) if text is None else {"type": "text", "content": text}
