"""Servers of every transport, asked for everything that they have."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from mcp_types import TextContent, TextResourceContents, Tool

from agents import Usage, UserError
from agents.exceptions import MCPConnectionError
from agents.mcp import MCPServer, MCPServerStdio, MCPServerStreamableHttp, MCPUtil, create_static_tool_filter
from agents.tool_context import ToolContext
from mcp_servers import (
    FOLDER,
    PATIENCE_S,
    PYTHON_SERVER,
    children,
    everything_listening,
    listening,
    npm_server,
    python_server,
    until,
    until_reaped,
)
from program import output_of, start


@asynccontextmanager
async def served(transport: str, **options: Any) -> AsyncGenerator[Any]:
    if transport == "stdio":
        async with python_server(**options) as server:
            yield server
        return
    with listening(transport) as process:
        async with process.client(**options) as server:
            yield server


every_transport = pytest.mark.parametrize("transport", ["stdio", "streamable-http", "sse"])


async def said(server: MCPServer, tool: str, **arguments: Any) -> list[str]:
    result = await server.call_tool(tool, arguments)
    return [block.text for block in result.content if isinstance(block, TextContent)]


@every_transport
async def test_tools_prompts_and_resources_are_found_over_every_transport(transport: str):
    async with served(transport) as server:
        assert "add" in [tool.name for tool in await server.list_tools()]
        assert await said(server, "add", a=2, b=3) == ["5"]
        assert [prompt.name for prompt in (await server.list_prompts()).prompts] == ["greeting"]
        prompt = await server.get_prompt("greeting", {"name": "Ada"})
        assert prompt.messages[0].content == TextContent(type="text", text="Say hello to Ada.")
        resources = (await server.list_resources()).resources
        assert [str(resource.uri) for resource in resources] == ["desk://rules"]
        templates = (await server.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == ["desk://rows/{number}"]
        contents = (await server.read_resource("desk://rows/7")).contents
        assert [each.text for each in contents if isinstance(each, TextResourceContents)] == ["row 7"]


async def test_the_everything_server_answers():
    async with npm_server("server-everything", "stdio") as server:
        tools = {tool.name: tool for tool in await server.list_tools()}
        assert tools["echo"].title == "Echo Tool"
        assert await said(server, "echo", message="hi") == ["Echo: hi"]
        result = await server.call_tool("get-structured-content", {"location": "New York"})
        assert result.structured_content is not None
        assert result.structured_content["conditions"] == "Cloudy"


async def test_the_filesystem_server_answers(tmp_path: Path):
    (tmp_path / "note.txt").write_text("remember")
    async with npm_server("server-filesystem", str(tmp_path)) as server:
        assert await said(server, "read_text_file", path=str(tmp_path / "note.txt")) == ["remember"]
        refused = await server.call_tool("read_text_file", {"path": "/etc/passwd"})
        assert refused.is_error


async def test_a_process_is_there_from_connect_to_cleanup_and_no_longer():
    server = python_server()
    before = children()
    with pytest.raises(UserError, match="Server not initialized"):
        await server.list_tools()
    await server.connect()
    await server.connect()
    assert len(children() - before) == 1
    await server.cleanup()
    await server.cleanup()
    assert children() == before
    with pytest.raises(UserError, match="Server not initialized"):
        await server.call_tool("add", {"a": 1, "b": 1})


async def test_a_server_may_be_cleaned_up_by_another_task_and_connected_again():
    server = python_server()
    await asyncio.create_task(server.connect())
    first = await said(server, "pid")
    await asyncio.create_task(server.cleanup())
    await server.connect()
    assert await said(server, "pid") != first
    await asyncio.create_task(server.cleanup())


async def test_a_connection_that_is_cancelled_leaves_no_process():
    before = children()
    server = python_server()
    connecting = asyncio.create_task(server.connect())
    await until(lambda: children() - before)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    # Cancelled while it is being started, it has been killed and is reaped a moment later.
    await until_reaped(before)


async def test_a_command_that_does_not_exist_is_named():
    server = MCPServerStdio({"command": "/nowhere/no-such-server"}, name="ghost")
    with pytest.raises(
        MCPConnectionError, match=r"'ghost' cannot be started or reached.*no-such-server"
    ) as caught:
        await server.connect()
    assert caught.value.server_name == "ghost"


async def test_a_server_that_nobody_listens_for_is_named_without_its_secrets():
    with listening("streamable-http") as process:
        port = process.port
    url = f"http://user:secret@127.0.0.1:{port}/mcp?token=secret"
    server = MCPServerStreamableHttp({"url": url})
    assert server.name == f"streamable_http: http://127.0.0.1:{port}/mcp"
    with pytest.raises(MCPConnectionError, match="cannot be started or reached") as caught:
        await server.connect()
    assert "secret" not in str(caught.value)


async def test_missing_parameters_are_found_before_the_call():
    async with python_server() as server:
        await server.list_tools()
        with pytest.raises(UserError, match="missing required parameters: b"):
            await server.call_tool("add", {"a": 1})


def paged(**options: Any) -> MCPServerStdio:
    script = str(FOLDER / "paged_server.py")
    return MCPServerStdio(
        {"command": sys.executable, "args": [script]}, client_session_timeout_seconds=PATIENCE_S, **options
    )


def names(tools: list[Tool] | None) -> list[str]:
    return [tool.name for tool in tools or ()]


async def test_a_listing_has_the_tools_of_all_pages():
    async with paged(max_list_pages=3) as server:
        assert names(await server.list_tools()) == ["first_1", "second_1", "third_1"]


async def test_a_listing_of_too_many_pages_is_refused_and_the_cache_stays():
    async with paged() as server:
        await server.list_tools()
        server.max_list_pages = 2
        with pytest.raises(UserError, match="exceeded max_list_pages: there is more after page 2"):
            await server.list_tools()
        assert names(server.cached_tools) == ["first_1", "second_1", "third_1"]


async def test_a_cached_listing_is_kept_until_it_is_invalidated():
    async with paged(cache_tools_list=True) as server:
        listed = await server.list_tools()
        listed[0].name = "changed"
        assert names(await server.list_tools())[0] == "first_1"
        server.invalidate_tools_cache()
        assert server.cached_tools is None
        assert names(await server.list_tools())[0] == "first_2"


async def test_filters_apply_to_a_cached_listing_each_time():
    async with paged(cache_tools_list=True) as server:
        server.tool_filter = create_static_tool_filter(allowed_tool_names=["first_1", "third_1"])
        assert names(await server.list_tools()) == ["first_1", "third_1"]
        server.tool_filter = create_static_tool_filter(blocked_tool_names=["first_1"])
        assert names(await server.list_tools()) == ["second_1", "third_1"]


async def test_a_cancelled_call_is_told_to_the_server_and_the_next_one_works():
    async with python_server() as server:
        begun = asyncio.Event()
        context = ToolContext(None, Usage(), "wait", "c1", "{}", progress_sink=lambda _: begun.set())
        tool = next(tool for tool in await server.list_tools() if tool.name == "wait")
        call = asyncio.create_task(MCPUtil.invoke_mcp_tool(server, tool, context, "{}"))
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await said(server, "stops") == ["wait"]


@every_transport
async def test_a_server_that_dies_in_a_call_is_a_typed_error_and_is_reached_anew(transport: str):
    before = children()
    if transport == "stdio":
        async with python_server() as server:
            first = await said(server, "pid")
            with pytest.raises(MCPConnectionError, match="'desk' went away during a call of 'die'"):
                await server.call_tool("die", {})
            assert children() == before
            assert await said(server, "pid") != first
            assert len(children() - before) == 1
        return
    with listening(transport) as process:
        async with process.client() as server:
            first = await said(server, "pid")
            with pytest.raises(MCPConnectionError, match="'desk' went away during a call of 'die'"):
                await server.call_tool("die", {})
            with pytest.raises(MCPConnectionError, match="cannot be started or reached"):
                await server.call_tool("pid", {})
            with listening(transport, process.port):
                assert await said(server, "pid") != first
                await server.cleanup()


async def test_the_everything_server_killed_in_a_call_is_a_typed_error_and_is_started_anew():
    before = children()
    async with npm_server("server-everything", "stdio") as server:
        (pid,) = children() - before
        tools = {tool.name: tool for tool in await server.list_tools()}
        context = ToolContext(None, Usage(), "t", "c1", "{}", progress_sink=lambda _: os.kill(pid, 9))
        with pytest.raises(MCPConnectionError, match="'server-everything' went away"):
            await MCPUtil.invoke_mcp_tool(
                server,
                tools["trigger-long-running-operation"],
                context,
                '{"duration": 60, "steps": 600}',
            )
        assert children() == before
        assert await said(server, "echo", message="back") == ["Echo: back"]


async def test_a_process_that_died_between_calls_is_started_anew_without_an_error():
    async with python_server() as server:
        (pid,) = await said(server, "pid")
        os.kill(int(pid), 9)
        await until(lambda: int(pid) not in children())
        rounds = iter(range(100))
        await until(lambda: next(rounds) == 99)  # the loop has to see that its output ended
        assert await said(server, "pid") != [pid]


async def test_a_session_that_the_restarted_server_does_not_know_is_replaced_without_an_error():
    with everything_listening() as port:
        url = f"http://127.0.0.1:{port}/mcp"
        server = MCPServerStreamableHttp({"url": url}, client_session_timeout_seconds=PATIENCE_S)
        await server.connect()
        first = server.session_id
        assert first is not None
    with everything_listening(port):
        assert await said(server, "echo", message="again") == ["Echo: again"]
        assert server.session_id not in (None, first)
        await server.cleanup()


async def test_a_stateless_server_that_was_restarted_is_simply_asked():
    with listening("streamable-http") as process:
        async with process.client() as server:
            first = await said(server, "pid")
            process.kill()
            with listening("streamable-http", process.port):
                assert await said(server, "pid") != first
                await server.cleanup()


async def test_a_call_is_repeated_as_often_as_retries_allow(tmp_path: Path):
    async with python_server(max_retry_attempts=1, retry_backoff_seconds_base=0) as server:
        assert await said(server, "die_once", sign=str(tmp_path / "sign")) == ["alive"]
        with pytest.raises(MCPConnectionError):
            await server.call_tool("die", {})


async def test_a_refusal_is_no_lost_connection():
    async with python_server() as server:
        before = children()
        with pytest.raises(MCPError, match="try later"):
            await server.call_tool("busy", {})
        assert children() == before


def test_a_program_that_forgets_to_clean_up_leaves_no_process(tmp_path: Path):
    program = f"""
import asyncio
from agents.mcp import MCPServerStdio

async def main():
    server = MCPServerStdio({PYTHON_SERVER!r}, client_session_timeout_seconds=60)
    await server.connect()
    print((await server.call_tool("pid", {{}})).content[0].text)

asyncio.run(main())
"""
    pid = int(output_of(start("-c", program)))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
