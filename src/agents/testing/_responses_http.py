"""The Responses API over HTTP: creating responses, and what may be asked about those that are stored.

Imports `starlette`, which is optional: only `_responses_app` imports this module, and late.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ._responses_checks import refusal
from ._responses_desk import Desk
from ._responses_items import compaction_object, page_of_input
from ._responses_performance import Performance, play
from ._responses_plan import Frame, Pace, Plan, final_response, opening_response, plan_document, plan_stream
from .responses_script import Access, Drop, HttpError, ResponsesRequest, Step


def http_routes(path: str, desk: Desk) -> list[Route]:
    """The endpoints at and below `path`."""
    about: list[tuple[str, str, _AboutStored]] = [
        ("GET", "", _retrieve),
        ("DELETE", "", _delete),
        ("POST", "/cancel", _cancel),
        ("GET", "/input_items", _input_items),
    ]
    return [
        Route(path, _Posted(desk, _create), methods=["POST"]),
        Route(f"{path}/compact", _Posted(desk, _compact), methods=["POST"]),
        *(
            Route(f"{path}/{{response_id}}{rest}", _Stored(desk, answer), methods=[method])
            for method, rest, answer in about
        ),
    ]


class _Posted:
    """An endpoint that takes a JSON object and keeps it in the record."""

    def __init__(self, desk: Desk, answer: Callable[[Desk, ResponsesRequest], Awaitable[ASGIApp]]) -> None:
        self._desk = desk
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._desk.playbook.exchanges.one():
            try:
                answer = await self._take(Request(scope, receive))
            except ClientDisconnect:
                return
            await answer(scope, receive, send)

    async def _take(self, request: Request) -> ASGIApp:
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            return told(refusal(f"The request's body is not JSON: {error}"))
        if not isinstance(body, dict):
            return told(refusal("The request's body is not a JSON object."))
        recorded = self._desk.playbook.record(
            cast("dict[str, Any]", body),
            dict(request.headers),
            request.url.path,
            transport="http",
            connection=request.scope["state"]["connection"],
        )
        return await self._answer(self._desk, recorded)


async def _create(desk: Desk, request: ResponsesRequest) -> ASGIApp:
    answer = await desk.answer(request, {}, lambda step, frames, pace: _plan(request, step, frames, pace))
    if isinstance(answer, HttpError):
        return told(answer, _request_id(request))
    return _Played(answer.plan, answer.performance, _request_id(request), is_stream=request.is_streamed)


def _plan(request: ResponsesRequest, step: Step, frames: tuple[Frame, ...], pace: Pace) -> Plan:
    if request.is_streamed:
        return plan_stream(frames, step.fault, pace)
    if request.is_background:
        return plan_document(opening_response(frames), step.fault, events=1)
    return plan_document(final_response(frames), step.fault, events=len(frames))


async def _compact(desk: Desk, request: ResponsesRequest) -> ASGIApp:
    refused = desk.refused(request, {})
    if refused is not None:
        return told(refused, _request_id(request))
    access = Access(
        method="POST",
        path=request.path,
        query={},
        headers=request.headers,
        connection=request.connection,
        body=request.body,
    )
    step = await desk.playbook.on_access(access)
    if step.error is not None:
        return told(step.error, _request_id(request))
    if isinstance(step.fault, Drop):
        return lambda _scope, _receive, send: cut_off(send)
    return _document(compaction_object(request, created_at=int(time.time())), _request_id(request))


# About stored responses


_AboutStored = Callable[[Desk, Performance, Access], ASGIApp]


def access_of(request: Request, body: dict[str, Any] | None = None) -> Access:
    """What the script's author gets to see of a request."""
    return Access(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=dict(request.headers),
        connection=request.scope["state"]["connection"],
        body=body,
    )


class _Stored:
    """An endpoint about one stored response."""

    def __init__(self, desk: Desk, answer: _AboutStored) -> None:
        self._desk = desk
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        access = access_of(request)
        self._desk.playbook.accesses.append(access)
        response_id: str = request.path_params["response_id"]
        performance = self._desk.stored(response_id)
        with self._desk.playbook.exchanges.one():
            if performance is None:
                answer = told(refusal(f"Response with id '{response_id}' not found.", status=404))
            else:
                answer = self._answer(self._desk, performance, access)
            await answer(scope, receive, send)


def _retrieve(desk: Desk, performance: Performance, access: Access) -> ASGIApp:
    if access.query.get("stream") != "true":
        return _document(performance.snapshot())
    if not (performance.request.is_background and performance.request.is_streamed):
        message = (
            "Only a response that was created with background=true and stream=true can be streamed again."
        )
        return told(refusal(message, param="stream"))
    after = access.query.get("starting_after", "-1")
    if not after.removeprefix("-").isdecimal():
        return told(
            refusal(f"Invalid 'starting_after': {after!r} is not an integer.", param="starting_after")
        )
    step = performance.next_reattachment()
    if step.error is not None:
        return told(step.error)
    first = performance.index_after(int(after))
    try:
        plan = plan_stream(performance.frames, step.fault, performance.pace, first=first)
    except LookupError as error:
        return told(desk.playbook.complain(f"A reattachment of {performance.id} cannot be built: {error!r}"))
    return _Played(plan, performance, "req_0", is_stream=True)


def _delete(desk: Desk, performance: Performance, _: Access) -> ASGIApp:
    desk.forget(performance)
    return _document({"id": performance.id, "object": "response", "deleted": True})


def _cancel(_: Desk, performance: Performance, __: Access) -> ASGIApp:
    if not performance.request.is_background:
        return told(refusal("Only a response that was created with background=true can be cancelled."))
    performance.cancel()
    return _document(performance.snapshot())


def _input_items(_: Desk, performance: Performance, access: Access) -> ASGIApp:
    page = page_of_input(performance.request, access.query)
    return told(page) if isinstance(page, HttpError) else _document(page)


# How an answer is sent


class _Played:
    """An answer that is sent as its response happens."""

    def __init__(self, plan: Plan, performance: Performance, request_id: str, *, is_stream: bool) -> None:
        self._plan = plan
        self._performance = performance
        self._headers = {"x-request-id": request_id, "content-type": "application/json"}
        if is_stream:
            self._headers["content-type"] = "text/event-stream; charset=utf-8"
            self._headers["cache-control"] = "no-cache"
            self._headers["x-accel-buffering"] = "no"

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        raw = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        # An empty body part makes uvicorn send the headers, also when nothing follows.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await _until_gone(receive, play(self._plan, _Body(send), self._performance))


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


async def cut_off(send: Send) -> None:
    """Begin an answer and leave it unfinished: the client loses its connection and never learns what was done."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": True})


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


def _document(content: Mapping[str, Any], request_id: str = "req_0") -> JSONResponse:
    return JSONResponse(dict(content), headers={"x-request-id": request_id})


def told(error: HttpError, request_id: str = "req_0") -> Response:
    """An answer that is not a response, as HTTP tells it."""
    headers = {"x-request-id": request_id, **error.headers}
    if isinstance(error.body, bytes):
        return Response(error.body, status_code=error.status, headers=headers)
    return JSONResponse(dict(error.body), status_code=error.status, headers=headers)


async def http_exception(request: Request, error: Exception) -> Response:
    """A path or method that is not there, in the API's shape."""
    assert isinstance(error, HTTPException)
    return told(refusal(f"{error.detail}: {request.method} {request.url.path}", status=error.status_code))
