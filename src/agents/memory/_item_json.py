"""Items as the JSON texts that sessions store."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from agents.items import TResponseInputItem

logger = logging.getLogger("openai.agents")


def encode_items(items: Sequence[TResponseInputItem], *, ensure_ascii: bool = True) -> list[str]:
    """One JSON text for each item; without `ensure_ascii`, half a surrogate pair cannot be stored everywhere.

    Raises:
        TypeError: an item holds something that is not JSON.
    """
    return [json.dumps(item, ensure_ascii=ensure_ascii, separators=(",", ":")) for item in items]


def decode_item(text: str | bytes, where: str) -> TResponseInputItem | None:
    """The item that a stored text is; None, with a warning that says `where` it stands, when it is none.

    A row that something else has damaged would otherwise make all of a conversation unusable.
    """
    try:
        item: object = json.loads(text)
    except (ValueError, RecursionError):
        item = None
    if not isinstance(item, dict):
        logger.warning("An item of %s is left out: it is no JSON object", where)
        return None
    return cast("TResponseInputItem", item)


def decode_items(texts: Iterable[str | bytes], where: str) -> list[TResponseInputItem]:
    """The items that stored texts are, without those that `decode_item` leaves out."""
    items = (decode_item(text, where) for text in texts)
    return [item for item in items if item is not None]


def rewritten(
    texts: Sequence[str | bytes],
    before: Sequence[TResponseInputItem],
    after: Sequence[str],
    where: str,
) -> list[str | bytes] | None:
    """What is stored when `after` stands in the place of the oldest items; None where those are not `before`.

    What is no item is left out with those that it stands among.
    """
    items = ((text, decode_item(text, where)) for text in texts)
    readable = [(text, item) for text, item in items if item is not None]
    if [item for _, item in readable[: len(before)]] != list(before):
        return None
    return [*after, *(text for text, _ in readable[len(before) :])]
