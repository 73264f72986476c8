"""An MCP server over stdio that lists a tool a page, three in all, named after the listing: `first_1`, `second_1` ..."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.types import ListToolsResult, PaginatedRequestParams, Tool

NAMES = ["first", "second", "third"]
listings = 0


async def list_tools(_context: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
    global listings
    page = 0 if params is None or params.cursor is None else int(params.cursor)
    if page == 0:
        listings += 1
    tool = Tool(name=f"{NAMES[page]}_{listings}", input_schema={"type": "object"})
    return ListToolsResult(tools=[tool], next_cursor=str(page + 1) if page + 1 < len(NAMES) else None)


async def serve() -> None:
    server: Server[Any] = Server("paged", on_list_tools=list_tools)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(serve())
