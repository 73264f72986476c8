"""The Responses API as an ASGI application, over HTTP and WebSocket, and what the server does with it as a whole.

Imports `starlette`, `uvicorn` and `websockets`, which are optional: only `responses_server` imports this module, and
late.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from ._responses_checks import refusal
from ._responses_desk import Answer, Desk
from ._responses_listener import Listener
from ._responses_performance import play
from ._responses_plan import Frame, Pace, Plan, encode, final_response, plan_document, plan_stream
from ._responses_playbook import Playbook, Tally
from ._responses_socket import End, ResponsesSocket
from .responses_script import HttpError, ResponsesRequest, Step

_PATH = "/v1/responses"


class Service:
    """The application and its listener, on the event loop that `start` ran on.

    A WebSocket ends `websocket_limit_s` after it was opened. The first handshakes get the `refusals`, one each.
    """

    def __init__(
        self, playbook: Playbook, *, websocket_limit_s: float, refusals: Iterable[HttpError]
    ) -> None:
        self._playbook = playbook
        self._desk = Desk(playbook)
        self._limit_s = websocket_limit_s
        self._refusals = deque(refusals)
        self._sockets: set[ResponsesSocket] = set()
        app = Starlette(
            routes=[
                Route(_PATH, _CreateResponse(self._desk), methods=["POST"]),
                WebSocketRoute(_PATH, _WebSockets(self)),
            ],
            exception_handlers={HTTPException: _http_exception},
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
            await WebSocket(scope, receive, send).send_denial_response(_told(refusal))
            return
        socket = ResponsesSocket(scope, receive, send, self._desk)
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


class _CreateResponse:
    """POST /v1/responses."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._desk.playbook.exchanges.one():
            request = Request(scope, receive)
            try:
                body = json.loads(await request.body())
            except ClientDisconnect:
                return
            except ValueError as error:
                await _told(refusal(f"The request's body is not JSON: {error}"))(scope, receive, send)
                return
            if not isinstance(body, dict):
                await _told(refusal("The request's body is not a JSON object."))(scope, receive, send)
                return
            recorded = self._desk.playbook.record(
                cast("dict[str, Any]", body),
                dict(request.headers),
                request.url.path,
                transport="http",
                connection=scope["state"]["connection"],
            )
            answer = await self._desk.answer(
                recorded, {}, lambda step, frames, pace: _plan(recorded, step, frames, pace)
            )
            if isinstance(answer, HttpError):
                await _told(answer, _request_id(recorded))(scope, receive, send)
            else:
                await _play(answer, recorded, receive, send)


def _plan(request: ResponsesRequest, step: Step, frames: tuple[Frame, ...], pace: Pace) -> Plan:
    if request.is_streamed:
        return plan_stream(frames, step.fault, pace)
    if request.is_background:
        return plan_document(encode(json.loads(frames[0].json)["response"]), step.fault, events=1)
    return plan_document(final_response(frames), step.fault, events=len(frames))


async def _play(answer: Answer, request: ResponsesRequest, receive: Receive, send: Send) -> None:
    headers = {"x-request-id": _request_id(request), "content-type": "application/json"}
    if request.is_streamed:
        headers["content-type"] = "text/event-stream; charset=utf-8"
        headers["cache-control"] = "no-cache"
        headers["x-accel-buffering"] = "no"
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    # An empty body part makes uvicorn send the headers, also when nothing follows.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    await _until_gone(receive, play(answer.plan, _Body(send), answer.performance))


class _Body:
    """The channel of one answer: its parts are chunks of the HTTP body."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def send(self, parts: Sequence[bytes]) -> None:
        for part in parts:
            await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def finish(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def end_early(self) -> None:
        await self.finish()

    async def cut(self) -> None:
        """The application returns with the body unfinished: that makes uvicorn close the connection as it is."""


async def _until_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, or until the client has gone."""
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait([working, watching], return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _request_id(request: ResponsesRequest) -> str:
    return f"req_{request.index + 1}"


def _told(error: HttpError, request_id: str = "req_0") -> JSONResponse:
    headers = {"x-request-id": request_id, **error.headers}
    return JSONResponse(dict(error.body), status_code=error.status, headers=headers)


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _told(refusal(f"{error.detail}: {request.method} {request.url.path}", status=error.status_code))
