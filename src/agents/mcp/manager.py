"""Several MCP servers, connected and cleaned up together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Self

from agents._ports.mcp import MCPServer
from agents.util.cancellation import cancellation_watch

from ._checks import seconds
from ._held import Held, causes

_logger = logging.getLogger("openai.agents")

__all__ = ["MCPServerManager"]


class MCPServerManager(AbstractAsyncContextManager["MCPServerManager"]):
    """Connects servers on entry and cleans them up on exit, each in a task of its own.

    Give `active_servers` to an agent: those that could not be connected are left out.

    Raises:
        TypeError: a time-out is no number.
        ValueError: a time-out is negative, infinite or NaN.
    """

    def __init__(
        self,
        servers: Iterable[MCPServer],
        *,
        connect_timeout_seconds: float | None = 10.0,
        cleanup_timeout_seconds: float | None = 10.0,
        drop_failed_servers: bool = True,
        strict: bool = False,
        suppress_cancelled_error: bool = True,
        connect_in_parallel: bool = False,
    ) -> None:
        """Say what is to be managed.

        Args:
            servers: The servers, each once.
            connect_timeout_seconds: How long connecting one may take; None is for ever.
            cleanup_timeout_seconds: How long cleaning one up may take before it is hurried; None is for ever.
            drop_failed_servers: Leave those that failed out of `active_servers`.
            strict: Clean all up and raise when one fails.
            suppress_cancelled_error: Count a connection that was cancelled from inside as failed; else it is raised.
            connect_in_parallel: Connect all at once, not one after another.
        """
        self._servers = list(dict.fromkeys(servers))
        self._connect_timeout_s = seconds("connect_timeout_seconds", connect_timeout_seconds)
        self._cleanup_timeout_s = seconds("cleanup_timeout_seconds", cleanup_timeout_seconds)
        self.drop_failed_servers = drop_failed_servers
        self.strict = strict
        self.suppress_cancelled_error = suppress_cancelled_error
        self.connect_in_parallel = connect_in_parallel
        self._held: dict[MCPServer, Held[None]] = {}
        self._errors: dict[MCPServer, BaseException] = {}

    @property
    def connect_timeout_seconds(self) -> float | None:
        """How long connecting one server may take."""
        return self._connect_timeout_s

    @property
    def cleanup_timeout_seconds(self) -> float | None:
        """How long cleaning one server up may take before it is hurried."""
        return self._cleanup_timeout_s

    @property
    def all_servers(self) -> list[MCPServer]:
        """Every server, in order."""
        return list(self._servers)

    @property
    def active_servers(self) -> list[MCPServer]:
        """The servers that are connected; with `drop_failed_servers=False` every server."""
        if not self.drop_failed_servers:
            return list(self._servers)
        return [server for server in self._servers if server in self._held]

    @property
    def failed_servers(self) -> list[MCPServer]:
        """The servers that could not be connected when that was last tried."""
        return [server for server in self._servers if server in self._errors]

    @property
    def errors(self) -> dict[MCPServer, BaseException]:
        """What went wrong, by server."""
        return dict(self._errors)

    async def __aenter__(self) -> Self:
        await self.connect_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.cleanup_all()

    async def connect_all(self) -> list[MCPServer]:
        """Connect the servers that are not, and give those that are active now.

        Raises:
            Exception: with `strict`, that of the first that failed; all are cleaned up then.
        """
        return await self._connect([server for server in self._servers if server not in self._held])

    async def reconnect(self, *, failed_only: bool = True) -> list[MCPServer]:
        """Try those that failed again; with `failed_only=False` clean up and connect all.

        Raises:
            Exception: with `strict`, that of the first that failed; all are cleaned up then.
        """
        if not failed_only:
            await self.cleanup_all()
            return await self.connect_all()
        return await self._connect(self.failed_servers)

    async def cleanup_all(self) -> None:
        """Clean up what is connected, the last first. What goes wrong is logged, and stops nothing."""
        for server, held in reversed(list(self._held.items())):
            del self._held[server]
            try:
                async with asyncio.timeout(self._cleanup_timeout_s):
                    error = await held.close()
            except TimeoutError as late:
                error = late
            if error is not None:
                _logger.error("Cleaning up MCP server %r failed: %r", server.name, error)

    async def _connect(self, servers: list[MCPServer]) -> list[MCPServer]:
        try:
            if self.connect_in_parallel:
                async with asyncio.TaskGroup() as group:
                    for server in servers:
                        group.create_task(self._connect_one(server))
            else:
                for server in servers:
                    await self._connect_one(server)
        except BaseException as error:
            await self.cleanup_all()
            first = causes(error)[0]
            if first is error:
                raise
            raise first from None
        return self.active_servers

    async def _connect_one(self, server: MCPServer) -> None:
        held = Held(_connected(server), name=f"MCP server {server.name}")
        was_cancelled = cancellation_watch()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await held.open()
        except asyncio.CancelledError as error:
            if not self.suppress_cancelled_error or was_cancelled():
                raise
            failure: BaseException = error
        except Exception as error:  # noqa: BLE001 (kept in `errors`, or raised right away)
            failure = error
        else:
            self._errors.pop(server, None)
            self._held[server] = held
            return
        self._errors[server] = failure
        _logger.error("Connecting MCP server %r failed: %r", server.name, failure)
        if self.strict:
            raise failure


@asynccontextmanager
async def _connected(server: MCPServer) -> AsyncGenerator[None]:
    try:
        await server.connect()
        yield
    finally:
        await server.cleanup()
