"""The manager, with servers that do as they are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents.mcp import MCPServer, MCPServerManager
from mcp_servers import children, python_server, until


class Told(MCPServer):
    """Connects and cleans up as a test says, and keeps what happened, and in which task."""

    def __init__(self, name: str, *, error: BaseException | None = None, hangs: bool = False) -> None:
        super().__init__()
        self._name = name
        self.error = error
        self.hangs = hangs
        self.happened: list[str] = []
        self.tasks: set[object] = set()

    @property
    def name(self) -> str:
        return self._name

    async def connect(self) -> None:
        self.tasks.add(asyncio.current_task())
        self.happened.append("connect")
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error

    async def cleanup(self) -> None:
        self.tasks.add(asyncio.current_task())
        self.happened.append("cleanup")

    async def list_tools(self, run_context: Any = None, agent: Any = None) -> list[Any]:
        return []

    async def call_tool(self, tool_name: str, arguments: Any, meta: Any = None) -> Any:
        raise NameError(tool_name)

    async def list_prompts(self) -> Any:
        return None

    async def get_prompt(self, name: str, arguments: Any = None) -> Any:
        return None


in_order_and_at_once = pytest.mark.parametrize("at_once", [False, True], ids=["in order", "at once"])


@in_order_and_at_once
async def test_servers_are_connected_and_cleaned_up_each_in_one_task(at_once: bool):
    servers = [Told("one"), Told("two")]
    async with MCPServerManager(servers, connect_in_parallel=at_once) as manager:
        assert manager.active_servers == servers
        assert manager.errors == {}
    for server in servers:
        assert server.happened == ["connect", "cleanup"]
        assert len(server.tasks) == 1
    assert servers[0].tasks != servers[1].tasks


@in_order_and_at_once
async def test_a_server_that_fails_is_left_out_and_tried_again(at_once: bool):
    bad, good = Told("bad", error=OSError("down")), Told("good")
    async with MCPServerManager([bad, good], connect_in_parallel=at_once) as manager:
        assert manager.active_servers == [good]
        assert manager.failed_servers == [bad]
        assert str(manager.errors[bad]) == "down"
        assert bad.happened == ["connect", "cleanup"]
        bad.error = None
        assert await manager.reconnect() == [bad, good]
        assert manager.failed_servers == []
        assert good.happened == ["connect"]
        await manager.reconnect(failed_only=False)
        assert good.happened == ["connect", "cleanup", "connect"]


async def test_servers_that_failed_may_stay_active():
    bad = Told("bad", error=OSError("down"))
    async with MCPServerManager([bad], drop_failed_servers=False) as manager:
        assert manager.active_servers == [bad]


@in_order_and_at_once
async def test_a_strict_manager_raises_and_cleans_up(at_once: bool):
    good, bad = Told("good"), Told("bad", error=OSError("down"))
    manager = MCPServerManager([good, bad], strict=True, connect_in_parallel=at_once)
    with pytest.raises(OSError, match="down"):
        await manager.connect_all()
    assert good.happened == ["connect", "cleanup"]
    assert manager.active_servers == []


async def test_a_server_that_hangs_is_given_up_after_the_time_out():
    slow = Told("slow", hangs=True)
    async with MCPServerManager([slow], connect_timeout_seconds=0.01) as manager:
        assert isinstance(manager.errors[slow], TimeoutError)
        assert slow.happened == ["connect", "cleanup"]


async def test_a_connection_that_is_cancelled_from_inside_counts_as_failed_unless_told_otherwise():
    cancelled = Told("cancelled", error=asyncio.CancelledError())
    async with MCPServerManager([cancelled]) as manager:
        assert isinstance(manager.errors[cancelled], asyncio.CancelledError)
    manager = MCPServerManager([cancelled], suppress_cancelled_error=False)
    with pytest.raises(asyncio.CancelledError):
        await manager.connect_all()


async def test_a_manager_that_is_cancelled_leaves_nothing_behind():
    one, slow = Told("one"), Told("slow", hangs=True)
    manager = MCPServerManager([one, slow])
    connecting = asyncio.create_task(manager.connect_all())
    await until(lambda: slow.happened)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert one.happened == slow.happened == ["connect", "cleanup"]


async def test_real_servers_are_there_from_entry_to_exit():
    before = children()
    servers = [python_server(name=name) for name in ("one", "two")]
    async with MCPServerManager(servers, connect_timeout_seconds=60, connect_in_parallel=True) as manager:
        assert manager.active_servers == servers
        assert len(children() - before) == 2
    assert children() == before


def test_what_the_properties_give_is_a_copy():
    manager = MCPServerManager([Told("one")])
    manager.all_servers.clear()
    manager.errors.clear()
    assert [server.name for server in manager.all_servers] == ["one"]


@pytest.mark.parametrize("name", ["connect_timeout_seconds", "cleanup_timeout_seconds"])
def test_time_outs_are_non_negative_finite_numbers(name: str):
    with pytest.raises(ValueError, match=f"{name} must be a non-negative finite number"):
        MCPServerManager([], **{name: float("nan")})  # pyright: ignore[reportArgumentType] (any name, to a checker)
    with pytest.raises(TypeError, match=f"{name} must be a number of seconds or None"):
        MCPServerManager([], **{name: "10"})  # pyright: ignore[reportArgumentType] (what is refused)


async def test_a_server_without_resources_says_what_to_define():
    for asked in ("list_resources()", "list_resource_templates()"):
        with pytest.raises(NotImplementedError, match="list_resource"):
            await getattr(Told("one"), asked[:-2])()
    with pytest.raises(NotImplementedError, match=r"Told has no read_resource\(\)"):
        await Told("one").read_resource("x://y")
