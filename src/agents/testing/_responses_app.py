"""The Responses and Conversations APIs as an ASGI application, over HTTP and WebSocket, and what the server does with it as a whole.

Imports `starlette`, `uvicorn` and `websockets`, which are optional: only `responses_server` imports this module, and
late.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from ._conversations_http import conversation_routes
from ._responses_desk import Desk
from ._responses_http import http_exception, http_routes, told
from ._responses_listener import Listener
from ._responses_playbook import Playbook, Tally
from ._responses_socket import End, ResponsesSocket
from ._responses_steering import Steering
from .responses_script import HttpError

_PATH = "/v1/responses"
_CONVERSATIONS = "/v1/conversations"


class Service:
    """The application and its listener, on the event loop that `start` ran on.

    A WebSocket ends `websocket_limit_s` after it was opened. The first handshakes get the `refusals`, one each.
    With `steering` responses take more input while they are made.
    """

    def __init__(
        self, playbook: Playbook, *, websocket_limit_s: float, refusals: Iterable[HttpError], steering: bool
    ) -> None:
        self._desk = Desk(playbook)
        self._limit_s = websocket_limit_s
        self._refusals = deque(refusals)
        self._is_steerable = steering
        self._sockets: set[ResponsesSocket] = set()
        app = Starlette(
            routes=[
                *http_routes(_PATH, self._desk),
                *conversation_routes(_CONVERSATIONS, playbook),
                WebSocketRoute(_PATH, _WebSockets(self)),
            ],
            exception_handlers={HTTPException: http_exception},
        )
        self._listener = Listener(app)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def connections(self) -> Tally:
        """The open connections."""
        return self._listener.connections

    async def start(self) -> int:
        """Serve; returns the port."""
        self._loop = asyncio.get_running_loop()
        return await self._listener.start()

    async def stop(self) -> None:
        """End every connection and every response."""
        self._loop = None
        await self._listener.stop()
        await self._desk.close()

    def drop(self, close_code: int | None) -> None:
        """Cut every connection; or, with a code, close the WebSockets. May be called from any thread."""
        self._call(lambda: self._listener.abort() if close_code is None else self._end_sockets(close_code))

    def expire(self) -> None:
        """Let every WebSocket reach its time limit now. May be called from any thread."""
        self._call(lambda: self._end_sockets(End.EXPIRED))

    async def serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket to its end, or refuse it."""
        if self._refusals:
            refusal = self._refusals.popleft()
            await WebSocket(scope, receive, send).send_denial_response(told(refusal))
            return
        socket = ResponsesSocket(scope, receive, send, self._desk, Steering(is_supported=self._is_steerable))
        self._sockets.add(socket)
        try:
            await socket.serve(self._limit_s)
        finally:
            self._sockets.remove(socket)

    def _end_sockets(self, end: End | int) -> None:
        for socket in self._sockets:
            socket.end(end)

    def _call(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function)


class _WebSockets:
    """The WebSocket at /v1/responses."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._service.serve_socket(scope, receive, send)
