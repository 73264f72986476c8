from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents import Agent, ModelBehaviorError, RunContextWrapper, Runner, UserError, function_tool
from agents.items import ToolApprovalItem
from agents.testing import ScriptedModel
from hitl.desk import Book, asks_for, either_way, ids, kinds_of, model_of, outputs
from run.scripts import RunIt, calls, collect, label, text, types, without_raw


@either_way
class TestWhoIsAsked:
    async def test_a_tool_that_needs_approval_does_not_run(self, go: RunIt, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1})), tools=[book.payer()])
        result = await go(agent)
        (item,) = result.interruptions
        assert isinstance(item, ToolApprovalItem)
        assert (item.tool_name, item.name, item.call_id) == ("pay", "pay", "c1")
        assert (item.arguments, item.agent, item.type) == ('{"amount":1}', agent, "tool_approval_item")
        assert (book.done, result.final_output, result.last_agent) == ([], None, agent)

    async def test_a_tool_that_needs_none_runs_at_once(self, go: RunIt, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1})), text(), tools=[book.payer(False)])
        result = await go(agent)
        assert (book.done, result.interruptions, result.final_output) == ([("pay", 1)], [], "done")

    @pytest.mark.parametrize("is_async", [False, True])
    async def test_a_rule_decides_by_the_arguments(self, go: RunIt, book: Book, is_async: bool):
        seen: list[Any] = []

        def is_much(context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str) -> bool:
            seen.append((context.context, arguments, call_id))
            return arguments["amount"] > 10

        async def is_much_later(context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str):
            return is_much(context, arguments, call_id)

        tool = book.payer(is_much_later if is_async else is_much)
        agent = asks_for(calls(("pay", {"amount": 10}), ("pay", {"amount": 11})), tools=[tool])
        result = await go(agent, context="mine")
        assert ids(result.interruptions) == ["c2"]
        assert book.done == [("pay", 10)]
        assert sorted(seen, key=lambda call: call[2]) == [
            ("mine", {"amount": 10}, "c1"),
            ("mine", {"amount": 11}, "c2"),
        ]

    @pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', '{"amount": NaN}', '{"amount": Infinity}'])
    async def test_arguments_that_no_rule_can_judge_are_asked_about(
        self, go: RunIt, book: Book, arguments: str
    ):
        judged: list[Any] = []

        def never(*given: Any) -> bool:
            judged.append(given)
            return False

        agent = asks_for(calls(("pay", arguments)), tools=[book.payer(never)])
        result = await go(agent)
        assert (ids(result.interruptions), judged, book.done) == (["c1"], [], [])

    async def test_a_rule_that_fails_fails_the_run(self, go: RunIt, book: Book):
        def broken(*given: Any) -> bool:
            raise LookupError("no such customer")

        agent = asks_for(calls(("pay", {"amount": 1})), text(), tools=[book.payer(broken)])
        with pytest.raises(LookupError, match="no such customer"):
            await go(agent)
        assert book.done == []

    async def test_a_handoff_waits_for_the_calls_beside_it(self, go: RunIt, book: Book):
        other = asks_for(text(), tools=[], name="b")
        step = calls(("pay", {"amount": 1}), ("transfer_to_b", {}))
        agent = asks_for(step, tools=[book.payer()], handoffs=[other])
        result = await go(agent)
        assert (ids(result.interruptions), result.last_agent) == (["c1"], agent)

    async def test_an_agent_as_a_tool_is_asked_about_like_any_tool(self, go: RunIt):
        inner = asks_for(text("inner"), tools=[], name="inner")
        tool = inner.as_tool("ask", "Ask.", needs_approval=True)
        result = await go(asks_for(calls(("ask", {"input": "x"})), tools=[tool]))
        assert (ids(result.interruptions), model_of(inner).calls) == (["c1"], ())


@either_way
async def test_needs_approval_is_a_bool_or_a_function(go: RunIt, book: Book):
    agent = asks_for(calls(("pay", {"amount": 1})), tools=[book.payer("yes")])
    with pytest.raises(UserError, match="needs_approval"):
        await go(agent)
    assert book.done == []


@either_way
class TestTheTurn:
    async def test_other_calls_of_the_turn_run_meanwhile(self, go: RunIt, book: Book):
        step = calls(("pay", {"amount": 1}), ("look", {}), ("pay", {"amount": 2}))
        agent = asks_for(step, tools=[book.payer(), book.looker()])
        result = await go(agent)
        assert (ids(result.interruptions), book.done) == (["c1", "c3"], ["look"])
        assert len(model_of(agent).calls) == 1

    async def test_the_new_items_show_what_was_done_and_what_is_asked(self, go: RunIt, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1}), ("look", {})), tools=[book.payer(), book.looker()])
        result = await go(agent)
        assert [kind for kind in types(result.new_items) if kind != "tool_approval_item"] == [
            "tool_call_item",
            "tool_call_item",
            "tool_call_output_item",
        ]
        assert outputs(result.to_input_list()) == {"c2": "seen"}

    async def test_an_item_of_approval_is_nothing_that_a_model_is_sent(self, go: RunIt, book: Book):
        result = await go(asks_for(calls(("pay", {"amount": 1})), tools=[book.payer()]))
        assert [item.get("type", item.get("role")) for item in result.to_input_list()] == [
            "user",
            "function_call",
        ]

    async def test_the_usage_counts_what_was_used(self, go: RunIt, book: Book):
        result = await go(asks_for(calls(("pay", {"amount": 1})), tools=[book.payer()]))
        assert (result.context_wrapper.usage.requests, len(result.raw_responses)) == (1, 1)


class TestAStreamThatPauses:
    async def test_no_classic_event_tells_of_the_question(self, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1}), ("look", {})), tools=[book.payer(), book.looker()])
        events = await collect(Runner.run_streamed(agent, "Hi").stream_events())
        assert without_raw(events) == ["agent:a", "tool_called", "tool_called", "tool_output"]

    async def test_records_tell_of_it(self, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1})), tools=[book.payer()])
        result = Runner.run_streamed(agent, "Hi")
        await collect(result.stream_events())
        assert (await kinds_of(result))[-2:] == ["model_responded", "approval_requested"]

    async def test_the_stream_ends_when_nothing_more_can_be_done(self, book: Book):
        gate = asyncio.Event()

        @function_tool
        async def slow() -> str:
            await gate.wait()
            return "slow"

        agent = asks_for(calls(("pay", {"amount": 1}), ("slow", {})), tools=[book.payer(), slow])
        result = Runner.run_streamed(agent, "Hi")
        seen: list[str] = []
        async for event in result.stream_events():
            seen.append(label(event))
            if seen.count("tool_called") == 2:
                assert not result.is_complete
                gate.set()
        assert seen[-1] == "tool_output"
        assert result.is_complete
        assert result.run_loop_exception is None
        assert ids(result.interruptions) == ["c1"]

    async def test_waiting_for_the_task_is_waiting_for_the_pause(self, book: Book):
        result = Runner.run_streamed(asks_for(calls(("pay", {"amount": 1})), tools=[book.payer()]), "Hi")
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert (ids(result.interruptions), result.is_complete) == (["c1"], True)


@either_way
async def test_an_id_that_stands_for_two_calls_is_refused_before_anybody_is_asked(go: RunIt, book: Book):
    asked: list[Any] = []

    def ask(*given: Any) -> bool:
        asked.append(given)
        return True

    step = calls(("pay", {"amount": 1}, "c1"), ("pay", {"amount": 2}, "c1"))
    model = ScriptedModel([step])
    with pytest.raises(ModelBehaviorError, match="one response"):
        await go(Agent(name="a", model=model, tools=[book.payer(ask)]))
    assert (asked, book.done) == ([], [])
