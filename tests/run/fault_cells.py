"""One cell of the fault matrix: a run that meets the fault in its second turn, and all that must hold afterwards."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
from openai import AsyncOpenAI

import agents
from agents import (
    Agent,
    FunctionTool,
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    OpenAIResponsesWSModel,
    RunConfig,
    Runner,
    function_tool,
)
from agents.models import openai_responses
from agents.testing import ResponsesRequest, ResponsesServer, Step
from models.chat_server import Answer, ChatServer, document, streaming
from models.chats import answer, call, chunk
from models.sockets import Exchange, SocketServer, answer_events, serving_sockets
from run.fault_parts import CANCELLED, HEARD, OK, QUIET, Column, Fault, frames, never
from run.scripts import types

CALL: dict[str, Any] = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
AGAIN = "Again?"
ANSWERED = "Yes, again."
WORK = ["tool_call_item", "tool_call_output_item"]
CONFIG = RunConfig(tracing_disabled=True)
Server = ResponsesServer | ChatServer | SocketServer


@dataclass(slots=True, kw_only=True)
class Stand:
    """What a cell stands on: a server, a client at it, and the model of the column."""

    server: Server
    client: AsyncOpenAI
    model: Model
    stop: Callable[[], Awaitable[None]]
    spare: ResponsesServer | None
    """Another server, which refuses its first WebSocket."""

    @property
    def open_connections(self) -> int:
        """How many connections the servers have."""
        return self.server.open_connections + (self.spare.open_connections if self.spare else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: `OK` or the name of an error's class; and what its reader and its owner have of it."""

    end: str
    output: object = None
    heard: str | None = None
    """The text that was streamed; None where nothing is."""
    kept: list[str] | None = None
    """The types of the items that the run made; None where nobody can know."""


async def cell(fault: Fault, column: Column) -> str:
    """Run it, check what must hold whatever the fault is, and say how the run ended."""
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    is_streamed = column.endswith("streamed")
    async with standing(fault, column) as stand:
        uses: list[str] = []
        agent = agent_at(stand, fault, uses, is_streamed=is_streamed)
        run = run_streamed if is_streamed else run_whole
        outcome = await run(agent, "Hi", stand, is_cancelled=fault.is_cancelled)
        check(fault, outcome)
        assert uses == ["look"], f"the tool ran {len(uses)} times"
        agent.model_settings = ModelSettings()
        if fault.between != "stop":
            again = await run(agent, AGAIN, stand)
            assert (again.end, again.output) == (OK, ANSWERED)
        # What broke is closed, not left to whoever closes the model; each server may have one for later.
        await until(lambda: stand.open_connections <= (1 if stand.spare is None else 2))
        await close(stand)
        await until(lambda: stand.open_connections == 0)
    await until(lambda: asyncio.all_tasks() == tasks)
    await until(lambda: open_sockets() == sockets)
    return outcome.end


def check(fault: Fault, outcome: Outcome) -> None:
    """The work before the fault is kept, and the events before it were given."""
    if outcome.end == OK:
        assert outcome.output == fault.says
        assert outcome.kept == [*WORK, "message_output_item"]
        assert outcome.heard in (None, fault.says)
        return
    assert outcome.output is None
    assert outcome.heard in (None, fault.heard), f"heard {outcome.heard!r}"
    if outcome.end == QUIET:
        # A cancelled run keeps what had come of the message too.
        assert outcome.kept == [*WORK, "message_output_item"]
    else:
        assert outcome.kept in (None, WORK)


def agent_at(stand: Stand, fault: Fault, uses: list[str], *, is_streamed: bool) -> Agent[Any]:
    """An agent with a tool after whose use the fault waits."""

    async def look() -> str:
        """Look."""
        uses.append("look")
        agent.model_settings = (fault.limits if is_streamed else fault.limits_run) or ModelSettings()
        if fault.between == "stop":
            await stand.stop()
        elif fault.between == "drop" and isinstance(stand.server, ResponsesServer):
            stand.server.drop_connections()
            await until(lambda: stand.open_connections == 0)
        if stand.spare is not None:
            stand.client.websocket_base_url = stand.spare.websocket_base_url
        return "seen"

    tool: FunctionTool = function_tool(look)
    agent: Agent[Any] = Agent(name="a", model=stand.model, tools=[tool])
    return agent


# The two ways to run


async def run_whole(agent: Agent[Any], words: str, stand: Stand, *, is_cancelled: bool = False) -> Outcome:
    task = asyncio.ensure_future(Runner.run(agent, words, run_config=CONFIG))
    if is_cancelled:
        await until(lambda: len(stand.server.requests) == 2)
        task.cancel()
    try:
        result = await task
    except asyncio.CancelledError as error:
        return Outcome(end=name_of(error))
    except Exception as error:
        name = name_of(error)
        if not isinstance(error, agents.AgentsException):
            # The client's errors carry no data of the run.
            return Outcome(end=name)
        kept = [] if error.run_data is None else types(error.run_data.new_items)
        return Outcome(end=name, kept=kept)
    return Outcome(end=OK, output=result.final_output, kept=types(result.new_items))


async def run_streamed(agent: Agent[Any], words: str, stand: Stand, *, is_cancelled: bool = False) -> Outcome:
    result = Runner.run_streamed(agent, words, run_config=CONFIG)
    heard, end = "", OK
    try:
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                heard += event.data.delta
                if is_cancelled and heard == HEARD:
                    result.cancel()
                    end = QUIET
    except Exception as error:
        end = name_of(error)
    # The loop's task hears of a cancelled run's end after its reader.
    assert result.run_loop_task is not None
    await asyncio.wait([result.run_loop_task])
    assert result.is_complete
    return Outcome(end=end, output=result.final_output, heard=heard, kept=types(result.new_items))


def name_of(error: BaseException) -> str:
    """The name of the first of the error's classes that users can name; what is no typed error is a failure."""
    if isinstance(error, asyncio.CancelledError):
        return CANCELLED
    typed = (agents.AgentsException, openai.APIError, openai_responses.ResponsesWebSocketError)
    assert isinstance(error, typed), f"no typed error: {error!r}"
    assert str(error), f"{type(error).__name__} says nothing"
    public = [agents, agents.exceptions, openai, openai_responses]
    return next(
        kind.__name__
        for kind in type(error).__mro__
        if any(getattr(module, kind.__name__, None) is kind for module in public)
    )


# Servers and models


@asynccontextmanager
async def standing(fault: Fault, column: Column) -> AsyncGenerator[Stand]:
    """A server that has the fault, and a model at it; whoever asks closes the model and the client."""
    transport, _, way = column.partition(" ")
    is_streamed = way == "streamed"
    async with AsyncExitStack() as spare_stack, AsyncExitStack() as stack:
        spare: ResponsesServer | None = None
        server: Server
        if transport == "Chat":
            server = await stack.enter_async_context(chat_server(fault, is_streamed=is_streamed))
        elif transport == "WebSocket" and fault.on_socket is not None:
            server = await stack.enter_async_context(serving_sockets(socket_script(fault.on_socket)))
        elif transport == "HTTP" and (fault.http if is_streamed else fault.http_run) is not None:
            server = await stack.enter_async_context(byte_server(fault, is_streamed=is_streamed))
        else:
            server = await stack.enter_async_context(responses_server(fault))
            if transport == "WebSocket" and fault.handshake is not None:
                refusing = responses_server(fault, refused_handshakes=[fault.handshake])
                spare = await spare_stack.enter_async_context(refusing)
        url = server.url if isinstance(server, SocketServer) else server.base_url
        client = AsyncOpenAI(base_url=url, api_key="x", max_retries=0)
        model: Model
        if transport == "Chat":
            model = OpenAIChatCompletionsModel("m", client)
        else:
            kind = OpenAIResponsesWSModel if transport == "WebSocket" else OpenAIResponsesModel
            model = kind("m", client)
        yield Stand(server=server, client=client, model=model, stop=stack.aclose, spare=spare)


async def close(stand: Stand) -> None:
    await stand.model.close()
    await stand.client.close()


def responses_server(fault: Fault, **options: Any) -> ResponsesServer:
    """A server that answers with a call, then has the fault, and has a text for whoever asks again."""
    met: list[ResponsesRequest] = []

    async def respond(request: ResponsesRequest) -> Step:
        if request.input[-1].get("content") == AGAIN:
            return Step().text(ANSWERED)
        if not request.function_outputs:
            return Step().items(CALL)
        met.append(request)
        if fault.is_transient and len(met) > 1:
            return Step().text(fault.says)
        if fault.answer is None:
            server.drop_connections()
            return await never(request)
        given = fault.answer(request)
        return given if isinstance(given, Step) else await given

    server = ResponsesServer(respond, **options)
    return server


def socket_script(fault: Callable[[Exchange], Awaitable[None]]) -> Callable[[Exchange], Awaitable[None]]:
    async def play(exchange: Exchange) -> None:
        given: Any = exchange.body["input"]
        last: dict[str, Any] = {"content": given} if isinstance(given, str) else given[-1]
        if last.get("content") == AGAIN:
            await exchange.answer(ANSWERED)
        elif last.get("type") == "function_call_output":
            await fault(exchange)
        else:
            await exchange.answer(CALL)

    return play


def byte_server(fault: Fault, *, is_streamed: bool) -> ChatServer:
    """A server of the Responses API over HTTP whose every byte is given."""
    faulty = fault.http if is_streamed else fault.http_run
    assert faulty is not None

    def made(item: Any) -> Answer:
        events = answer_events(item)
        if is_streamed:
            return Answer(writes=(frames(events),))
        return document(events[-1]["response"])

    return ChatServer([made(CALL), faulty, made(ANSWERED)])


def chat_server(fault: Fault, *, is_streamed: bool) -> ChatServer:
    faulty = fault.chat if is_streamed else fault.chat_run or fault.chat
    assert faulty is not None
    ending: Any = "close" if fault.between == "drop" else "finish"
    if is_streamed:
        first = streaming([call(0, "c1", "look", "{}"), chunk({}, "tool_calls")], ending=ending)
        last = streaming([chunk({"content": ANSWERED}, "stop")])
    else:
        function = {"name": "look", "arguments": "{}"}
        wanted = {"content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
        first = document(answer(wanted, "tool_calls"), ending=ending)
        last = document(answer({"content": ANSWERED}))
    return ChatServer([first, faulty, last])


# Counting


def open_sockets() -> int:
    """How many sockets this process has, those of both sides."""
    count = 0
    for entry in Path("/dev/fd").iterdir():
        try:
            count += stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode)
        except OSError:
            # The one that the listing itself was read through.
            continue
    return count


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until it is so.

    Raises:
        TimeoutError: it was not within five seconds.
    """
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (what it waits for tells nobody)
            await asyncio.sleep(0)
