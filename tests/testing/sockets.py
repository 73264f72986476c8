"""A WebSocket of a test: raw frames, as JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agents.testing import ResponsesServer

LAST = {"response.completed", "response.failed", "response.incomplete", "error"}
Event = dict[str, Any]


@asynccontextmanager
async def socket_of(server: ResponsesServer) -> AsyncGenerator[ClientConnection]:
    async with connect(server.websocket_base_url + "/responses", compression=None) as socket:
        yield socket


async def send(socket: ClientConnection, input: Any = "Hi", **body: Any) -> None:
    await socket.send(json.dumps({"type": "response.create", "model": "m", "input": input, **body}))


async def receive(socket: ClientConnection) -> Event:
    """The next frame of the server."""
    return json.loads(await socket.recv())


async def answer(socket: ClientConnection) -> list[Event]:
    """The frames of one answer, to the last one."""
    events = [await receive(socket)]
    while events[-1]["type"] not in LAST:
        events.append(await receive(socket))
    return events


async def ask(socket: ClientConnection, input: Any = "Hi", **body: Any) -> list[Event]:
    await send(socket, input, **body)
    return await answer(socket)


async def until_closed(socket: ClientConnection) -> tuple[list[str | bytes], ConnectionClosed]:
    """All messages, and how the connection ended."""
    messages: list[str | bytes] = []
    while True:
        try:
            messages.append(await socket.recv())
        except ConnectionClosed as closed:
            return messages, closed


def text_of(events: list[Event]) -> str:
    """What the answer says."""
    assert events[-1]["type"] == "response.completed", events[-1]
    output = events[-1]["response"]["output"]
    return "".join(part["text"] for item in output for part in item.get("content", ()))


def code_of(events: list[Event]) -> str:
    """The code of the error that is the whole answer."""
    [event] = events
    assert event["type"] == "error", event
    return event["error"]["code"]
