"""History: the JSON-shaped input items that a model sees. Plain data in, plain data out."""

from __future__ import annotations

from .facts import Json, UsageData


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


def call_output(call_id: str, output: Json) -> Json:
    """The input item that answers a function call."""
    return {"call_id": call_id, "output": output, "type": "function_call_output"}
