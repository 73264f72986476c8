"""A response that the server makes in the background outlives its connection: its stream is taken up again.

Rule 1: an event is given once, in order. What a server tells again behind a break is passed over: by its number, or,
        where a server counts nothing and begins anew, by how many were given.
Rule 2: the stream is taken up only where something has come of it: its first event has the response's id.
Rule 3: whoever leaves before the end has the response cancelled; nobody else would.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agents._lazy import lazy_module
from agents.retry import ModelRetryAdviceRequest

from ._client_stream import as_raw_request, event_batches
from ._responses_decoder import TERMINAL_TYPES, ResponsesDecoder
from ._retry_advice import client_retry_advice

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses

    _Events: TypeAlias = list[_responses.ResponseStreamEvent]
else:
    _openai = lazy_module("openai")

__all__ = ["lasting_batches"]

TRIES = 8
"""How often in a row a stream is taken up again without an event coming of it: for half a minute, in all."""

_FIRST_DELAY_S = 0.25
_MAX_DELAY_S = 8.0
_CANCEL_S = 0.5
"""How long telling the server that nobody listens any more may take."""

_OF_THE_CALL = ("extra_headers", "extra_query", "timeout")
"""What of the first request holds for those that take its response up again, or cancel it."""


@dataclass(slots=True)
class _Progress:
    """What has been given of a response."""

    response_id: str | None = None
    given: int = 0
    last_number: int = -1
    is_numbered: bool = True
    """Whether each event so far had a greater number than the one before."""

    is_over: bool = False
    is_again: bool = False
    """Whether the stream was taken up again."""

    to_skip: int = 0
    """How many events at the head of a stream that began anew were given before."""

    def fresh(self, batch: _Events) -> _Events:
        """Of a batch, what was not given before."""
        events = [event for event in batch if not (self.is_again and self._was_given(event))]
        for event in events:
            self._note(event)
        return events

    def take_up(self) -> None:
        """A stream begins that was taken up again."""
        self.is_again, self.to_skip = True, 0

    def _was_given(self, event: _responses.ResponseStreamEvent) -> bool:
        if self.is_numbered:
            number = _number(event)
            return event.type not in TERMINAL_TYPES and number is not None and number <= self.last_number
        if event.type == "response.created" and not self.to_skip:
            self.to_skip = self.given
        if self.to_skip:
            self.to_skip -= 1
            return True
        return False

    def _note(self, event: _responses.ResponseStreamEvent) -> None:
        self.given += 1
        if event.type in TERMINAL_TYPES:
            # An error may come without a number of its own.
            self.is_over = True
            return
        number = _number(event)
        if number is None or number <= self.last_number:
            self.is_numbered = False
        else:
            self.last_number = number
        response: Any = getattr(event, "response", None)
        if self.response_id is None and response is not None:
            self.response_id = response.id


async def lasting_batches(
    batches: AsyncGenerator[_Events, None], client: _openai.AsyncOpenAI, request: dict[str, Any]
) -> AsyncGenerator[_Events, None]:
    """The events of a background response from `batches`, and, where those break off, from the server's own copy.

    `request` is what the response was asked for with.

    Raises:
        openai.APIError: the connection broke, or the server was away, and so it was each of `TRIES` times; or the
            server does not have the response any more.
        ModelBehaviorError: the stream is garbage, or broke off as often.
    """
    progress = _Progress()
    options = {name: request[name] for name in _OF_THE_CALL if request.get(name) is not None}
    failures = 0
    try:
        while True:
            try:
                async with aclosing(batches):
                    async for batch in batches:
                        fresh = progress.fresh(batch)
                        if fresh:
                            failures = 0
                            yield fresh
                return
            except Exception as error:
                advice = client_retry_advice(ModelRetryAdviceRequest(error, failures + 1, stream=True))
                may_pass = advice is not None and advice.suggested
                if not may_pass or progress.is_over or progress.response_id is None or failures >= TRIES:
                    raise
                asked_s = advice.retry_after if advice is not None else None
            # At once the first time: most connections break for no reason that lasts.
            delay_s = min(_FIRST_DELAY_S * 2 ** (failures - 1), _MAX_DELAY_S) if failures else 0.0
            await asyncio.sleep(max(delay_s, min(asked_s or 0.0, _MAX_DELAY_S)))
            failures += 1
            progress.take_up()
            batches = _taken_up(client, progress, options)
    finally:
        if progress.response_id is not None and not progress.is_over:
            await _cancel(client, progress.response_id, options)


async def _taken_up(
    client: _openai.AsyncOpenAI, progress: _Progress, options: dict[str, Any]
) -> AsyncGenerator[_Events, None]:
    """The events of a stored response behind those that were given, or all of them where a server counts none."""
    retrieve: Any = client.responses.retrieve
    request: dict[str, Any] = {"extra_headers": {}, **options, "stream": True}
    if progress.is_numbered and progress.last_number >= 0:
        request["starting_after"] = progress.last_number
    answer: object = await retrieve(progress.response_id, **as_raw_request(request))
    async with aclosing(event_batches(answer, ResponsesDecoder())) as batches:
        async for batch in batches:
            yield batch


async def _cancel(client: _openai.AsyncOpenAI, response_id: str, options: dict[str, Any]) -> None:
    with contextlib.suppress(_openai.APIError, TimeoutError):
        async with asyncio.timeout(_CANCEL_S):
            await client.responses.cancel(response_id, **options)


def _number(event: _responses.ResponseStreamEvent) -> int | None:
    number: object = getattr(event, "sequence_number", None)
    return number if isinstance(number, int) else None
