"""The conformance kit of sessions finds what is wrong with one, and nothing with a right one."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from agents import SessionABC, SQLiteSession
from agents.memory.session_settings import resolve_session_limit
from agents.testing import check_session, session_checks
from agents.testing._responses_items import whole_item

Stores = dict[str, list[Any]]


class Right(SessionABC):
    """Keeps items in a list that all objects of one id share."""

    def __init__(self, session_id: str, stores: Stores) -> None:
        self.session_id = session_id
        self.stores = stores

    @property
    def items(self) -> list[Any]:
        return self.stores.setdefault(self.session_id, [])

    async def get_items(self, limit: int | None = None) -> list[Any]:
        limit = resolve_session_limit(limit, self.session_settings)
        return copy.deepcopy(self.items if limit is None else self.items[max(0, len(self.items) - limit) :])

    async def add_items(self, items: list[Any]) -> None:
        self.items.extend(copy.deepcopy(items))

    async def pop_item(self) -> Any:
        return self.items.pop() if self.items else None

    async def clear_session(self) -> None:
        self.items.clear()


class NegativeSlice(Right):
    async def get_items(self, limit: int | None = None) -> list[Any]:
        limit = resolve_session_limit(limit, self.session_settings)
        return copy.deepcopy(self.items if limit is None else self.items[-limit:])


class OldestItems(Right):
    async def get_items(self, limit: int | None = None) -> list[Any]:
        limit = resolve_session_limit(limit, self.session_settings)
        return copy.deepcopy(self.items if limit is None else self.items[:limit])


class NoSettings(Right):
    async def get_items(self, limit: int | None = None) -> list[Any]:
        return copy.deepcopy(self.items if limit is None else self.items[max(0, len(self.items) - limit) :])


class GivesItsOwn(Right):
    async def get_items(self, limit: int | None = None) -> list[Any]:
        limit = resolve_session_limit(limit, self.session_settings)
        return self.items if limit is None else self.items[max(0, len(self.items) - limit) :]


class OneByOne(Right):
    """A cancelled batch is stored in part, and batches mix."""

    async def add_items(self, items: list[Any]) -> None:
        for item in copy.deepcopy(items):
            await asyncio.sleep(0)
            self.items.append(item)


class ReadChangeWrite(Right):
    """Batches of others are lost."""

    async def add_items(self, items: list[Any]) -> None:
        old = list(self.items)
        await asyncio.sleep(0)
        self.items[:] = [*old, *copy.deepcopy(items)]


class StoresHalf(Right):
    async def add_items(self, items: list[Any]) -> None:
        for item in items:
            if not isinstance(item.get("content", ""), str | list):
                raise TypeError("not storable")
            self.items.append(copy.deepcopy(item))


class PopsFirst(Right):
    async def pop_item(self) -> Any:
        return self.items.pop(0) if self.items else None


class RaisesOnEmpty(Right):
    async def pop_item(self) -> Any:
        return self.items.pop()


class PopsLate(Right):
    async def pop_item(self) -> Any:
        latest = self.items[-1] if self.items else None
        await asyncio.sleep(0)
        del self.items[-1:]
        return latest


class OneForAll(Right):
    @property
    def items(self) -> list[Any]:
        return self.stores.setdefault("all", [])


class Forgets(Right):
    def __init__(self, session_id: str, stores: Stores) -> None:
        super().__init__(session_id, {})


class Full(list[Any]):
    """Takes nothing."""

    def extend(self, _: object) -> None:
        return


class ClearsForGood(Right):
    async def clear_session(self) -> None:
        self.stores[self.session_id] = Full()


class Ascii(Right):
    async def add_items(self, items: list[Any]) -> None:
        texts = [str(item.get("content")).encode("ascii", "replace").decode() for item in items]
        self.items.extend({"role": "user", "content": text} for text in texts)


class Completes(Right):
    """Keeps items as a server of the API does."""

    async def add_items(self, items: list[Any]) -> None:
        whole = [whole_item(item, f"item_{len(self.items) + place}") for place, item in enumerate(items)]
        self.items.extend(copy.deepcopy(whole))


async def wrong_with(kind: type[Right]) -> set[str]:
    stores: Stores = {}
    lines = await check_session(lambda session_id: kind(session_id, stores))
    return {line.partition(":")[0] for line in lines}


async def test_nothing_is_wrong_with_a_right_session() -> None:
    assert await wrong_with(Right) == set()


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (NegativeSlice, "latest-items"),
        (OldestItems, "latest-items"),
        (NoSettings, "limit-in-settings"),
        (GivesItsOwn, "copies"),
        (OneByOne, "writers"),
        (OneByOne, "cancelled"),
        (ReadChangeWrite, "writers-of-their-own"),
        (StoresHalf, "whole-batches"),
        (PopsFirst, "pop"),
        (RaisesOnEmpty, "pop"),
        (PopsLate, "pops-at-once"),
        (OneForAll, "isolation"),
        (Forgets, "reopened"),
        (ClearsForGood, "clear"),
        (Ascii, "content"),
    ],
)
async def test_each_fault_is_found(kind: type[Right], check: str) -> None:
    assert check in await wrong_with(kind)


async def test_a_line_says_what_must_be_true_and_what_was_found() -> None:
    stores: Stores = {}
    lines = await check_session(lambda session_id: PopsFirst(session_id, stores))
    assert lines[0] == (
        "pop: `pop_item` removes the latest item and returns it; on an empty session it returns None."
        " pop_item(): expected {'role': 'user', 'content': 'item 2'}, found {'role': 'user', 'content': 'item 0'}"
    )


async def test_what_opens_a_session_may_be_awaited() -> None:
    sessions: list[SQLiteSession] = []

    async def opened(session_id: str) -> SQLiteSession:
        sessions.append(SQLiteSession(session_id))
        return sessions[-1]

    assert await check_session(opened, reopens=False) == []
    for session in sessions:
        session.close()


def test_checks_have_names_of_their_own_and_say_what_must_be_true() -> None:
    checks = session_checks()
    assert len({str(check) for check in checks}) == len(checks) == 15
    assert all(check.says.endswith(".") for check in checks)
    assert {str(check) for check in checks} - {str(check) for check in session_checks(reopens=False)} == {
        "reopened",
        "writers-of-their-own",
    }


@pytest.mark.parametrize(("exact", "is_right"), [(True, False), (False, True)])
async def test_items_that_say_the_same_are_enough_where_that_is_said(exact: bool, is_right: bool) -> None:
    stores: Stores = {}
    wrong = await check_session(lambda session_id: Completes(session_id, stores), exact=exact)
    assert (not wrong) is is_right


async def test_other_words_are_never_the_same() -> None:
    stores: Stores = {}
    wrong = await check_session(lambda session_id: Ascii(session_id, stores), exact=False)
    assert {line.partition(":")[0] for line in wrong} >= {"content"}
