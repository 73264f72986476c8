"""History: the JSON-shaped input items that a model sees. Plain data in, plain data out."""

from __future__ import annotations

from .facts import CallForm, Json, UsageData


def input_items(value: Json) -> list[Json]:
    """The items of a run's input: a string is one user message."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return list(value)


def add_usage(left: UsageData, right: UsageData) -> UsageData:
    """The sum of two usages; the left one itself when the right one is empty."""
    if not right.requests:
        return left
    return UsageData(
        left.requests + right.requests,
        left.input_tokens + right.input_tokens,
        left.output_tokens + right.output_tokens,
        left.total_tokens + right.total_tokens,
    )


def made_call(item: Json) -> Json:
    """The id of the call that an item makes, or answers; None where it does neither."""
    kind = item.get("type")
    if kind == "mcp_approval_request":
        return item.get("id")
    return item.get("approval_request_id" if kind == "mcp_approval_response" else "call_id")


def call_output(call_id: str, output: Json, form: CallForm = "function") -> Json:
    """The input item that answers a call with an output: what approvals are answered with is none."""
    kind = "custom_tool_call_output" if form == "custom" else "function_call_output"
    return {"call_id": call_id, "output": output, "type": kind}


def approval_response(request_id: str, *, approve: bool, reason: str | None = None) -> Json:
    """The input item that lets the model's server make a call, or keeps it from making it."""
    response: Json = {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": approve}
    return response if reason is None else {**response, "reason": reason}
