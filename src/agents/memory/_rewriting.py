"""Putting other items in the place of a session's oldest ones, whatever the session can do for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_module
from agents._ports.session import Session, has_rewriting, resolve_session_limit

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")


_ALL = 2**31 - 1
"""A limit above any number of items."""


async def all_items(session: Session) -> list[_items.TResponseInputItem]:
    """Everything that a session gives, whatever its settings say."""
    is_limited = resolve_session_limit(None, session.session_settings) is not None
    return list(await session.get_items(_ALL) if is_limited else await session.get_items())


async def rewrite(
    session: Session, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
) -> bool:
    """Replace the oldest items by `after`, if they are `before`; those behind them stay. Whether it was done.

    All at once where the session can; else it is cleared and filled anew, and what it had is put back where that fails.

    Raises:
        BaseException: what the session raised; a note says so where nothing could be put back.
    """
    if has_rewriting(session):
        return await session.rewrite_items(before, after)
    items = await all_items(session)
    if items[: len(before)] != before:
        return False
    try:
        await session.clear_session()
        await session.add_items([*after, *items[len(before) :]])
    except BaseException as error:
        await _put_back(session, items, error)
        raise
    return True


async def _put_back(session: Session, items: list[_items.TResponseInputItem], error: BaseException) -> None:
    try:
        found = await all_items(session)
        if found != items:
            if found:
                await session.clear_session()
            await session.add_items(items)
    except Exception as failure:  # noqa: BLE001 (told as a note on the error that is raised)
        error.add_note(
            f"The {len(items)} items of session {session.session_id!r} could not be put back: {failure!r}"
        )
