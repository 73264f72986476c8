"""Connections over WebSockets: many callers, few connections, several event loops, and callers that leave."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import aclosing
from typing import Any

import openai
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request

from agents import ModelRetryAdviceRequest, ModelSettings, OpenAIResponsesWSModel, UserError
from agents.testing import ResponsesRequest, ResponsesServer, Step
from models.asking import arguments, cancel_after, respond, stream
from models.sockets import (
    Exchange,
    answer_events,
    model_at,
    serving_sockets,
    socket_model,
    texts,
)

# Leaving


@pytest.mark.parametrize("count", [0, 3])
async def test_a_cancelled_call_does_not_harm_the_next_one(count: int) -> None:
    asked = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if exchange.index == 0:
            await exchange.send(*answer_events("a b c")[:count])
            asked.set()
        else:
            await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        await cancel_after(model, count, asked)
        # The server is told: it need not go on.
        await server.nobody_is_connected()
        assert texts(await respond(model)) == ["Hi"]
        assert server.over() == [1, 2]


async def test_a_reader_that_stops_at_the_last_event_leaves_the_connection_as_it_is() -> None:
    async with socket_model([["a"], ["b"]]) as (server, model):
        events: Any = model.stream_response(**arguments())
        async with aclosing(events):
            async for event in events:
                if event.type == "response.completed":
                    break
        assert texts(await respond(model)) == ["b"]
        assert server.over() == [1, 1]


async def test_closing_the_model_ends_calls_that_run_or_wait_and_leaves_it_usable() -> None:
    asked = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if exchange.index == 0:
            asked.set()
        else:
            await exchange.answer("Hi")

    async with socket_model(script, options={"max_connections": 1}) as (server, model):
        tasks = [asyncio.create_task(respond(model)) for _ in range(3)]
        await asked.wait()
        await model.close()
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(error, openai.APIConnectionError)
            assert "closed on this side" in str(error)
            # Whoever closed it wants no other attempt.
            request = ModelRetryAdviceRequest(error=error, attempt=1, stream=False)
            advice = model.get_retry_advice(request)
            assert advice is not None
            assert advice.normalized is not None
            assert (advice.suggested, advice.normalized.is_abort) == (False, True)
            assert not advice.normalized.is_network_error
        await server.nobody_is_connected()
        assert len(server.requests) == 1
        assert texts(await respond(model)) == ["Hi"]


async def test_closing_the_model_ends_a_call_that_still_asks_for_its_key() -> None:
    asking, told = asyncio.Event(), asyncio.Event()

    async def key() -> str:
        asking.set()
        await told.wait()
        return "key"

    async with (
        serving_sockets([["Hi"]]) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key=key) as client,
    ):
        model = OpenAIResponsesWSModel("m", client)
        task = asyncio.create_task(respond(model))
        await asking.wait()
        await model.close()
        told.set()
        with pytest.raises(openai.APIConnectionError, match="closed on this side"):
            await task
        assert server.connection_count == 0


async def test_closing_the_model_ends_a_call_whose_connection_just_opens() -> None:
    opening, opened = asyncio.Event(), asyncio.Event()

    async def hold(socket: ServerConnection, request: Request) -> None:
        opening.set()
        await opened.wait()

    async with (
        serving_sockets([["Hi"]], process_request=hold) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key="x") as client,
    ):
        model = OpenAIResponsesWSModel("m", client)
        task = asyncio.create_task(respond(model))
        await opening.wait()
        await model.close()
        opened.set()
        with pytest.raises(openai.APIConnectionError, match="closed on this side"):
            await task
        await server.nobody_is_connected()
        assert server.requests == []


def test_closing_the_model_from_another_event_loop_ends_calls_that_run_or_wait() -> None:
    asked = threading.Event()

    def answer(request: ResponsesRequest) -> Step:
        asked.set()
        return Step().stall()

    with ResponsesServer(answer) as server:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key="x")
        model = OpenAIResponsesWSModel("m", client, websocket_options={"max_connections": 1})
        ended: list[object] = []

        async def ask() -> None:
            calls = (respond(model) for _ in range(3))
            ended.extend(await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 20))
            await server.disconnected()

        other = threading.Thread(target=asyncio.run, args=(ask(),))
        other.start()
        assert asked.wait(20)
        asyncio.run(model.close())
        other.join(30)
        assert [type(error).__name__ for error in ended] == ["SocketBroke"] * 3
        assert len(server.requests) == 1


def test_an_event_loop_that_ends_takes_its_connections_along() -> None:
    with ResponsesServer(["a", "b"]) as server:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key="x")
        model = OpenAIResponsesWSModel("m", client)
        asyncio.run(respond(model))
        assert texts(asyncio.run(respond(model))) == ["b"]
        asyncio.run(server.disconnected())


# Many at once


async def test_concurrent_calls_share_a_bounded_number_of_connections() -> None:
    waiting = asyncio.Barrier(4)

    async def script(exchange: Exchange) -> None:
        await waiting.wait()
        await exchange.answer("Hi")

    async with socket_model(script, options={"max_connections": 4}) as (server, model):
        answers = await asyncio.gather(*(respond(model) for _ in range(200)))
        assert len(answers) == 200
        assert server.connection_count == server.most_open == 4


async def test_calls_go_to_the_connection_that_was_used_last() -> None:
    both = asyncio.Barrier(2)

    async def script(exchange: Exchange) -> None:
        if exchange.index < 2:
            await both.wait()
        await exchange.answer("Hi")

    async with socket_model(script) as (server, model):
        first, _ = await asyncio.gather(respond(model), respond(model))
        made = server.made()
        await respond(model, previous_response_id=first.response_id)
        await respond(model)
        assert server.over()[2:] == [made[str(first.response_id)]] * 2


async def test_a_call_cancelled_while_it_waits_for_a_connection_takes_none() -> None:
    asked, answering = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        asked.set()
        await answering.wait()
        await exchange.answer("Hi")

    async with socket_model(script, options={"max_connections": 1}) as (server, model):
        first = asyncio.create_task(respond(model))
        await asked.wait()
        waiting = [asyncio.create_task(respond(model)) for _ in range(3)]
        for _ in range(3):
            await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()
        answering.set()
        await asyncio.gather(first, waiting[2])
        assert len(server.requests) == 2


async def test_other_headers_get_a_place_when_every_connection_is_taken() -> None:
    other = ModelSettings(extra_headers={"X-One": "1"})
    async with socket_model([["a"], ["b"]], options={"max_connections": 1}) as (server, model):
        await respond(model)
        await respond(model, model_settings=other)
        assert server.connection_count == 2
        assert server.most_open == 1


async def test_lanes_let_calls_share_a_connection_at_once() -> None:
    waiting = asyncio.Barrier(8)

    async def script(exchange: Exchange) -> None:
        await waiting.wait()
        await exchange.answer(f"for {exchange.body['input'][0]['content']}")

    options = {"max_connections": 2, "lanes_per_connection": 4}
    async with socket_model(script, options=options) as (server, model):
        answers = await asyncio.gather(*(respond(model, input=f"{number}") for number in range(40)))
        assert [texts(answer) for answer in answers] == [[f"for {number}"] for number in range(40)]
        assert server.connection_count == 2
        assert {request.body["stream_id"] for request in server.requests} == {
            f"lane_{number}" for number in range(1, 5)
        }


async def test_lanes_work_against_a_server_that_knows_them() -> None:
    server = ResponsesServer(lambda request: f"for {request.input[0]['content']}")
    options = {"max_connections": 1, "lanes_per_connection": 16}
    async with server, model_at(server, options=options) as model:
        answers = await asyncio.gather(*(respond(model, input=f"{number}") for number in range(64)))
        assert [texts(answer) for answer in answers] == [[f"for {number}"] for number in range(64)]
        assert {request.connection for request in server.requests} == {1}


async def test_a_lane_that_is_left_does_not_harm_the_others() -> None:
    asked = asyncio.Barrier(3)
    left = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if exchange.index >= 2:
            await exchange.answer("later")
            return
        events = answer_events("a b c", response_id=f"r{exchange.index}", lane=exchange.body["stream_id"])
        await exchange.send(*events[:3])
        await asked.wait()
        await left.wait()
        await exchange.send(*events[3:])

    options = {"max_connections": 1, "lanes_per_connection": 2}
    async with socket_model(script, options=options) as (server, model):
        leaving = asyncio.create_task(stream(model))
        staying = asyncio.create_task(stream(model))
        await asked.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        left.set()
        assert len(await staying) == len(answer_events("a b c"))
        assert texts(await respond(model)) == ["later"]
        assert server.connection_count <= 2


async def test_a_call_made_while_a_response_on_another_lane_is_being_read_is_answered() -> None:
    """What comes before its answer is more than is read ahead for a reader who is busy with this very call."""

    async def script(exchange: Exchange) -> None:
        if exchange.index:
            await exchange.answer("inner")
            return
        created, *events = answer_events("a", lane=exchange.body["stream_id"])
        padding = [{**events[0], "type": "x", "padding": "x" * 4000} for _ in range(4_000)]
        await exchange.send(created, *padding, *events)

    options = {"max_connections": 1, "lanes_per_connection": 2}
    async with socket_model(script, options=options) as (server, model):
        inner: list[str] = []
        async with asyncio.timeout(30):
            async for event in model.stream_response(**arguments()):
                if event.type == "response.created":
                    inner += texts(await respond(model))
        assert inner == ["inner"]
        assert server.connection_count == 1


async def test_an_asleep_reader_bounds_what_is_read_for_it() -> None:
    """The server cannot send much more than the reader takes: 32,000 events of 4 kB do not fit in any buffer."""
    sent = 0

    async def script(exchange: Exchange) -> None:
        nonlocal sent
        if exchange.index:
            await exchange.answer("Hi")
            return
        created, *_, last = answer_events("x")
        await exchange.send(created)
        for number in range(1, 32_000):
            await exchange.send({"type": "x", "sequence_number": number, "padding": "x" * 4000})
            sent = number
        await exchange.send(last)

    async with socket_model(script) as (_, model):
        events: Any = model.stream_response(**arguments())
        async with aclosing(events):
            await anext(events)
            before = -1
            # Until the server stands still over a hundred rounds of the event loop.
            while sent != before:
                before = sent
                for _ in range(100):
                    await asyncio.sleep(0)
            assert sent < 16_000
            rest = [event async for event in events]
        assert rest[-1].type == "response.completed"
        assert len(rest) == 32_000


async def test_a_connection_outlives_a_reader_that_is_asleep() -> None:
    """What is not read for the reader holds up answers to pings too: their absence says nothing then."""

    async def script(exchange: Exchange) -> None:
        created, *_, last = answer_events("x")
        deltas = (
            {"type": "x", "sequence_number": number, "padding": "x" * 2000} for number in range(1, 6000)
        )
        await exchange.send(created, *deltas, last)

    options = {"ping_interval": 0.02, "ping_timeout": 0.02}
    async with socket_model(script, options=options) as (server, model):
        events: Any = model.stream_response(**arguments())
        async with aclosing(events):
            await anext(events)
            # Many pings long.
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(server.closed.wait(), 0.4)
            rest = [event async for event in events]
        assert len(rest) == 6000


def test_two_event_loops_never_share_a_connection() -> None:
    with ResponsesServer(lambda _: "Hi") as server:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key="x")
        model = OpenAIResponsesWSModel("m", client)
        both = threading.Barrier(2, timeout=20)

        async def work() -> None:
            for _ in range(3):
                both.wait()
                await respond(model)
            both.wait()

        threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        connections = [request.connection for request in server.requests]
        assert sorted(connections) == [1, 1, 1, 2, 2, 2]
        asyncio.run(server.disconnected())


# Settings, and the extra


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ping": 3}, "Unknown websocket options: ping. There are max_size, ping_interval"),
        ({"max_connections": 0}, "max_connections must be a whole number from 1, got 0"),
        ({"lanes_per_connection": 17}, "lanes_per_connection must be a whole number from 1 to 16, got 17"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Any, message: str) -> None:
    client = openai.AsyncOpenAI(api_key="x")
    with pytest.raises(UserError, match=message):
        OpenAIResponsesWSModel("m", client, websocket_options=options)


async def test_a_dead_peer_is_found_by_pings() -> None:
    async def script(exchange: Exchange) -> None:
        # Nothing is read or answered any more.
        exchange.socket.transport.pause_reading()

    options = {"ping_interval": 0.02, "ping_timeout": 0.02}
    async with socket_model(script, options=options) as (server, model):
        with pytest.raises(openai.APIConnectionError, match="keepalive"):
            await respond(model, conversation_id="c")
        for request in server.requests:
            request.drop()


def test_without_websockets_the_names_are_there_and_using_one_says_what_to_install() -> None:
    program = """
import asyncio, sys
sys.modules["websockets"] = None
from agents import Agent, OpenAIResponsesWSModel, Runner
from openai import AsyncOpenAI
model = OpenAIResponsesWSModel("m", AsyncOpenAI(api_key="x"))
try:
    asyncio.run(Runner.run(Agent(name="a", model=model), "Hi"))
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == (
        "OpenAIResponsesWSModel needs websockets, which is not installed: run pip install 'headrace[websocket]'\n"
    )
