"""Events from whatever `client.responses.create(stream=True)` gave.

The client is asked for its raw response, whose bytes are decoded here. A client
that ignores the wish (one made for a test, or one wrapped by an instrumentation)
gives an async iterator of events: those are taken as they are.

No HTTP library is named: which one the client uses is its own affair.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, runtime_checkable

from agents._lazy import lazy_module
from agents.exceptions import UserError

from ._responses_decoder import ResponsesDecoder

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses

    _Events: TypeAlias = list[_responses.ResponseStreamEvent]
else:
    _openai = lazy_module("openai")
    _responses = lazy_module("openai.types.responses")

__all__ = ["RawAnswer", "as_raw_request", "event_batches"]

_RAW_RESPONSE_HEADER = "X-Stainless-Raw-Response"
"""By this header the client's own `with_streaming_response` asks it for the raw response."""

_DRAIN_S = 0.1
"""How long a finished stream may take to end, so that its connection can be used again."""


@runtime_checkable
class RawAnswer(Protocol):
    """The client's raw response, as far as it is used here."""

    @property
    def request_id(self) -> str | None:
        """The server's id of the request."""
        ...

    @property
    def http_request(self) -> Any:
        """The request that was sent, in the form of the client's HTTP library."""
        ...

    def iter_bytes(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


def as_raw_request(request: dict[str, Any]) -> dict[str, Any]:
    """The same arguments for `create`, with the wish for a raw response, as the client's own wrappers put it."""
    headers = {**request["extra_headers"], _RAW_RESPONSE_HEADER: "stream"}
    return {**request, "extra_headers": headers}


async def event_batches(answer: object) -> AsyncGenerator[_Events, None]:
    """The events of the stream in batches: those that came together, in order.

    Whoever iterates must close it; that closes the stream, in the same task.

    Raises:
        ModelBehaviorError: the stream is garbage or ends too early.
        openai.APIConnectionError: the connection broke; `APITimeoutError` when nothing came for too long.
        UserError: the client gave something that is no stream.
    """
    if isinstance(answer, AsyncIterable):
        batches = _given_batches(cast("AsyncIterable[_responses.ResponseStreamEvent]", answer))
    elif isinstance(answer, RawAnswer):
        batches = _decoded_batches(answer)
    else:
        raise UserError(
            f"The client's responses.create(stream=True) gave {type(answer).__name__}, which is neither a "
            "raw response nor an async iterator of events. Give the model an AsyncOpenAI client."
        )
    async with aclosing(batches):
        async for batch in batches:
            yield batch


async def _given_batches(
    answer: AsyncIterable[_responses.ResponseStreamEvent],
) -> AsyncGenerator[_Events, None]:
    try:
        async for event in answer:
            yield [event]
    finally:
        # The client's stream has `close`, generators have `aclose`, plain iterators neither.
        close: Any = getattr(answer, "aclose", None) or getattr(answer, "close", None)
        if close is not None:
            await close()


async def _decoded_batches(answer: RawAnswer) -> AsyncGenerator[_Events, None]:
    decoder = ResponsesDecoder()
    chunks = answer.iter_bytes()
    try:
        with _as_client_errors(answer):
            async for chunk in chunks:
                events = decoder.feed(chunk)
                if events:
                    yield _identified(events, answer, decoder)
                if decoder.failure is not None:
                    raise decoder.failure
                if decoder.is_complete:
                    break
        events = await _rest(chunks, decoder, answer)
        events.extend(decoder.finish())
        if events:
            yield _identified(events, answer, decoder)
    finally:
        if decoder.is_complete:
            # A reader that stops at the last event leaves the end of the body unread.
            await _rest(chunks, decoder, answer)
        await chunks.aclose()
        await answer.close()


async def _rest(chunks: AsyncIterator[bytes], decoder: ResponsesDecoder, answer: RawAnswer) -> _Events:
    """What still comes within a moment after the response is complete; failures are of no interest then."""
    events: _Events = []
    try:
        async with asyncio.timeout(_DRAIN_S):
            async for chunk in chunks:
                events.extend(decoder.feed(chunk))
    except (TimeoutError, *_transport_errors(answer)):
        pass
    return events


def _identified(events: _Events, answer: RawAnswer, decoder: ResponsesDecoder) -> _Events:
    """The events, the last response among them knowing the request's id as other responses do."""
    if decoder.is_complete:
        for event in events:
            match event.type:
                case "response.completed" | "response.failed" | "response.incomplete":
                    # Documented by the client as public in spite of its name.
                    event.response._request_id = answer.request_id  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                case _:
                    pass
    return events


@contextmanager
def _as_client_errors(answer: RawAnswer) -> Generator[None]:
    """Errors of the HTTP library as the client's own, as outside its raw mode."""
    timed_out, failed = _transport_errors(answer)
    try:
        yield
    except timed_out as error:
        raise _openai.APITimeoutError(request=answer.http_request) from error
    except failed as error:
        raise _openai.APIConnectionError(request=answer.http_request) from error


def _transport_errors(answer: RawAnswer) -> tuple[type[Exception], type[Exception]]:
    """Time-outs, and all failures of requests, of the library that the answer came with."""
    library: Any = sys.modules[type(answer.http_request).__module__.partition(".")[0]]
    return library.TimeoutException, library.RequestError
