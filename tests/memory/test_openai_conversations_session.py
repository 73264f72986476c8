"""Sessions that the server keeps: the kit, what is asked of the server, and what becomes of a batch that fails."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from agents import OpenAIConversationsSession, SessionSettings
from agents._ports.session import plain_item
from agents.memory.openai_conversations_session import start_openai_conversations_session
from agents.testing import SessionCheck, Step, session_checks
from agents.testing.responses_script import Access
from memory.conversing import LOST, is_add, many, nth_add, paths, plain, said, serving


@pytest.mark.parametrize("check", session_checks(exact=False), ids=str)
async def test_it_passes_the_kit(check: SessionCheck) -> None:
    ids: dict[str, str] = {}

    async with serving() as (_, client):

        async def opened(session_id: str) -> OpenAIConversationsSession:
            if session_id not in ids:
                ids[session_id] = await start_openai_conversations_session(client)
            return OpenAIConversationsSession(conversation_id=ids[session_id], openai_client=client)

        await check(opened)


class TestWhatIsAsked:
    async def test_a_conversation_is_begun_once_whoever_asks_first(self):
        async with serving() as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            with pytest.raises(ValueError, match=r"add_items\(\) with a non-empty list"):
                _ = session.session_id
            assert server.accesses == ()
            await asyncio.gather(
                session.add_items(said("a")), session.get_items(), session.add_items(said("b"))
            )
            assert paths(server).count("POST /conversations") == 1
            assert session.session_id == "conv_1"

    async def test_nothing_is_asked_for_nothing(self):
        async with serving() as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            assert await session.get_items(0) == []
            await session.add_items([])
            assert await session.pop_item() is None
            await session.clear_session()
            session.session_settings = SessionSettings(limit=0)
            assert await session.get_items() == []
            assert server.accesses == ()

    async def test_a_large_batch_goes_in_parts_of_twenty(self):
        async with serving() as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(many(45))
            assert [len((access.body or {})["items"]) for access in server.accesses if is_add(access)] == [
                20,
                20,
                5,
            ]
            assert plain(await session.get_items()) == many(45)

    @pytest.mark.parametrize(("limit", "pages"), [(1, 1), (100, 1), (101, 2), (130, 2), (500, 2), (None, 2)])
    async def test_the_latest_are_read_in_pages(self, limit: int | None, pages: int):
        async with serving() as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(many(130))
            asked = len(server.accesses)
            assert plain(await session.get_items(limit)) == many(130)[-(limit or 130) :]
            assert len(server.accesses) - asked == pages

    async def test_cleared_the_next_use_begins_another(self):
        async with serving() as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(said("a"))
            await session.clear_session()
            await session.add_items(said("b"))
            assert session.session_id == "conv_2"
            assert plain(await session.get_items()) == said("b")
            assert paths(server)[2:5] == [
                "DELETE /conversations/conv_1",
                "POST /conversations",
                "POST /conversations/conv_2/items",
            ]

    async def test_a_conversation_that_never_was_is_no_empty_one(self):
        async with serving() as (_, client):
            session = OpenAIConversationsSession(conversation_id="conv_x", openai_client=client)
            for asking in (session.get_items, session.pop_item, session.clear_session):
                with pytest.raises(openai.NotFoundError, match="conv_x"):
                    await asking()
            with pytest.raises(openai.NotFoundError, match="conv_x"):
                await session.add_items(said("a"))

    async def test_settings_may_be_a_dict(self):
        session = OpenAIConversationsSession(
            openai_client=AsyncOpenAI(api_key="x"), session_settings={"limit": 2}
        )
        assert session.session_settings == SessionSettings(limit=2)


class TestItems:
    async def test_what_only_the_server_knows_is_not_replayed(self):
        program = {"type": "program", "id": "prog_1", "call_id": "c", "code": "1", "fingerprint": "f"}
        request = {
            "type": "mcp_approval_request",
            "id": "mcpr_1",
            "name": "n",
            "arguments": "{}",
            "server_label": "l",
        }
        thought: Any = {"type": "reasoning", "id": "rs_1", "summary": []}
        call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
        answer: Any = {
            "type": "message",
            "id": "__fake_id__",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "hi", "logprobs": None}],
            "provider_data": {"model": "m"},
        }
        async with serving() as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            given: list[Any] = [program, request, thought, call, answer]
            await session.add_items(given)
            (sent,) = [access.body for access in server.accesses if is_add(access)]
            assert sent is not None
            assert [item.get("id") for item in sent["items"]] == ["prog_1", "mcpr_1", "rs_1", None, None]
            assert "provider_data" not in sent["items"][-1]
            items: list[Any] = list(await session.get_items())
            assert items[:3] == [program, request, thought]
            assert "id" not in items[3]
            assert items[4]["content"] == [{"type": "output_text", "text": "hi"}]
            assert "id" not in items[4]
            assert (given[3]["id"], given[4]["provider_data"]) == ("fc_1", {"model": "m"})

    async def test_who_made_it_is_no_part_of_an_item(self):
        by = {"created_by": "someone"}
        chunk: Any = {"stdout": "s", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}
        kept: Any = {"type": "shell_call_output", "call_id": "c", "output": [{**chunk, **by}], **by}
        async with serving() as (server, client):
            conversation = await client.conversations.create(items=[kept])
            session = OpenAIConversationsSession(conversation_id=conversation.id, openai_client=client)
            (item,) = await session.get_items()
            assert plain_item(item) == {"type": "shell_call_output", "call_id": "c", "output": [chunk]}
            await session.add_items([kept])
            assert (server.accesses[-1].body or {})["items"] == [plain_item(item)]

    async def test_a_fake_id_is_no_id(self):
        thought: Any = {"type": "reasoning", "id": "__fake_id__", "summary": []}
        async with serving() as (server, client):
            await OpenAIConversationsSession(openai_client=client).add_items([thought])
            (sent,) = [access.body for access in server.accesses if is_add(access)]
            assert sent == {"items": [{"type": "reasoning", "summary": []}]}


class TestBatchesThatFail:
    @pytest.mark.parametrize("number", [1, 2, 3])
    async def test_what_was_stored_is_taken_back(self, number: int):
        async with serving(on_access=nth_add(number + 1, Step.http_error(500))) as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(said("before"))
            with pytest.raises(openai.InternalServerError):
                await session.add_items(many(45))
            assert sum(map(is_add, server.accesses)) == number + 1, "a failed addition is not sent again"
            assert plain(await session.get_items()) == said("before")
            await session.add_items(said("behind"))
            assert plain(await session.get_items()) == said("before", "behind")

    @pytest.mark.parametrize("number", [1, 2, 3])
    async def test_a_lost_answer_is_no_lost_item(self, number: int):
        async with serving(on_access=nth_add(number, LOST)) as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(many(45))
            assert sum(map(is_add, server.accesses)) == 3
            assert plain(await session.get_items()) == many(45)

    @pytest.mark.parametrize("number", [1, 2, 3])
    async def test_a_busy_server_is_asked_again(self, number: int):
        busy = nth_add(number, Step.http_error(429, retry_after_s=0))
        async with serving(on_access=busy) as (server, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(many(45))
            assert sum(map(is_add, server.accesses)) == 4
            assert plain(await session.get_items()) == many(45)

    @pytest.mark.parametrize(("retries", "wait_s"), [(1, 0), (2, 3600)])
    async def test_one_that_stays_busy_ends_it(self, retries: int, wait_s: float):
        def judge(access: Access) -> Step | None:
            is_second = is_add(access) and len((access.body or {})["items"]) == 5
            return Step.http_error(429, retry_after_s=wait_s) if is_second else None

        async with serving(on_access=judge) as (server, client):
            session = OpenAIConversationsSession(openai_client=client.with_options(max_retries=retries))
            with pytest.raises(openai.RateLimitError):
                await session.add_items(many(25))
            assert sum(map(is_add, server.accesses)) == (3 if wait_s == 0 else 2)
            assert await session.get_items() == []

    async def test_what_was_said_before_is_not_taken_for_what_failed(self):
        async with serving(on_access=nth_add(2, Step.http_error(500))) as (_, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(said("yes"))
            with pytest.raises(openai.InternalServerError):
                await session.add_items(said("yes"))
            assert plain(await session.get_items()) == said("yes")

    async def test_nor_in_a_conversation_that_was_opened_again(self):
        async with serving(on_access=nth_add(2, Step.http_error(500))) as (_, client):
            first = OpenAIConversationsSession(openai_client=client)
            await first.add_items(said("yes"))
            again = OpenAIConversationsSession(conversation_id=first.session_id, openai_client=client)
            with pytest.raises(openai.InternalServerError):
                await again.add_items(said("yes"))
            assert plain(await again.get_items()) == said("yes")

    async def test_where_taking_back_fails_the_error_says_what_stays(self):
        fails = nth_add(2, Step.http_error(500))

        def judge(access: Access) -> Step | None:
            return Step.http_error(403) if access.method == "DELETE" else fails(access)

        async with serving(on_access=judge) as (_, client):
            session = OpenAIConversationsSession(openai_client=client)
            with pytest.raises(openai.InternalServerError) as raised:
                await session.add_items(many(25))
            assert "The first 20 items of the batch stay in conv_1" in raised.value.__notes__[0]
            assert plain(await session.get_items()) == many(20)

    async def test_where_nobody_can_be_asked_the_error_says_so(self):
        is_lost: list[bool] = []

        def judge(access: Access) -> Step | None:
            if is_add(access):
                is_lost.append(True)
                return LOST
            return Step.http_error(403) if is_lost and access.method == "GET" else None

        async with serving(on_access=judge) as (_, client):
            session = OpenAIConversationsSession(openai_client=client)
            with pytest.raises(openai.APIConnectionError) as raised:
                await session.add_items(many(3))
            assert (
                "Whether the 3 items of this request were stored in conv_1 is not known"
                in raised.value.__notes__[0]
            )

    async def test_cancelled_in_the_middle_it_is_stored_whole(self):
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def judge(access: Access) -> Step | None:
            if is_add(access):
                begun.set()
                await go_on.wait()
            return None

        async with serving(on_access=judge) as (_, client):
            session = OpenAIConversationsSession(openai_client=client)
            adding = asyncio.create_task(session.add_items(many(45)))
            await begun.wait()
            adding.cancel()
            reading = asyncio.create_task(session.get_items())
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await adding
            assert plain(await reading) == many(45)


class TestPop:
    async def test_an_item_whose_removal_was_not_acknowledged_is_popped_once(self):
        lost: list[Access] = []

        def judge(access: Access) -> Step | None:
            if access.method == "DELETE" and not lost:
                lost.append(access)
                return LOST
            return None

        async with serving(on_access=judge) as (_, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(many(3))
            assert plain_item(await session.pop_item()) == many(1, 2)[0]
            assert plain(await session.get_items()) == many(2)

    async def test_one_that_could_not_be_removed_stays(self):
        def judge(access: Access) -> Step | None:
            return Step.http_error(500) if access.method == "DELETE" else None

        async with serving(on_access=judge) as (_, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(many(2))
            with pytest.raises(openai.InternalServerError):
                await session.pop_item()
            assert plain(await session.get_items()) == many(2)

    async def test_one_that_somebody_else_took_is_passed_over(self):
        async with serving() as (_, client):
            session = OpenAIConversationsSession(openai_client=client)
            await session.add_items(many(3))
            other = OpenAIConversationsSession(conversation_id=session.session_id, openai_client=client)
            popped = await asyncio.gather(session.pop_item(), other.pop_item())
            assert sorted(str(plain_item(item)["content"]) for item in popped) == ["1", "2"]
            assert plain(await session.get_items()) == many(1)
