"""Events from whatever a client's `create(stream=True)` gave.

The client is asked for its raw response, whose bytes are decoded here. A client
that ignores the wish (one made for a test, or one wrapped by an instrumentation)
gives an async iterator of events or chunks: those are taken as they are.

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

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses

    _Events: TypeAlias = list[_responses.ResponseStreamEvent]
else:
    _openai = lazy_module("openai")
    _responses = lazy_module("openai.types.responses")

__all__ = ["RawAnswer", "StreamDecoder", "as_raw_request", "event_batches"]

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


class StreamDecoder(Protocol):
    """What makes events of a stream: of its bytes (`feed`), or of the objects that a client made (`take`).

    After each call, hand the events on, then raise `failure` if it is set. Call `finish` at the end.
    """

    @property
    def failure(self) -> Exception | None:
        """What broke the stream, found after the events given so far."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether nothing more needs to come."""
        ...

    @property
    def may_end(self) -> bool:
        """Whether the stream may break off here without harm."""
        ...

    def feed(self, chunk: bytes) -> _Events:
        """The events that these bytes complete."""
        ...

    def take(self, given: Any) -> _Events:
        """The events of an object of the client's."""
        ...

    def finish(self) -> _Events:
        """The events that end the stream; may raise what broke it, where there are none."""
        ...


def as_raw_request(request: dict[str, Any]) -> dict[str, Any]:
    """The same arguments for `create`, with the wish for a raw response, as the client's own wrappers put it."""
    headers = {**request["extra_headers"], _RAW_RESPONSE_HEADER: "stream"}
    return {**request, "extra_headers": headers}


async def event_batches(answer: object, decoder: StreamDecoder) -> AsyncGenerator[_Events, None]:
    """The events of the stream in batches: those that came together, in order.

    Whoever iterates must close it; that closes the stream, in the same task.

    Raises:
        ModelBehaviorError: the stream is garbage or ends too early.
        openai.APIConnectionError: the connection broke; `APITimeoutError` when nothing came for too long.
        UserError: the client gave something that is no stream.
        Exception: whatever else the decoder finds wrong.
    """
    if isinstance(answer, AsyncIterable):
        batches = _given_batches(cast("AsyncIterable[object]", answer), decoder)
    elif isinstance(answer, RawAnswer):
        batches = _decoded_batches(answer, decoder)
    else:
        raise UserError(
            f"The client's create(stream=True) gave {type(answer).__name__}, which is neither a raw response "
            "nor an async iterator of events. Give the model an AsyncOpenAI client."
        )
    async with aclosing(batches):
        async for batch in batches:
            yield batch


async def _given_batches(
    answer: AsyncIterable[object], decoder: StreamDecoder
) -> AsyncGenerator[_Events, None]:
    try:
        async for given in answer:
            events = decoder.take(given)
            if events:
                yield events
            if decoder.failure is not None:
                raise decoder.failure
        events = decoder.finish()
        if events:
            yield events
        if decoder.failure is not None:
            raise decoder.failure
    finally:
        # The client's stream has `close`, generators have `aclose`, plain iterators neither.
        close: Any = getattr(answer, "aclose", None) or getattr(answer, "close", None)
        if close is not None:
            await close()


async def _decoded_batches(answer: RawAnswer, decoder: StreamDecoder) -> AsyncGenerator[_Events, None]:
    chunks = answer.iter_bytes()
    try:
        with _as_client_errors(answer, decoder):
            async for chunk in chunks:
                events = decoder.feed(chunk)
                if events:
                    yield _identified(events, answer, decoder)
                if decoder.failure is not None:
                    raise _located(decoder.failure, answer)
                if decoder.is_complete:
                    break
        events = await _rest(chunks, decoder, answer)
        events.extend(decoder.finish())
        if events:
            yield _identified(events, answer, decoder)
        if decoder.failure is not None:
            raise _located(decoder.failure, answer)
    finally:
        if decoder.is_complete:
            # A reader that stops at the last event leaves the end of the body unread.
            await _rest(chunks, decoder, answer)
        await chunks.aclose()
        await answer.close()


def _located(failure: Exception, answer: RawAnswer) -> Exception:
    """The failure; one of the client's kind knows its request then."""
    if isinstance(failure, _openai.APIError):
        failure.request = answer.http_request
    return failure


async def _rest(chunks: AsyncIterator[bytes], decoder: StreamDecoder, answer: RawAnswer) -> _Events:
    """What still comes within a moment after the response is complete; failures are of no interest then."""
    events: _Events = []
    try:
        async with asyncio.timeout(_DRAIN_S):
            async for chunk in chunks:
                events.extend(decoder.feed(chunk))
    except (TimeoutError, *_transport_errors(answer)):
        pass
    return events


def _identified(events: _Events, answer: RawAnswer, decoder: StreamDecoder) -> _Events:
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
def _as_client_errors(answer: RawAnswer, decoder: StreamDecoder) -> Generator[None]:
    """Errors of the HTTP library as the client's own, as outside its raw mode; none where nothing was lost."""
    timed_out, failed = _transport_errors(answer)
    try:
        yield
    except timed_out as error:
        if not decoder.may_end:
            raise _openai.APITimeoutError(request=answer.http_request) from error
    except failed as error:
        if not decoder.may_end:
            raise _openai.APIConnectionError(request=answer.http_request) from error


def _transport_errors(answer: RawAnswer) -> tuple[type[Exception], type[Exception]]:
    """Time-outs, and all failures of requests, of the library that the answer came with."""
    library: Any = sys.modules[type(answer.http_request).__module__.partition(".")[0]]
    return library.TimeoutException, library.RequestError
