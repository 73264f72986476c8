from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents import Agent, RunConfig, Runner, function_tool
from agents.approvals import RunAlreadyResumed
from agents.log import MemoryEpochs
from agents.result import RunResultStreaming
from agents.testing import ModelCall, ModelStep
from hitl.desk import (
    Book,
    Travel,
    approve_all,
    asks_for,
    at_hand_or_read,
    either_way,
    ids,
    last_input,
    model_of,
    outputs,
    paused,
)
from run.scripts import RunIt, calls, collect, text, types

LOOK = calls(("look", {}, "l"))


async def settled(result: RunResultStreaming) -> RunResultStreaming:
    assert result.run_loop_task is not None
    await asyncio.wait([result.run_loop_task])
    return result


async def until(result: RunResultStreaming, kind: str) -> None:
    """Wait for a record of a run."""
    async for record in result.records():
        if record.kind == kind:
            return
    raise AssertionError(f"the run ended without {kind}")


@either_way
@at_hand_or_read
class TestAfterTheTurn:
    async def test_the_run_goes_on_with_the_next_turn(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(LOOK, text(), tools=[book.looker()])
        result = Runner.run_streamed(agent, "Hi")
        await until(result, "turn_started")
        result.cancel(mode="after_turn")
        await collect(result.stream_events())
        assert (book.done, result.final_output, result.is_complete) == (["look"], None, True)
        ended = await go(agent, await carry(agent, result.to_state()))
        assert (ended.final_output, book.done) == ("done", ["look"])
        assert outputs(last_input(agent)) == {"l": "seen"}
        assert ended.context_wrapper.usage.requests == 2

    async def test_before_the_first_turn_there_is_none_to_finish(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(LOOK, text(), tools=[book.looker()])
        result = Runner.run_streamed(agent, "Hi")
        result.cancel(mode="after_turn")
        await collect(result.stream_events())
        assert (book.done, model_of(agent).calls) == ([], ())
        ended = await go(agent, await carry(agent, result.to_state()))
        assert (ended.final_output, book.done) == ("done", ["look"])

    async def test_a_question_is_asked_all_the_same(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1})), text(), tools=[book.payer()])
        result = Runner.run_streamed(agent, "Hi")
        await until(result, "turn_started")
        result.cancel(mode="after_turn")
        await collect(result.stream_events())
        assert ids(result.interruptions) == ["c1"]
        ended = await go(agent, await carry(agent, approve_all(result.to_state())))
        assert (ended.final_output, book.done) == ("done", [("pay", 1)])

    async def test_a_handoff_turn_is_resumed_by_the_agent_handed_to(
        self, go: RunIt, carry: Travel, book: Book
    ):
        other = asks_for(text("b here"), tools=[], name="b")
        agent = asks_for(calls(("transfer_to_b", {}, "h")), tools=[], handoffs=[other])
        result = Runner.run_streamed(agent, "Hi")
        await until(result, "turn_started")
        result.cancel(mode="after_turn")
        await collect(result.stream_events())
        ended = await go(agent, await carry(agent, result.to_state()))
        assert (ended.final_output, ended.last_agent, len(model_of(agent).calls)) == ("b here", other, 1)


@either_way
@at_hand_or_read
class TestAtOnce:
    async def test_a_model_that_was_asked_is_asked_again(self, go: RunIt, carry: Travel, book: Book):
        asked = asyncio.Event()

        async def never(call: ModelCall) -> Any:
            asked.set()
            await asyncio.Event().wait()

        agent = asks_for(LOOK, ModelStep.respond(never), text(), tools=[book.looker()])
        result = Runner.run_streamed(agent, "Hi")
        await asked.wait()
        result.cancel()
        await settled(result)
        assert outputs(result.to_input_list()) == {"l": "seen"}
        ended = await go(agent, await carry(agent, result.to_state()))
        assert (ended.final_output, book.done) == ("done", ["look"])
        kinds = types(list(ended.new_items))
        assert kinds == ["tool_call_item", "tool_call_output_item", "message_output_item"]

    async def test_results_that_had_settled_are_kept(self, go: RunIt, carry: Travel, book: Book):
        first = asyncio.Event()

        @function_tool(on_in_doubt="retry")
        async def move() -> str:
            book.done.append("move")
            if not first.is_set():
                first.set()
                await asyncio.Event().wait()
            return "moved"

        step = calls(("look", {}, "l"), ("move", {}, "m"))
        agent = asks_for(step, text(), tools=[book.looker(), move])
        result = Runner.run_streamed(agent, "Hi")
        await until(result, "tool_returned")
        await first.wait()
        result.cancel()
        await settled(result)
        assert outputs(result.to_input_list()) == {"l": "seen"}
        assert result.context_wrapper.usage.requests == 1
        ended = await go(agent, await carry(agent, result.to_state()))
        assert sorted(book.done) == ["look", "move", "move"]
        assert outputs(last_input(agent)) == {"l": "seen", "m": "moved"}
        assert ended.final_output == "done"

    async def test_a_pending_question_can_be_decided_after_it(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1})), text(), tools=[book.payer()])
        config = RunConfig(wait_for_decisions=True)
        result = Runner.run_streamed(agent, "Hi", run_config=config)
        await until(result, "approval_requested")
        result.cancel()
        await settled(result)
        state = await carry(agent, result.to_state())
        assert ids(state.get_interruptions()) == ["c1"]
        ended = await go(agent, await carry(agent, approve_all(state)))
        assert (ended.final_output, book.done) == ("done", [("pay", 1)])

    async def test_what_was_decided_before_a_resumed_run_was_cancelled_stays_decided(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = asks_for(calls(("pay", {"amount": 1}), ("pay", {"amount": 2})), text(), tools=[book.payer()])
        state = await paused(agent)
        first, second = state.get_interruptions()
        state.reject(first, rejection_message="no")
        state.approve(second)
        result = Runner.run_streamed(agent, state)
        result.cancel()
        await settled(result)
        assert book.done == []
        ended = await go(agent, await carry(agent, result.to_state()))
        assert (ended.final_output, book.done) == ("done", [("pay", 2)])
        assert outputs(last_input(agent)) == {"c1": "no", "c2": "pay 2"}

    async def test_a_nested_question_outlives_it(self, go: RunIt, carry: Travel, book: Book):
        inner = asks_for(calls(("pay", {"amount": 1})), text("paid"), tools=[book.payer()], name="inner")
        agent = asks_for(calls(("ask", {"input": "x"}, "o1")), text(), tools=[inner.as_tool("ask", "Ask.")])
        state = await paused(agent)
        result = Runner.run_streamed(agent, state)
        result.cancel()
        await settled(result)
        state = await carry(agent, result.to_state())
        assert [item.call_path for item in state.get_interruptions()] == [("o1", "c1")]
        ended = await go(agent, await carry(agent, approve_all(state)))
        assert (ended.final_output, book.done) == ("done", [("pay", 1)])


@either_way
async def test_a_cancelled_run_too_is_resumed_once_over_shared_epochs(go: RunIt, book: Book):
    config = RunConfig(epochs=MemoryEpochs())
    agent: Agent[Any] = asks_for(LOOK, text(), tools=[book.looker()])
    result = Runner.run_streamed(agent, "Hi", run_config=config)
    await until(result, "turn_started")
    result.cancel(mode="after_turn")
    await settled(result)
    state = result.to_state()
    assert (await go(agent, state, run_config=config)).final_output == "done"
    with pytest.raises(RunAlreadyResumed):
        await go(agent, state, run_config=config)
    assert book.done == ["look"]
