"""The three ways to an MCP server: a process of its own, streamable HTTP, and server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NotRequired, Protocol

import httpx2
from mcp import MCPError, StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from typing_extensions import TypedDict

from ._session_server import SessionServer
from ._text import without_secrets

_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 300.0
_SESSION_HEADER = "mcp-session-id"
_NO_ANSWER = "Server returned an error response"
"""What `mcp` makes of an HTTP error that brought no answer in the protocol."""


class HttpClientFactory(Protocol):
    """Makes the HTTP client of a connection, which is closed with it."""

    def __call__(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        """A new client with these settings."""
        ...


class MCPServerStdioParams(TypedDict):
    """How to start a server that speaks over its standard input and output."""

    command: str
    args: NotRequired[list[str]]
    env: NotRequired[dict[str, str]]
    """Variables beside the few that are always passed on, such as PATH and HOME."""

    cwd: NotRequired[str | Path]
    encoding: NotRequired[str]
    encoding_error_handler: NotRequired[Literal["strict", "ignore", "replace"]]


class MCPServerStdio(SessionServer[MCPServerStdioParams]):
    """A server that is a process of its own, started by `connect` and stopped by `cleanup`.

    A process that ends by itself is started again the next time that it is needed.
    """

    def _default_name(self) -> str:
        return f"stdio: {self.params['command']}"

    def create_streams(self) -> AbstractAsyncContextManager[Any]:
        """Start the process; leaving the context stops it, and what it started, within seconds."""
        return stdio_client(StdioServerParameters.model_validate(dict(self.params)))


class MCPServerSseParams(TypedDict):
    """Where a server is that sends its messages as server-sent events."""

    url: str
    headers: NotRequired[dict[str, str]]
    timeout: NotRequired[float]
    """Seconds for one HTTP operation; 5 unless set."""

    sse_read_timeout: NotRequired[float]
    """Seconds without an event after which the connection is given up; 300 unless set."""

    auth: NotRequired[httpx2.Auth | None]
    httpx_client_factory: NotRequired[HttpClientFactory]


class MCPServerSse(SessionServer[MCPServerSseParams]):
    """A server behind the HTTP with SSE transport, which newer servers have replaced by streamable HTTP."""

    def _default_name(self) -> str:
        return f"sse: {without_secrets(self.params['url'])}"

    def create_streams(self) -> AbstractAsyncContextManager[Any]:
        """Open the stream of events."""
        params = self.params
        return sse_client(
            params["url"],
            headers=params.get("headers"),
            timeout=params.get("timeout", _TIMEOUT_S),
            sse_read_timeout=params.get("sse_read_timeout", _READ_TIMEOUT_S),
            httpx_client_factory=params.get("httpx_client_factory", _http_client),
            auth=params.get("auth"),
        )


class MCPServerStreamableHttpParams(TypedDict):
    """Where a server is that speaks streamable HTTP."""

    url: str
    headers: NotRequired[dict[str, str]]
    timeout: NotRequired[float | timedelta]
    """Seconds for one HTTP operation; 5 unless set."""

    sse_read_timeout: NotRequired[float | timedelta]
    """Seconds without an event after which an answer is given up; 300 unless set."""

    terminate_on_close: NotRequired[bool]
    """Whether `cleanup` tells the server that the session is over; it does unless set."""

    auth: NotRequired[httpx2.Auth | None]
    httpx_client_factory: NotRequired[HttpClientFactory]


class MCPServerStreamableHttp(SessionServer[MCPServerStreamableHttpParams]):
    """A server behind streamable HTTP. One that was restarted and has forgotten the session gets a new one."""

    _session_id: str | None = None
    _session_was_refused = False

    @property
    def session_id(self) -> str | None:
        """The server's id of the session; None before `connect`, and where the server keeps none."""
        return self._session_id

    def _default_name(self) -> str:
        return f"streamable_http: {without_secrets(self.params['url'])}"

    @asynccontextmanager
    async def create_streams(self) -> AsyncGenerator[Any]:
        """Open a session's streams over an HTTP client of their own."""
        params = self.params
        make_client = params.get("httpx_client_factory", _http_client)
        timeout = httpx2.Timeout(
            _seconds(params.get("timeout", _TIMEOUT_S)),
            read=_seconds(params.get("sse_read_timeout", _READ_TIMEOUT_S)),
        )
        self._session_id = None
        self._session_was_refused = False
        async with make_client(
            headers=params.get("headers"), timeout=timeout, auth=params.get("auth")
        ) as client:
            client.event_hooks["response"].append(self._watch_session)
            async with streamable_http_client(
                params["url"],
                http_client=client,
                terminate_on_close=params.get("terminate_on_close", True),
            ) as streams:
                yield streams

    async def _watch_session(self, response: httpx2.Response) -> None:
        self._session_id = response.headers.get(_SESSION_HEADER, self._session_id)
        # 404 is what the protocol wants for a session that is gone, 400 what many servers say.
        if _SESSION_HEADER in response.request.headers and response.status_code in (400, 404):
            self._session_was_refused = True

    def _is_forgotten(self, error: BaseException) -> bool:
        if not self._session_was_refused or not isinstance(error, MCPError):
            return False
        return error.message == _NO_ANSWER or "session" in error.message.lower()


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _http_client(
    headers: dict[str, str] | None = None,
    timeout: httpx2.Timeout | None = None,
    auth: httpx2.Auth | None = None,
) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers=headers, timeout=timeout, auth=auth)
