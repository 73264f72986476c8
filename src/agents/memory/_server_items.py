"""Items on their way to a server of the Responses API that keeps them, and back. Pure."""

from __future__ import annotations

from typing import Any, cast

from agents.items.conversion import output_item_to_input
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


def item_for_server(item: dict[str, Any]) -> dict[str, Any]:
    """The item as it is to be stored: the server gives ids itself, and knows nothing of other providers' data."""
    own = output_item_to_input(item)
    return {name: value for name, value in own.items() if name != "provider_data" and _says(own, name)}


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


def _part(part: Any, said: str) -> Any:
    if not isinstance(part, dict):
        return part
    kept = {name: value for name, value in cast("dict[str, Any]", part).items() if value is not None}
    # A listing may call a text just that; input has to say whose it is.
    return {**kept, "type": said} if kept.get("type") == "text" else kept
