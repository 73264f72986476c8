"""Conversations as the Conversations API keeps them: items under ids, added in small batches, listed in pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from ._responses_checks import refusal
from ._responses_items import page_of, whole_item
from .responses_script import HttpError

LARGEST_BATCH = 20
"""How many items one request may bring."""

Answer: TypeAlias = "dict[str, Any] | HttpError"


@dataclass(slots=True)
class _Conversation:
    id: str
    created_at: int
    metadata: Any
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "conversation",
            "created_at": self.created_at,
            "metadata": self.metadata,
        }


class Conversations:
    """All conversations of a server. Each method gives what the API answers, or how it refuses."""

    def __init__(self) -> None:
        self._conversations: dict[str, _Conversation] = {}
        self._created = 0
        self._added = 0

    def create(self, body: Mapping[str, Any], *, created_at: int) -> Answer:
        """Begin a conversation, with `items` and `metadata` if they are given."""
        made = _Conversation(f"conv_{self._created + 1}", created_at, body.get("metadata") or {})
        if body.get("items"):
            added = self._add(made, body["items"])
            if isinstance(added, HttpError):
                return added
        self._created += 1
        self._conversations[made.id] = made
        return made.document()

    def retrieve(self, conversation_id: str) -> Answer:
        """The conversation itself, without its items."""
        found = self._find(conversation_id)
        return found if isinstance(found, HttpError) else found.document()

    def delete(self, conversation_id: str) -> Answer:
        """Forget a conversation and its items."""
        found = self._find(conversation_id)
        if isinstance(found, HttpError):
            return found
        del self._conversations[found.id]
        return {"id": found.id, "object": "conversation.deleted", "deleted": True}

    def add(self, conversation_id: str, body: Mapping[str, Any]) -> Answer:
        """Append `items`, all or none; the answer is a page of all of them as they are kept."""
        found = self._find(conversation_id)
        added = found if isinstance(found, HttpError) else self._add(found, body.get("items"))
        return added if isinstance(added, HttpError) else page_of(added, {"order": "asc", "limit": "100"})

    def page(self, conversation_id: str, query: Mapping[str, str]) -> Answer:
        """A page of the items, the latest first unless the query says `order=asc`."""
        found = self._find(conversation_id)
        return found if isinstance(found, HttpError) else page_of(found.items, query)

    def item(self, conversation_id: str, item_id: str) -> Answer:
        """One item."""
        place = self._place(conversation_id, item_id)
        return place if isinstance(place, HttpError) else place[0].items[place[1]]

    def delete_item(self, conversation_id: str, item_id: str) -> Answer:
        """Remove one item; the answer is the conversation."""
        place = self._place(conversation_id, item_id)
        if isinstance(place, HttpError):
            return place
        conversation, index = place
        del conversation.items[index]
        return conversation.document()

    def _find(self, conversation_id: str) -> _Conversation | HttpError:
        found = self._conversations.get(conversation_id)
        return found or refusal(f"Conversation with id '{conversation_id}' not found.", status=404)

    def _place(self, conversation_id: str, item_id: str) -> tuple[_Conversation, int] | HttpError:
        found = self._find(conversation_id)
        if isinstance(found, HttpError):
            return found
        for index, item in enumerate(found.items):
            if item["id"] == item_id:
                return found, index
        return refusal(f"Item with id '{item_id}' not found in conversation '{conversation_id}'.", status=404)

    def _add(self, conversation: _Conversation, items: object) -> list[dict[str, Any]] | HttpError:
        if not isinstance(items, list):
            return refusal("Missing required parameter: 'items'.", param="items")
        given = cast("list[Any]", items)
        if not 1 <= len(given) <= LARGEST_BATCH:
            message = (
                f"Invalid 'items': expected an array with 1 to {LARGEST_BATCH} items, but got {len(given)}."
            )
            return refusal(message, param="items")
        ids = {item["id"] for item in conversation.items}
        added: list[dict[str, Any]] = []
        for index, item in enumerate(given):
            if not isinstance(item, dict):
                return refusal(f"Invalid type for 'items[{index}]': expected an object.", param="items")
            kept = cast("dict[str, Any]", item)
            self._added += 1
            prefix = "msg" if kept.get("type", "message") == "message" else "item"
            whole = whole_item(kept, f"{prefix}_{self._added}")
            if whole["id"] in ids:
                return refusal(f"Duplicate item found with id '{whole['id']}'.", param="items")
            ids.add(whole["id"])
            added.append(whole)
        conversation.items.extend(added)
        return added
