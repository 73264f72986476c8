"""The Responses API as an ASGI application, and the listener that serves it on the running event loop.

Imports `starlette` and `uvicorn`, which are optional: only `responses_server` imports this module, and late.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from typing import Any, Self, cast

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from ._responses_plan import Ending, Plan, plan_document, plan_stream
from ._responses_playbook import Playbook
from .response_object import error_body
from .responses_script import HttpError, ResponsesRequest, Step


class Listener:
    """A listening socket on 127.0.0.1 and its connections, on the event loop that `start` ran on."""

    def __init__(self, playbook: Playbook) -> None:
        self._state = ServerState()
        endpoint = _CreateResponse(playbook)
        app = Starlette(
            routes=[Route("/v1/responses", endpoint, methods=["POST"])],
            exception_handlers={HTTPException: _http_exception},
        )
        self._config = uvicorn.Config(
            app, log_config=None, log_level="critical", access_log=False, lifespan="off", ws="none"
        )
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port. When this returns, a client can connect."""
        self._config.load()
        protocol: Any = self._config.http_protocol_class
        self._server = await asyncio.get_running_loop().create_server(
            lambda: protocol(config=self._config, server_state=self._state, app_state={}),
            sock=_loopback_socket(),
        )
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the socket and every connection, and wait for the answers in progress to end."""
        assert self._server is not None
        self._server.close()
        tasks = list(self._state.tasks)
        for connection in list(self._state.connections):
            connection.transport.abort()
        for task in tasks:
            # A script that waits for something that never comes must not keep its server from ending.
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()


def _loopback_socket() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind(("127.0.0.1", 0))
    # Many clients may connect at the same moment, before the loop accepts any of them.
    listening.listen(2048)
    listening.settimeout(0)
    return listening


class _CreateResponse:
    """POST /v1/responses."""

    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._playbook.exchange():
            request = Request(scope, receive)
            try:
                body = json.loads(await request.body())
            except ClientDisconnect:
                return
            except ValueError as error:
                await _refusal(400, f"The request's body is not JSON: {error}")(scope, receive, send)
                return
            if not isinstance(body, dict):
                await _refusal(400, "The request's body is not a JSON object.")(scope, receive, send)
                return
            recorded, step = await self._playbook.direct(
                cast("dict[str, Any]", body), dict(request.headers), request.url.path
            )
            answer = self._planned(step, recorded)
            if isinstance(answer, HttpError):
                headers = {"x-request-id": _request_id(recorded), **answer.headers}
                document = JSONResponse(dict(answer.body), status_code=answer.status, headers=headers)
                await document(scope, receive, send)
            else:
                await _play(answer, recorded, receive, send)

    def _planned(self, step: Step, request: ResponsesRequest) -> Plan | HttpError:
        if step.error is not None:
            return step.error
        now = int(time.time())
        try:
            if request.is_streamed:
                return plan_stream(step, request, created_at=now, defaults=self._playbook.defaults)
            return plan_document(step, request, created_at=now)
        except (ValueError, LookupError, TypeError) as error:
            # An item or a fault that does not fit together is the script's mistake, and is told as one.
            message = f"The answer to request {request.index + 1} cannot be built: {error!r}"
            return self._playbook.complain(message)


async def _play(plan: Plan, request: ResponsesRequest, receive: Receive, send: Send) -> None:
    headers = {"x-request-id": _request_id(request), "content-type": "application/json"}
    if request.is_streamed:
        headers["content-type"] = "text/event-stream; charset=utf-8"
        headers["cache-control"] = "no-cache"
        headers["x-accel-buffering"] = "no"
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    async with _Departure(receive) as departure:
        await _write(plan, departure, send)


async def _write(plan: Plan, departure: _Departure, send: Send) -> None:
    # An empty body part makes uvicorn send the headers, also when nothing follows.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    for index, data in enumerate(plan.writes):
        # Unpaced writes let the loop run too: a client on the same loop must be able to read and to leave.
        if index and await departure.within(plan.pause_s):
            return
        await send({"type": "http.response.body", "body": data, "more_body": True})
    match plan.ending:
        case Ending.FINISH:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        case Ending.STALL:
            await departure.within(None)
        case Ending.CUT:
            # Returning with the body unfinished makes uvicorn close the connection as it is.
            return


class _Departure:
    """Watches for the client to go away while an answer is written."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()

    async def within(self, seconds: float | None) -> bool:
        """Wait so long (None: for ever) or until the client has gone; whether it has."""
        if seconds == 0:
            await asyncio.sleep(0)
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._gone.wait()
        return self._gone.is_set()


def _request_id(request: ResponsesRequest) -> str:
    return f"req_{request.index + 1}"


def _refusal(status: int, message: str) -> JSONResponse:
    body = error_body(message, type="invalid_request_error")
    return JSONResponse(body, status_code=status, headers={"x-request-id": "req_0"})


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _refusal(error.status_code, f"{error.detail}: {request.method} {request.url.path}")
