"""The program whose states are kept: what it was when they were written is what it has to stay.

A state is read by a process that has agents like the first one's. Add to this program; do not change what is there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agents import (
    Agent,
    ApplyPatchOperation,
    ApplyPatchTool,
    ComputerTool,
    CustomTool,
    HostedMCPTool,
    LocalShellCommandRequest,
    LocalShellTool,
    RunContextWrapper,
    RunState,
    ShellCommandRequest,
    ShellTool,
    function_tool,
)
from laws import scripted
from laws.scripted import Answer, ConversationModel
from run import machines
from run.machines import Screen

MadeCall: TypeAlias = tuple[str, dict[str, Any]]
Calls: TypeAlias = tuple[MadeCall, ...]


@dataclass
class Office:
    """The agents of one process, and what their tools did in it."""

    done: list[str] = field(default_factory=list[str])
    on_wait: Callable[[], None] | None = None
    """Called by the tool `wait` when it began; it then waits for ever."""

    def clerk(self, *calls: MadeCall) -> Agent[Any]:
        """An agent that makes these calls at once, and is done."""

        @function_tool(needs_approval=True)
        async def pay(amount: int) -> str:
            """Pay."""
            self.done.append(f"pay {amount}")
            return f"paid {amount}"

        @function_tool
        async def look(context: RunContextWrapper[Any]) -> str:
            """Look."""
            self.done.append(f"look as {context.context['user']}" if context.context else "look")
            return "looked"

        @function_tool(on_in_doubt="retry")
        async def wait() -> str:
            """Wait."""
            if self.on_wait is not None:
                self.on_wait()
                await asyncio.Event().wait()
            self.done.append("wait")
            return "waited"

        return Agent(name="clerk", model=caller("clerk", calls), tools=[pay, look, wait])

    def boss(self) -> Agent[Any]:
        """An agent that asks two clerks at once."""
        clerk = self.clerk(("pay", {"amount": 3}), ("look", {}))
        ask = clerk.as_tool("ask", "Ask a clerk.")
        calls: Calls = (("ask", {"input": "one"}), ("ask", {"input": "two"}))
        return Agent(name="boss", model=caller("boss", calls), tools=[ask])

    def porter(self) -> Agent[Any]:
        """An agent that hands over to a clerk."""
        clerk = self.clerk(("pay", {"amount": 4}))
        calls: Calls = (("transfer_to_clerk", {}),)
        return Agent(name="porter", model=caller("porter", calls), handoffs=[clerk])

    def mechanic(self) -> Agent[Any]:
        """An agent that acts on a machine: first unasked, then in every way that somebody is asked about."""

        def shell(request: ShellCommandRequest) -> str:
            self.done.append(f"run {'; '.join(request.data.action.commands)}")
            return "ran"

        def local(request: LocalShellCommandRequest) -> str:
            self.done.append(f"run locally {' '.join(request.data.action.command)}")
            return "ran"

        async def query(_: Any, text: str) -> str:
            self.done.append(f"query {text}")
            return "rows"

        server: Any = {"type": "mcp", "server_label": "links", "server_url": "https://mcp.example.org"}
        tools: list[Any] = [
            ShellTool(shell, needs_approval=lambda _, action, __: "rm a" in action.commands),
            ApplyPatchTool(
                _Editor(self.done), needs_approval=lambda _, change, __: change.type != "create_file"
            ),
            LocalShellTool(local, needs_approval=True),
            CustomTool("query", "Ask.", query, needs_approval=True),
            ComputerTool(_Screen(self.done)),
            HostedMCPTool(server),
        ]
        first = [machines.shell_call("ls", call_id="s1"), machines.patch("create_file", "a", "+1", "p1")]
        check = {"id": "sc_1", "code": "irrelevant_domain", "message": "Another site."}
        second = [
            machines.shell_call("rm a", call_id="s2"),
            machines.patch("delete_file", "a", None, "p2"),
            machines.local_call("ls", call_id="l2"),
            machines.custom_call("query", "select 1", "q2"),
            machines.computer_call({"type": "wait"}, call_id="m2", checks=(check,)),
            machines.mcp_request("links", "shorten", "mcpr_2"),
        ]

        def answer(given: list[Any]) -> Answer:
            known = {item.get("call_id") for item in given}
            if "s2" in known:
                return Answer((scripted.message("msg_m", "mechanic is done"),), "resp_m_3", 0)
            items, number = (second, 2) if "s1" in known else (first, 1)
            return Answer(tuple(items), f"resp_m_{number}", 0)

        return Agent(name="mechanic", model=ConversationModel(answer, []), tools=tools)


class _Editor:
    """Keeps what it was asked to do."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def create_file(self, operation: ApplyPatchOperation) -> str:
        self._done.append(f"{operation.type} {operation.path}")
        return "done"

    update_file = delete_file = create_file


class _Screen(Screen):
    """Notes in the office what is done to it."""

    def __init__(self, done: list[str]) -> None:
        super().__init__()
        self._office = done

    def wait(self) -> None:
        self._office.append("wait at the screen")


def caller(name: str, calls: Calls) -> ConversationModel:
    """A model that makes calls at once, and is done when they are answered."""

    def answer(given: list[Any]) -> Answer:
        called = any(str(item.get("call_id", "")).startswith(f"{name}_") for item in given)
        if called or not calls:
            return Answer((scripted.message(f"msg_{name}", f"{name} is done"),), f"resp_{name}_2", 0)
        items = [
            scripted.call(f"{name}_{number}", tool, json.dumps(arguments))
            for number, (tool, arguments) in enumerate(calls)
        ]
        return Answer((scripted.reasoning(f"rs_{name}"), *items), f"resp_{name}_1", 0)

    return ConversationModel(answer, [])


TWO_PAYMENTS: Calls = (("pay", {"amount": 1}), ("pay", {"amount": 2}), ("look", {}))

AGENTS: dict[str, Callable[[Office], Agent[Any]]] = {
    "paused": lambda office: office.clerk(*TWO_PAYMENTS),
    "paused_with_context": lambda office: office.clerk(*TWO_PAYMENTS),
    "paused_nested": lambda office: office.boss(),
    "paused_after_handoff": lambda office: office.porter(),
    "partly_decided": lambda office: office.clerk(*TWO_PAYMENTS),
    "decided": lambda office: office.clerk(*TWO_PAYMENTS, ("pay", {"amount": 5})),
    "ruled": lambda office: office.clerk(*TWO_PAYMENTS),
    "cancelled": lambda office: office.clerk(("pay", {"amount": 6}), ("wait", {})),
    "claimed": lambda office: office.clerk(("look", {}), ("wait", {})),
    "paused_on_a_machine": lambda office: office.mechanic(),
}
"""Which agent each state was written by."""


async def approve_all(state: RunState[Any]) -> None:
    for item in state.get_interruptions():
        state.approve(item)
