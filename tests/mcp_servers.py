"""Real MCP servers for the tests: one in Python, those of npm, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.mcp import (
    MCPServerSse,
    MCPServerSseParams,
    MCPServerStdio,
    MCPServerStdioParams,
    MCPServerStreamableHttp,
    MCPServerStreamableHttpParams,
)
from clients.node import node

FOLDER = Path(__file__).parent / "mcp"
PACKAGES = FOLDER / "node_modules"
PYTHON_SERVER = MCPServerStdioParams(command=sys.executable, args=[str(FOLDER / "python_server.py"), "stdio"])
PATIENCE_S = 60.0

HttpServer = MCPServerSse | MCPServerStreamableHttp


def python_server(**options: Any) -> MCPServerStdio:
    """The Python server over stdio, not connected."""
    options = {"name": "desk", "client_session_timeout_seconds": PATIENCE_S, **options}
    return MCPServerStdio(PYTHON_SERVER, **options)


def asking_server(**options: Any) -> MCPServerStdio:
    """A server of an older protocol that does nothing but ask, not connected."""
    options = {"name": "asking", "client_session_timeout_seconds": PATIENCE_S, **options}
    program = MCPServerStdioParams(command=sys.executable, args=[str(FOLDER / "asking_server.py")])
    return MCPServerStdio(program, allow_elicitation=True, **options)


def npm_server(package: str, *arguments: str, **options: Any) -> MCPServerStdio:
    """A reference server over stdio, not connected. Without it the test is skipped; in CI it fails."""
    program = node(FOLDER)
    options = {"name": package, "client_session_timeout_seconds": PATIENCE_S, **options}
    return MCPServerStdio({"command": program, "args": [_script(package), *arguments]}, **options)


def _script(package: str) -> str:
    return str(PACKAGES / "@modelcontextprotocol" / package / "dist" / "index.js")


class Listening:
    """The Python server as a process that listens on loopback."""

    def __init__(self, transport: str, port: int = 0) -> None:
        self.transport = transport
        self.process = subprocess.Popen(
            [sys.executable, str(FOLDER / "python_server.py"), transport, str(port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.port = int(output.readline())

    def client(self, **options: Any) -> HttpServer:
        """A server object for it, not connected."""
        options = {"name": "desk", "client_session_timeout_seconds": PATIENCE_S, **options}
        if self.transport == "sse":
            return MCPServerSse(MCPServerSseParams(url=f"http://127.0.0.1:{self.port}/sse"), **options)
        url = f"http://127.0.0.1:{self.port}/mcp"
        return MCPServerStreamableHttp(MCPServerStreamableHttpParams(url=url), **options)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def listening(transport: str, port: int = 0) -> Generator[Listening]:
    """The Python server, until the context ends."""
    server = Listening(transport, port)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def everything_listening(port: int = 0) -> Generator[int]:
    """The reference server over streamable HTTP, with sessions, until the context ends; gives its port."""
    command = [node(FOLDER), _script("server-everything"), "streamableHttp"]
    if port == 0:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert any("listening" in line for line in process.stderr), "the server ended before it listened"
            yield port
        finally:
            process.kill()


async def until(is_true: Callable[[], object]) -> None:
    """Let the loop go round until something is true that nobody announces."""
    loop = asyncio.get_running_loop()
    seen = loop.create_future()

    def look() -> None:
        if is_true():
            seen.set_result(None)
        elif not seen.done():
            loop.call_soon(look)

    look()
    await seen


async def until_reaped(before: set[int]) -> None:
    """Let the loop go round until only the processes of `before` are left, and the loop knows it.

    asyncio may reap in a thread, which tells the loop: a loop that is closed in between leaves a process of which
    Python believes, and warns, that it runs.
    """

    def is_over() -> bool:
        return children() == before and not any("waitpid" in each.name for each in threading.enumerate())

    await until(is_over)


def children() -> set[int]:
    """The processes that this one started and that are not gone, the unreaped among them."""
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
            found.add(int(entry.name))
    return found
