"""Programs with agents in agents, and their lives: paused, decided, killed, cancelled, written down, gone on with.

Every run of a program gives its calls the same ids, and agents and tools share names: only paths tell calls apart.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import pytest

from agents import Agent, RunConfig, Runner, RunState
from agents._core import facts as f
from agents._core.state import State
from agents.approvals import Approve, Decision, Reject, Supply
from agents.log import Path
from agents.run_context import RunContextWrapper
from agents.run_internal.restore import Moment
from agents.run_internal.run_loop import Run
from agents.tool import FunctionTool, function_tool
from agents.tool_context import ToolContext, link_of
from laws import scripted
from laws.scripted import Answer, ConversationModel
from laws.virtual_time import run_in_virtual_time

Asks: TypeAlias = Literal["never", "always", "callable"]


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call: of a function tool, or of an agent that is used as a tool."""

    agent: AgentPlan | None = None
    asks: Asks = "always"
    in_doubt: f.InDoubt = "retry"
    takes: int = 1
    raises: bool = False


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """An agent: the calls of each turn; a last turn answers with text."""

    turns: tuple[tuple[CallPlan, ...], ...] = ()


class Choices:
    """Numbers that decide what happens; 0 for ever once they are used up."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = deque(numbers)

    def take(self, count: int) -> int:
        """One of so many possibilities."""
        return (self._numbers.popleft() if self._numbers else 0) % count


@dataclass(frozen=True, slots=True)
class Began:
    """A tool's body that began: in which life, for which call, with what, and behind which record."""

    life: int
    path: Path
    arguments: dict[str, Any]
    seq: int


@dataclass(slots=True)
class Lives:
    """What came of a program over all its lives. What a killed process did behind its last record is left out."""

    plan: AgentPlan
    choices: Choices
    began: list[Began] = field(default_factory=list[Began])
    decided: dict[Path, Decision] = field(default_factory=dict[Path, Decision])
    """The decision that holds for each call that somebody was asked about."""

    considered: dict[Path, list[Decision]] = field(default_factory=dict[Path, list[Decision]])
    """Every decision that was ever taken about a call, those too that were lost with a process."""

    count: int = 0
    result: Any = None
    error: BaseException | None = None
    state: RunState[Any] | None = None
    """The state at the end of the latest life."""


# --- the program


def build(plan: AgentPlan, lives: Lives, depth: int = 0) -> Agent[Any]:
    """An agent of the plan, and those below it. Called once for each life: a process has its own."""

    def answer(given: list[Any]) -> Answer:
        turn = len({item["call_id"].partition(".")[0] for item in given if item.get("call_id")})
        if turn >= len(plan.turns):
            return Answer((scripted.message(f"m{depth}.{turn}", "done"),), f"r{depth}.{turn}")
        calls = [
            scripted.call(f"{turn}.{index}", _name(plan, turn, index), _arguments(each, index))
            for index, each in enumerate(plan.turns[turn])
        ]
        return Answer(tuple(calls), f"r{depth}.{turn}", 1 + depth / 7)

    places = [(turn, index) for turn, calls in enumerate(plan.turns) for index in range(len(calls))]
    tools = {
        name: _tool(plan.turns[turn][index], name, lives, depth)
        for turn, index in places
        if (name := _name(plan, turn, index))
    }
    # Agents of all levels share two names.
    return Agent(name=f"agent{depth % 2}", model=ConversationModel(answer, []), tools=list(tools.values()))


def _name(plan: AgentPlan, turn: int, index: int) -> str:
    # Equal calls are calls of the same tool, so that a tool is called twice in parallel.
    call = plan.turns[turn][index]
    all_calls = [each for calls in plan.turns for each in calls]
    return f"{'do' if call.agent is None else 'ask'}{all_calls.index(call)}"


def _arguments(call: CallPlan, index: int) -> str:
    return json.dumps({"input": f"{index}"} if call.agent is not None else {"value": index})


def _tool(call: CallPlan, name: str, lives: Lives, depth: int) -> FunctionTool:
    asks: Any = {"never": False, "always": True, "callable": _asks_about_even}[call.asks]
    if call.agent is not None:
        return build(call.agent, lives, depth + 1).as_tool(name, "asks an agent", needs_approval=asks)

    async def body(context: ToolContext[Any], value: int) -> str:
        link: Any = link_of(context)
        arguments = json.loads(context.tool_arguments)
        lives.began.append(Began(lives.count, link.path, arguments, link.parent.log.last_seq))
        await asyncio.sleep(call.takes + int(link.path[-1][-1]) / 13 + depth / 17)
        if call.raises:
            raise ValueError("it broke")
        return said(link.path, value)

    make: Any = function_tool
    return make(body, name_override=name, needs_approval=asks, on_in_doubt=call.in_doubt)


def _asks_about_even(_context: Any, arguments: dict[str, Any], _call_id: str) -> bool:
    return int(arguments.get("value", arguments.get("input", 0))) % 2 == 0


def said(path: Path, value: int) -> str:
    """What a tool returns."""
    return f"{'/'.join(path)} did {value}"


# --- what a state holds


def moments_of(state: RunState[Any]) -> list[Moment]:
    """What had happened when the state was taken."""
    return state._moments  # pyright: ignore[reportPrivateUsage] (the law is about facts)


def states_of(state: RunState[Any]) -> dict[Path, State]:
    """What that adds up to, for each run."""
    return state._states  # pyright: ignore[reportPrivateUsage] (the law is about facts)


def agent_of(state: RunState[Any]) -> Agent[Any]:
    """The agent that the run was started with."""
    return state._agent  # pyright: ignore[reportPrivateUsage] (that of the process that read the state)


# --- its lives


def live_through(plan: AgentPlan, numbers: Sequence[int]) -> Lives:
    """Run a program to its end, through as many lives as the numbers say."""
    lives = Lives(plan, Choices(numbers))
    given: RunState[Any] | None = None
    while True:
        lives.count += 1
        assert lives.count < 200, "a program comes to its end"
        before, known = dict(lives.decided), 0
        if given is not None:
            _decide(lives, given)
            known = len(moments_of(given))
            given = _through_json(lives, given) if lives.choices.take(2) else given
        run = _one_life(lives, given)
        cut = _kill(lives, run, known)
        if cut is not None:
            lives.result = lives.error = None
            _forget(lives, before, moments_of(cut)[known:])
            given = _through_json(lives, cut)
            continue
        ended: RunState[Any] = RunState.of(run) if lives.result is None else lives.result.to_state()
        if lives.error is not None or (not ended.get_interruptions() and run.state.stopped_in is None):
            lives.state = ended
            return lives
        given = _through_json(lives, ended)


def _decide(lives: Lives, state: RunState[Any]) -> None:
    for item in state.get_interruptions():
        decision = _decision(lives, item)
        if decision is None:
            continue
        match decision:
            case Approve(arguments=None):
                state.approve(item)
            case Reject():
                state.reject(item, rejection_message=decision.reason)
            case _:
                state.decide(item, decision)
        lives.decided[item.call_path] = decision
        lives.considered.setdefault(item.call_path, []).append(decision)


def _decision(lives: Lives, item: Any) -> Decision | None:
    choice, number = lives.choices.take(6), 100 * lives.count
    match choice:
        case 1:
            return Reject(reason=f"no, says life {lives.count}")
        case 2:
            return Supply(output=f"made by life {lives.count}")
        case 3:
            is_agent = item.tool_name.startswith("ask")
            return Approve(arguments={"input": str(number)} if is_agent else {"value": number})
        case 4:
            return None
        case _:
            return Approve()


def _forget(lives: Lives, before: dict[Path, Decision], kept: list[Moment]) -> None:
    """Decisions of a process that died before it wrote them down do not hold."""
    written = {(*each.path, each.fact.call) for each in kept if isinstance(each.fact, f.ApprovalDecided)}
    for path in set(lives.decided) - written:
        if path in before:
            lives.decided[path] = before[path]
        else:
            del lives.decided[path]


def _one_life(lives: Lives, state: RunState[Any] | None) -> Run:
    agent = build(lives.plan, lives) if state is None else agent_of(state)
    given: Any = "go" if state is None else state
    config = RunConfig(tracing_disabled=True)
    runs: list[Run] = []
    lives.result = lives.error = None
    if lives.choices.take(2):
        after = lives.choices.take(24)
        mode: f.CancelMode = "after_turn" if lives.choices.take(4) == 1 else "immediate"

        async def work() -> None:
            result = Runner.run_streamed(agent, given, run_config=config)
            lives.result = result
            reader = asyncio.create_task(_cancel_after(result, after, mode))
            async for _ in result.stream_events():
                pass
            await reader
            assert result.run_loop_task is not None
            await asyncio.wait([result.run_loop_task])
            if result.run_loop_exception is not None:
                # A run that had failed when it was cancelled: the stream ends without a word, the task does not.
                raise result.run_loop_exception
    else:

        async def work() -> None:
            lives.result = await Runner.run(agent, given, run_config=config)

    with noted(runs):
        try:
            run_in_virtual_time(work())
        except Exception as error:
            if not runs:
                raise
            lives.error = error
    return runs[0]


async def _cancel_after(result: Any, count: int, mode: f.CancelMode) -> None:
    seen = 0
    async for _ in result.records():
        seen += 1
        if 0 < count == seen:
            result.cancel(mode)


@contextmanager
def noted(runs: list[Run]) -> Generator[None]:
    """Note the runs that are made meanwhile, the outermost first."""

    class NotedRun(Run):
        __slots__ = ()

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            runs.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.run_internal.begin.Run", NotedRun)
        yield


def _through_json(lives: Lives, state: RunState[Any]) -> RunState[Any]:
    """The state as another process reads it, with agents of its own."""
    agent = build(lives.plan, lives)
    if lives.choices.take(2):
        return asyncio.run(RunState.from_string(agent, state.to_string()))
    return asyncio.run(RunState.from_json(agent, json.loads(json.dumps(state.to_json()))))


def _kill(lives: Lives, run: Run, known: int) -> RunState[Any] | None:
    """What is left when the process had died behind some record of this life; None when it had not."""
    if not lives.choices.take(2):
        return None
    entries = [entry for entry in run.log.entries_after(0) if not entry.is_delta]
    last = known + lives.choices.take(len(entries) - known)
    kept = entries[: last + 1]
    if not kept[-1].path and isinstance(kept[-1].known_fact, f.RunFinished | f.RunFailed):
        return None
    # What began behind the last record may have begun, or not.
    at = kept[-1].seq - lives.choices.take(2)
    lives.began[:] = [each for each in lives.began if each.life < lives.count or each.seq <= at]
    moments = [
        Moment(entry.path, entry.fact, None, entry.at)
        for entry in kept
        if type(entry.known_fact) not in f.EPHEMERAL
    ]
    return RunState(run.view.agent, run.log.run_id, moments, RunContextWrapper[Any](None))
