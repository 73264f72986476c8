"""Output items for scripts, as `openai.types.responses` objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module

if TYPE_CHECKING:
    from openai.types import responses as rt

    from agents.items import raw_types as _raw
else:
    rt = lazy_module("openai.types.responses")
    _raw = lazy_module("agents.items.raw_types")


def assistant_message(text: str, *, item_id: str = "scripted-message") -> _raw.TResponseOutputItem:
    """A finished assistant message with one text part.

    Raises:
        pydantic.ValidationError: `text` or `item_id` is not a string.
    """
    part = rt.ResponseOutputText(type="output_text", text=text, annotations=[], logprobs=[])
    return rt.ResponseOutputMessage(
        id=item_id, type="message", role="assistant", status="completed", content=[part]
    )


def function_call(
    name: str,
    arguments: str | Mapping[str, Any],
    *,
    call_id: str,
    item_id: str | None = None,
    namespace: str | None = None,
) -> _raw.TResponseOutputItem:
    """A call of a function tool.

    `arguments` is JSON text, kept as it is (so that a test can script bad JSON), or a mapping, written without
    spaces. The item's id is `item_id`, or else the call id.

    Raises:
        TypeError: the mapping holds something that is not JSON.
        pydantic.ValidationError: a name or id is not a string.
    """
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    fields: dict[str, Any] = {"name": name, "arguments": arguments, "call_id": call_id}
    if namespace is not None:
        fields["namespace"] = namespace
    return rt.ResponseFunctionToolCall(
        type="function_call", id=call_id if item_id is None else item_id, **fields
    )
