"""Responses over WebSockets for one model: which connection, what is sent, and what is tried again.

Rules:

1. Connections belong to the event loop that opened them, and to it alone.
2. A connection that ends before any event of the response is replaced once, when asking again is safe: the request was
   never sent, or goes on from nothing that a server stores. The 60 minutes' end is always safe.
3. A request that runs or waits when the transport is closed ends: it is not sent again, and opens nothing any more.
4. A response that is gone from connection and server is replaced by the conversation that led to it, if this model
   has sent and received all of it, to the same address and with the same headers. That happens once for a request.
5. Once an event came, every failure is the caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, runtime_checkable

from agents._lazy import lazy_module
from agents.exceptions import UserError

from ._websocket_connection import Address, SocketBroke, TimeLimits
from ._websocket_errors import LIMIT_REACHED, PARENT_NOT_FOUND, ResponsesWebSocketError
from ._websocket_pool import ConnectionPool
from ._websocket_request import ResponseChains, SocketRequest, socket_request

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses

    _Events: TypeAlias = list[_responses.ResponseStreamEvent]
else:
    _openai = lazy_module("openai")
    _responses = lazy_module("openai.types.responses")

__all__ = ["WebSocketTransport"]

_NOT_OF_A_SOCKET = frozenset({"accept", "content-type"})
"""Headers of the client that say something of bodies."""

_CREDENTIALS = frozenset({"authorization", "api-key"})
"""Headers one of which a client has, be it only to say that it is omitted."""


@runtime_checkable
class _Timeouts(Protocol):
    """The client's time limits, as far as they are used here."""

    @property
    def connect(self) -> float | None:
        """Seconds for connecting."""
        ...

    @property
    def read(self) -> float | None:
        """Seconds between two pieces of an answer."""
        ...


class WebSocketTransport:
    """The connections of one model, on every event loop that it is used from."""

    def __init__(self, client: _openai.AsyncOpenAI, options: Mapping[str, Any]) -> None:
        """A transport for the servers, keys and time limits of `client`; nothing is opened yet."""
        self._client = client
        self._options = options
        self._pools: dict[asyncio.AbstractEventLoop, ConnectionPool] = {}
        self._chains = ResponseChains()

    async def event_batches(self, arguments: Mapping[str, Any]) -> AsyncGenerator[_Events, None]:
        """The events of the response that these arguments of `responses.create` ask for, in batches.

        Whoever iterates must close it.

        Raises:
            ResponsesWebSocketError: the server answered with an error frame.
            ModelBehaviorError: what came is garbage.
            UserError: the client has no key that a WebSocket can be opened with.
            openai.APIError: the connection was refused, could not be opened, or broke.
        """
        # Taken before anything is awaited: what is closed meanwhile ends this request too.
        pool = self._pool()
        request = socket_request(arguments)
        address, limits, body = await self._address(request), self._limits(request), request.body
        parent = body.get("previous_response_id")
        if parent is not None and body.get("store") is False and not pool.holds(parent):
            # Nobody has it any more.
            body = self._chains.expanded(address, body) or body
        may_reconnect, is_fresh = True, False
        while True:
            seat = await pool.take(
                address, limits, parent=body.get("previous_response_id"), is_fresh=is_fresh
            )
            has_begun, items = False, list[Any]()
            try:
                wait_s = limits.between_events_s
                async with aclosing(seat.connection.exchange(body, seat.lane, wait_s)) as batches:
                    async for batch in batches:
                        has_begun = True
                        items += [event.item for event in batch if event.type == "response.output_item.done"]
                        self._note(address, batch[-1], body, items)
                        yield batch
                return
            except ResponsesWebSocketError as error:
                again = None if has_begun else self._answer_to(error, address, body, may_reconnect)
                if again is None:
                    raise
                # The whole conversation goes on from nothing: a second refusal for that reason is the caller's.
                body, is_fresh = again, error.code == LIMIT_REACHED
            except SocketBroke as broke:
                if has_begun or pool.is_closed or not may_reconnect or not _may_ask_again(broke, body):
                    raise
                is_fresh = True
            finally:
                await pool.release(seat)
            may_reconnect = may_reconnect and not is_fresh

    async def close(self) -> None:
        """Close the connections of the running event loop, and end those of others; requests begun before fail."""
        running = asyncio.get_running_loop()
        self._chains = ResponseChains()
        pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            if loop is not running:
                pool.disown()
        if running in pools:
            await pools[running].close()

    def _pool(self) -> ConnectionPool:
        loop = asyncio.get_running_loop()
        for closed in [one for one in list(self._pools) if one.is_closed()]:
            self._pools.pop(closed).disown()
        if loop not in self._pools:
            self._pools[loop] = ConnectionPool(self._options)
        return self._pools[loop]

    def _answer_to(
        self, error: ResponsesWebSocketError, address: Address, body: dict[str, Any], may_reconnect: bool
    ) -> dict[str, Any] | None:
        """What to send instead after a refusal; None when there is nothing to try."""
        if error.code == PARENT_NOT_FOUND and body.get("previous_response_id") is not None:
            return self._chains.expanded(address, body)
        return body if error.code == LIMIT_REACHED and may_reconnect else None

    def _note(
        self,
        address: Address,
        last: _responses.ResponseStreamEvent,
        body: Mapping[str, Any],
        items: Sequence[Any],
    ) -> None:
        if last.type == "response.completed" and isinstance(
            cast("object", last.response), _responses.Response
        ):
            # Some servers finish with an empty list although they streamed items.
            self._chains.note(address, last.response.id, body, last.response.output or items)

    async def _address(self, request: SocketRequest) -> Address:
        client, credentials = self._client, await self._credentials()
        url: Any = client.base_url if client.websocket_base_url is None else client.websocket_base_url
        if isinstance(url, str):
            url = type(client.base_url)(url)
        url = url.copy_with(
            scheme={"http": "ws", "https": "wss"}.get(url.scheme, url.scheme),
            path=url.path.rstrip("/") + "/responses",
        )
        query = {**client.default_query, **request.query}
        if query:
            url = url.copy_merge_params({name: str(value) for name, value in query.items()})
        headers: dict[str, tuple[str, Any]] = {}
        for some in (credentials, client.default_headers, request.headers):
            headers.update({name.lower(): (name, value) for name, value in some.items()})
        if _CREDENTIALS.isdisjoint(headers):
            raise UserError(
                f"The {type(client).__name__} has no key to open a WebSocket with; one that signs each request serves "
                "HTTP only. Give it an api_key, or an Authorization in default_headers."
            )
        return Address.of(
            url,
            {
                name: value
                for lower, (name, value) in headers.items()
                if isinstance(value, str) and lower not in _NOT_OF_A_SOCKET
            },
        )

    async def _credentials(self) -> Mapping[str, str]:
        """The client's key or token, anew where it is a function; the client offers no public way to do that."""
        client = self._client
        await client._refresh_api_key()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if isinstance(client, _openai.AsyncAzureOpenAI):
            token = await client._get_azure_ad_token()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            if token:
                return {"Authorization": f"Bearer {token}"}
        return client.auth_headers

    def _limits(self, request: SocketRequest) -> TimeLimits:
        given = request.timeout
        if isinstance(given, _openai.NotGiven):
            given = self._client.timeout
        if isinstance(given, _Timeouts):
            return TimeLimits(given.connect, given.read)
        return TimeLimits(given, given)


def _may_ask_again(broke: SocketBroke, body: Mapping[str, Any]) -> bool:
    is_stateful = body.get("previous_response_id") is not None or body.get("conversation") is not None
    return not broke.was_sent or not is_stateful
