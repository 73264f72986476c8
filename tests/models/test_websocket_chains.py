"""Chains of responses over WebSockets, where the response to go on from is gone and where it is not."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from agents import (
    ModelSettings,
)
from agents.models._websocket_errors import PARENT_NOT_FOUND, ResponsesWebSocketError
from agents.testing import ResponsesServer
from models.asking import respond, stream
from models.sockets import (
    Exchange,
    answer_events,
    error_frame,
    model_at,
    socket_model,
    texts,
)


@pytest.mark.parametrize("drops", [True, False])
async def test_a_chain_goes_on_with_the_whole_conversation_where_its_response_is_gone(drops: bool) -> None:
    settings = ModelSettings(store=False)
    async with ResponsesServer(["one", "two", "three"]) as server, model_at(server) as model:
        first = await respond(model, input="1", model_settings=settings)
        second = await respond(
            model, input="2", previous_response_id=first.response_id, model_settings=settings
        )
        if drops:
            server.drop_connections()
            await server.disconnected()
        third = await respond(
            model, input="3", previous_response_id=second.response_id, model_settings=settings
        )
        assert texts(third) == ["three"]
    last = server.requests[-1].body
    said = [
        item["content"] if item["role"] == "user" else item["content"][0]["text"] for item in last["input"]
    ]
    assert said == (["1", "one", "2", "two", "3"] if drops else ["3"])
    assert last.get("previous_response_id") == (None if drops else second.response_id)


async def test_reasoning_that_was_never_stored_is_left_out_of_the_whole_conversation() -> None:
    thought: dict[str, Any] = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}

    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer(thought, {**thought, "encrypted_content": "abc"}, "Hi")

    async with socket_model(script) as (server, model):
        settings = ModelSettings(store=False)
        first = await respond(model, model_settings=settings)
        await respond(model, previous_response_id=first.response_id, model_settings=settings)
        sent = server.requests[-1].body["input"]
        assert [item["type"] for item in sent if "type" in item] == ["reasoning", "message"]
        assert sent[1]["encrypted_content"] == "abc"


async def test_a_refused_parent_is_replaced_by_the_whole_conversation() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        first = await respond(model, input="1")
        await stream(model, input="2", previous_response_id=first.response_id)
        assert [len(request.body["input"]) for request in server.requests] == [1, 1, 3]
        assert server.over() == [1, 1, 1]


@pytest.mark.parametrize("store", [None, False])
@pytest.mark.parametrize(
    "other", [{"extra_headers": {"Authorization": "Bearer B"}}, {"extra_query": {"tenant": "b"}}]
)
async def test_a_conversation_is_not_sent_again_with_another_key_or_to_another_address(
    other: dict[str, Any], store: bool | None
) -> None:
    async def script(exchange: Exchange) -> None:
        if "previous_response_id" in exchange.body:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        first = await respond(model, input="My number is 1234", model_settings=ModelSettings(store=store))
        with pytest.raises(ResponsesWebSocketError, match=PARENT_NOT_FOUND):
            await respond(
                model,
                input="B",
                previous_response_id=first.response_id,
                model_settings=ModelSettings(store=store, **other),
            )
        assert [len(request.body["input"]) for request in server.requests] == [1, 1]


async def test_a_conversation_is_what_was_sent_whatever_became_of_the_callers_list() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        items: list[Any] = [{"role": "user", "content": "first"}, {"role": "user", "content": "second"}]
        sent = copy.deepcopy(items)
        first = await respond(model, input=items)
        items.pop()
        items[0]["content"] = "third"
        await respond(model, input=items, previous_response_id=first.response_id)
        *asked, answered, last = server.requests[-1].body["input"]
        assert asked == sent
        assert answered["role"] == "assistant"
        assert last == {"role": "user", "content": "third"}


async def test_a_chain_has_the_items_of_a_server_that_finishes_with_none() -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.index == 1:
            await exchange.send(error_frame(PARENT_NOT_FOUND))
            return
        *events, last = answer_events("Hi", response_id=f"r{exchange.index}")
        await exchange.send(*events, {**last, "response": {**last["response"], "output": []}})

    async with socket_model(script) as (server, model):
        first = await respond(model, input="1")
        assert texts(first) == ["Hi"]
        await respond(model, input="2", previous_response_id=first.response_id)
        assert [item.get("role") for item in server.requests[-1].body["input"]] == [
            "user",
            "assistant",
            "user",
        ]


async def test_a_parent_that_nobody_knows_is_an_error() -> None:
    async with ResponsesServer([]) as server, model_at(server) as model:
        with pytest.raises(ResponsesWebSocketError, match=PARENT_NOT_FOUND):
            await respond(model, previous_response_id="resp_of_yesterday")


async def test_a_chain_stays_on_the_connection_that_has_its_response() -> None:
    started = asyncio.Barrier(3)

    async def script(exchange: Exchange) -> None:
        if exchange.index < 3:
            await started.wait()
        await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        answers = await asyncio.gather(*(respond(model) for _ in range(3)))
        assert sorted(server.over()) == [1, 2, 3]
        connections = server.made()
        for answer in (*answers, *reversed(answers)):
            await respond(model, previous_response_id=answer.response_id)
            assert server.over()[-1] == connections[str(answer.response_id)]
