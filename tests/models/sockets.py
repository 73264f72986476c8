"""A WebSocket server whose every frame the test decides, and the events that a good server sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from agents import OpenAIResponsesWSModel
from agents.testing import ResponsesServer
from agents.testing.response_events import response_events
from agents.testing.response_object import complete_item, response_object

Event = dict[str, Any]
Frame = Event | str | bytes


def answer_events(*items: Event | str, response_id: str = "resp_1", lane: str | None = None) -> list[Event]:
    """The events of a whole response with these items; texts are messages."""
    output = [
        complete_item(
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": item}]}
            if isinstance(item, str)
            else item,
            1,
            index,
        )
        for index, item in enumerate(items)
    ]
    opened = response_object({}, id=response_id, created_at=0, status="in_progress")
    closed = response_object({}, id=response_id, created_at=0, status="completed", output=output)
    events = list(response_events(opened, output, closed))
    return events if lane is None else [{**event, "stream_id": lane} for event in events]


def error_frame(code: str, *, status: int = 400, **more: Any) -> Event:
    """An error frame as the API sends it."""
    error = {"type": "invalid_request_error", "code": code, "message": f"about {code}", "param": None}
    return {"type": "error", "status": status, "error": error, **more}


class Exchange:
    """One request, as the server sees it."""

    def __init__(self, server: SocketServer, socket: ServerConnection, connection: int, body: Event) -> None:
        self.server = server
        self.socket = socket
        self.connection = connection
        """Which connection it came over, counted from 1."""
        self.body = body
        self.index = len(server.requests)

    async def send(self, *frames: Frame) -> None:
        for frame in frames:
            text = json.dumps(frame) if isinstance(frame, dict) else frame
            await self.socket.send(text)

    async def answer(self, *items: Event | str, response_id: str | None = None) -> None:
        """Send a whole response, on the lane of the request."""
        made = answer_events(
            *items, response_id=response_id or f"resp_{self.index + 1}", lane=self.body.get("stream_id")
        )
        await self.send(*made)

    def drop(self) -> None:
        """End the connection without a word."""
        self.socket.transport.abort()


Script = Callable[[Exchange], Awaitable[None]] | Sequence[Sequence[Event | str]]


class SocketServer:
    """Serves WebSockets at `url`. `script` answers a request, or lists the items of each answer."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[Exchange] = []
        self.connection_count = 0
        self.open_connections = 0
        self.most_open = 0
        self.closed = asyncio.Event()
        """Set whenever a connection has ended."""
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.server: Server | None = None

    @property
    def url(self) -> str:
        """The base URL for a client."""
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/v1"

    async def handle(self, socket: ServerConnection) -> None:
        self.connection_count += 1
        self.open_connections += 1
        self.most_open = max(self.most_open, self.open_connections)
        number = self.connection_count
        assert socket.request is not None
        self.headers.append({name.lower(): value for name, value in socket.request.headers.raw_items()})
        self.paths.append(socket.request.path)
        tasks = set[asyncio.Task[None]]()
        try:
            async for message in socket:
                exchange = Exchange(self, socket, number, json.loads(message))
                self.requests.append(exchange)
                # Lanes are answered at the same time, and the connection is watched meanwhile.
                tasks.add(asyncio.create_task(self.play(exchange)))
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.open_connections -= 1
            self.closed.set()

    async def play(self, exchange: Exchange) -> None:
        if callable(self._script):
            await self._script(exchange)
        else:
            await exchange.answer(*self._script[exchange.index])

    async def nobody_is_connected(self) -> None:
        """Wait until every connection has ended."""
        async with asyncio.timeout(5):
            while self.open_connections:
                self.closed.clear()
                await self.closed.wait()

    def over(self) -> list[int]:
        """Over which connection each request came."""
        return [request.connection for request in self.requests]

    def made(self) -> dict[str, int]:
        """By id of a response as `answer` names it: the connection that it came over."""
        return {f"resp_{request.index + 1}": request.connection for request in self.requests}


@asynccontextmanager
async def serving_sockets(script: Script, **options: Any) -> AsyncGenerator[SocketServer]:
    server = SocketServer(script)
    async with serve(server.handle, "127.0.0.1", 0, compression=None, **options) as server.server:
        yield server


@asynccontextmanager
async def socket_model(
    script: Script, *, options: dict[str, Any] | None = None, **client: Any
) -> AsyncGenerator[tuple[SocketServer, OpenAIResponsesWSModel]]:
    """A server and a model at it. Afterwards no connection is open and no task is left, on either side."""
    before = asyncio.all_tasks()
    async with (
        serving_sockets(script) as server,
        AsyncOpenAI(base_url=server.url, api_key="x", **client) as openai,
    ):
        given: Any = options
        model = OpenAIResponsesWSModel("m", openai, websocket_options=given)
        try:
            yield server, model
        finally:
            await model.close()
        await server.nobody_is_connected()
    assert asyncio.all_tasks() == before


@asynccontextmanager
async def model_at(
    server: ResponsesServer, *, options: dict[str, Any] | None = None, **client: Any
) -> AsyncGenerator[OpenAIResponsesWSModel]:
    """A model at the server; afterwards nothing is connected."""
    async with AsyncOpenAI(base_url=server.base_url, api_key="x", **client) as openai_client:
        given: Any = options
        model = OpenAIResponsesWSModel("m", openai_client, websocket_options=given)
        try:
            yield model
        finally:
            await model.close()
    await server.disconnected()


def texts(response: Any) -> list[str]:
    """The texts of a response's messages."""
    return [part.text for item in response.output for part in item.content]
