from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents import Agent, Runner, RunState, function_tool
from agents.approvals import Supply
from agents.tool_context import ToolContext
from hitl.desk import (
    Book,
    Travel,
    approve_all,
    asks_for,
    at_hand_or_read,
    either_way,
    ids,
    last_input,
    outputs,
)
from run.scripts import RunIt, calls, text


class Slow:
    """A tool that does not come back the first time, whose second run does."""

    def __init__(self, book: Book, **options: Any) -> None:
        self.began = asyncio.Event()
        self.keys: list[str | None] = []

        async def move(context: ToolContext[Any]) -> str:
            self.keys.append(context.idempotency_key)
            book.done.append("move")
            if not self.began.is_set():
                self.began.set()
                await asyncio.Event().wait()
            return "moved"

        self.tool = function_tool(move, **options)


async def taken_in_flight(agent: Agent[Any], slow: Slow) -> RunState[Any]:
    """The state of a run that goes on, taken while its tool runs; the run itself is stopped, as by a crash."""
    result = Runner.run_streamed(agent, "Hi")
    await slow.began.wait()
    state = result.to_state()
    result.cancel()
    assert result.run_loop_task is not None
    await asyncio.wait([result.run_loop_task])
    return state


def mover(slow: Slow, *others: Any, step: Any = None) -> Agent[Any]:
    first = calls(("move", {}, "m")) if step is None else step
    return asks_for(first, text(), tools=[slow.tool, *others])


@either_way
@at_hand_or_read
class TestPolicies:
    @pytest.mark.parametrize("options", [{"on_in_doubt": "retry"}, {"side_effects": "idempotent"}])
    async def test_retry_runs_it_again_under_the_same_key(
        self, go: RunIt, carry: Travel, book: Book, options: Any
    ):
        slow = Slow(book, **options)
        agent = mover(slow)
        state = await carry(agent, await taken_in_flight(agent, slow))
        assert state.get_interruptions() == []
        result = await go(agent, state)
        assert (result.final_output, book.done) == ("done", ["move", "move"])
        assert slow.keys[0] is not None
        assert slow.keys == [slow.keys[0]] * 2
        assert outputs(last_input(agent)) == {"m": "moved"}

    @pytest.mark.parametrize("options", [{}, {"on_in_doubt": "ask"}])
    async def test_ask_asks_and_runs_nothing(self, go: RunIt, carry: Travel, book: Book, options: Any):
        slow = Slow(book, **options)
        agent = mover(slow)
        result = await go(agent, await carry(agent, await taken_in_flight(agent, slow)))
        assert (ids(result.interruptions), book.done) == (["m"], ["move"])
        result = await go(agent, await carry(agent, approve_all(result.to_state())))
        assert (result.final_output, book.done) == ("done", ["move", "move"])

    async def test_what_was_asked_may_be_answered_with_a_result(self, go: RunIt, carry: Travel, book: Book):
        slow = Slow(book)
        agent = mover(slow)
        state = (await go(agent, await carry(agent, await taken_in_flight(agent, slow)))).to_state()
        state.decide(state.get_interruptions()[0], Supply(output="it did move"))
        result = await go(agent, await carry(agent, state))
        assert (result.final_output, book.done) == ("done", ["move"])
        assert outputs(last_input(agent)) == {"m": "it did move"}

    async def test_fail_fails_the_run(self, go: RunIt, carry: Travel, book: Book):
        slow = Slow(book, on_in_doubt="fail")
        agent = mover(slow)
        state = await carry(agent, await taken_in_flight(agent, slow))
        with pytest.raises(Exception, match="was running when its process ended"):
            await go(agent, state)
        assert book.done == ["move"]

    async def test_an_approved_call_in_doubt_is_asked_about_again(self, go: RunIt, carry: Travel, book: Book):
        slow = Slow(book, needs_approval=True)
        agent = mover(slow)
        first = await Runner.run(agent, "Hi")
        result = Runner.run_streamed(agent, approve_all(first.to_state()))
        await slow.began.wait()
        state = result.to_state()
        result.cancel()
        assert result.run_loop_task is not None
        await asyncio.wait([result.run_loop_task])
        again = await go(agent, await carry(agent, state))
        assert (ids(again.interruptions), book.done) == (["m"], ["move"])

    async def test_settled_calls_beside_it_are_kept(self, go: RunIt, carry: Travel, book: Book):
        slow = Slow(book, on_in_doubt="retry")
        step = calls(("look", {}, "l"), ("move", {}, "m"))
        agent = mover(slow, book.looker(), step=step)
        result = Runner.run_streamed(agent, "Hi")
        async for record in result.records():
            if record.kind == "tool_returned":
                break
        await slow.began.wait()
        state = await carry(agent, result.to_state())
        result.cancel()
        ended = await go(agent, state)
        assert sorted(book.done) == ["look", "move", "move"]
        assert outputs(ended.to_input_list()) == {"l": "seen", "m": "moved"}


async def test_taking_a_state_disturbs_nothing(book: Book):
    gate = asyncio.Event()
    began = asyncio.Event()

    @function_tool
    async def move() -> str:
        began.set()
        await gate.wait()
        return "moved"

    agent = asks_for(calls(("move", {}, "m")), text(), tools=[move])
    result = Runner.run_streamed(agent, "Hi")
    await began.wait()
    state = result.to_state()
    written = state.to_string()
    gate.set()
    assert result.run_loop_task is not None
    await result.run_loop_task
    assert result.final_output == "done"
    assert state.to_string() == written
