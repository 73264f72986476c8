"""The WebSockets of one event loop: which of them a request goes to.

Rules:

1. A request has a seat while it runs: a connection, and a lane on it that nobody else has.
2. There are never more connections than `max_connections`; who finds no seat waits, first come, first served.
3. A request goes to the connection that has the response it goes on from, else to an open one, the latest used first,
   else to a new one.
4. A connection that is dead, at its end, or on which answers are due that nobody wants is ended, not used again.
5. Once the pool is closed, nothing runs, waits or opens any more: each such request ends with `SocketBroke`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ._websocket_connection import Address, Connection, SocketBroke, TimeLimits, open_connection

__all__ = ["ConnectionPool", "Seat"]


class Seat(NamedTuple):
    """Where a request runs."""

    connection: Connection
    lane: str | None


class ConnectionPool:
    """Opens connections, hands them out, and closes them. Belongs to the event loop that it is made on."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """A pool without connections; `options` are `OpenAIResponsesWebSocketOptions`."""
        self._options = options
        self._max_connections: int = options.get("max_connections", 16)
        lane_count: int = options.get("lanes_per_connection", 1)
        # A server that knows no lanes is never told of any.
        self._lanes = [None] if lane_count == 1 else [f"lane_{number}" for number in range(1, lane_count + 1)]
        self._connections: list[Connection] = []
        self._opening = 0
        self._taken: set[Seat] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop = asyncio.get_running_loop()
        self.is_closed = False
        """Whether it was closed or disowned, and takes no more requests."""

    @property
    def connection_count(self) -> int:
        """Connections that are open or being opened."""
        return len(self._connections) + self._opening

    async def take(
        self, address: Address, limits: TimeLimits, *, parent: str | None = None, is_fresh: bool = False
    ) -> Seat:
        """A seat for a request; give it back with `release`.

        Args:
            address: What the connection must have been opened with.
            limits: How long opening one may take.
            parent: The response that the request goes on from.
            is_fresh: Whether only a new connection will do.

        Raises:
            SocketBroke: the pool is closed, maybe since the request waits.
            openai.APIError: as `open_connection` does.
        """
        has_waited = False
        while True:
            if self.is_closed:
                # The next one that waits ends likewise.
                self._wake()
                raise _closed(address)
            for one in [one for one in self._connections if not one.is_usable and self._is_free(one)]:
                await self._end(one)
            seat = None if is_fresh else self._free_seat(address, parent)
            if seat is not None:
                self._taken.add(seat)
                # There may be another lane.
                self._wake()
                return seat
            if self.connection_count < self._max_connections:
                return await self._open(address, limits)
            spare = next((one for one in self._connections if self._is_free(one)), None)
            if spare is not None and (is_fresh or spare.address != address):
                await self._end(spare)
                continue
            await self._vacancy(keeps_place=has_waited)
            has_waited = True

    async def release(self, seat: Seat) -> None:
        """The request is over, however it ended."""
        self._taken.discard(seat)
        if not seat.connection.is_usable:
            await self._end(seat.connection)
            return
        if seat.connection in self._connections:
            # The latest used stands last.
            self._connections.remove(seat.connection)
            self._connections.append(seat.connection)
        self._wake()

    async def close(self) -> None:
        """Close every connection for good; requests that run, wait or are about to be sent fail."""
        self.is_closed = True
        self._wake()
        ending, self._connections = self._connections, []
        await asyncio.gather(*(one.close() for one in ending))

    def holds(self, response_id: str) -> bool:
        """Whether some connection has the response, stored or not."""
        return any(one.machine.holds(response_id) for one in self._connections)

    def disown(self) -> None:
        """The same from outside the event loop, whatever has become of that."""
        self.is_closed = True
        for one in list(self._connections):
            one.disown()
        # A loop that is closed has nobody who waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end_all)

    def _end_all(self) -> None:
        # One may have opened while the others were ended from outside.
        for one in self._connections:
            one.disown()
        self._wake()

    def _free_seat(self, address: Address, parent: str | None) -> Seat | None:
        best: Seat | None = None
        for one in reversed(self._connections):
            if one.address != address:
                continue
            lane = next(
                (lane for lane in self._lanes if one.accepts(lane) and Seat(one, lane) not in self._taken), ""
            )
            if lane == "" or not one.is_usable:
                continue
            if parent is None or one.machine.holds(parent):
                return Seat(one, lane)
            best = best or Seat(one, lane)
        return best

    def _is_free(self, connection: Connection) -> bool:
        return all(seat.connection is not connection for seat in self._taken)

    async def _open(self, address: Address, limits: TimeLimits) -> Seat:
        self._opening += 1
        try:
            connection = await open_connection(address, self._options, limits)
        except BaseException:
            self._opening -= 1
            self._wake()
            raise
        self._opening -= 1
        if self.is_closed:
            self._wake()
            await connection.close()
            raise _closed(address)
        self._connections.append(connection)
        seat = Seat(connection, self._lanes[0])
        self._taken.add(seat)
        # Its other lanes are free.
        self._wake()
        return seat

    async def _end(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
        self._wake()
        await connection.abort()

    async def _vacancy(self, *, keeps_place: bool) -> None:
        """Wait until a seat may be free: behind the others, or before them, when it was not free after all."""
        turn = asyncio.get_running_loop().create_future()
        if keeps_place:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return


def _closed(address: Address) -> SocketBroke:
    broke = SocketBroke(
        f"Connection error: the request to {address.place} was not sent, since the model was closed on this side.",
        address.request(),
    )
    broke.is_abort = True
    return broke
