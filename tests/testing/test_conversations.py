"""Conversations that the server keeps, asked about by the real client, and what may go wrong with such a request."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from agents.testing import ResponsesServer, Step
from agents.testing.responses_script import Access


@contextlib.asynccontextmanager
async def serving(**options: Any) -> AsyncGenerator[tuple[ResponsesServer, AsyncOpenAI]]:
    async with (
        ResponsesServer([], **options) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client,
    ):
        yield server, client


def said(*texts: str) -> list[Any]:
    return [{"role": "user", "content": text} for text in texts]


async def texts(client: AsyncOpenAI, conversation_id: str, **query: Any) -> list[str]:
    items: Any = [item async for item in client.conversations.items.list(conversation_id, **query)]
    return [item.content[0].text for item in items]


class TestConversations:
    async def test_one_is_made_found_and_deleted(self):
        async with serving() as (_, client):
            made = await client.conversations.create(metadata={"who": "ada"}, items=said("hi"))
            found = await client.conversations.retrieve(made.id)
            assert (found.id, found.object, found.metadata) == (made.id, "conversation", {"who": "ada"})
            assert await texts(client, made.id) == ["hi"]
            assert (await client.conversations.delete(made.id)).deleted
            with pytest.raises(openai.NotFoundError, match=r"conv_1.*not found"):
                await client.conversations.retrieve(made.id)

    async def test_items_come_whole_with_ids_of_their_own(self):
        async with serving() as (_, client):
            made = await client.conversations.create()
            call: Any = {
                "type": "function_call",
                "call_id": "c",
                "name": "f",
                "arguments": "{}",
                "id": "fc_9",
            }
            added: Any = await client.conversations.items.create(made.id, items=[*said("hi"), call])
            message = added.data[0]
            assert (message.type, message.status, message.role) == ("message", "completed", "user")
            assert (message.content[0].type, message.content[0].text) == ("input_text", "hi")
            assert (added.first_id, added.last_id, added.has_more) == (message.id, "fc_9", False)
            found: Any = await client.conversations.items.retrieve("fc_9", conversation_id=made.id)
            assert found.arguments == "{}"

    async def test_pages_are_read_from_either_end(self):
        async with serving() as (server, client):
            made = await client.conversations.create()
            numbers = [str(number) for number in range(45)]
            for first in range(0, 45, 20):
                await client.conversations.items.create(made.id, items=said(*numbers[first : first + 20]))
            asked = len(server.accesses)
            assert await texts(client, made.id, order="asc", limit=20) == numbers
            assert len(server.accesses) - asked == 3
            assert await texts(client, made.id) == numbers[::-1]

    async def test_an_item_is_removed(self):
        async with serving() as (_, client):
            made = await client.conversations.create(items=said("one", "two"))
            page: Any = await client.conversations.items.list(made.id)
            left = await client.conversations.items.delete(page.data[0].id, conversation_id=made.id)
            assert left.id == made.id
            assert await texts(client, made.id) == ["one"]
            with pytest.raises(openai.NotFoundError, match="not found in conversation"):
                await client.conversations.items.delete(page.data[0].id, conversation_id=made.id)

    @pytest.mark.parametrize(
        ("items", "reason"),
        [
            (said(*"x" * 21), "1 to 20 items, but got 21"),
            ([], "1 to 20 items, but got 0"),
            ("text", "Missing required parameter"),
            (["text"], "expected an object"),
            ([{"id": "a", "type": "program"}, {"id": "a", "type": "program"}], "Duplicate item"),
        ],
    )
    async def test_a_batch_that_the_api_refuses_leaves_nothing(self, items: Any, reason: str):
        async with serving() as (_, client):
            made = await client.conversations.create()
            with pytest.raises(openai.BadRequestError, match=reason):
                await client.conversations.items.create(made.id, items=items)
            assert await texts(client, made.id) == []

    async def test_requests_are_in_the_record_and_take_no_answer_of_the_script(self):
        async with serving() as (server, client):
            made = await client.conversations.create()
            await client.conversations.items.create(made.id, items=said("hi"))
            create, add = server.accesses
            assert (create.method, create.path) == ("POST", "/v1/conversations")
            assert (add.path, add.body) == (f"/v1/conversations/{made.id}/items", {"items": said("hi")})
            assert server.requests == ()
            server.assert_complete()


class TestOnAccess:
    async def test_an_error_is_answered_in_place_of_what_was_asked_for(self):
        async def on_access(access: Access) -> Step | None:
            return Step.http_error(500) if access.path.endswith("/items") and access.body else None

        async with serving(on_access=on_access) as (_, client):
            made = await client.conversations.create()
            with pytest.raises(openai.InternalServerError):
                await client.conversations.items.create(made.id, items=said("hi"))
            assert await texts(client, made.id) == []

    async def test_a_lost_connection_hides_that_it_was_done(self):
        def on_access(access: Access) -> Step | None:
            return Step().drop(after_events=0) if access.path.endswith("/items") and access.body else None

        async with serving(on_access=on_access) as (_, client):
            made = await client.conversations.create()
            with pytest.raises(openai.APIConnectionError):
                await client.conversations.items.create(made.id, items=said("hi"))
            assert await texts(client, made.id) == ["hi"]

    @pytest.mark.parametrize(
        ("step", "error"),
        [
            (Step.http_error(503), openai.InternalServerError),
            (Step().drop(after_events=0), openai.APIConnectionError),
        ],
    )
    async def test_a_compaction_fails_as_it_says(self, step: Step, error: type[Exception]):
        def on_access(_: Access) -> Step:
            return step

        async with serving(on_access=on_access) as (server, client):
            with pytest.raises(error):
                await client.responses.compact(model="m", input="hi")
            assert (server.accesses[0].path, server.accesses[0].body) == (
                "/v1/responses/compact",
                {"model": "m", "input": "hi"},
            )

    async def test_what_it_raises_is_told(self):
        def on_access(access: Access) -> Step | None:
            raise KeyError(access.path)

        async with serving(on_access=on_access) as (server, client):
            with pytest.raises(openai.InternalServerError, match="on_access raised"):
                await client.conversations.create()
            with pytest.raises(AssertionError, match="on_access raised on POST /v1/conversations"):
                server.assert_complete()
