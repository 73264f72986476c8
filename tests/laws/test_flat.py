"""Law 8, Flat: what a turn costs does not depend on how many turns came before it.

Counted, not timed: bytecode instructions of the core, function calls of a whole run, and looks at the history. CPU
time is measured by `make bench`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import pytest

from agents import Agent, Runner, function_tool
from agents._core import facts as f
from agents._core.decide import decide
from agents._core.evolve import evolve, fold
from agents._core.state import State
from agents.run_config import RunConfig
from laws import scripted
from laws.scripted import Answer, ConversationModel
from laws.virtual_time import run_in_virtual_time

A = f.AgentKey("a")
TURNS = 120


class WatchedList(list[Any]):
    """A history that counts how many of its items are looked at."""

    looks = 0

    def __iter__(self) -> Iterator[Any]:
        WatchedList.looks += len(self)
        return super().__iter__()

    def __getitem__(self, key: Any) -> Any:
        found: Any = super().__getitem__(key)
        WatchedList.looks += len(found) if isinstance(key, slice) else 1
        return found

    def __contains__(self, item: object) -> bool:
        WatchedList.looks += len(self)
        return super().__contains__(item)


def turn_facts(turn: int) -> list[f.Fact]:
    """A turn with two tools."""
    calls = tuple(f.Call(f.CallId(f"c{turn}.{index}"), "function", "t", "{}") for index in range(2))
    items: list[f.Json] = [{"type": "function_call", "call_id": call.id} for call in calls]
    return [
        f.TurnStarted(turn, A),
        f.ModelRequested(turn, 1),
        f.ModelResponded(turn, items, calls, f.UsageData(1, 1, 1, 2)),
        *(f.ToolClaimed(call.id, "t") for call in calls),
        *(f.ToolReturned(call.id, "t", {"call_id": call.id, "output": "o"}) for call in reversed(calls)),
    ]


def instructions_of(work: Callable[[], object]) -> int:
    """How many bytecode instructions of the core some work takes."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if "_core" not in frame.f_code.co_filename:
            # Callbacks of the garbage collector, for one, come when they like.
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def calls_of(work: Callable[[], object], at: Iterable[int], clock: Callable[[], int]) -> dict[int, int]:
    """How many functions, Python's own and C's, had been called when `clock` first showed each of these."""
    count = 0
    wanted, found = set(at), dict[int, int]()

    def profile(_frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}
        now = clock()
        if now in wanted:
            wanted.discard(now)
            found[now] = count

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found


def test_deciding_and_folding_a_turn_take_the_same_steps_at_any_turn() -> None:
    state = fold([f.RunStarted(A, "hi", None)])
    costs: list[int] = []
    for turn in range(1, TURNS + 1):
        facts = turn_facts(turn)

        def one_turn(facts: list[f.Fact] = facts) -> None:
            for fact in facts:
                decide(state)
                evolve(state, fact)

        costs.append(instructions_of(one_turn))
    # The first turn has no calls before it to remember.
    assert set(costs[1:]) == {costs[-1]}


def test_the_core_does_not_look_at_the_history() -> None:
    state = State(history=WatchedList())
    evolve(state, f.RunStarted(A, "hi", None))
    WatchedList.looks = 0
    for turn in range(1, TURNS + 1):
        for fact in turn_facts(turn):
            decide(state)
            evolve(state, fact)
    assert WatchedList.looks == 0
    assert len(state.history) == 1 + 4 * TURNS


@pytest.mark.parametrize("is_streamed", [False, True], ids=["run", "run_streamed"])
def test_a_turn_of_a_run_calls_as_many_functions_late_as_early(*, is_streamed: bool) -> None:
    asked: list[str] = []

    def answer(_given: list[Any]) -> Answer:
        turn = len(asked)
        if turn == 400:
            return Answer((scripted.message("m", "done"),), "last")
        return Answer((scripted.call(f"c{turn}", "look"),), f"r{turn}")

    @function_tool
    async def look() -> str:
        return "seen"

    async def run() -> None:
        agent: Agent[Any] = Agent(name="a", model=ConversationModel(answer, asked), tools=[look])
        config = RunConfig(tracing_disabled=True)
        if is_streamed:
            result = Runner.run_streamed(agent, "hi", max_turns=None, run_config=config)
            async for _ in result.stream_events():
                pass
        else:
            await Runner.run(agent, "hi", max_turns=None, run_config=config)

    found = calls_of(lambda: run_in_virtual_time(run()), (80, 180, 280, 380), lambda: len(asked))
    # Room for what is done now and then: the log packs old records, lists grow, garbage is collected.
    assert found[380] - found[280] == pytest.approx(found[180] - found[80], rel=0.05)
