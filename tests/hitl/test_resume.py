from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents import (
    Agent,
    AgentHooks,
    GuardrailFunctionOutput,
    InputGuardrail,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrail,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    RunHooks,
    Runner,
    ToolGuardrailFunctionOutput,
    UserError,
    function_tool,
    tool_input_guardrail,
    tool_output_guardrail,
)
from agents.approvals import RunAlreadyResumed
from agents.log import MemoryEpochs
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
    travel,
)
from run.scripts import RunIt, calls, collect, text, types, without_raw

PAY = calls(("pay", {"amount": 1}))


class Diary(RunHooks[Any]):
    """Which hooks were told what, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        self.told.append(f"start {agent.name}")

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        self.told.append(f"end {agent.name}")

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:
        self.told.append("llm start")

    async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
        self.told.append("llm end")

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        self.told.append(f"tool start {context.tool_call_id}")

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        self.told.append(f"tool end {result}")

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        self.told.append(f"{from_agent.name} to {to_agent.name}")


class OwnDiary(AgentHooks[Any]):
    def __init__(self) -> None:
        self.told: list[str] = []

    async def on_start(self, context: Any, agent: Any) -> None:
        self.told.append("start")

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        self.told.append("tool start")

    async def on_end(self, context: Any, agent: Any, output: Any) -> None:
        self.told.append("end")


def guard(tripped: bool, told: list[str], word: str) -> Any:
    def check(*given: Any) -> GuardrailFunctionOutput:
        told.append(word)
        return GuardrailFunctionOutput(word, tripped)

    return check


@either_way
@at_hand_or_read
class TestAsIfThereHadBeenNoPause:
    async def test_hooks(self, go: RunIt, carry: Travel, book: Book):
        diary, own = Diary(), OwnDiary()
        agent = asks_for(PAY, text(), tools=[book.payer()], hooks=own)
        state = await carry(agent, approve_all(await paused(agent, hooks=diary)))
        await go(agent, state, hooks=diary)
        assert diary.told == [
            "start a",
            "llm start",
            "llm end",
            "tool start c1",
            "tool end pay 1",
            "llm start",
            "llm end",
            "end a",
        ]
        assert own.told == ["start", "tool start", "end"]

    async def test_a_rejected_tool_tells_no_hooks(self, go: RunIt, carry: Travel, book: Book):
        diary = Diary()
        agent = asks_for(PAY, text(), tools=[book.payer()])
        state = await paused(agent, hooks=diary)
        state.reject(state.get_interruptions()[0])
        await go(agent, await carry(agent, state), hooks=diary)
        assert [words for words in diary.told if words.startswith("tool")] == []

    async def test_guardrails_of_input_and_output_run_once(self, go: RunIt, carry: Travel, book: Book):
        told: list[str] = []
        agent = asks_for(
            PAY,
            text(),
            tools=[book.payer()],
            input_guardrails=[
                InputGuardrail(guard(False, told, "parallel")),
                InputGuardrail(guard(False, told, "blocking"), run_in_parallel=False),
            ],
            output_guardrails=[OutputGuardrail(guard(False, told, "output"))],
        )
        state = await carry(agent, approve_all(await paused(agent)))
        assert sorted(told) == ["blocking", "parallel"]
        result = await go(agent, state)
        assert sorted(told) == ["blocking", "output", "parallel"]
        checked = [each.output.output_info for each in result.input_guardrail_results]
        assert sorted(checked) == ["blocking", "parallel"]
        assert [each.output.output_info for each in result.output_guardrail_results] == ["output"]

    async def test_an_output_guardrail_that_trips(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(
            PAY,
            text(),
            tools=[book.payer()],
            output_guardrails=[OutputGuardrail(guard(True, [], "output"))],
        )
        state = await carry(agent, approve_all(await paused(agent)))
        with pytest.raises(OutputGuardrailTripwireTriggered) as caught:
            await go(agent, state)
        assert caught.value.run_data is not None
        assert types(caught.value.run_data.new_items)[-1] == "message_output_item"

    async def test_usage_counts_on(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(PAY, text(), tools=[book.payer()])
        first = await Runner.run(agent, "Hi")
        state = await carry(agent, approve_all(first.to_state()))
        result = await go(agent, state)
        assert result.context_wrapper.usage.requests == 2
        assert len(result.raw_responses) == 2
        assert first.context_wrapper.usage.requests == 1

    async def test_a_handoff_beside_an_approval_is_taken_after_it(self, go: RunIt, carry: Travel, book: Book):
        diary = Diary()
        other = asks_for(text("b here"), tools=[], name="b")
        step = calls(("pay", {"amount": 1}), ("transfer_to_b", {}))
        agent = asks_for(step, tools=[book.payer()], handoffs=[other])
        state = await carry(agent, approve_all(await paused(agent)))
        result = await go(agent, state, hooks=diary)
        assert (result.final_output, result.last_agent.name, book.done) == ("b here", "b", [("pay", 1)])
        assert diary.told[2:4] == ["a to b", "start b"]
        assert outputs(last_input(other)) == {"c1": "pay 1", "c2": '{"assistant": "b"}'}

    @pytest.mark.parametrize("start_with_the_first", [True, False])
    async def test_a_pause_after_a_handoff(
        self, go: RunIt, carry: Travel, book: Book, start_with_the_first: bool
    ):
        other = asks_for(PAY, text("b here"), tools=[book.payer()], name="b")
        agent = asks_for(calls(("transfer_to_b", {}, "h")), tools=[], handoffs=[other])
        state = await carry(agent, approve_all(await paused(agent)))
        assert [item.agent for item in state.get_interruptions()] == [other]
        result = await go(agent if start_with_the_first else other, state)
        assert (result.final_output, result.last_agent, book.done) == ("b here", other, [("pay", 1)])
        assert len(model_of(agent).calls) == 1

    async def test_max_turns_count_on(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(PAY, calls(("pay", {"amount": 2}, "c2")), text(), tools=[book.payer()])
        state = await carry(agent, approve_all(await paused(agent, max_turns=2)))
        result = await go(agent, state)
        assert (result.max_turns, ids(result.interruptions)) == (2, ["c2"])
        state = await carry(agent, approve_all(result.to_state()))
        with pytest.raises(MaxTurnsExceeded, match="2"):
            await go(agent, state)
        assert book.done == [("pay", 1), ("pay", 2)]

    async def test_a_tool_that_ends_the_run_still_does(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(PAY, tools=[book.payer()], tool_use_behavior="stop_on_first_tool")
        state = await carry(agent, approve_all(await paused(agent)))
        result = await go(agent, state)
        assert (result.final_output, len(model_of(agent).calls)) == ("pay 1", 1)

    async def test_tool_guardrails_run_after_the_approval(self, go: RunIt, carry: Travel, book: Book):
        told: list[str] = []

        @tool_input_guardrail
        def before(data: Any) -> ToolGuardrailFunctionOutput:
            told.append(f"in {data.context.tool_arguments}")
            return ToolGuardrailFunctionOutput.allow()

        @tool_output_guardrail
        def after(data: Any) -> ToolGuardrailFunctionOutput:
            told.append(f"out {data.output}")
            return ToolGuardrailFunctionOutput.reject_content("hidden")

        tool = book.payer(tool_input_guardrails=[before], tool_output_guardrails=[after])
        agent = asks_for(PAY, text(), tools=[tool])
        state = await carry(agent, approve_all(await paused(agent)))
        assert told == []
        result = await go(agent, state)
        assert told == ['in {"amount":1}', "out pay 1"]
        assert outputs(last_input(agent)) == {"c1": "hidden"}
        assert (len(result.tool_input_guardrail_results), len(result.tool_output_guardrail_results)) == (1, 1)

    async def test_forced_tools_are_forced_no_more(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(PAY, text(), tools=[book.payer()], model_settings={"tool_choice": "required"})
        await go(agent, await carry(agent, approve_all(await paused(agent))))
        assert [call.model_settings.tool_choice for call in model_of(agent).calls] == ["required", None]

    async def test_the_new_items_are_those_of_the_whole_run(self, go: RunIt, carry: Travel, book: Book):
        def made(needs: bool) -> Agent[Any]:
            step = calls(("pay", {"amount": 1}), ("look", {}))
            return asks_for(step, text(), tools=[book.payer(needs), book.looker()])

        plain = await Runner.run(made(False), "Hi")
        agent = made(True)
        result = await go(agent, await carry(agent, approve_all(await paused(agent))))
        items = [item for item in result.new_items if item.type != "tool_approval_item"]
        assert types(list(items)) == types(list(plain.new_items))
        assert result.to_input_list() == plain.to_input_list()
        assert result.input == plain.input

    async def test_the_context_is_kept_unless_another_is_given(self, go: RunIt, carry: Travel):
        seen: list[Any] = []

        @function_tool(needs_approval=True)
        def act(context: Any) -> str:
            return "acted"

        class Spy(RunHooks[Any]):
            async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
                seen.append(context.context)

        agent = asks_for(calls(("act", {"context": 1})), text(), tools=[act])
        state = await carry(agent, approve_all(await paused(agent, context={"user": 1})))
        await go(agent, state, hooks=Spy())
        model_of(agent).enqueue(text())
        await go(agent, state, hooks=Spy(), context={"user": 2})
        assert seen == [{"user": 1}, {"user": 2}]


@either_way
@at_hand_or_read
class TestWhatHasGone:
    async def test_a_missing_tool_is_told_before_anything_happens(self, go: RunIt, carry: Travel, book: Book):
        step = calls(("look", {}, "c0"), ("pay", {"amount": 1}, "c1"), ("refund", {"amount": 2}, "c2"))
        agent = asks_for(step, text(), tools=[book.payer(), book.payer(name="refund"), book.looker()])
        state = await carry(agent, approve_all(await paused(agent)))
        book.done.clear()
        agent.tools = [tool for tool in agent.tools if tool.name != "refund"]
        with pytest.raises(ModelBehaviorError, match="Tool refund not found in agent a"):
            await go(agent, state)
        assert (book.done, len(model_of(agent).calls)) == ([], 1)

    async def test_a_missing_tool_is_told_to_the_model_where_the_run_says_so(
        self, go: RunIt, carry: Travel, book: Book
    ):
        step = calls(("pay", {"amount": 1}), ("refund", {"amount": 2}))
        agent = asks_for(step, text(), tools=[book.payer(), book.payer(name="refund")])
        state = await carry(agent, approve_all(await paused(agent)))
        agent.tools = agent.tools[:1]
        config = RunConfig(tool_not_found_behavior="return_error_to_model")
        result = await go(agent, state, run_config=config)
        assert (result.final_output, book.done) == ("done", [("pay", 1)])
        assert outputs(last_input(agent)) == {"c1": "pay 1", "c2": "Tool 'refund' not found."}

    @pytest.mark.parametrize("decided", ["rejected", "not decided"])
    async def test_a_tool_that_is_not_to_run_is_not_missed(
        self, go: RunIt, carry: Travel, book: Book, decided: str
    ):
        step = calls(("pay", {"amount": 1}), ("refund", {"amount": 2}))
        agent = asks_for(step, text(), tools=[book.payer(), book.payer(name="refund")])
        state = await paused(agent)
        first, second = state.get_interruptions()
        state.approve(first)
        if decided == "rejected":
            state.reject(second)
        state = await carry(agent, state)
        agent.tools = agent.tools[:1]
        result = await go(agent, state)
        assert ids(result.interruptions) == ([] if decided == "rejected" else ["c2"])
        assert book.done == [("pay", 1)]

    async def test_a_handoff_that_has_gone_is_missed_before_the_tools_run(
        self, go: RunIt, carry: Travel, book: Book
    ):
        other = asks_for(text(), tools=[], name="b")
        step = calls(("pay", {"amount": 1}), ("transfer_to_b", {}))
        agent = asks_for(step, text(), tools=[book.payer()], handoffs=[other])
        state = await carry(agent, approve_all(await paused(agent)))
        agent.handoffs = []
        with pytest.raises(ModelBehaviorError, match="Tool transfer_to_b not found in agent a"):
            await go(agent, state)
        assert book.done == []

    @pytest.mark.parametrize("is_strict", [False, True])
    async def test_how_a_tool_is_missed_two_levels_down_is_for_the_run_above_it_to_say(
        self, go: RunIt, carry: Travel, book: Book, is_strict: bool
    ):
        """It says so by the config that it runs with, and hands on: not by that of the outermost run."""
        lenient = RunConfig(tool_not_found_behavior="return_error_to_model")
        inner = asks_for(PAY, text("inner"), tools=[book.payer()], name="inner")
        below = inner.as_tool("ask_inner", None)
        middle = asks_for(calls(("ask_inner", {"input": "x"})), text("middle"), tools=[below], name="middle")
        options: Any = {"run_config": RunConfig() if is_strict else lenient}
        step = calls(("ask_middle", {"input": "x"}, "m"), ("refund", {"amount": 2}, "r"))
        tools = [middle.as_tool("ask_middle", None, **options), book.payer(name="refund")]
        agent = asks_for(step, text(), tools=tools)
        state = await carry(agent, approve_all(await paused(agent)))
        inner.tools = []
        if is_strict:
            with pytest.raises(ModelBehaviorError, match="Tool pay not found in agent inner"):
                await go(agent, state, run_config=lenient)
            assert book.done == []
        else:
            assert (await go(agent, state, run_config=lenient)).final_output == "done"
            assert book.done == [("refund", 2)]


@either_way
@pytest.mark.parametrize("name", ["z", "a"])
class TestAgentsThatHaveGone:
    """An agent that handed over to one which its namesake, or a stranger, does not lead to."""

    async def test_a_state_that_was_read_needs_its_agents_before_anything_happens(
        self, go: RunIt, book: Book, name: str
    ):
        other = asks_for(PAY, text("b here"), tools=[book.payer()], name="b")
        agent = asks_for(calls(("transfer_to_b", {}, "h")), tools=[], handoffs=[other])
        state = approve_all(await paused(agent))
        stranger = asks_for(text(), tools=[], name=name)
        with pytest.raises(UserError, match="Run state agent not found in agent map"):
            await go(stranger, await travel(stranger, state))
        assert (book.done, model_of(stranger).calls) == ([], ())

    async def test_a_state_at_hand_has_its_agents(self, go: RunIt, book: Book, name: str):
        other = asks_for(PAY, text("b here"), tools=[book.payer()], name="b")
        agent = asks_for(calls(("transfer_to_b", {}, "h")), tools=[], handoffs=[other])
        state = approve_all(await paused(agent))
        stranger = asks_for(text(), tools=[], name=name)
        result = await go(stranger, state)
        assert (result.final_output, result.last_agent, model_of(stranger).calls) == ("b here", other, ())


@either_way
@at_hand_or_read
async def test_resuming_changes_neither_the_result_nor_the_state(go: RunIt, carry: Travel, book: Book):
    agent = asks_for(PAY, text(), tools=[book.payer()])
    source = await Runner.run(agent, "Hi", context={"a": 1})
    before = (types(source.new_items), len(source.raw_responses), ids(source.interruptions))
    asked_for = source.to_input_list()
    state = await carry(agent, approve_all(source.to_state()))
    written = state.to_json()
    await go(agent, state)
    assert (types(source.new_items), len(source.raw_responses), ids(source.interruptions)) == before
    assert source.to_input_list() == asked_for
    assert source.context_wrapper.usage.requests == 1
    assert source.final_output is None
    assert state.to_json() == written


@either_way
class TestTwice:
    async def test_over_shared_epochs_one_wins_and_the_other_is_told_before_any_effect(
        self, go: RunIt, book: Book
    ):
        agent = asks_for(PAY, text(), tools=[book.payer()])
        config = RunConfig(epochs=MemoryEpochs())
        state = approve_all(await paused(agent, run_config=config))
        one = await travel(agent, state)
        other = await travel(agent, state)
        ends = await asyncio.gather(
            go(agent, one, run_config=config), go(agent, other, run_config=config), return_exceptions=True
        )
        won, lost = sorted(ends, key=lambda end: isinstance(end, BaseException))
        assert isinstance(lost, RunAlreadyResumed)
        assert not isinstance(won, BaseException)
        assert won.final_output == "done"
        assert (book.done, len(model_of(agent).calls)) == ([("pay", 1)], 2)
        # And later too.
        with pytest.raises(RunAlreadyResumed):
            await go(agent, state, run_config=config)
        assert book.done == [("pay", 1)]

    async def test_a_resumption_that_is_refused_takes_no_epoch(self, go: RunIt, book: Book):
        other = asks_for(PAY, text("b here"), tools=[book.payer()], name="b")
        agent = asks_for(calls(("transfer_to_b", {}, "h")), tools=[], handoffs=[other])
        config = RunConfig(epochs=MemoryEpochs())
        state = approve_all(await paused(agent, run_config=config))
        alike = asks_for(text(), tools=[], name="a")
        with pytest.raises(UserError, match="Run state agent not found in agent map"):
            await go(alike, await travel(alike, state), run_config=config)
        result = await go(agent, await travel(agent, state), run_config=config)
        assert (result.final_output, book.done) == ("b here", [("pay", 1)])

    async def test_each_pause_is_resumed_once(self, go: RunIt, book: Book):
        agent = asks_for(PAY, calls(("pay", {"amount": 2}, "c2")), text(), tools=[book.payer()])
        config = RunConfig(epochs=MemoryEpochs())
        first = approve_all(await paused(agent, run_config=config))
        result = await go(agent, first, run_config=config)
        second = approve_all(result.to_state())
        with pytest.raises(RunAlreadyResumed):
            await go(agent, first, run_config=config)
        result = await go(agent, second, run_config=config)
        assert (result.final_output, book.done) == ("done", [("pay", 1), ("pay", 2)])

    async def test_without_epochs_resumptions_are_forks(self, go: RunIt, book: Book):
        agent = asks_for(PAY, text("one"), text("two"), tools=[book.payer()])
        state = approve_all(await paused(agent))
        first = await go(agent, state)
        second = await go(agent, state)
        assert (first.final_output, second.final_output) == ("one", "two")
        assert book.done == [("pay", 1), ("pay", 1)]
        assert first.context_wrapper.usage.requests == second.context_wrapper.usage.requests == 2


class TestStreaming:
    @pytest.mark.parametrize("carry_name", ["at hand", "read"])
    async def test_the_agent_comes_first_and_no_call_is_told_again(self, book: Book, carry_name: str):
        step = calls(("pay", {"amount": 1}), ("look", {}))
        agent = asks_for(step, text(), tools=[book.payer(), book.looker()])
        state = approve_all(await paused(agent))
        if carry_name == "read":
            state = await travel(agent, state)
        events = await collect(Runner.run_streamed(agent, state).stream_events())
        assert without_raw(events) == ["agent:a", "tool_output", "message_output_created"]

    async def test_the_agent_at_work_comes_first(self, book: Book):
        other = asks_for(PAY, text("b here"), tools=[book.payer()], name="b")
        agent = asks_for(calls(("transfer_to_b", {}, "h")), tools=[], handoffs=[other])
        state = approve_all(await paused(agent))
        events = await collect(Runner.run_streamed(agent, state).stream_events())
        assert without_raw(events) == ["agent:b", "tool_output", "message_output_created"]

    async def test_a_rejection_s_text_comes_as_an_output(self, book: Book):
        agent = asks_for(PAY, text(), tools=[book.payer()])
        state = await paused(agent)
        state.reject(state.get_interruptions()[0])
        events = await collect(Runner.run_streamed(agent, state).stream_events())
        assert without_raw(events) == ["agent:a", "tool_output", "message_output_created"]

    async def test_records_hold_the_whole_run(self, book: Book):
        agent = asks_for(PAY, text(), tools=[book.payer()])
        source = Runner.run_streamed(agent, "Hi")
        await collect(source.stream_events())
        before = [record async for record in source.records() if record.kind != "model_delta"]
        result = Runner.run_streamed(agent, approve_all(source.to_state()))
        after = [record async for record in result.records() if record.kind != "model_delta"]
        assert [record.kind for record in after[: len(before)]] == [record.kind for record in before]
        assert after[len(before)].kind == "run_resumed"
        assert {record.run_id for record in (*before, *after)} == {before[0].run_id}
        seqs = [record.seq for record in after]
        assert seqs == sorted(set(seqs))


@either_way
async def test_a_run_that_has_ended_cannot_be_resumed(go: RunIt, book: Book):
    agent = asks_for(text(), tools=[])
    state = (await Runner.run(agent, "Hi")).to_state()
    with pytest.raises(UserError, match="terminal RunState"):
        await go(agent, state)
    assert len(model_of(agent).calls) == 1


@either_way
async def test_the_hook_that_fails_after_a_tool_leaves_its_output_standing(go: RunIt, book: Book):
    class Broken(RunHooks[Any]):
        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
            raise OSError("disk full")

    agent = asks_for(PAY, text(), tools=[book.payer()])
    state = approve_all(await paused(agent))
    with pytest.raises(UserError, match="disk full") as caught:
        await go(agent, state, hooks=Broken())
    assert book.done == [("pay", 1)]
    assert caught.value.run_data is not None
    assert types(caught.value.run_data.new_items)[-1] == "tool_call_output_item"


def test_a_stream_without_a_loop_takes_no_epoch(book: Book):
    agent = asks_for(PAY, text(), tools=[book.payer()])
    config = RunConfig(epochs=MemoryEpochs())
    state = approve_all(asyncio.run(paused(agent, run_config=config)))
    with pytest.raises(RuntimeError, match="no running event loop"):
        Runner.run_streamed(agent, state, run_config=config)
    result = asyncio.run(Runner.run(agent, state, run_config=config))
    assert (result.final_output, book.done) == ("done", [("pay", 1)])


async def test_records_of_earlier_segments_keep_their_times(book: Book):
    agent = asks_for(calls(("pay", {"amount": 1})), text(), tools=[book.payer()])
    first = Runner.run_streamed(agent, "Hi")
    async for _ in first.stream_events():
        pass
    began = [(each.kind, each.at_ms) async for each in first.records() if each.kind != "model_delta"]
    state = await travel(agent, first.to_state())
    second = Runner.run_streamed(agent, approve_all(state))
    again = [(each.kind, each.at_ms) async for each in second.records()]
    assert again[: len(began)] == began
