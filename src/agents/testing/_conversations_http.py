"""The Conversations API over HTTP: conversations, and the items in them.

Imports `starlette`, which is optional: only `_responses_app` imports this module, and late.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ._conversations import Answer, Conversations
from ._responses_checks import refusal
from ._responses_http import access_of, cut_off, told
from ._responses_playbook import Playbook
from .responses_script import Access, Drop, HttpError

_Answering = Callable[[Conversations, Mapping[str, str], Access], Answer]


def conversation_routes(path: str, playbook: Playbook) -> list[Route]:
    """The endpoints at and below `path`, which share what they keep."""
    kept = Conversations()
    one, items = f"{path}/{{id}}", f"{path}/{{id}}/items"
    endpoints: list[tuple[str, str, _Answering]] = [
        ("POST", path, lambda kept, _, access: kept.create(access.body or {}, created_at=int(time.time()))),
        ("GET", one, lambda kept, ids, _: kept.retrieve(ids["id"])),
        ("DELETE", one, lambda kept, ids, _: kept.delete(ids["id"])),
        ("POST", items, lambda kept, ids, access: kept.add(ids["id"], access.body or {})),
        ("GET", items, lambda kept, ids, access: kept.page(ids["id"], access.query)),
        ("GET", f"{items}/{{item}}", lambda kept, ids, _: kept.item(ids["id"], ids["item"])),
        ("DELETE", f"{items}/{{item}}", lambda kept, ids, _: kept.delete_item(ids["id"], ids["item"])),
    ]
    return [
        Route(at, _Endpoint(playbook, kept, answer), methods=[method]) for method, at, answer in endpoints
    ]


class _Endpoint:
    """One endpoint: keeps the request in the record, and answers unless `on_access` says otherwise."""

    def __init__(self, playbook: Playbook, kept: Conversations, answer: _Answering) -> None:
        self._playbook = playbook
        self._kept = kept
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with self._playbook.exchanges.one():
            try:
                body = await _body(request)
            except ClientDisconnect:
                return
            if isinstance(body, HttpError):
                await told(body)(scope, receive, send)
                return
            access = access_of(request, body)
            step = await self._playbook.on_access(access)
            if step.error is not None:
                await told(step.error)(scope, receive, send)
                return
            answer = self._answer(self._kept, request.path_params, access)
            if isinstance(step.fault, Drop):
                await cut_off(send)
                return
            sent = told(answer) if isinstance(answer, HttpError) else JSONResponse(answer)
            await sent(scope, receive, send)


async def _body(request: Request) -> dict[str, Any] | HttpError | None:
    """The JSON object that a POST brings; None where there is none to bring."""
    if request.method != "POST":
        return None
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        return refusal(f"The request's body is not JSON: {error}")
    if not isinstance(body, dict):
        return refusal("The request's body is not a JSON object.")
    return cast("dict[str, Any]", body)
