"""One open WebSocket: it sends requests, and a task of its own reads what comes.

Imports `websockets`, which is optional, and `openai`: only `_websocket_transport` imports this module, and late.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast
from urllib.parse import urlsplit, urlunsplit

import openai
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.protocol import State

from ._websocket_errors import SocketFailure
from ._websocket_machine import Exchange, WebSocketMachine
from ._websocket_request import create_frame

if TYPE_CHECKING:
    from openai.types import responses as _responses

    _Events: TypeAlias = list[_responses.ResponseStreamEvent]

__all__ = ["Address", "Connection", "SocketBroke", "SocketTimedOut", "TimeLimits", "open_connection"]

CLOSE_S = 1.0
"""How long the server may take to answer that the connection ends."""

_FRAMES_AHEAD = 64
"""Frames that are read before somebody takes them apart."""

_EVENTS_AHEAD = 1024
"""Events that wait for their reader before the connection is read no further."""


class Address(NamedTuple):
    """What a connection is opened with; connections with equal ones do the same."""

    url: str
    headers: tuple[tuple[str, str], ...]
    library: ModuleType
    """The HTTP library of the client: its errors carry requests of it."""

    @classmethod
    def of(cls, url: Any, headers: Mapping[str, str]) -> Address:
        """The address at the client's URL object."""
        library = sys.modules[type(url).__module__.partition(".")[0]]
        return cls(str(url), tuple(sorted(headers.items())), library)

    @property
    def place(self) -> str:
        """The URL as it may be told: without user, password and query, which hold secrets."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def request(self) -> Any:
        """The opening request, as the client's errors hold it."""
        return self.library.Request("GET", self.url)


class TimeLimits(NamedTuple):
    """Seconds; None is for ever."""

    connect_s: float | None
    between_events_s: float | None
    """Also for the first one."""


class SocketBroke(SocketFailure, openai.APIConnectionError):
    """The connection could not be opened, or ended before the response did."""

    def __init__(self, message: str, request: Any) -> None:
        openai.APIConnectionError.__init__(self, message=message, request=request)


class SocketTimedOut(SocketFailure, openai.APITimeoutError):
    """The server did not open the connection, or sent nothing, for too long."""

    is_timeout = True

    def __init__(self, message: str, request: Any) -> None:
        openai.APIConnectionError.__init__(self, message=message, request=request)


class _Opening(connect):
    """A connection that opens where it was told to: a redirect would take the key along, to whoever it names."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Take a redirect for the refusal that it is here."""
        return exc


async def open_connection(address: Address, options: Mapping[str, Any], limits: TimeLimits) -> Connection:
    """A new connection.

    Raises:
        SocketBroke: nobody is there, or it is no WebSocket server.
        SocketTimedOut: it took too long.
        openai.APIStatusError: the server answered with an HTTP status in place of a WebSocket.
    """
    try:
        socket = await _Opening(
            address.url,
            additional_headers=dict(address.headers),
            user_agent_header=None,
            compression=None,
            open_timeout=limits.connect_s,
            close_timeout=CLOSE_S,
            max_queue=_FRAMES_AHEAD,
            max_size=options.get("max_size"),
            # `_keep_alive` pings.
            ping_interval=None,
        )
    except InvalidStatus as refusal:
        raise _status_error(address, refusal) from refusal
    except TimeoutError as error:
        message = f"Connecting to {address.place} timed out after {limits.connect_s} seconds."
        raise SocketTimedOut(message, address.request()) from error
    except (InvalidURI, InvalidProxy) as error:
        # These say the whole URL, of the server or of the proxy.
        raise _unopened(address, error.msg) from None
    except (OSError, InvalidHandshake, WebSocketException, ValueError) as error:
        raise _unopened(address, str(error)) from error
    return Connection(socket, address, options.get("ping_interval", 20.0), options.get("ping_timeout", 20.0))


def _unopened(address: Address, why: str) -> SocketBroke:
    return SocketBroke(
        f"Connection error: {address.place} did not open a WebSocket: {why}", address.request()
    )


def _status_error(address: Address, refusal: InvalidStatus) -> openai.APIStatusError:
    """The client's own error for the status."""
    answer = refusal.response
    response: Any = address.library.Response(
        answer.status_code,
        headers=list(answer.headers.raw_items()),
        content=bytes(answer.body),
        request=address.request(),
    )
    body: Any = None
    with suppress(ValueError):
        body = response.json()
    kinds: dict[int, type[openai.APIStatusError]] = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        409: openai.ConflictError,
        422: openai.UnprocessableEntityError,
        429: openai.RateLimitError,
    }
    usual = openai.InternalServerError if answer.status_code >= 500 else openai.APIStatusError
    kind = kinds.get(answer.status_code, usual)
    # The client keeps what stands below `error`, where there is that.
    details = cast("dict[str, Any]", body).get("error", body) if isinstance(body, dict) else body
    why = "the server refused the WebSocket"
    if 300 <= answer.status_code < 400:
        why = "redirects are not followed: set websocket_base_url to where the server's WebSockets are"
    message = f"Error code: {answer.status_code} - {body or why}"
    return kind(message, response=response, body=details)


class Connection:
    """An open WebSocket on the running event loop.

    Whoever opened it closes it with `close`, or with `abort` when answers are still due. When its event loop ends
    without that, its reading task is cancelled, and the connection ends with it.
    """

    def __init__(
        self,
        socket: ClientConnection,
        address: Address,
        ping_interval_s: float | None,
        ping_timeout_s: float | None,
    ) -> None:
        """Take over a socket that is open, and begin to read it; None sends no pings, or waits for ever."""
        self.address = address
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self.machine = WebSocketMachine(self._loop.time())
        self._is_ended_here = False
        self._changes: dict[Exchange, asyncio.Event] = {}
        self._room = asyncio.Event()
        self._is_held = False
        self._starving = 0
        """How many requests have read all that came, and wait for more."""

        self._frame_count = 0
        self._silence: str | None = None
        pings = self._keep_alive(ping_interval_s, ping_timeout_s)
        self._pinger = self._loop.create_task(pings, name=f"headrace pings to {address.place}")
        self._reader = self._loop.create_task(self._read(), name=f"headrace websocket {address.place}")

    def accepts(self, lane: str | None) -> bool:
        """Whether a request can be sent on the lane now."""
        return self._socket.state is State.OPEN and self.machine.accepts(lane, self._loop.time())

    @property
    def is_usable(self) -> bool:
        """Whether requests run, or could."""
        machine = self.machine
        if machine.open_exchanges:
            return True
        return (
            self._socket.state is State.OPEN and machine.is_clean and machine.accepts(None, self._loop.time())
        )

    async def exchange(
        self, body: Mapping[str, Any], lane: str | None, wait_s: float | None
    ) -> AsyncGenerator[_Events, None]:
        """Send a request, and give its events in batches: those that came together, in order.

        Whoever iterates must close it; then look at `is_usable`.

        Raises:
            SocketBroke: the connection ended before the response did.
            SocketTimedOut: nothing came for `wait_s` seconds.
            ResponsesWebSocketError: the server answered with an error frame.
            ModelBehaviorError: what came is garbage.
        """
        frame = create_frame(body, lane)
        exchange = self.machine.ask(lane, previous_response_id=body.get("previous_response_id"))
        changed = self._changes[exchange] = asyncio.Event()
        try:
            await self._send(frame, exchange, wait_s)
            while True:
                events = exchange.take()
                if events:
                    self._room.set()
                    yield events
                elif exchange.is_over:
                    break
                else:
                    changed.clear()
                    await self._wait(changed, exchange, wait_s)
            if exchange.failure is not None:
                raise exchange.failure
        finally:
            del self._changes[exchange]
            self._room.set()
            self.machine.leave(exchange)

    async def close(self) -> None:
        """End the connection as the protocol has it; open requests fail."""
        self._is_ended_here = True
        try:
            await self._socket.close()
        finally:
            await self.abort()

    async def abort(self) -> None:
        """End the connection at once; the server drops what it was about to answer."""
        self._is_ended_here = True
        self._socket.transport.abort()
        self._reader.cancel()
        self._pinger.cancel()
        await asyncio.gather(self._reader, self._pinger, self._socket.wait_closed(), return_exceptions=True)

    def disown(self) -> None:
        """End the connection from outside its event loop, whatever has become of that."""
        self._is_ended_here = True
        with suppress(OSError):
            self._socket.transport.get_extra_info("socket").shutdown(2)
        with suppress(RuntimeError):
            # A loop that is closed has ended the reader already.
            self._loop.call_soon_threadsafe(self._reader.cancel)

    async def _send(self, frame: bytes, exchange: Exchange, wait_s: float | None) -> None:
        was_open = self._socket.state is State.OPEN
        try:
            async with asyncio.timeout(wait_s):
                await self._socket.send(frame, text=True)
        except TimeoutError:
            raise self._timed_out(exchange, wait_s) from None
        except ConnectionClosed as closed:
            broke = self._broke(exchange, closed)
            broke.was_sent = was_open
            raise broke from closed

    async def _wait(self, changed: asyncio.Event, exchange: Exchange, wait_s: float | None) -> None:
        self._starving += 1
        self._room.set()
        try:
            async with asyncio.timeout(wait_s):
                await changed.wait()
        except TimeoutError:
            raise self._timed_out(exchange, wait_s) from None
        finally:
            self._starving -= 1

    async def _read(self) -> None:
        socket, feed, changes = self._socket, self.machine.feed, self._changes
        ended: Exception | None = None
        try:
            while True:
                frame = await socket.recv(decode=False)
                self._frame_count += 1
                for exchange in feed(frame):
                    self._tell(exchange)
                    # Whoever reads slowly may be waiting for what another request brings.
                    while exchange.waiting >= _EVENTS_AHEAD and exchange in changes and not self._starving:
                        self._room.clear()
                        self._is_held = True
                        await self._room.wait()
                        self._is_held = False
        except Exception as error:  # noqa: BLE001 (it is raised where somebody waits)
            # Mostly the connection's end. Whatever it is, those who wait raise it: nobody else would come to know.
            ended = error
        finally:
            for exchange in self.machine.lose(lambda exchange: self._broke(exchange, ended)):
                self._tell(exchange)
            self._pinger.cancel()
            socket.transport.abort()

    async def _keep_alive(self, interval_s: float | None, timeout_s: float | None) -> None:
        """Ping, and end the connection when nothing comes for it: neither the answer nor anything else.

        While a reader is behind nothing is read, answers to pings included. Then silence is no sign of death.
        """
        while interval_s is not None:
            await asyncio.sleep(interval_s)
            if self._is_held:
                continue
            frame_count = self._frame_count
            try:
                answer = await self._socket.ping()
                async with asyncio.timeout(timeout_s):
                    # An answer may come later than it is waited for.
                    await asyncio.shield(answer)
            except ConnectionClosed:
                return
            except TimeoutError:
                if frame_count == self._frame_count:
                    self._silence = f"no answer to a keepalive ping came for {timeout_s} seconds"
                    self._socket.transport.abort()
                    return

    def _tell(self, exchange: Exchange) -> None:
        """Wake whoever waits for the exchange, unless he has left meanwhile."""
        changed = self._changes.get(exchange)
        if changed is not None:
            changed.set()

    def _broke(self, exchange: Exchange, ended: Exception | None) -> SocketBroke:
        came = (
            f"after {exchange.event_count} events of the response"
            if exchange.event_count
            else "before any event came"
        )
        is_ended_here = self._is_ended_here or ended is None
        why = str(ended) if isinstance(ended, ConnectionClosed) else f"this side failed with {ended!r}"
        why = self._silence or why
        if is_ended_here:
            why = "it was closed on this side"
        broke = SocketBroke(
            f"Connection error: the WebSocket to {self.address.place} ended {came}: {why}.",
            self.address.request(),
        )
        broke.is_abort = is_ended_here
        broke.__cause__ = ended
        return _told(broke, exchange)

    def _timed_out(self, exchange: Exchange, wait_s: float | None) -> SocketTimedOut:
        came = (
            f"sent no more after {exchange.event_count} events" if exchange.event_count else "sent no event"
        )
        message = f"Request timed out: the server at {self.address.place} {came} for {wait_s} seconds."
        return _told(SocketTimedOut(message, self.address.request()), exchange)


def _told(failure: Any, exchange: Exchange) -> Any:
    """The failure, knowing how far the exchange had come."""
    failure.was_sent = True
    failure.response_started = exchange.event_count > 0
    return failure
