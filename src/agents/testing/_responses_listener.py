"""The listener that serves an ASGI application on the running event loop, and counts its connections.

Imports `uvicorn` and `websockets`, which are optional: only `_responses_app` imports this module, and late.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Mapping
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from ._responses_playbook import Tally

FRAGMENTS = "headrace.fragments"
"""The key of a `websocket.send` message whose value, a list of bytes, is sent as the fragments of one text message."""

TEXTS = "headrace.texts"
"""The key of one whose value, a list of bytes, is sent as text messages that share one write."""


class Listener:
    """A listening socket on 127.0.0.1 and its connections, on the event loop that `start` ran on.

    Each connection has a number, from 1, which the application finds as `scope["state"]["connection"]`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.connections = Tally()
        self._transports: set[asyncio.BaseTransport] = set()
        self._state = ServerState()
        self._config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws=_counted(_WritingProtocol),
            ws_per_message_deflate=False,
        )
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port. When this returns, a client can connect."""
        self._config.load()
        self._protocol: Any = _counted(self._config.http_protocol_class)
        self._server = await asyncio.get_running_loop().create_server(self._connect, sock=_loopback_socket())
        return self._server.sockets[0].getsockname()[1]

    def _connect(self) -> asyncio.Protocol:
        state = {"connection": next(self._numbers), "listener": self}
        return self._protocol(config=self._config, server_state=self._state, app_state=state)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Count a connection. One that becomes a WebSocket is counted once."""
        if transport not in self._transports:
            self._transports.add(transport)
            self.connections.add(1)

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Count a connection off."""
        if transport in self._transports:
            self._transports.remove(transport)
            self.connections.add(-1)

    def abort(self) -> None:
        """Cut every connection."""
        for protocol in list(self._state.connections):
            protocol.transport.abort()

    async def stop(self) -> None:
        """Close the socket and every connection, and wait for the answers in progress to end."""
        assert self._server is not None
        self._server.close()
        tasks = list(self._state.tasks)
        self.abort()
        for task in tasks:
            # A script that waits for something that never comes must not keep its server from ending.
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()


class _WritingProtocol(WebSocketsSansIOProtocol):
    """Sends a message in fragments, or several in one write, when the application asks for it; ASGI cannot."""

    async def send(self, message: Any) -> None:
        texts: list[bytes] | None = message.get(TEXTS)
        fragments: list[bytes] | None = message.get(FRAGMENTS)
        if (texts is None and fragments is None) or self.disconnected or self.close_sent:
            await super().send(message)
            return
        await self.writable.wait()
        for text in texts or ():
            self.conn.send_text(text)
        if texts is not None:
            self.transport.write(b"".join(self.conn.data_to_send()))
        for index, fragment in enumerate(fragments or ()):
            is_last = index == len(fragments or ()) - 1
            if index == 0:
                self.conn.send_text(fragment, fin=is_last)
            else:
                self.conn.send_continuation(fragment, fin=is_last)
            self.transport.write(b"".join(self.conn.data_to_send()))


def _counted(protocol: Any) -> Any:
    class Counted(protocol):
        """Tells the listener when its connection opens and closes."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            _listener_of(self.app_state).opened(transport)
            protocol.connection_made(self, transport)

        def connection_lost(self, exc: Exception | None) -> None:
            protocol.connection_lost(self, exc)
            _listener_of(self.app_state).closed(self.transport)

    return Counted


def _listener_of(state: Mapping[str, Any]) -> Listener:
    return state["listener"]


def _loopback_socket() -> socket.socket:
    # asyncio sends small writes at once only where the protocol is named; else each answer costs 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    # Many clients may connect at the same moment, before the loop accepts any of them.
    listening.listen(2048)
    listening.settimeout(0)
    return listening
