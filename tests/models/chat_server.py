"""A loopback server of the Chat Completions API with answers given in advance, and faults at any byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from openai import AsyncOpenAI

from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from models.chats import Json, answer, sse


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: the writes of its body, and what happens behind them. A silent one has not even a head."""

    writes: tuple[bytes, ...]
    ending: Literal["finish", "cut", "stall", "close"] = "finish"
    is_silent: bool = False
    status: int = 200
    content_type: str = "text/event-stream"
    headers: tuple[tuple[str, str], ...] = ()


def streaming(chunks: Iterable[Json], *, done: bool = True, size: int = 0, **fields: Any) -> Answer:
    """An answer in chunks, by default in one write, else in writes of `size` bytes."""
    body = sse(chunks, done=done)
    size = size or len(body) or 1
    return Answer(writes=tuple(body[at : at + size] for at in range(0, len(body), size)), **fields)


def document(given: object, **fields: Any) -> Answer:
    """An answer that is one JSON document."""
    return Answer(writes=(json.dumps(given).encode(),), content_type="application/json", **fields)


def failing(status: int, message: str = "boo", **headers: str) -> Answer:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return document({"error": {"message": message, "code": "x"}}, status=status, headers=named)


@dataclass(slots=True)
class Request:
    headers: dict[str, str]
    path: str
    body: Json


@dataclass(slots=True)
class ChatServer:
    """Gives its answers in order, the last one for ever; keeps the requests."""

    answers: list[Answer]
    requests: list[Request] = field(default_factory=list[Request])
    open_connections: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def left(self) -> None:
        """Wait until every client has closed its connections."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open_connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_connections -= 1
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection can serve another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        raw = dict(line.split(": ", 1) for line in head[1:] if line)
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append(
            Request({name.lower(): value for name, value in raw.items()}, head[0].split()[1], body)
        )
        given = self.answers[min(len(self.requests), len(self.answers)) - 1]
        lines = [
            f"HTTP/1.1 {given.status} Status",
            f"content-type: {given.content_type}",
            "x-request-id: req_7",
        ]
        lines += ["transfer-encoding: chunked", *(f"{name}: {value}" for name, value in given.headers)]
        if not given.is_silent:
            writer.write("\r\n".join([*lines, "", ""]).encode())
        for write in given.writes:
            writer.write(b"%x\r\n%b\r\n" % (len(write), write))
            await writer.drain()
            # The client's turn, so that writes come one by one.
            await asyncio.sleep(0)
        match given.ending:
            case "finish":
                writer.write(b"0\r\n\r\n")
                return True
            case "close":
                writer.write(b"0\r\n\r\n")
                return False
            case "cut":
                return False
            case "stall":
                await reader.read()
                return False


@asynccontextmanager
async def chat_model(
    *answers: Answer, model: Json | None = None, **client: Any
) -> AsyncGenerator[tuple[OpenAIChatCompletionsModel, ChatServer]]:
    """A model at a server with these answers, by default one that says "Hello.", and a client that tries once."""
    async with ChatServer([*answers] or [document(answer({"content": "Hello."}))]) as server:
        options: Json = {"max_retries": 0, **client}
        async with AsyncOpenAI(base_url=server.base_url, api_key="x", **options) as openai_client:
            yield OpenAIChatCompletionsModel("m", openai_client, **(model or {})), server
