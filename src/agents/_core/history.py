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
    return item.get(_CALL_KEYS.get(item.get("type"), "call_id"))


_CALL_KEYS: dict[Json, str] = {
    "mcp_approval_request": "id",
    "mcp_approval_response": "approval_request_id",
}
"""Where items keep the id of their call, unless that is `call_id`."""


def call_output(call_id: str, output: Json, form: CallForm = "function") -> Json:
    """The input item that answers a call with what its tool gave, a text; what approvals are answered with is none.

    The text of a computer is a picture: a URL, or a PNG in base64.
    """
    match form:
        case "custom":
            return {"call_id": call_id, "output": output, "type": "custom_tool_call_output"}
        case "shell":
            return shell_output(call_id, [shell_chunk(stdout=output)])
        case "apply_patch":
            return patch_output(call_id, output)
        case "local_shell":
            return {"call_id": call_id, "output": output, "type": "local_shell_call_output"}
        case "computer":
            return screen_output(call_id, output)
        case _:
            return {"call_id": call_id, "output": output, "type": "function_call_output"}


def refusal(call_id: str, text: str, form: CallForm = "function") -> Json:
    """The input item that answers a call with the reason why there is no output.

    A computer answers with pictures alone, so its model is shown an empty one and told nothing.
    """
    match form:
        case "shell":
            return shell_output(call_id, [shell_chunk(stderr=text, exit_code=1)])
        case "apply_patch":
            return patch_output(call_id, text, status="failed")
        case "computer":
            return screen_output(call_id, _EMPTY_PNG)
        case _:
            return call_output(call_id, text, form)


def shell_output(call_id: str, chunks: list[Json]) -> Json:
    """The input item that answers a shell call: a chunk for each command."""
    return {"call_id": call_id, "output": chunks, "type": "shell_call_output"}


def shell_chunk(
    stdout: str = "", stderr: str = "", *, exit_code: int | None = 0, has_timed_out: bool = False
) -> Json:
    """What one command came to."""
    outcome: Json = {"type": "timeout"} if has_timed_out else {"type": "exit", "exit_code": exit_code}
    return {"stdout": stdout, "stderr": stderr, "outcome": outcome}


def patch_output(call_id: str, text: str | None, status: str = "completed") -> Json:
    """The input item that answers a call which changes a file."""
    answer: Json = {"call_id": call_id, "status": status, "type": "apply_patch_call_output"}
    return answer if text is None else {**answer, "output": text}


def screen_output(call_id: str, picture: str) -> Json:
    """The input item that answers a computer call: a picture of the screen, by URL or as a PNG in base64."""
    url = picture if picture.startswith(("data:", "http:", "https:")) else f"data:image/png;base64,{picture}"
    screen = {"type": "computer_screenshot", "image_url": url}
    return {"call_id": call_id, "output": screen, "type": "computer_call_output"}


_EMPTY_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""One pixel."""


def shown_output(item: Json) -> Json:
    """An output as programs get to see it: a text, except where a function's is none."""
    output = item.get("output")
    match item:
        case {"type": "shell_call_output", "output": [*chunks]}:
            return "\n".join(_shown_chunk(chunk) for chunk in chunks)
        case {"type": "apply_patch_call_output"}:
            return output or ""
        case {"type": "computer_call_output", "output": {"image_url": picture}}:
            return picture
        case _:
            return output


def _shown_chunk(chunk: Json) -> str:
    match chunk:
        case {"outcome": {"type": "timeout"}}:
            end = "timed out"
        case {"outcome": {"exit_code": int(code)}} if code:
            end = f"exit code: {code}"
        case _:
            end = ""
    stdout, stderr = (str(chunk.get(name) or "").rstrip("\n") for name in ("stdout", "stderr"))
    written = "\n\n".join(part for part in (stdout, f"stderr:\n{stderr}" if stderr else "") if part)
    return "\n".join(part for part in (written, end) if part)


def approval_response(request_id: str, *, approve: bool, reason: str | None = None) -> Json:
    """The input item that lets the model's server make a call, or keeps it from making it."""
    response: Json = {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": approve}
    return response if reason is None else {**response, "reason": reason}
