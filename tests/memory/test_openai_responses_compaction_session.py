"""Sessions that have the server compact them: when, what is sent, and what becomes of the history where that fails."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from agents import (
    OpenAIConversationsSession,
    OpenAIResponsesCompactionSession,
    RunContextWrapper,
    SessionABC,
    SessionSettings,
    SQLiteSession,
    is_openai_responses_compaction_aware_session,
)
from agents.extensions.memory import AdvancedSQLiteSession, EncryptedSession
from agents.memory.openai_responses_compaction_session import (
    DEFAULT_COMPACTION_THRESHOLD,
    default_should_trigger_compaction,
    is_openai_model_name,
    select_compaction_candidate_items,
)
from agents.memory.session_settings import resolve_session_limit
from agents.testing import SessionCheck, Step, session_checks
from agents.testing.responses_script import Access
from memory.conversing import LOST, many, paths, said, serving

COMPACTION: Any = {"type": "compaction", "encrypted_content": "e"}


def answers(count: int) -> list[Any]:
    return [{"role": "assistant", "content": f"answer {number}"} for number in range(count)]


class Shelf(SessionABC):
    """Keeps its items in a list, and cannot replace them at once."""

    def __init__(self, session_id: str = "s", store: list[Any] | None = None) -> None:
        self.session_id = session_id
        self.items: list[Any] = [] if store is None else store
        self.failing = 0
        """How many of the next additions fail."""

    async def get_items(self, limit: int | None = None) -> list[Any]:
        count = resolve_session_limit(limit, self.session_settings)
        return copy.deepcopy(self.items if count is None else self.items[max(0, len(self.items) - count) :])

    async def add_items(self, items: list[Any]) -> None:
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the shelf is away")
        # As one that does its work elsewhere.
        stored = json.loads(json.dumps(items))
        await asyncio.sleep(0)
        self.items.extend(stored)

    async def pop_item(self) -> Any:
        return self.items.pop() if self.items else None

    async def clear_session(self) -> None:
        await asyncio.sleep(0)
        self.items.clear()


CLIENT = AsyncOpenAI(api_key="x", base_url="http://127.0.0.1:9")


def around(session: Any, client: AsyncOpenAI = CLIENT, **options: Any) -> OpenAIResponsesCompactionSession:
    return OpenAIResponsesCompactionSession("s", session, client=client, **options)


def always(step: Step) -> Callable[[Access], Step]:
    return lambda _: step


class TestKit:
    @pytest.mark.parametrize("check", session_checks(), ids=str)
    async def test_over_a_file(
        self, check: SessionCheck, opened: Callable[..., SQLiteSession], tmp_path: Path
    ):
        await check(lambda session_id: around(opened(session_id, tmp_path / "s.db")))

    @pytest.mark.parametrize("check", session_checks(reopens=False), ids=str)
    async def test_over_a_database_in_memory(self, check: SessionCheck, opened: Callable[..., SQLiteSession]):
        await check(lambda session_id: around(opened(session_id)))

    @pytest.mark.parametrize("check", session_checks(reopens=False), ids=str)
    async def test_over_one_that_cannot_rewrite(self, check: SessionCheck):
        await check(lambda session_id: around(Shelf(session_id)))


class TestParts:
    @pytest.mark.parametrize(
        "name",
        [
            "gpt-4.1",
            "gpt-5",
            "o3",
            "o4-mini",
            "ft:gpt-4.1:org::id",
            "ft:o3",
            "openai/gpt-4.1",
            "openai/o1",
            " gpt-4",
        ],
    )
    def test_names_of_models_that_compact(self, name: str):
        assert is_openai_model_name(name)

    @pytest.mark.parametrize(
        "name", ["", "claude-3", "omni", "o", "gpt", "GPT-4", "ft:llama", "chatgpt-4o-latest"]
    )
    def test_names_of_others(self, name: str):
        assert not is_openai_model_name(name)

    def test_what_the_user_said_and_compactions_are_no_candidates(self):
        output: Any = {"type": "function_call_output", "call_id": "c", "output": "o"}
        others: list[Any] = [*answers(1), output, {"role": "system", "content": "s"}]
        items: list[Any] = [
            *said("hi"),
            {"type": "message", "role": "user", "content": "hi"},
            COMPACTION,
            *others,
        ]
        assert select_compaction_candidate_items(items) == others

    @pytest.mark.parametrize(("count", "is_due"), [(9, False), (10, True), (11, True)])
    def test_ten_candidates_are_enough(self, count: int, is_due: bool):
        assert DEFAULT_COMPACTION_THRESHOLD == 10
        assert default_should_trigger_compaction({"compaction_candidate_items": answers(count)}) is is_due

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"model": "claude"}, "Unsupported model for OpenAI responses compaction: claude"),
            ({"max_rollback_items": 0}, "max_rollback_items must be positive or None"),
            ({"compaction_mode": "often"}, "Unknown compaction_mode 'often'"),
        ],
    )
    def test_what_will_not_do_is_refused(self, options: Any, reason: str):
        with pytest.raises(ValueError, match=reason):
            around(Shelf(), **options)

    def test_a_session_that_a_server_keeps_is_refused(self):
        with pytest.raises(ValueError, match="manages its own history on the server"):
            around(OpenAIConversationsSession(openai_client=CLIENT))

    def test_it_is_aware_of_compaction_and_has_its_client(self):
        assert is_openai_responses_compaction_aware_session(around(Shelf()))
        assert not is_openai_responses_compaction_aware_session(Shelf())
        # It would compact what it cannot read, and put what cannot be read in its place.
        assert not is_openai_responses_compaction_aware_session(EncryptedSession("s", around(Shelf()), "key"))
        assert around(Shelf()).client is CLIENT


def bodies(server: Any) -> list[Any]:
    return [access.body for access in server.accesses]


class TestWhen:
    async def test_from_the_threshold_on(self):
        async with serving() as (server, client):
            shelf = Shelf(store=[*said("hi"), *answers(9)])
            session = around(shelf, client)
            await session.run_compaction({"compaction_mode": "input"})
            assert server.accesses == ()
            await session.add_items(answers(1))
            await session.run_compaction({"compaction_mode": "input"})
            assert paths(server) == ["POST /responses/compact"]
            assert shelf.items == [{"type": "compaction", "encrypted_content": "compacted by request 1"}]

    async def test_before_it_where_it_is_forced_and_never_for_nothing(self):
        async with serving() as (server, client):
            shelf = Shelf()
            session = around(shelf, client)
            await session.run_compaction({"force": True})
            assert server.accesses == ()
            await session.add_items(answers(1))
            await session.run_compaction({"force": True})
            assert [item["type"] for item in shelf.items] == ["compaction"]

    async def test_as_a_function_of_yours_says(self):
        asked: list[Any] = []

        def judge(context: dict[str, Any]) -> bool:
            asked.append(context)
            return False

        async with serving() as (server, client):
            session = around(
                Shelf(store=[*said("hi"), *answers(20)]), client, should_trigger_compaction=judge
            )
            await session.run_compaction({"response_id": "resp_1"})
            assert server.accesses == ()
        assert asked == [
            {
                "response_id": "resp_1",
                "compaction_mode": "previous_response_id",
                "compaction_candidate_items": answers(20),
                "session_items": [*said("hi"), *answers(20)],
            }
        ]

    async def test_a_limit_in_the_settings_hides_nothing_from_it(self, opened: Callable[..., SQLiteSession]):
        async with serving() as (server, client):
            sqlite = opened("s", session_settings=SessionSettings(limit=2))
            session = around(sqlite, client)
            await session.add_items(answers(12))
            assert await session.get_items() == answers(12)[-2:]
            await session.run_compaction()
            assert bodies(server) == [{"model": "gpt-4.1", "input": answers(12)}]
            assert len(await session.get_items(100)) == 1


class TestWhatIsSent:
    @pytest.mark.parametrize(
        ("args", "is_response"),
        [
            ({}, False),
            ({"response_id": "resp_1"}, True),
            ({"response_id": "resp_1", "store": True}, True),
            ({"response_id": "resp_1", "store": False}, False),
            ({"response_id": "resp_1", "compaction_mode": "input"}, False),
            ({"response_id": "resp_1", "store": False, "compaction_mode": "previous_response_id"}, True),
        ],
    )
    async def test_the_response_or_the_items(self, args: Any, is_response: bool):
        async with serving() as (server, client):
            shelf = Shelf(store=answers(10))
            session = around(shelf, client, model="gpt-5")
            if is_response:
                with pytest.raises(
                    openai.BadRequestError, match="Previous response with id 'resp_1' not found"
                ):
                    await session.run_compaction(args)
                sent = server.requests[0].body
            else:
                await session.run_compaction(args)
                sent = bodies(server)[0]
            given = {"previous_response_id": "resp_1"} if is_response else {"input": answers(10)}
            assert sent == {"model": "gpt-5", **given}

    async def test_a_stored_response_is_compacted(self):
        async with serving("Hello.") as (server, client):
            made = await client.responses.create(model="m", input="Hi")
            shelf = Shelf(store=answers(10))
            await around(shelf, client, compaction_mode="previous_response_id").run_compaction(
                {"response_id": made.id}
            )
            assert bodies(server) == [{"model": "gpt-4.1", "previous_response_id": made.id}]
            assert [item["type"] for item in shelf.items] == ["compaction"]

    async def test_the_last_response_holds_while_nothing_was_added_behind_it(self):
        async with serving("Hello.") as (server, client):
            made = await client.responses.create(model="m", input="Hi")
            session = around(Shelf(store=answers(2)), client)
            await session.run_compaction({"response_id": made.id})
            await session.run_compaction({"force": True})
            assert bodies(server) == [{"model": "gpt-4.1", "previous_response_id": made.id}]
            await session.run_compaction({"response_id": made.id})
            await session.add_items(said("more"))
            await session.run_compaction({"force": True})
            assert "input" in bodies(server)[1]

    async def test_a_response_that_was_shown_something_else_is_not_compacted(self):
        async with serving() as (server, client):
            session = around(Shelf(), client)
            items = answers(10)
            await session.add_items(items)
            await session.run_compaction({"response_id": "resp_1"}, shown=items[1:])
            assert [access.body for access in server.accesses] == [{"model": "gpt-4.1", "input": items}]
            await session.add_items(answers(9))
            args: Any = {"response_id": "resp_1", "compaction_mode": "previous_response_id"}
            with pytest.raises(ValueError, match="no response that ends where the session's items end"):
                await session.run_compaction(args, shown=items)

    async def test_what_another_api_left_in_the_items_is_not_sent(self):
        message: Any = {"type": "message", "role": "assistant", "status": "completed", "content": []}
        left: Any = {"id": "__fake_id__", "provider_data": {"model": "m"}}
        thought: Any = {"type": "reasoning", "summary": []}
        async with serving() as (server, client):
            session = around(Shelf(), client)
            given: list[Any] = [{**thought, **left}, {**message, **left}]
            await session.add_items(given)
            await session.run_compaction({"force": True})
            assert [access.body for access in server.accesses] == [{"model": "gpt-4.1", "input": [message]}]

    async def test_a_mode_that_needs_a_response_says_so(self):
        session = around(Shelf(store=answers(2)), compaction_mode="previous_response_id")
        with pytest.raises(ValueError, match="previous_response_id compaction needs a response_id"):
            await session.run_compaction()

    async def test_what_was_used_is_added_to_the_usage(self):
        async with serving() as (_, client):
            wrapper = RunContextWrapper(None)
            await around(Shelf(store=answers(10)), client).run_compaction(wrapper=wrapper)
            assert wrapper.usage.requests == 1
            assert wrapper.usage.total_tokens == wrapper.usage.input_tokens + wrapper.usage.output_tokens > 0


def compacted(*output: Any) -> Step:
    body = {"id": "resp_9", "object": "response.compaction", "created_at": 1, "output": list(output)}
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return Step.http_body(json.dumps({**body, "usage": usage}), content_type="application/json")


def message(*parts: Any) -> Any:
    return {"type": "message", "id": "msg_1", "role": "user", "status": "completed", "content": list(parts)}


class TestAnswers:
    async def test_what_the_user_said_stays_in_a_form_that_can_be_replayed(self):
        text = {"type": "input_text", "text": "hi"}
        image = {"type": "input_image", "image_url": "data:,", "detail": "auto", "file_id": None}
        step = compacted(message(text, image), {**COMPACTION, "id": "cmp_1", "created_by": None})
        async with serving(on_access=always(step)) as (_, client):
            shelf = Shelf(store=answers(10))
            await around(shelf, client).run_compaction()
        kept = {name: value for name, value in image.items() if value is not None}
        assert shelf.items == [
            {"type": "message", "role": "user", "status": "completed", "content": [text, kept]},
            COMPACTION,
        ]

    @pytest.mark.parametrize(
        ("output", "reason"),
        [
            (
                [message({"type": "input_image", "detail": "auto"}), COMPACTION],
                "missing image_url or file_id",
            ),
            ([], "has no items"),
        ],
    )
    async def test_what_cannot_be_replayed_replaces_nothing(self, output: list[Any], reason: str):
        async with serving(on_access=always(compacted(*output))) as (_, client):
            shelf = Shelf(store=answers(10))
            with pytest.raises(ValueError, match=reason):
                await around(shelf, client).run_compaction()
            assert shelf.items == answers(10)

    @pytest.mark.parametrize("step", [Step.http_error(400), LOST])
    async def test_a_server_that_fails_changes_nothing(self, step: Step):
        async with serving(on_access=always(step)) as (_, client):
            shelf = Shelf(store=answers(10))
            with pytest.raises(openai.OpenAIError):
                await around(shelf, client.with_options(max_retries=0)).run_compaction()
            assert shelf.items == answers(10)


DIES = """
import asyncio, os, signal, sys
from openai import AsyncOpenAI
from agents import OpenAIResponsesCompactionSession, SQLiteSession

class Dies(SQLiteSession):
    def _insert(self, connection, texts):
        if any('"compaction"' in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._insert(connection, texts)

async def main():
    async with AsyncOpenAI(base_url=sys.argv[2], api_key="x") as client:
        session = OpenAIResponsesCompactionSession("s", Dies("s", sys.argv[1]), client=client)
        await session.add_items([{"role": "assistant", "content": str(number)} for number in range(10)])
        await session.run_compaction()

asyncio.run(main())
"""
"""Is killed when the history has been removed and what stands for it has not been added."""


class TestReplacing:
    async def test_dying_in_the_middle_of_it_leaves_the_history(
        self, opened: Callable[..., SQLiteSession], tmp_path: Path
    ):
        async with serving() as (server, _):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", DIES, str(tmp_path / "s.db"), server.base_url
            )
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
            assert paths(server) == ["POST /responses/compact"]
        items: list[Any] = list(await opened("s", tmp_path / "s.db").get_items())
        assert [item["content"] for item in items] == [str(number) for number in range(10)]

    async def test_a_history_is_replaced_in_one_transaction(
        self, opened: Callable[..., SQLiteSession], tmp_path: Path
    ):
        async with serving() as (_, client):
            sqlite = opened("s", tmp_path / "s.db")
            session = around(sqlite, client)
            await session.add_items(answers(10))
            seen: list[int] = []
            other = opened("s", tmp_path / "s.db")

            async def watch() -> None:
                while True:
                    seen.append(len(await other.get_items()))

            watching = asyncio.create_task(watch())
            await session.run_compaction()
            watching.cancel()
            assert len(await session.get_items()) == 1
            assert set(seen) <= {10, 1}

    @pytest.mark.parametrize("make", [Shelf, None], ids=["not at once", "at once"])
    async def test_what_was_added_meanwhile_stays_behind_it(
        self, make: Any, opened: Callable[..., SQLiteSession]
    ):
        underlying = opened("s") if make is None else make()

        async def meanwhile(_: Access) -> None:
            await underlying.add_items(said("meanwhile"))

        async with serving(on_access=meanwhile) as (_, client):
            session = around(underlying, client)
            await session.add_items(answers(10))
            await session.run_compaction()
            items: list[Any] = list(await session.get_items())
        assert [item["type"] for item in items[:1]] == ["compaction"]
        assert items[1:] == said("meanwhile")

    @pytest.mark.parametrize("make", [Shelf, None], ids=["not at once", "at once"])
    async def test_a_history_that_was_changed_meanwhile_is_retained(
        self, make: Any, opened: Callable[..., SQLiteSession], caplog: pytest.LogCaptureFixture
    ):
        underlying = opened("s") if make is None else make()

        async def meanwhile(_: Access) -> None:
            await underlying.pop_item()

        async with serving(on_access=meanwhile) as (_, client):
            session = around(underlying, client)
            await session.add_items(answers(10))
            with caplog.at_level(logging.WARNING):
                await session.run_compaction()
            assert await session.get_items() == answers(9)
        assert "Session history was retained" in caplog.text

    async def test_a_history_that_could_not_be_replaced_is_put_back(self):
        async with serving() as (_, client):
            shelf = Shelf(store=answers(10))
            shelf.failing = 1
            with pytest.raises(ConnectionError):
                await around(shelf, client).run_compaction()
            assert shelf.items == answers(10)

    async def test_where_that_fails_too_the_error_says_so(self):
        async with serving() as (_, client):
            shelf = Shelf(store=answers(10))
            shelf.failing = 2
            with pytest.raises(ConnectionError) as raised:
                await around(shelf, client).run_compaction()
            assert "10 items of session 's' could not be put back" in raised.value.__notes__[0]

    async def test_more_than_can_be_put_back_is_not_compacted(self):
        async with serving() as (server, client):
            session = around(Shelf(store=answers(11)), client, max_rollback_items=10)
            with pytest.raises(ValueError, match="11 items, which exceeds max_rollback_items=10"):
                await session.run_compaction()
            assert server.accesses == ()

    async def test_cancelled_while_the_server_works_it_changes_nothing(self):
        begun = asyncio.Event()

        async def wait(_: Access) -> None:
            begun.set()
            await asyncio.Event().wait()

        async with serving(on_access=wait) as (_, client):
            shelf = Shelf(store=answers(10))
            session = around(shelf, client)
            compacting = asyncio.create_task(session.run_compaction())
            await begun.wait()
            compacting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await compacting
            assert await session.get_items() == answers(10)

    async def test_a_session_that_keeps_more_than_items_is_not_rewritten_behind_its_back(self):
        async with serving() as (_, client):
            advanced = AdvancedSQLiteSession(session_id="s", create_tables=True)
            session = around(advanced, client)
            await session.add_items([*many(1), *answers(10)])
            await session.run_compaction()
            assert len(await session.get_items()) == 1
            assert await advanced.get_conversation_by_turns() == {
                0: [{"type": "compaction", "tool_name": None}]
            }
            advanced.close()

    async def test_nor_the_branches_that_are_not_the_current_one(self):
        async with serving() as (_, client):
            advanced = AdvancedSQLiteSession(session_id="s", create_tables=True)
            session = around(advanced, client)
            await session.add_items([*many(1), *answers(5), *many(1, 1), *answers(6)])
            whole = await advanced.get_items()
            await advanced.create_branch_from_turn(2, "other")
            await session.add_items([*many(1, 2), *answers(7)])
            await session.run_compaction()
            items: list[Any] = list(await session.get_items())
            assert [item["type"] for item in items] == ["compaction"]
            assert await advanced.get_items(branch_id="main") == whole
            branches = {
                branch["branch_id"]: branch["is_current"] for branch in await advanced.list_branches()
            }
            assert branches == {"main": False, "other": True}
            advanced.close()

    async def test_nor_one_that_encrypts_them(self, opened: Callable[..., SQLiteSession]):
        async with serving() as (_, client):
            sqlite = opened("s")
            session = around(EncryptedSession("s", sqlite, "key"), client)
            await session.add_items(answers(10))
            await session.run_compaction()
            items: list[Any] = list(await session.get_items())
            assert [item["type"] for item in items] == ["compaction"]
            stored: list[Any] = list(await sqlite.get_items())
            assert ["__enc__" in item for item in stored] == [True]

    async def test_nor_one_whose_subclass_keeps_them_otherwise(self):
        class Upper(SQLiteSession):
            async def add_items(self, items: list[Any]) -> None:
                marked: list[Any] = [{**item, "marked": True} for item in items]
                await super().add_items(marked)

        async with serving() as (_, client):
            upper = Upper("s")
            session = around(upper, client)
            await session.add_items(answers(10))
            await session.run_compaction()
            items: list[Any] = list(await session.get_items())
            assert [item["marked"] for item in items] == [True]
            upper.close()
