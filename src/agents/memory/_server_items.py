"""Items on their way to a server of the Responses API that keeps them, and back. Pure."""

from __future__ import annotations

from typing import Any, cast

from agents.models.fake_id import FAKE_RESPONSES_ID

_IDENTIFIED = frozenset(
    {
        "code_interpreter_call",
        "computer_call",
        "file_search_call",
        "image_generation_call",
        "item_reference",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "reasoning",
        "web_search_call",
    }
)
"""Types whose ids are part of what they say: the API asks for them, and other items refer to them."""

_OF_THE_SERVER = frozenset({"created_by", "provider_data"})
"""What says where an item came from, and is no part of an input item."""


def item_for_server(item: dict[str, Any]) -> dict[str, Any]:
    """The item as it is to be stored: the server gives ids itself, and knows nothing of other providers' data."""
    sent = {name: value for name, value in item.items() if name not in _OF_THE_SERVER and _says(item, name)}
    chunks = sent.get("output")
    if sent.get("type") == "shell_call_output" and isinstance(chunks, list):
        sent["output"] = [_chunk(chunk) for chunk in cast("list[Any]", chunks)]
    return sent


def item_from_server(item: dict[str, Any]) -> dict[str, Any]:
    """A stored item as input for a model: without the id that only the server knows, and without what is null."""
    kept = {name: value for name, value in item_for_server(item).items() if value is not None}
    content = kept.get("content")
    if isinstance(content, list):
        said = "output_text" if kept.get("role") == "assistant" else "input_text"
        kept["content"] = [_part(part, said) for part in cast("list[Any]", content)]
    return kept


def _says(item: dict[str, Any], name: str) -> bool:
    if name != "id":
        return True
    return item.get("type") in _IDENTIFIED and item["id"] != FAKE_RESPONSES_ID


def _chunk(chunk: Any) -> Any:
    """What one command of a shell came to, which says by itself who ran it."""
    if not isinstance(chunk, dict):
        return chunk
    fields = cast("dict[str, Any]", chunk)
    return {name: value for name, value in fields.items() if name not in _OF_THE_SERVER}


def _part(part: Any, said: str) -> Any:
    if not isinstance(part, dict):
        return part
    kept = {name: value for name, value in cast("dict[str, Any]", part).items() if value is not None}
    # A listing may call a text just that; input has to say whose it is.
    return {**kept, "type": said} if kept.get("type") == "text" else kept
