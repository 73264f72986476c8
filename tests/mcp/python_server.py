"""An MCP server for the tests, made with the `mcp` package: over stdio, or over HTTP on loopback.

    python_server.py stdio
    python_server.py streamable-http PORT
    python_server.py sse PORT

Over HTTP it prints its port, once it listens; port 0 takes a free one.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer("desk")
stopped: list[str] = []


@server.tool(title="Adder", annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(structured_output=False)
def pid() -> str:
    """Tell which process this is."""
    return str(os.getpid())


@server.tool(structured_output=False)
def pair() -> Any:
    """Say two things."""
    return [TextContent(type="text", text="one"), TextContent(type="text", text="two")]


@server.tool()
def weather(city: Annotated[str, Field(description="Where.")]) -> dict[str, str]:
    """Tell the weather."""
    return {"city": city, "sky": "blue"}


@server.tool()
def refuse() -> CallToolResult:
    """Answer with an error."""
    return CallToolResult(
        content=[TextContent(type="text", text="no such row")],
        structured_content={"row": 0},
        is_error=True,
        _meta={"trace": "t1"},
    )


@server.tool(structured_output=False)
async def climb(steps: int, context: Context) -> str:
    """Report every step."""
    for step in range(1, steps + 1):
        await context.report_progress(step, steps, f"step {step}")
    return "on top"


@server.tool(structured_output=False)
async def wait(context: Context) -> str:
    """Report once, and wait for ever."""
    await context.report_progress(0)
    try:
        await asyncio.Event().wait()
    finally:
        stopped.append("wait")
    return "never"


@server.tool(structured_output=False)
def stops() -> str:
    """Tell which calls were cancelled."""
    return ",".join(stopped)


@server.tool(structured_output=False)
def die() -> str:
    """End the process in the middle of the call."""
    os._exit(3)


@server.tool(structured_output=False)
def die_once(sign: str) -> str:
    """End the process, unless it has left the sign that it did."""
    if not Path(sign).exists():
        Path(sign).touch()
        os._exit(3)
    return "alive"


@server.tool(structured_output=False)
def busy() -> str:
    """Refuse with the code that `mcp` uses for closed connections."""
    raise MCPError(-32000, "try later")


@server.tool(structured_output=False)
def meta(context: Context) -> str:
    """Tell the `_meta` of the call, but for what the protocol puts there."""
    sent = context.request_context.meta or {}
    return str({key: sent[key] for key in sorted(sent) if key in ("tenant", "user")})


class Guests(BaseModel):
    """How many come, and what they are called."""

    count: int
    name: str = "nobody"


async def how_many() -> Elicit[Guests]:
    """Ask for the guests."""
    return Elicit("How many guests?", Guests)


@server.tool(structured_output=False)
def book(table: str, guests: Annotated[ElicitationResult[Guests], Resolve(how_many)]) -> str:
    """Book a table, for guests that the user has to tell."""
    if isinstance(guests, AcceptedElicitation):
        return f"{table} for {guests.data.count} by the name of {guests.data.name}"
    return f"{table} not booked: {guests.action}"


@server.prompt()
def greeting(name: str) -> str:
    """Greet."""
    return f"Say hello to {name}."


@server.resource("desk://rules")
def rules() -> str:
    """The rules of the desk."""
    return "Be kind."


@server.resource("desk://rows/{number}")
def row(number: str) -> str:
    """A row."""
    return f"row {number}"


async def serve(transport: str, port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port))
    app = server.streamable_http_app() if transport == "streamable-http" else server.sse_app()
    print(listener.getsockname()[1], flush=True)
    await uvicorn.Server(uvicorn.Config(app, log_level="error")).serve([listener])


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
