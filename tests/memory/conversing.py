"""A server that keeps conversations, its client, and what tests say and see there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

from openai import AsyncOpenAI

from agents._ports.session import plain_item
from agents.testing import ResponsesServer, Step
from agents.testing.responses_script import Access

Judge = Callable[[Access], Step | None]

LOST = Step().drop(after_events=0)
"""Done, and nobody says so."""


@contextlib.asynccontextmanager
async def serving(*script: Any, **options: Any) -> AsyncGenerator[tuple[ResponsesServer, AsyncOpenAI]]:
    async with (
        ResponsesServer(script, **options) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        yield server, client


def said(*texts: str) -> list[Any]:
    return [{"role": "user", "content": text} for text in texts]


def many(count: int, first: int = 0) -> list[Any]:
    return said(*(str(number) for number in range(first, first + count)))


def plain(items: Iterable[Any]) -> list[Any]:
    return [plain_item(item) for item in items]


def is_add(access: Access) -> bool:
    return access.method == "POST" and access.path.endswith("/items")


def nth_add(number: int, step: Step) -> Judge:
    """Does the step to the nth addition."""
    seen: list[Access] = []

    def judge(access: Access) -> Step | None:
        if not is_add(access):
            return None
        seen.append(access)
        return step if len(seen) == number else None

    return judge


def paths(server: ResponsesServer) -> list[str]:
    return [f"{access.method} {access.path.removeprefix('/v1')}" for access in server.accesses]
