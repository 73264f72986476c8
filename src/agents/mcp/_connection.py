"""One connection to an MCP server, from the handshake to the end, and how it can be told that it is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client._transport import ReadStream, TransportStreams
from mcp.client.session import ElicitationFnT, MessageHandlerFnT
from mcp.shared.message import SessionMessage
from mcp_types import CONNECTION_CLOSED

from ._held import Held

TRANSPORT_ERRORS = (
    MCPError,
    OSError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    httpx2.HTTPError,
)
"""What asking a server may raise because of the server, or of what lies between."""


class Connection:
    """A session with a server; `open` and `close` may be called from any task."""

    def __init__(
        self,
        streams: AbstractAsyncContextManager[Any],
        *,
        name: str,
        timeout_s: float | None,
        message_handler: MessageHandlerFnT,
        elicitation_callback: ElicitationFnT | None = None,
    ) -> None:
        self._watched: list[_Watched] = []
        self._held = Held(
            Client(
                self._watch(streams),
                read_timeout_seconds=timeout_s,
                message_handler=message_handler,
                elicitation_callback=elicitation_callback,
                cache=None,
            ),
            name=f"MCP server {name}",
        )
        self._client: Client | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the session is open and the server has not hung up."""
        return self._held.is_open and not any(stream.has_ended for stream in self._watched)

    @property
    def client(self) -> Client:
        """The session. Only once it is open."""
        if self._client is None:
            raise RuntimeError("the connection is not open")
        return self._client

    async def open(self) -> None:
        """Reach the server and shake hands; what fails leaves nothing behind.

        Raises:
            Exception: whatever the transport raised, perhaps in groups.
        """
        self._client = await self._held.open()

    async def close(self) -> BaseException | None:
        """End the session, and the process behind it where there is one; gives what was wrong with it."""
        return await self._held.close()

    @asynccontextmanager
    async def _watch(self, streams: AbstractAsyncContextManager[Any]) -> AsyncGenerator[TransportStreams]:
        async with streams as (read, write, *_):
            watched = _Watched(read)
            self._watched.append(watched)
            yield watched, write


def is_lost(error: BaseException) -> bool:
    """Whether the error says that the server, or the way to it, is gone; an answer of the server's does not."""
    if not isinstance(error, MCPError):
        return True
    # Servers use this code for errors of their own too: what `mcp` itself says begins like this.
    return error.code == CONNECTION_CLOSED and error.message.startswith(("Connection closed", "SSE stream"))


class _Watched:
    """The messages that a server sends, watched for their end."""

    def __init__(self, stream: ReadStream[SessionMessage | Exception]) -> None:
        self._stream = stream
        self.has_ended = False

    @property
    def last_context(self) -> Any:
        # Where messages carry contexts, the session looks for them under this name.
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        try:
            return await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self.has_ended = True
            raise

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self._stream.__anext__()
        except (StopAsyncIteration, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self.has_ended = True
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc_val, exc_tb)
