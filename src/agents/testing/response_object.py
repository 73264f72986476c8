"""The Responses API's response object, its items made complete, and its error body: all keys present.

Pure. Everything is plain dicts, ready for JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

# Every key that a response has, with the value a request without it gets.
_DEFAULTS: dict[str, Any] = {
    "instructions": None,
    "previous_response_id": None,
    "tools": (),
    "tool_choice": "auto",
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "text": None,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "temperature": 1.0,
    "reasoning": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": True,
    "background": False,
    "service_tier": "default",
    "metadata": None,
    "safety_identifier": None,
    "prompt_cache_key": None,
}
_ID_PREFIX = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
}
_WITHOUT_STATUS = frozenset({"mcp_list_tools", "mcp_approval_request", "compaction"})


def response_object(
    request: Mapping[str, Any],
    *,
    id: str,
    created_at: int,
    status: str,
    output: Sequence[Mapping[str, Any]] = (),
    usage: Mapping[str, Any] | None = None,
    completed_at: int | None = None,
    error: Mapping[str, Any] | None = None,
    incomplete_details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The response to the create body `request`, which it echoes. Times are seconds since 1970."""
    echoed = {name: _given(request.get(name), default) for name, default in _DEFAULTS.items()}
    echoed["tools"] = [_echoed_tool(tool) for tool in echoed["tools"]]
    echoed["text"] = {"format": {"type": "text"}, **(echoed["text"] or {})}
    echoed["reasoning"] = {"effort": None, "summary": None, **(echoed["reasoning"] or {})}
    echoed["metadata"] = echoed["metadata"] or {}
    return {
        "id": id,
        "object": "response",
        "created_at": created_at,
        "completed_at": completed_at,
        "status": status,
        "error": error,
        "incomplete_details": incomplete_details,
        "model": request.get("model", "scripted-model"),
        "output": list(output),
        "usage": usage,
        **echoed,
    }


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value


def _echoed_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return dict(tool)
    return {"description": None, "parameters": None, "strict": None, **tool}


def complete_item(item: Mapping[str, Any], response_number: int, output_index: int) -> dict[str, Any]:
    """`item` with what a server would add: id, status, and the empty lists of its text parts.

    Made-up ids depend only on the two numbers: `msg_1_0`, `fc_1_2`, `call_1_2`.
    """
    kind = str(item.get("type", "message"))
    place = f"{response_number}_{output_index}"
    whole: dict[str, Any] = {"type": kind, **item}
    if whole.get("id") is None:
        whole["id"] = f"{_ID_PREFIX.get(kind, kind)}_{place}"
    if kind not in _WITHOUT_STATUS and whole.get("status") is None:
        whole["status"] = "completed"
    if kind in {"function_call", "custom_tool_call"} and whole.get("call_id") is None:
        whole["call_id"] = f"call_{place}"
    if kind == "message":
        whole.setdefault("role", "assistant")
        whole["content"] = [_complete_part(part) for part in whole.get("content") or ()]
    if kind == "reasoning":
        whole.setdefault("summary", [])
    return whole


def _complete_part(part: Mapping[str, Any]) -> dict[str, Any]:
    if part.get("type") == "output_text":
        return {**part, "annotations": part.get("annotations") or [], "logprobs": part.get("logprobs") or []}
    return dict(part)


def usage_object(input_tokens: int, output_tokens: int, *, reasoning_tokens: int = 0) -> dict[str, Any]:
    """Usage with all its keys; the total is the sum of the two."""
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
        "total_tokens": input_tokens + output_tokens,
    }


def counted_usage(request: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A usage that depends only on what was said: a token is counted for each word of input and output."""
    spoken = (request.get("instructions") or "", _text_of(request.get("input") or ""))
    return usage_object(
        sum(len(text.split()) for text in spoken), sum(len(_text_of(item).split()) for item in items)
    )


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def error_body(
    message: str, *, type: str, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """The body of an HTTP error answer."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}
