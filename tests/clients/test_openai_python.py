"""The `openai` client for Python, as it is, against the server: what it has beyond create and stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.lib.responses_websocket import (
    AsyncResponsesWebSocketSession,
    ResponsesWebSocketError,
    ResponsesWebSocketLimits,
)
from openai.types.responses import ResponsesServerEvent

from agents.testing import ResponsesRequest, ResponsesServer, Step

TEXT = "one two three four"


@asynccontextmanager
async def client_of(*script: Step) -> AsyncGenerator[tuple[ResponsesServer, AsyncOpenAI]]:
    async with (
        ResponsesServer(script) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client,
    ):
        yield server, client


async def dropped(client: AsyncOpenAI) -> list[int]:
    """The numbers of the events of a response in the background until the connection breaks."""
    stream = await client.responses.create(model="m", input="Hi", background=True, stream=True)
    seen: list[int] = []
    with pytest.raises(openai.APIConnectionError):  # noqa: PT012 (the events before the error count)
        async for event in stream:
            seen.append(event.sequence_number)  # noqa: PERF401
    return seen


async def test_it_takes_a_dropped_stream_up_again():
    async with client_of(Step().text(TEXT).drop(after_events=6).paced(0.002)) as (_, client):
        assert await dropped(client) == [0, 1, 2, 3, 4, 5]
        stream = await client.responses.retrieve("resp_1", stream=True, starting_after=5)
        assert [event.sequence_number async for event in stream] == [6, 7, 8, 9, 10, 11, 12]


async def test_its_helper_takes_a_dropped_stream_up_again():
    async with client_of(Step().text(TEXT).drop(after_events=6)) as (server, client):
        await dropped(client)
        async with client.responses.stream(response_id="resp_1", starting_after=5) as stream:
            numbers = [event.sequence_number async for event in stream]
            response = await stream.get_final_response()
    assert (numbers, response.output_text) == ([6, 7, 8, 9, 10, 11, 12], TEXT)
    assert "starting_after" not in server.accesses[-1].query


async def test_its_helper_parses_what_it_streams():
    async with (
        client_of(Step().reasoning("Hm.").text(TEXT)) as (_, client),
        client.responses.stream(model="m", input="Hi") as stream,
    ):
        snapshots = [event.snapshot async for event in stream if event.type == "response.output_text.delta"]
        response = await stream.get_final_response()
    assert snapshots[-1] == response.output_text == TEXT


async def test_it_cancels_lists_deletes_and_does_not_find():
    async with client_of(Step().text("word " * 5000).paced(0.02)) as (_, client):
        response = await client.responses.create(model="m", input="Hi", background=True)
        assert (await client.responses.cancel(response.id)).status == "cancelled"
        items = await client.responses.input_items.list(response.id)
        assert [item.type for item in items.data] == ["message"]
        await client.responses.delete(response.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(response.id)


async def turn(connection: Any, **body: Any) -> list[ResponsesServerEvent]:
    await connection.response.create(model="m", **{"input": "Hi", **body})
    seen: list[ResponsesServerEvent] = []
    async for event in connection:
        seen.append(event)
        if event.type in {"response.completed", "error"}:
            break
    return seen


async def test_it_plays_a_tool_loop_over_a_websocket():
    script = [Step().function_call("weather", call_id="c1"), Step().text(TEXT)]
    async with client_of(*script) as (server, client):
        async with client.responses.connect() as connection:
            warm = (await turn(connection, generate=False))[-1]
            assert warm.type == "response.completed"
            called = (await turn(connection, previous_response_id=warm.response.id))[-1]
            assert called.type == "response.completed"
            output = {"type": "function_call_output", "call_id": "c1", "output": "cold"}
            last = (await turn(connection, input=[output], previous_response_id=called.response.id))[-1]
            assert last.type == "response.completed"
            assert last.response.output_text == TEXT
        await server.disconnected()
    assert {request.connection for request in server.requests} == {1}


async def test_it_is_told_over_a_websocket_what_is_wrong():
    async with client_of(Step().text(TEXT)) as (_, client), client.responses.connect() as connection:
        [missing] = await turn(connection, previous_response_id="resp_9")
        assert missing.type == "error"
        assert missing.error.code == "previous_response_not_found"
        await connection.send({"type": "response.crate"})  # pyright: ignore[reportArgumentType]
        unknown = await connection.recv()
        assert unknown.type == "error"
        assert unknown.error.code == "unknown_type"
        assert len(await turn(connection)) == 12


async def test_its_session_runs_two_lanes_at_once():
    slow_is_asked, fast_is_done = asyncio.Event(), asyncio.Event()

    async def respond(request: ResponsesRequest) -> str:
        if request.stream_id == "slow":
            slow_is_asked.set()
            await fast_is_done.wait()
        return f"on {request.stream_id}"

    limits = ResponsesWebSocketLimits(
        max_lanes=3, max_events_per_lane=64, max_events=64, max_bytes_per_lane=1 << 20, max_bytes=1 << 20
    )
    async with (
        ResponsesServer(respond) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
        client.responses.connect() as connection,
        AsyncResponsesWebSocketSession(connection, limits=limits) as session,
    ):
        slow, fast = session.lane("slow"), session.lane("fast")
        await slow.send({"type": "response.create", "model": "m", "input": "Hi"})
        await slow_is_asked.wait()
        await fast.send({"type": "response.create", "model": "m", "input": "Hi"})
        quick = await fast.get_final_response()
        fast_is_done.set()
        assert (quick.output_text, (await slow.get_final_response()).output_text) == ("on fast", "on slow")
        await slow.send({"type": "response.create", "model": "m", "input": "Hi", "previous_response_id": "x"})
        with pytest.raises(ResponsesWebSocketError) as caught:
            await slow.get_final_response()
    assert "previous_response_not_found" in repr(caught.value.event)
