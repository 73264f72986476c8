"""What the server makes of a request's input: pages of items, and a compaction. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._responses_checks import refusal
from .response_object import counted_usage
from .responses_script import HttpError, ResponsesRequest

_LARGEST_PAGE = 100
_USUAL_PAGE = 20


def page_of_input(request: ResponsesRequest, query: Mapping[str, str]) -> dict[str, Any] | HttpError:
    """A page of the input items; see `page_of`."""
    items = [whole_item(item, f"in_{request.index + 1}_{index}") for index, item in enumerate(request.input)]
    return page_of(items, query)


def page_of(in_order: Sequence[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any] | HttpError:
    """A page of items with ids, as `limit` (1 to 100, usually 20), `order` (desc, asc) and `after` (an id) say."""
    limit = query.get("limit", str(_USUAL_PAGE))
    if not limit.isdecimal() or not 1 <= int(limit) <= _LARGEST_PAGE:
        return refusal(f"Invalid 'limit': expected 1 to {_LARGEST_PAGE}, but got {limit!r}.", param="limit")
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        return refusal(f"Invalid 'order': expected 'asc' or 'desc', but got {order!r}.", param="order")
    items = list(in_order)
    if order == "desc":
        items.reverse()
    after = query.get("after")
    if after is not None:
        places = [index for index, item in enumerate(items) if item["id"] == after]
        if not places:
            return refusal(f"Invalid 'after': there is no item with id {after!r}.", param="after")
        items = items[places[0] + 1 :]
    page = items[: int(limit)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(items) > len(page),
    }


def whole_item(item: Mapping[str, Any], item_id: str) -> dict[str, Any]:
    """An input item as the API lists it: with `item_id` if it has no id, its type, a status, and a text as a part."""
    kind = str(item.get("type") or "message")
    whole: dict[str, Any] = {"id": item_id, **item, "type": kind}
    if kind == "message":
        whole.setdefault("status", "completed")
        if isinstance(item.get("content"), str):
            part: dict[str, Any] = {"type": "input_text", "text": item["content"]}
            if item.get("role") == "assistant":
                part = {"type": "output_text", "text": item["content"], "annotations": []}
            whole["content"] = [part]
    return whole


def compaction_object(request: ResponsesRequest, *, created_at: int) -> dict[str, Any]:
    """The answer to a request to compact: one item that stands for the whole input."""
    number = request.index + 1
    item = {
        "type": "compaction",
        "id": f"cmp_{number}",
        "encrypted_content": f"compacted by request {number}",
    }
    return {
        "id": f"resp_{number}",
        "object": "response.compaction",
        "created_at": created_at,
        "output": [item],
        "usage": counted_usage(request.body, [item]),
    }
