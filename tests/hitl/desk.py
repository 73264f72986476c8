"""Tools that keep a book of what they did, agents whose calls wait for decisions, and ways of going on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents import Agent, FunctionTool, Runner, RunState, function_tool
from agents.items import ToolApprovalItem
from agents.testing import ScriptedModel
from run.scripts import AnyResult, run_drained, run_plain

Resume = Callable[..., Awaitable[AnyResult]]
Travel = Callable[[Agent[Any], RunState[Any]], Awaitable[RunState[Any]]]


@dataclass
class Book:
    """What tools really did, in order."""

    done: list[Any] = field(default_factory=list[Any])

    def payer(self, needs_approval: Any = True, *, name: str = "pay", **options: Any) -> FunctionTool:
        """A tool that pays an amount, when it may."""

        def pay(amount: int) -> str:
            self.done.append((name, amount))
            return f"{name} {amount}"

        return function_tool(pay, name_override=name, needs_approval=needs_approval, **options)

    def looker(self, name: str = "look") -> FunctionTool:
        """A tool that nobody is asked about."""

        def look() -> str:
            self.done.append(name)
            return "seen"

        return function_tool(look, name_override=name)


async def stay(agent: Agent[Any], state: RunState[Any]) -> RunState[Any]:
    return state


async def travel(agent: Agent[Any], state: RunState[Any]) -> RunState[Any]:
    """The state after it went through JSON."""
    return await RunState.from_json(agent, json.loads(state.to_string()))


either_way = pytest.mark.parametrize("go", [run_plain, run_drained], ids=["run", "run_streamed"])
at_hand_or_read = pytest.mark.parametrize("carry", [stay, travel], ids=["at hand", "read"])


def asks_for(*steps: Any, tools: list[Any], name: str = "a", **fields: Any) -> Agent[Any]:
    """An agent that plays steps with tools."""
    return Agent(name=name, model=ScriptedModel(steps), tools=tools, **fields)


def model_of(agent: Agent[Any]) -> ScriptedModel:
    assert isinstance(agent.model, ScriptedModel)
    return agent.model


def last_input(agent: Agent[Any]) -> list[Any]:
    """What the agent's model was sent last."""
    given: Any = model_of(agent).calls[-1].input
    assert isinstance(given, list)
    return given  # pyright: ignore[reportUnknownVariableType] (JSON-shaped items)


def ids(items: list[ToolApprovalItem]) -> list[Any]:
    return [item.call_id for item in items]


def paths(items: list[ToolApprovalItem]) -> list[tuple[str, ...]]:
    return [item.call_path for item in items]


def outputs(items: list[Any]) -> dict[str, Any]:
    """Outputs of calls by id, which must be told once each."""
    found = [item for item in items if item.get("type") == "function_call_output"]
    by_id = {item["call_id"]: item["output"] for item in found}
    assert len(by_id) == len(found)
    return by_id


def approve_all(state: RunState[Any]) -> RunState[Any]:
    for item in state.get_interruptions():
        state.approve(item)
    return state


async def paused(agent: Agent[Any], **options: Any) -> RunState[Any]:
    """The state of a run that asks."""
    result = await Runner.run(agent, "Hi", **options)
    assert result.interruptions
    return result.to_state()


async def kinds_of(result: Any) -> list[str]:
    return [record.kind async for record in result.records() if record.kind != "model_delta"]
