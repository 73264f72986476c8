"""The JSON that a traces endpoint takes, and the part of it that OpenAI's does.

Pure: nothing here changes what it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .._lazy import lazy_module
from .logger import logger

if TYPE_CHECKING:
    import msgspec as _msgspec
else:
    _msgspec = lazy_module("msgspec")

# What OpenAI's endpoint takes of an input or an output, in bytes of JSON.
MAX_FIELD_BYTES = 100_000
_CUT = "... [truncated]"

# Thoughts of other providers' models stay in the process.
_REASONING_KEYS = frozenset({"reasoning", "reasoning_content", "thinking_blocks"})
_REASONING_PARTS = frozenset({"thinking", "redacted_thinking"})


def encode(exports: list[dict[str, Any]]) -> bytes:
    """The body of a request; a value that JSON does not know is told by its type."""
    try:
        return _msgspec.json.encode({"data": exports}, enc_hook=_told)
    except (TypeError, ValueError, RecursionError):
        fitting = [one for one in exports if _is_encodable(one)]
        logger.warning("%d spans are lost: their data is no JSON", len(exports) - len(fitting))
        return _msgspec.json.encode({"data": fitting}, enc_hook=_told)


def _is_encodable(value: object) -> bool:
    try:
        _msgspec.json.encode(value, enc_hook=_told)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _told(value: object) -> Any:
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int(value)
        case dict():
            return dict(cast("dict[Any, Any]", value))
        case list() | tuple():
            return list(cast("list[Any]", value))
        case _:
            return f"<{type(value).__name__}>"


def for_openai(export: dict[str, Any]) -> dict[str, Any]:
    """An exported trace or span without what OpenAI's endpoint refuses.

    - usage only of generations, and of its keys `input_tokens` and `output_tokens`, the rest under `details`
    - no reasoning in the messages of generations
    - inputs and outputs of at most `MAX_FIELD_BYTES`
    """
    found = export.get("span_data")
    if not isinstance(found, dict):
        return export
    data = dict(cast("dict[str, Any]", found))
    is_generation = data.get("type") == "generation"
    usage: Any = data.get("usage")
    if usage is not None or not is_generation:
        data.pop("usage", None)
        usage = _openai_usage(usage) if is_generation else None
        if usage is not None:
            data["usage"] = usage
    for name in ("input", "output"):
        value = data.get(name)
        if value is not None:
            data[name] = _fitting(_without_reasoning(value) if is_generation else value)
    return {**export, "span_data": data}


def _openai_usage(usage: Any) -> dict[str, Any] | None:
    if not isinstance(usage, dict):
        return None
    counts = cast("dict[str, Any]", usage)
    read, written = counts.get("input_tokens"), counts.get("output_tokens")
    if not isinstance(read, int) or not isinstance(written, int):
        return None
    details = dict(counts.get("details") or {})
    own = {"input_tokens", "output_tokens", "details"}
    details |= {name: value for name, value in counts.items() if name not in own and value is not None}
    return {"input_tokens": read, "output_tokens": written, **({"details": details} if details else {})}


def _without_reasoning(messages: Any) -> Any:
    if not isinstance(messages, list | tuple):
        return messages
    return [_message_without_reasoning(message) for message in cast("list[Any]", messages)]


def _message_without_reasoning(message: Any) -> Any:
    # Only messages have a role; a whole response keeps its settings, which have the same names.
    if not isinstance(message, dict) or "role" not in message:
        return cast("Any", message)
    fields = cast("dict[str, Any]", message)
    kept = {name: value for name, value in fields.items() if name not in _REASONING_KEYS}
    content = kept.get("content")
    if isinstance(content, list):
        parts = cast("list[Any]", content)
        kept["content"] = [part for part in parts if not _is_reasoning(part)]
    return kept


def _is_reasoning(part: Any) -> bool:
    return isinstance(part, dict) and cast("dict[str, Any]", part).get("type") in _REASONING_PARTS


def _size_bytes(value: object) -> int:
    try:
        return len(_msgspec.json.encode(value, enc_hook=_told))
    except (TypeError, ValueError, RecursionError):
        # `encode` will leave the span out.
        return 0


def _fitting(value: Any) -> Any:
    """`value` in at most `MAX_FIELD_BYTES`: long texts cut first, and then, of a list, the last things."""
    if _size_bytes(value) <= MAX_FIELD_BYTES:
        return value
    longest = MAX_FIELD_BYTES - 1_000
    while longest >= 100:
        shorter = _shortened(value, longest)
        if _size_bytes(shorter) <= MAX_FIELD_BYTES:
            return shorter
        longest //= 4
    if not isinstance(value, list):
        return {"truncated": True}
    return _last_of(_shortened(value, 100))


def _last_of(items: list[Any]) -> list[Any]:
    left = MAX_FIELD_BYTES - 1_000
    kept: list[Any] = []
    for item in reversed(items):
        # A comma between two.
        left -= _size_bytes(item) + 1
        if left < 0:
            break
        kept.append(item)
    return kept[::-1]


def _shortened(value: Any, longest_bytes: int) -> Any:
    match value:
        case str():
            if (
                len(value) * 4 <= longest_bytes
                or len(written := value.encode("utf-8", "replace")) <= longest_bytes
            ):
                return value
            return written[: longest_bytes - len(_CUT)].decode("utf-8", "ignore") + _CUT
        case dict():
            fields = cast("dict[Any, Any]", value)
            return {name: _shortened(field, longest_bytes) for name, field in fields.items()}
        case list() | tuple():
            return [_shortened(item, longest_bytes) for item in cast("list[Any]", value)]
        case _:
            return value
