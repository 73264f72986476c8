"""A response that the server makes in the background outlives its connection: its stream is taken up again.

Rule 1: an event is given once, in order; what a server tells again is passed over by its number.
Rule 2: the stream is taken up only where something has come of it: its first event has the response's id.
Rule 3: whoever stops listening before the end has the response cancelled; nobody else would.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

from agents._lazy import lazy_module
from agents.exceptions import ModelStreamBroken

from ._client_stream import as_raw_request, event_batches
from ._responses_decoder import TERMINAL_TYPES, ResponsesDecoder

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses

    _Events: TypeAlias = list[_responses.ResponseStreamEvent]
else:
    _openai = lazy_module("openai")

__all__ = ["lasting_batches"]

TRIES = 5
"""How often in a row a stream is taken up again without an event coming of it."""

_FIRST_DELAY_S = 0.1
_CANCEL_S = 0.5
"""How long telling the server that nobody listens any more may take."""


async def lasting_batches(
    batches: AsyncGenerator[_Events, None], client: _openai.AsyncOpenAI
) -> AsyncGenerator[_Events, None]:
    """The events of a background response from `batches`, and, where those break off, from the server's own copy.

    Raises:
        openai.APIConnectionError: the connection broke, and so did each of `TRIES` others.
        ModelBehaviorError: the stream is garbage, or broke off as often.
        openai.APIStatusError: the server does not have the response any more.
    """
    response_id: str | None = None
    number = -1
    failures = 0
    is_over = False
    try:
        while True:
            try:
                async with aclosing(batches):
                    async for batch in batches:
                        fresh = [event for event in batch if _number(event, number) > number]
                        for event in fresh:
                            number = _number(event, number)
                            response_id = response_id or _response_id(event)
                            is_over = is_over or event.type in TERMINAL_TYPES
                        if fresh:
                            failures = 0
                            yield fresh
                return
            except (_openai.APIConnectionError, ModelStreamBroken):
                if is_over or response_id is None or failures >= TRIES:
                    raise
            await asyncio.sleep(_FIRST_DELAY_S * 2**failures if failures else 0)
            failures += 1
            batches = _taken_up(client, response_id, number)
    except (GeneratorExit, asyncio.CancelledError):
        if response_id is not None and not is_over:
            await _cancel(client, response_id)
        raise


async def _taken_up(
    client: _openai.AsyncOpenAI, response_id: str, number: int
) -> AsyncGenerator[_Events, None]:
    """The events of a stored response behind the one with a number."""
    retrieve: Any = client.responses.retrieve
    request: dict[str, Any] = {"stream": True, "extra_headers": {}}
    if number >= 0:
        request["starting_after"] = number
    answer: object = await retrieve(response_id, **as_raw_request(request))
    async with aclosing(event_batches(answer, ResponsesDecoder())) as batches:
        async for batch in batches:
            yield batch


async def _cancel(client: _openai.AsyncOpenAI, response_id: str) -> None:
    with contextlib.suppress(_openai.APIError, TimeoutError):
        async with asyncio.timeout(_CANCEL_S):
            await client.responses.cancel(response_id)


def _number(event: _responses.ResponseStreamEvent, before: int) -> int:
    """The number of an event; the next one where a server counts nothing."""
    number: object = getattr(event, "sequence_number", None)
    return number if isinstance(number, int) else before + 1


def _response_id(event: _responses.ResponseStreamEvent) -> str | None:
    response: Any = getattr(event, "response", None)
    return None if response is None else response.id
