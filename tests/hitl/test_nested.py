from __future__ import annotations

from typing import Any

import pytest

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    OutputGuardrail,
    RunHooks,
    Runner,
    RunState,
    function_tool,
)
from agents.approvals import Approve, DecisionError, Supply
from agents.items import ToolApprovalItem
from agents.testing import ScriptedModel
from hitl.desk import (
    Book,
    Travel,
    approve_all,
    asks_for,
    at_hand_or_read,
    either_way,
    last_input,
    model_of,
    outputs,
    paths,
    paused,
    travel,
)
from run.scripts import RunIt, calls, collect, text, without_raw


def tower(book: Book, depth: int, *amounts: int, is_resumed: bool = False) -> Agent[Any]:
    """An agent that pays amounts, under `depth` agents that use the one below as their tool `ask`. All have one name.

    Those of another process, where the run is resumed, play what comes after the pause.
    """
    steps = [calls(*(("pay", {"amount": amount}) for amount in amounts)), text("paid")]
    agent = asks_for(*steps[is_resumed:], tools=[book.payer()], name="same")
    for level in range(depth):
        steps = [calls(("ask", {"input": "x"}, "c1")), text(f"level {level}")]
        agent = asks_for(*steps[is_resumed:], tools=[agent.as_tool("ask", "Ask.")], name="same")
    return agent


@either_way
@at_hand_or_read
@pytest.mark.parametrize("depth", [1, 2, 3])
class TestDepth:
    async def test_an_approval_below_surfaces_and_is_decided_at_the_top(
        self, go: RunIt, carry: Travel, book: Book, depth: int
    ):
        agent = tower(book, depth, 1)
        result = await go(agent)
        assert paths(result.interruptions) == [("c1",) * (depth + 1)]
        (item,) = result.interruptions
        assert (item.tool_name, item.arguments, item.call_id) == ("pay", '{"amount":1}', "c1")
        assert book.done == []
        result = await go(agent, await carry(agent, approve_all(await carry(agent, result.to_state()))))
        assert (result.final_output, book.done) == (f"level {depth - 1}", [("pay", 1)])
        assert result.interruptions == []
        assert outputs(last_input(agent)) == {"c1": "paid" if depth == 1 else f"level {depth - 2}"}
        assert len(model_of(agent).calls) == 2

    async def test_a_rejection_below(self, go: RunIt, carry: Travel, book: Book, depth: int):
        agent = tower(book, depth, 1)
        state = await carry(agent, await paused(agent))
        state.reject(state.get_interruptions()[0], rejection_message="no")
        result = await go(agent, await carry(agent, state))
        assert (result.final_output, book.done) == (f"level {depth - 1}", [])

    async def test_one_decided_and_the_other_not(self, go: RunIt, carry: Travel, book: Book, depth: int):
        agent = tower(book, depth, 1, 2)
        state = await carry(agent, await paused(agent))
        first, second = state.get_interruptions()
        assert (first.call_id, second.call_id) == ("c1", "c2")
        state.approve(second)
        result = await go(agent, await carry(agent, state))
        assert (paths(result.interruptions), book.done) == ([first.call_path], [("pay", 2)])
        result = await go(agent, await carry(agent, approve_all(await carry(agent, result.to_state()))))
        assert (result.final_output, book.done) == (f"level {depth - 1}", [("pay", 2), ("pay", 1)])

    async def test_edited_arguments_and_supplied_results_below(
        self, go: RunIt, carry: Travel, book: Book, depth: int
    ):
        agent = tower(book, depth, 1, 2)
        state = await carry(agent, await paused(agent))
        first, second = state.get_interruptions()
        state.decide(first, Approve(arguments={"amount": 7}))
        state.decide(second, Supply(output="by hand"))
        result = await go(agent, await carry(agent, state))
        assert (result.final_output, book.done) == (f"level {depth - 1}", [("pay", 7)])


def siblings(book: Book) -> Agent[Any]:
    """In one turn, an agent is used twice, and a namesake of it once, each of which pays; so does the agent itself."""

    def made() -> Agent[Any]:
        step = [("pay", {"amount": 1}, "c1")]
        model = ScriptedModel([calls(*step), calls(*step), text("paid"), text("paid")])
        return Agent(name="same", model=model, tools=[book.payer()])

    one, other = (
        made(),
        asks_for(calls(("pay", {"amount": 3}, "c1")), text("paid 3"), tools=[book.payer()], name="same"),
    )
    step = calls(
        ("ask", {"input": "x"}, "a1"),
        ("ask", {"input": "y"}, "a2"),
        ("other", {"input": "z"}, "b1"),
        ("pay", {"amount": 9}, "c1"),
    )
    tools = [one.as_tool("ask", "Ask."), other.as_tool("other", "Ask."), book.payer()]
    return asks_for(step, text(), tools=tools, name="same")


@either_way
@at_hand_or_read
class TestSiblings:
    async def test_each_call_has_its_own_question(self, go: RunIt, carry: Travel, book: Book):
        agent = siblings(book)
        result = await go(agent)
        state = await carry(agent, result.to_state())
        wanted = {("c1",), ("a1", "c1"), ("a2", "c1"), ("b1", "c1")}
        assert set(paths(result.interruptions)) == set(paths(state.get_interruptions())) == wanted
        assert len(result.interruptions) == len(state.get_interruptions()) == 4

    @pytest.mark.parametrize("chosen", [("c1",), ("a1", "c1"), ("a2", "c1"), ("b1", "c1")])
    async def test_a_decision_is_about_one_of_them(
        self, go: RunIt, carry: Travel, book: Book, chosen: tuple[str, ...]
    ):
        agent = siblings(book)
        state = await carry(agent, await paused(agent))
        for item in state.get_interruptions():
            if item.call_path == chosen:
                state.approve(item)
        result = await go(agent, await carry(agent, state))
        assert book.done == [("pay", {"c1": 9, "b1": 3}.get(chosen[0], 1))]
        left = {("c1",), ("a1", "c1"), ("a2", "c1"), ("b1", "c1")} - {chosen}
        assert set(paths(result.interruptions)) == left
        state = await carry(agent, result.to_state())
        assert set(paths(state.get_interruptions())) == left

    async def test_one_after_the_other_each_runs_once(self, go: RunIt, carry: Travel, book: Book):
        agent = siblings(book)
        state = await carry(agent, await paused(agent))
        result: Any = None
        for _ in range(4):
            item = state.get_interruptions()[-1]
            state.approve(item)
            result = await go(agent, await carry(agent, state))
            state = await carry(agent, result.to_state())
        assert sorted(book.done) == [("pay", 1), ("pay", 1), ("pay", 3), ("pay", 9)]
        assert (result.final_output, result.interruptions) == ("done", [])
        assert outputs(last_input(agent)) == {"a1": "paid", "a2": "paid", "b1": "paid 3", "c1": "pay 9"}

    async def test_an_item_of_one_s_own_must_say_which(self, go: RunIt, carry: Travel, book: Book):
        agent = siblings(book)
        state = await carry(agent, await paused(agent))
        raw: Any = {"type": "function_call", "call_id": "c1", "name": "pay", "arguments": "{}"}
        with pytest.raises(DecisionError, match="a1/c1"):
            state.approve(ToolApprovalItem(agent, raw))
        await go(agent, state)
        assert book.done == []


@either_way
@at_hand_or_read
class TestTheParent:
    async def test_its_approval_does_not_stand_for_calls_below(self, go: RunIt, carry: Travel, book: Book):
        inner = asks_for(calls(("pay", {"amount": 1})), text("paid"), tools=[book.payer()], name="inner")
        tool = inner.as_tool("ask", "Ask.", needs_approval=True)
        agent = asks_for(calls(("ask", {"input": "x"}, "o1")), text(), tools=[tool])
        state = await carry(agent, await paused(agent))
        assert paths(state.get_interruptions()) == [("o1",)]
        state.approve(state.get_interruptions()[0], always_approve=True)
        result = await go(agent, state)
        assert (paths(result.interruptions), book.done) == ([("o1", "c1")], [])
        (item,) = result.interruptions
        assert (item.tool_name, item.agent.name) == ("pay", "inner")
        result = await go(agent, await carry(agent, approve_all(result.to_state())))
        assert (result.final_output, book.done) == ("done", [("pay", 1)])

    async def test_a_rejected_agent_never_runs(self, go: RunIt, carry: Travel):
        inner = asks_for(text("paid"), tools=[], name="inner")
        tool = inner.as_tool("ask", "Ask.", needs_approval=True)
        agent = asks_for(calls(("ask", {"input": "x"}, "o1")), text(), tools=[tool])
        state = await paused(agent)
        state.reject(state.get_interruptions()[0])
        result = await go(agent, await carry(agent, state))
        assert (result.final_output, model_of(inner).calls) == ("done", ())

    async def test_hooks_guardrails_and_extractors_of_the_parent_run_once(
        self, go: RunIt, carry: Travel, book: Book
    ):
        told: list[str] = []

        class Diary(RunHooks[Any]):
            async def on_agent_start(self, context: Any, agent: Any) -> None:
                told.append(f"start {agent.name}")

            async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
                told.append(f"end of {tool.name}")

            async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
                told.append(f"end {agent.name}")

        def check(word: str) -> Any:
            def judge(*given: Any) -> GuardrailFunctionOutput:
                told.append(word)
                return GuardrailFunctionOutput(None, False)

            return judge

        async def extract(result: Any) -> str:
            told.append("extract")
            return f"<{result.final_output}>"

        inner = asks_for(
            calls(("pay", {"amount": 1})),
            text("paid"),
            tools=[book.payer()],
            name="inner",
            input_guardrails=[InputGuardrail(check("input of inner"))],
        )
        agent = asks_for(
            calls(("ask", {"input": "x"}, "o1")),
            text(),
            tools=[inner.as_tool("ask", "Ask.", custom_output_extractor=extract)],
            input_guardrails=[InputGuardrail(check("input"))],
            output_guardrails=[OutputGuardrail(check("output"))],
        )
        diary = Diary()
        state = await carry(agent, approve_all(await paused(agent, hooks=diary)))
        result = await go(agent, state, hooks=diary)
        assert result.final_output == "done"
        assert sorted(told) == sorted(
            ["start a", "input", "input of inner", "extract", "end of ask", "output", "end a"]
        )
        assert outputs(last_input(agent)) == {"o1": "<paid>"}

    async def test_usage_counts_every_call_once(self, go: RunIt, carry: Travel, book: Book):
        agent = tower(book, 2, 1)
        result = await go(agent, await carry(agent, approve_all(await paused(agent))))
        assert result.context_wrapper.usage.requests == 6


@either_way
@at_hand_or_read
async def test_a_nested_run_that_hands_over_and_then_asks(go: RunIt, carry: Travel, book: Book):
    clerk = asks_for(calls(("pay", {"amount": 1})), text("paid"), tools=[book.payer()], name="clerk")
    inner = asks_for(calls(("transfer_to_clerk", {}, "h")), tools=[], name="inner", handoffs=[clerk])
    agent = asks_for(calls(("ask", {"input": "x"}, "o1")), text(), tools=[inner.as_tool("ask", "Ask.")])
    state = await carry(agent, await paused(agent))
    (item,) = state.get_interruptions()
    assert (item.call_path, item.agent.name) == (("o1", "c1"), "clerk")
    result = await go(agent, await carry(agent, approve_all(state)))
    assert (result.final_output, book.done, len(model_of(inner).calls)) == ("done", [("pay", 1)], 1)
    assert outputs(last_input(agent)) == {"o1": "paid"}


@either_way
@at_hand_or_read
async def test_a_nested_run_that_asks_twice(go: RunIt, carry: Travel, book: Book):
    inner = asks_for(
        calls(("pay", {"amount": 1}, "c1")),
        calls(("pay", {"amount": 2}, "c2")),
        text("paid"),
        tools=[book.payer()],
        name="inner",
    )
    agent = asks_for(calls(("ask", {"input": "x"}, "o1")), text(), tools=[inner.as_tool("ask", "Ask.")])
    result = await go(agent, await carry(agent, approve_all(await paused(agent))))
    assert paths(result.interruptions) == [("o1", "c2")]
    result = await go(agent, await carry(agent, approve_all(await carry(agent, result.to_state()))))
    assert (result.final_output, book.done) == ("done", [("pay", 1), ("pay", 2)])


@either_way
async def test_fresh_runs_with_the_same_ids_share_no_pauses(go: RunIt, book: Book):
    def made() -> Agent[Any]:
        return tower(book, 1, 1)

    first, second = made(), made()
    one = await go(first)
    other = await go(second)
    assert paths(one.interruptions) == paths(other.interruptions)
    await go(first, approve_all(one.to_state()))
    assert book.done == [("pay", 1)]
    assert paths((await go(second, other.to_state())).interruptions) == [("c1", "c1")]
    assert book.done == [("pay", 1)]


@either_way
@pytest.mark.parametrize("depth", [1, 2, 3])
async def test_another_process_goes_on_with_agents_of_its_own(go: RunIt, book: Book, depth: int):
    written = (await paused(tower(book, depth, 1))).to_string()
    agent = tower(book, depth, 1, is_resumed=True)
    state = await RunState.from_string(agent, written)
    result = await go(agent, approve_all(state))
    assert (result.final_output, book.done) == (f"level {depth - 1}", [("pay", 1)])
    assert len(model_of(agent).calls) == 1


async def test_the_classic_events_of_the_top_tell_of_the_top_alone(book: Book):
    agent = tower(book, 2, 1)
    source = Runner.run_streamed(agent, "Hi")
    assert without_raw(await collect(source.stream_events())) == ["agent:same", "tool_called"]
    result = Runner.run_streamed(agent, approve_all(await travel(agent, source.to_state())))
    assert without_raw(await collect(result.stream_events())) == [
        "agent:same",
        "tool_output",
        "message_output_created",
    ]


@either_way
@at_hand_or_read
async def test_a_tool_beside_a_nested_pause_runs_once(go: RunIt, carry: Travel, book: Book):
    inner = asks_for(calls(("pay", {"amount": 1})), text("paid"), tools=[book.payer()], name="inner")

    @function_tool
    def beside() -> str:
        book.done.append("beside")
        return "beside"

    step = calls(("ask", {"input": "x"}, "o1"), ("beside", {}, "o2"))
    agent = asks_for(step, text(), tools=[inner.as_tool("ask", "Ask."), beside])
    state = await carry(agent, approve_all(await paused(agent)))
    assert book.done == ["beside"]
    await go(agent, state)
    assert book.done == ["beside", ("pay", 1)]


@at_hand_or_read
async def test_a_decision_that_a_nested_run_was_begun_on_is_consumed(carry: Travel, book: Book):
    """Killed when the run had been taken up, and before the outer call was claimed again."""
    inner = asks_for(calls(("pay", {"amount": 1})), text(), tools=[book.payer()], name="inner")
    tool = inner.as_tool("ask", "Ask.", needs_approval=True)
    agent = asks_for(calls(("ask", {"input": "x"}, "a")), text(), tools=[tool])
    state = await paused(agent)
    state.decide(state.get_interruptions()[0], Approve({"input": "y"}))
    state = await carry(agent, (await Runner.run(agent, state)).to_state())
    assert paths(state.get_interruptions()) == [("a", "c1")]
    result = Runner.run_streamed(agent, state)
    result.cancel()
    assert result.run_loop_task is not None
    await result.run_loop_task
    again = await carry(agent, result.to_state())
    assert paths(again.get_interruptions()) == [("a", "c1")]
    outer = ToolApprovalItem(agent, {"type": "function_call", "call_id": "a"}, tool_name="ask")
    with pytest.raises(DecisionError, match="does not ask about call 'a'"):
        again.decide(outer, Approve())
