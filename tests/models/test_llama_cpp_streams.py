"""What llama.cpp's server leaves out of its streams, and does to connections, must not reach the user of a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import openai
from openai import AsyncOpenAI

from agents import Agent, ModelBehaviorError, Runner, RunResultStreaming, function_tool
from agents.items import MessageOutputItem, ToolCallItem, ToolCallOutputItem
from agents.models.openai_responses import OpenAIResponsesModel
from agents.testing import ResponsesServer, Step
from models.recorded import LLAMA_CPP_STREAMS, serving
from run.scripts import raw_events

CALL, ANSWER, MALFORMED = (
    LLAMA_CPP_STREAMS / f"responses_{name}.sse" for name in ("required", "final", "auto_malformed")
)


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather in a city."""
    return f"It is 18 degrees in {city}."


def started(client: AsyncOpenAI) -> RunResultStreaming:
    agent = Agent(name="Weather", model=OpenAIResponsesModel("smollm2", client), tools=[get_weather])
    return Runner.run_streamed(agent, "What is the weather like in Paris?")


def assert_is_whole(result: RunResultStreaming, error: Exception | None) -> None:
    """The recorded call and answer, as a run has them."""
    assert error is None
    call, output, message = result.new_items
    assert isinstance(call, ToolCallItem)
    assert (call.tool_name, call.call_id) == ("get_weather", "call_YNsHAxEqQ9IDcJ5DMvXqzxWBOOaoIGMb")
    assert isinstance(output, ToolCallOutputItem)
    assert output.output == "It is 18 degrees in Paris."
    assert isinstance(message, MessageOutputItem)
    assert result.final_output == final_text()


def final_text() -> str:
    deltas = [
        json.loads(line[6:])["delta"]
        for line in ANSWER.read_text(encoding="utf-8").splitlines()
        if line.startswith("data: ") and "output_text.delta" in line
    ]
    return "".join(deltas)


async def test_a_run_does_without_numbers_indexes_and_the_end_of_the_arguments() -> None:
    script = [Step.recorded(CALL), Step.recorded(ANSWER)]
    async with (
        ResponsesServer(script) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        result = started(client)
        events, error = await raw_events(result)
    assert_is_whole(result, error)
    assert "response.function_call_arguments.done" not in {event.type for event in events}
    assert "".join(
        event.delta for event in events if event.type == "response.function_call_arguments.delta"
    ) == ('{"city": "Paris"}')
    assert (
        "".join(event.delta for event in events if event.type == "response.output_text.delta") == final_text()
    )
    # The next request has the call and its output, as if nothing had been missing.
    assert server.requests[1].function_outputs == {
        "call_YNsHAxEqQ9IDcJ5DMvXqzxWBOOaoIGMb": "It is 18 degrees in Paris."
    }


async def test_a_bare_error_in_mid_stream_is_a_typed_error_after_the_events_before_it() -> None:
    with serving(MALFORMED.read_bytes()) as url:
        async with AsyncOpenAI(base_url=url, api_key="x") as client:
            result = started(client)
            events, error = await raw_events(result)
    assert [event.type for event in events] == ["response.created", "response.in_progress", "error"]
    assert isinstance(error, ModelBehaviorError)
    assert "does not match the expected peg-native format" in str(error)
    assert error.run_data is not None
    assert error.run_data.input == "What is the weather like in Paris?"


# Connections that are kept, and then closed without an answer


@dataclass
class Forgetful:
    """A server that answers the first request of each connection, and closes it at the second.

    `bodies` are the answers in order; `requests` counts what came, `connections` on how many connections.
    """

    bodies: Sequence[bytes]
    answers: int = 0
    requests: int = 0
    connections: int = 0
    handlers: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.handlers.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await self._request(reader):
            body = self.bodies[self.answers]
            self.answers += 1
            head = (
                f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
            await self._request(reader)
        writer.close()
        await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        self.requests += 1
        lengths = [line for line in head.decode().lower().splitlines() if line.startswith("content-length:")]
        await reader.readexactly(int(lengths[0].partition(":")[2]))
        return True


@asynccontextmanager
async def forgetful(*bodies: bytes, **options: Any) -> AsyncGenerator[tuple[Forgetful, AsyncOpenAI]]:
    serves = Forgetful(bodies)
    server = await asyncio.start_server(serves.accept, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, AsyncOpenAI(base_url=url, api_key="x", **options) as client:
        yield serves, client
    await asyncio.gather(*serves.handlers)


async def test_a_request_on_a_connection_that_closes_is_made_again_on_another() -> None:
    async with forgetful(CALL.read_bytes(), ANSWER.read_bytes()) as (server, client):
        result = started(client)
        _, error = await raw_events(result)
    assert_is_whole(result, error)
    assert (server.requests, server.connections) == (3, 2)


async def test_without_retries_a_connection_that_closes_is_a_typed_error_and_the_run_keeps_what_it_has() -> (
    None
):
    tasks = asyncio.all_tasks()
    async with forgetful(CALL.read_bytes(), ANSWER.read_bytes(), max_retries=0) as (server, client):
        result = started(client)
        events, error = await raw_events(result)
    assert isinstance(error, openai.APIConnectionError)
    assert events[-1].type == "response.completed"
    assert [type(item) for item in result.new_items] == [ToolCallItem, ToolCallOutputItem]
    assert (server.requests, server.connections) == (2, 1)
    assert asyncio.all_tasks() == tasks
