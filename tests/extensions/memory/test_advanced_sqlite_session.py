"""Advanced sessions: turns, branches, tools, usage, and whose tables they are."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents import Agent, RunConfig, Runner, SQLiteSession, Usage
from agents.extensions.memory import AdvancedSQLiteSession
from agents.testing import ModelStep, ScriptedModel, assistant_message

Opened = Callable[..., AdvancedSQLiteSession]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Makes sessions, which are closed behind the test."""
    sessions: list[AdvancedSQLiteSession] = []

    def make(session_id: str = "a", **keywords: Any) -> AdvancedSQLiteSession:
        keywords.setdefault("create_tables", True)
        sessions.append(AdvancedSQLiteSession(session_id=session_id, **keywords))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def said(text: Any, role: str = "user") -> Any:
    return {"role": role, "content": text}


def called(name: str, **more: Any) -> Any:
    return {"type": "function_call", "name": name, "call_id": "c", "arguments": "{}", **more}


async def texts(session: AdvancedSQLiteSession, branch_id: str | None = None) -> list[str]:
    items: list[Any] = list(await session.get_items(branch_id=branch_id))
    return [item["content"] for item in items]


@pytest.fixture
async def talk(opened: Opened) -> AdvancedSQLiteSession:
    """Three turns, each a question and an answer."""
    session = opened()
    for number in (1, 2, 3):
        await session.add_items([said(f"Question {number}"), said(f"Answer {number}", "assistant")])
    return session


class TestTurns:
    async def test_begin_with_what_the_user_says(self, opened: Opened) -> None:
        session = opened()
        await session.add_items([said("Hello", "system"), said("Welcome", "assistant")])
        await session.add_items([said("One"), called("f")])
        await session.add_items([{"type": "function_call_output", "call_id": "c", "output": "o"}])
        await session.add_items([said("Two"), said("Three")])
        assert await session.get_conversation_by_turns() == {
            0: [{"type": "other", "tool_name": None}, {"type": "assistant", "tool_name": None}],
            1: [
                {"type": "user", "tool_name": None},
                {"type": "function_call", "tool_name": "f"},
                {"type": "function_call_output", "tool_name": None},
            ],
            2: [{"type": "user", "tool_name": None}],
            3: [{"type": "user", "tool_name": None}],
        }

    async def test_are_listed_with_the_beginning_of_what_was_said(self, opened: Opened) -> None:
        session = opened()
        parts = [{"type": "input_text", "text": "See"}]
        await session.add_items([said("x" * 101), said(parts)])
        turns = await session.get_conversation_turns()
        assert [turn.pop("timestamp")[:2] for turn in turns] == ["20", "20"]
        assert turns == [
            {"turn": 1, "content": "x" * 100 + "...", "full_content": "x" * 101, "can_branch": True},
            {
                "turn": 2,
                "content": '[{"type": "input_text", "text": "See"}]',
                "full_content": parts,
                "can_branch": True,
            },
        ]

    @pytest.mark.parametrize(
        ("term", "found"),
        [
            ("plain", [1]),
            ("é_50%", [2]),
            ("É", [1, 2]),
            ("%", [2]),
            ("input_text", []),
            ("part two", []),
            ("", [1, 2]),
        ],
    )
    async def test_are_found_by_what_was_said_as_it_stands(
        self, opened: Opened, term: str, found: list[int]
    ) -> None:
        session = opened()
        parts = [{"type": "input_text", "text": "Part"}, {"type": "input_text", "text": "two É_50%"}]
        await session.add_items([said("PLAIN é"), said("plain answer", "assistant"), said(parts)])
        assert [turn["turn"] for turn in await session.find_turns_by_content(term)] == found

    async def test_count_the_calls_of_each_tool(self, opened: Opened) -> None:
        session = opened()
        calls: list[Any] = [
            called("f"),
            called("f"),
            called("g", namespace="ns"),
            {"type": "mcp_call", "id": "m", "server_label": "server", "name": "look", "arguments": "{}"},
            {"type": "web_search_call", "id": "w", "status": "completed"},
            {"type": "tool_search_call", "id": "t"},
            {"type": "reasoning", "id": "r", "summary": []},
        ]
        await session.add_items([said("One"), *calls])
        await session.add_items([said("Two"), called("f")])
        assert await session.get_tool_usage() == [
            ("f", 2, 1),
            ("ns.g", 1, 1),
            ("server.look", 1, 1),
            ("tool_search", 1, 1),
            ("web_search_call", 1, 1),
            ("f", 1, 2),
        ]


class TestBranches:
    async def test_begin_with_what_was_before_the_turn(self, talk: AdvancedSQLiteSession) -> None:
        branch = await talk.create_branch_from_turn(2)
        assert re.fullmatch(r"branch_from_turn_2_\d+", branch)
        await talk.add_items([said("Another question")])
        assert await texts(talk) == ["Question 1", "Answer 1", "Another question"]
        assert [turn["turn"] for turn in await talk.get_conversation_turns()] == [1, 2]
        assert len(await texts(talk, "main")) == 6

    async def test_are_listed_with_what_is_in_them(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(3, "other")
        branches = {branch.pop("branch_id"): branch for branch in await talk.list_branches()}
        assert [branch.pop("created_at")[:2] for branch in branches.values()] == ["20", "20"]
        assert branches == {
            "main": {"message_count": 6, "user_turns": 3, "is_current": False},
            "other": {"message_count": 4, "user_turns": 2, "is_current": True},
        }

    async def test_made_in_one_second_have_ids_of_their_own(
        self, talk: AdvancedSQLiteSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.time", lambda: 1000.5)
        made: list[str] = []
        for _ in range(3):
            await talk.switch_to_branch("main")
            made.append(await talk.create_branch_from_turn(3))
        assert made == ["branch_from_turn_3_1000", "branch_from_turn_3_1000_2", "branch_from_turn_3_1000_3"]

    async def test_can_begin_where_something_was_said(self, talk: AdvancedSQLiteSession) -> None:
        assert await talk.create_branch_from_content("question 3", "other") == "other"
        assert len(await texts(talk)) == 4
        with pytest.raises(ValueError, match="No user turns found containing 'nothing'"):
            await talk.create_branch_from_content("nothing")

    async def test_ids_are_used_once(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(2, "other")
        await talk.delete_branch("other", force=True)
        for name in ("other", "main"):
            with pytest.raises(ValueError, match=f"Branch ID '{name}' has already been used"):
                await talk.create_branch_from_turn(2, name)
        with pytest.raises(ValueError, match="Branch name cannot be empty"):
            await talk.create_branch_from_turn(2, " ")

    async def test_need_a_turn_of_the_current_branch(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(2, "other")
        for number in (0, 2, 5):
            with pytest.raises(
                ValueError, match=f"Turn {number} does not contain a user message in branch 'other'"
            ):
                await talk.create_branch_from_turn(number)

    async def test_are_switched_to_by_id(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(2, "other")
        await talk.switch_to_branch("main")
        assert len(await texts(talk)) == 6
        await talk.switch_to_branch("other")
        assert len(await texts(talk)) == 2
        with pytest.raises(ValueError, match="Branch 'nonexistent' does not exist"):
            await talk.switch_to_branch("nonexistent")

    async def test_deleted_take_only_their_own_messages_with_them(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(2, "other")
        await talk.add_items([said("only here")])
        with pytest.raises(ValueError, match=r"Cannot delete current branch 'other'\. Use force=True"):
            await talk.delete_branch("other")
        await talk.delete_branch("other", force=True)
        assert len(await texts(talk)) == 6
        assert await texts(talk, "other") == []
        for branch, message in (
            ("main", "Cannot delete the 'main' branch"),
            ("", "Branch ID cannot be empty"),
            ("other", "Branch 'other' does not exist"),
        ):
            with pytest.raises(ValueError, match=message):
                await talk.delete_branch(branch)

    async def test_keep_what_another_branch_pops(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(3, "other")
        assert await talk.pop_item() == said("Answer 2", "assistant")
        assert len(await texts(talk)) == 3
        assert len(await texts(talk, "main")) == 6

    async def test_are_followed_in_the_order_of_the_calls(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(2, "other")
        await asyncio.gather(
            talk.add_items([said("in other")]),
            talk.switch_to_branch("main"),
            talk.add_items([said("in main")]),
        )
        assert (await texts(talk, "other"))[-1] == "in other"
        assert (await texts(talk))[-1] == "in main"

    async def test_are_gone_when_the_session_is_cleared(self, talk: AdvancedSQLiteSession) -> None:
        await talk.create_branch_from_turn(2, "other")
        await talk.clear_session()
        assert await talk.list_branches() == []
        await talk.add_items([said("new")])
        assert await texts(talk, "main") == ["new"]


class TestUsage:
    async def run(self, session: AdvancedSQLiteSession, text: str, tokens: int) -> None:
        usage = Usage(requests=1, input_tokens=tokens, output_tokens=1, total_tokens=tokens + 1)
        model = ScriptedModel([ModelStep([assistant_message("Fine.")], usage=usage)])
        result = await Runner.run(
            Agent(name="a", model=model), text, run_config=RunConfig(tracing_disabled=True)
        )
        await session.add_items(result.to_input_list())
        await session.store_run_usage(result)

    async def test_is_kept_for_each_turn(self, opened: Opened) -> None:
        session = opened()
        await self.run(session, "One", 10)
        await self.run(session, "Two", 20)
        first = await session.get_turn_usage(1)
        assert isinstance(first, dict)
        details = {name: first.pop(f"{name}_tokens_details") for name in ("input", "output")}
        assert (details["input"]["cached_tokens"], details["output"]["reasoning_tokens"]) == (0, 0)
        assert first == {"requests": 1, "input_tokens": 10, "output_tokens": 1, "total_tokens": 11}
        turns = await session.get_turn_usage()
        assert isinstance(turns, list)
        assert [(turn["user_turn_number"], turn["input_tokens"]) for turn in turns] == [(1, 10), (2, 20)]
        assert await session.get_turn_usage(3) == {}
        assert await session.get_session_usage() == {
            "requests": 2,
            "input_tokens": 30,
            "output_tokens": 2,
            "total_tokens": 32,
            "total_turns": 2,
        }

    async def test_of_a_session_counts_all_its_branches(self, opened: Opened) -> None:
        session = opened()
        assert (await session.get_session_usage(), await session.get_turn_usage()) == (None, [])
        await self.run(session, "One", 10)
        await session.create_branch_from_turn(1, "other")
        await self.run(session, "Other", 5)
        sums = [await session.get_session_usage(branch) for branch in (None, "main", "other")]
        assert [one and one["input_tokens"] for one in sums] == [15, 10, 5]

    async def test_goes_with_its_turn(self, opened: Opened) -> None:
        session = opened()
        await self.run(session, "One", 10)
        await session.pop_item()
        assert len(await session.get_turn_usage()) == 1
        await session.pop_item()
        assert await session.get_turn_usage() == []


class TestCost:
    async def test_of_an_addition_does_not_depend_on_what_is_there(
        self, opened: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps, connect = [0], sqlite3.connect

        def counting(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
            def count() -> int:
                steps[0] += 1
                return 0

            connection = connect(*arguments, **keywords)
            # After every ten steps of SQLite's machine.
            connection.set_progress_handler(count, 10)
            return connection

        monkeypatch.setattr(sqlite3, "connect", counting)
        session = opened()
        costs: list[int] = []
        for _ in range(2):
            await session.add_items([said(str(number)) for number in range(1000)])
            before = steps[0]
            await session.add_items([said("more")])
            costs.append(steps[0] - before)
        assert costs[1] <= costs[0] + 5

    async def test_of_opening_is_one_look_for_the_tables(
        self, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        connect = sqlite3.connect

        def listening(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **keywords)
            connection.set_trace_callback(asked.append)
            return connection

        monkeypatch.setattr(sqlite3, "connect", listening)
        await opened(db_path=tmp_path / "sessions.db").get_items()
        assert sum("sqlite_master" in statement for statement in asked) == 1


class TestTables:
    async def test_have_to_be_asked_for(self, opened: Opened, tmp_path: Path) -> None:
        path = tmp_path / "sessions.db"
        with pytest.raises(ValueError, match=r"configured base tables .*missing.*create_tables=True"):
            await opened(db_path=path, create_tables=False).get_items()
        plain = SQLiteSession("a", path)
        await plain.add_items([said("1")])
        plain.close()
        with pytest.raises(ValueError, match=r"exactly one owner foreign key.*create_tables=True"):
            await opened(db_path=path, create_tables=False).get_items()
        await opened(db_path=path).add_items([said("2")])
        assert await texts(opened(db_path=path, create_tables=False)) == ["2"]

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            (
                {"sessions_table": "other"},
                "belongs to sessions table 'agent_sessions', not to the configured 'other'",
            ),
            ({"messages_table": "m"}, "configured base tables 'agent_sessions/m'"),
            ({"sessions_table": "s", "messages_table": "m"}, "configured base tables 's/m'"),
            ({"sessions_table": "ßsessions"}, "not to the configured 'ßsessions'"),
        ],
    )
    async def test_of_others_are_refused_and_none_is_made(
        self, opened: Opened, tmp_path: Path, tables: dict[str, str], message: str
    ) -> None:
        path = tmp_path / "sessions.db"
        await opened(db_path=path).add_items([said("1")])
        with pytest.raises(ValueError, match=message):
            await opened(db_path=path, **tables).add_items([said("2")])
        with contextlib.closing(sqlite3.connect(path)) as connection:
            names = {
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
        assert names == {
            "agent_sessions",
            "agent_messages",
            "message_structure",
            "turn_usage",
            "branch_reservations",
            "sqlite_sequence",
        }

    async def test_are_the_same_in_upper_case(self, opened: Opened, tmp_path: Path) -> None:
        path = tmp_path / "sessions.db"
        await opened(db_path=path).add_items([said("1")])
        assert await texts(opened(db_path=path, sessions_table="AGENT_SESSIONS")) == ["1"]

    async def test_keep_what_a_plain_session_has_put_beside(self, opened: Opened, tmp_path: Path) -> None:
        path = tmp_path / "sessions.db"
        session = opened(db_path=path)
        await session.add_items([said("One"), said("Two")])
        plain = SQLiteSession("a", path)
        await plain.add_items([said("beside")])
        await session.create_branch_from_turn(2, "other")
        await session.delete_branch("other", force=True)
        await session.pop_item()
        assert await plain.get_items() == [said("One"), said("beside")]
        plain.close()
