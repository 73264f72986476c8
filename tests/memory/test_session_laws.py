"""Whatever is done to a session, it has what a plain list would have; and each branch what a list of its own would."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents import SessionABC, SQLiteSession
from agents.extensions.memory import AdvancedSQLiteSession, AsyncSQLiteSession, EncryptedSession

#: Any text that JSON can hold, half surrogate pairs too.
TEXTS = st.text(st.characters(), max_size=8)
ITEMS = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": TEXTS})
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(ITEMS, max_size=4)),
        st.tuples(st.just("get"), st.none() | st.integers(0, 6)),
        st.tuples(st.just("pop"), st.none()),
        st.tuples(st.just("clear"), st.none()),
    ),
    max_size=12,
)
BRANCH_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(ITEMS, max_size=3)),
        st.tuples(st.just("pop"), st.none()),
        st.tuples(st.just("branch"), st.integers(1, 4)),
        st.tuples(st.just("switch"), st.integers(0, 4)),
        st.tuples(st.just("delete"), st.integers(0, 4)),
    ),
    max_size=14,
)


async def follow(session: SessionABC, steps: list[tuple[str, Any]]) -> None:
    model: list[Any] = []
    for step, value in steps:
        match step:
            case "add":
                await session.add_items(value)
                model += value
            case "get":
                expected = model if value is None else model[len(model) - min(value, len(model)) :]
                assert await session.get_items(value) == expected
            case "pop":
                assert await session.pop_item() == (model.pop() if model else None)
            case _:
                await session.clear_session()
                model.clear()
    assert await session.get_items() == model


@given(STEPS)
def test_a_session_is_a_list(steps: list[tuple[str, Any]]) -> None:
    async def main() -> None:
        plain, wrapped = SQLiteSession("a"), SQLiteSession("a")
        advanced = AdvancedSQLiteSession(session_id="a", create_tables=True)
        another = AsyncSQLiteSession("a")
        for session in (plain, advanced, another, EncryptedSession("a", wrapped, "key")):
            await follow(session, steps)
        for session in (plain, advanced, wrapped):
            session.close()
        await another.close()

    asyncio.run(main())


def before_turn(items: list[Any], turn: int) -> list[Any] | None:
    """What stands before a turn; None where there is no such turn."""
    places = [place for place, item in enumerate(items) if item["role"] == "user"]
    return items[: places[turn - 1]] if turn <= len(places) else None


async def follow_branches(session: AdvancedSQLiteSession, steps: list[tuple[str, Any]]) -> None:
    branches: dict[str, list[Any]] = {"main": []}
    current = "main"
    for number, (step, value) in enumerate(steps):
        ids = [*branches]
        target = ids[int(value) % len(ids)] if step in {"switch", "delete"} else current
        match step:
            case "add":
                await session.add_items(value)
                branches[current] += value
            case "pop":
                assert await session.pop_item() == (branches[current].pop() if branches[current] else None)
            case "branch":
                kept = before_turn(branches[current], value)
                if kept is not None:
                    current = await session.create_branch_from_turn(value, str(number))
                    branches[current] = list(kept)
            case "switch":
                if branches[target] or target == "main":
                    await session.switch_to_branch(target)
                    current = target
            case _:
                if target != "main" and (branches[target] or target == current):
                    await session.delete_branch(target, force=True)
                    del branches[target]
                    current = "main" if target == current else current
        assert await session.get_items() == branches[current]
    for branch_id, items in branches.items():
        assert await session.get_items(branch_id=branch_id) == items
        turns = await session.get_conversation_turns(branch_id)
        said = [item["content"] for item in items if item["role"] == "user"]
        assert [turn["full_content"] for turn in turns] == said
    listed = {branch["branch_id"]: branch["message_count"] for branch in await session.list_branches()}
    assert listed == {branch_id: len(items) for branch_id, items in branches.items() if items}


@given(BRANCH_STEPS)
def test_a_branch_is_a_list_of_its_own(steps: list[tuple[str, Any]]) -> None:
    async def main() -> None:
        session = AdvancedSQLiteSession(session_id="a", create_tables=True)
        await follow_branches(session, steps)
        session.close()

    asyncio.run(main())
