"""Items that came from another API, as they go to one that speaks Responses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast

from .fake_id import FAKE_RESPONSES_ID

if TYPE_CHECKING:
    from agents.items import TResponseInputItem


def own_items(items: list[TResponseInputItem]) -> list[TResponseInputItem]:
    """The items without what means nothing to the Responses API: other APIs' reasoning, data and ids."""
    given = cast("list[object]", items)
    if not any(map(_is_foreign, given)):
        return items
    own = [
        _without_foreign_fields(item) if _is_foreign(item) else item
        for item in given
        # Reasoning of another API's model has no meaning here.
        if not (_is_foreign(item) and item.get("type") == "reasoning")
    ]
    return cast("list[TResponseInputItem]", own)


def _is_foreign(item: object) -> TypeGuard[dict[str, Any]]:
    """Whether an item came from another API than this one."""
    if not isinstance(item, dict):
        return False
    fields = cast("dict[str, Any]", item)
    return "provider_data" in fields or fields.get("id") == FAKE_RESPONSES_ID


def _without_foreign_fields(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in item.items()
        if name != "provider_data" and not (name == "id" and value == FAKE_RESPONSES_ID)
    }
