from __future__ import annotations

import copy
import logging
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from agents import (
    Agent,
    HandoffCallItem,
    HandoffInputData,
    HandoffOutputItem,
    MaxTurnsExceeded,
    ModelBehaviorError,
    RunConfig,
    RunContextWrapper,
    RunHooks,
    Runner,
    UserError,
    function_tool,
    handoff,
)
from agents.extensions.handoff_filters import remove_all_tools
from agents.stream_events import AgentUpdatedStreamEvent, RunItemStreamEvent
from agents.testing import ScriptedModel, assistant_message
from run.scripts import RunIt, always, both_ways, calls, collect, reasoning, text, types, without_raw


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


def chain(*steps: Any, **options: Any) -> tuple[Agent[Any], ScriptedModel]:
    """Agent `a` that can hand to `b`, and `b` to `c`, on one script. `options` are those of the first handoff."""
    model = ScriptedModel(steps)
    c: Agent[Any] = Agent(name="c", model=model, tools=[look])
    b: Agent[Any] = Agent(name="b", model=model, tools=[look], handoffs=[c])
    first = handoff(b, **options) if options else b
    return Agent(name="a", model=model, tools=[look], handoffs=[first]), model


def to(name: str, arguments: Any | None = None, call_id: str = "h") -> list[Any]:
    return calls((f"transfer_to_{name}", {} if arguments is None else arguments, call_id))


def kinds(items: list[Any]) -> list[str]:
    return [item.get("type") or item["role"] for item in items]


@both_ways
class TestTakingOver:
    async def test_the_next_agent_goes_on_with_the_whole_history(self, run: RunIt):
        agent, model = chain(to("b"), text("hello"))
        result = await run(agent)
        assert (result.final_output, result.last_agent.name) == ("hello", "b")
        assert types(result.new_items) == ["handoff_call_item", "handoff_output_item", "message_output_item"]
        assert model.calls[1].input == [
            {"role": "user", "content": "Hi"},
            {
                "type": "function_call",
                "id": "h",
                "call_id": "h",
                "name": "transfer_to_b",
                "arguments": "{}",
            },
            {"type": "function_call_output", "call_id": "h", "output": '{"assistant": "b"}'},
        ]
        assert [item.tool_name for item in model.calls[1].handoffs] == ["transfer_to_c"]

    async def test_the_items_name_source_and_target(self, run: RunIt):
        agent, _ = chain(to("b"), text())
        result = await run(agent)
        call, output = result.new_items[:2]
        assert isinstance(call, HandoffCallItem)
        assert isinstance(output, HandoffOutputItem)
        assert (call.agent.name, output.source_agent.name, output.target_agent.name) == ("a", "a", "b")

    async def test_several_handoffs_come_one_after_the_other(self, run: RunIt):
        agent, model = chain(to("b", call_id="h1"), to("c", call_id="h2"), text())
        result = await run(agent)
        assert result.last_agent.name == "c"
        assert len(model.calls) == 3
        assert len(result.to_input_list()) == 6

    async def test_tools_of_the_turn_run_before_the_handoff(self, run: RunIt):
        seen: list[str] = []

        @function_tool
        async def note() -> str:
            seen.append("tool")
            return "noted"

        def on_handoff(context: RunContextWrapper[Any]) -> None:
            seen.append("handoff")

        agent, model = chain(
            calls(("transfer_to_b", {}, "h"), ("note", {}, "c")), text(), on_handoff=on_handoff
        )
        agent.tools = [note]
        await run(agent)
        assert seen == ["tool", "handoff"]
        assert [item["call_id"] for item in model.calls[1].input[3:]] == ["h", "c"]
        assert kinds(model.calls[1].input[3:]) == ["function_call_output"] * 2

    async def test_a_handoff_counts_as_a_turn(self, run: RunIt):
        agent, _ = chain(to("b"), text())
        with pytest.raises(MaxTurnsExceeded) as caught:
            await run(agent, max_turns=1)
        assert caught.value.run_data is not None
        assert caught.value.run_data.last_agent.name == "b"

    async def test_of_several_handoffs_in_one_response_the_first_is_taken(self, run: RunIt):
        model = ScriptedModel(
            [calls(("transfer_to_b", {}, "h1"), ("transfer_to_c", {}, "h2")), text("hello")]
        )
        b: Agent[Any] = Agent(name="b", model=model)
        c: Agent[Any] = Agent(name="c", model=model)
        agent: Agent[Any] = Agent(name="a", model=model, handoffs=[b, c])
        result = await run(agent)
        assert result.last_agent is b
        outputs = {item["call_id"]: item["output"] for item in model.calls[1].input[3:]}
        assert outputs == {
            "h1": '{"assistant": "b"}',
            "h2": "Multiple handoffs detected, ignoring this one.",
        }
        assert types(result.new_items).count("handoff_output_item") == 1

    async def test_guardrails_of_the_next_agents_input_are_not_asked(self, run: RunIt):
        from agents import GuardrailFunctionOutput, input_guardrail

        @input_guardrail
        def refuse(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(None, tripwire_triggered=True)

        agent, _ = chain(to("b"), text())
        target = agent.handoffs[0]
        assert isinstance(target, Agent)
        target.input_guardrails = [refuse]
        result = await run(agent)
        assert (result.final_output, result.input_guardrail_results) == ("done", [])


class Reason(BaseModel):
    word: str
    number: int = 0


@both_ways
class TestInput:
    async def test_on_handoff_gets_the_typed_input(self, run: RunIt):
        seen: list[Any] = []

        async def on_handoff(context: RunContextWrapper[Any], reason: Reason) -> None:
            seen.append((context.context, reason))

        agent, model = chain(
            to("b", {"word": "x", "number": 1}), text(), on_handoff=on_handoff, input_type=Reason
        )
        await run(agent, context="mine")
        assert seen == [("mine", Reason(word="x", number=1))]
        assert model.calls[0].handoffs[0].input_json_schema["additionalProperties"] is False

    @pytest.mark.parametrize(
        "arguments", ["", "null", '{"word": 1, "number": 1}', '{"word": "x", "number": "1"}', "{"]
    )
    async def test_input_that_does_not_fit_is_the_models_fault(self, run: RunIt, arguments: str):
        def on_handoff(context: RunContextWrapper[Any], reason: Reason) -> None:
            raise AssertionError("not to be called")

        agent, model = chain(to("b", arguments), on_handoff=on_handoff, input_type=Reason)
        with pytest.raises(ModelBehaviorError, match="Invalid JSON"):
            await run(agent)
        assert len(model.calls) == 1

    async def test_an_error_of_on_handoff_ends_the_run(self, run: RunIt):
        def on_handoff(context: RunContextWrapper[Any]) -> None:
            raise ValueError("no transfer")

        agent, _ = chain(to("b"), on_handoff=on_handoff)
        with pytest.raises(ValueError, match="no transfer"):
            await run(agent)


@both_ways
class TestEnabling:
    @pytest.mark.parametrize("form", ["bool", "sync", "async"])
    async def test_a_disabled_handoff_is_not_offered_and_not_found(self, run: RunIt, form: str):
        asked: list[Any] = []

        def sync(context: RunContextWrapper[Any], agent: Any) -> bool:
            asked.append((context.context, agent.name))
            return False

        async def later(context: RunContextWrapper[Any], agent: Any) -> bool:
            return sync(context, agent)

        enabled: Any = {"bool": False, "sync": sync, "async": later}[form]
        agent, model = chain(to("b"), is_enabled=enabled)
        with pytest.raises(ModelBehaviorError, match="transfer_to_b not found in agent a"):
            await run(agent, context="mine")
        assert model.calls[0].handoffs == []
        assert asked == ([] if form == "bool" else [("mine", "a")])

    async def test_a_disabled_handoff_reserves_no_name(self, run: RunIt):
        tool = function_tool(lambda: "tool", name_override="transfer_to_b")
        agent, _ = chain(to("b"), text(), is_enabled=False)
        agent.tools = [tool]
        result = await run(agent, run_config=RunConfig(tool_name_collision_policy="error"))
        assert types(result.new_items)[:2] == ["tool_call_item", "tool_call_output_item"]

    async def test_an_enabled_one_does(self, run: RunIt):
        tool = function_tool(lambda: "tool", name_override="transfer_to_b")
        agent, model = chain(to("b"), text())
        agent.tools = [tool]
        with pytest.raises(UserError, match="the tool name `transfer_to_b` is used by multiple tools"):
            await run(agent, run_config=RunConfig(tool_name_collision_policy="error"))
        assert model.calls == ()

    async def test_enablement_sees_what_the_start_hook_did(self, run: RunIt):
        seen: list[Any] = []

        class Hooks(RunHooks[Any]):
            async def on_agent_start(self, context: Any, agent: Any) -> None:
                context.context["ready"] = True

        def is_enabled(context: RunContextWrapper[Any], agent: Any) -> bool:
            seen.append((context.context["ready"], list(context.turn_input)))
            return True

        agent, _ = chain(text(), is_enabled=is_enabled)
        await run(agent, hooks=Hooks(), context={"ready": False})
        assert seen == [(True, [{"role": "user", "content": "Hi"}])]


@both_ways
class TestFilters:
    async def test_a_filter_gets_the_history_in_its_parts(self, run: RunIt):
        seen: list[HandoffInputData] = []

        def keep(data: HandoffInputData) -> HandoffInputData:
            seen.append(data)
            return data

        steps = [[*calls(("look", {})), assistant_message("hm")], [reasoning(), *to("b")], text()]
        agent, model = chain(*steps, input_filter=keep)
        result = await run(agent, context="mine")
        [data] = seen
        assert data.input_history == "Hi"
        assert types(list(data.pre_handoff_items)) == [
            "tool_call_item",
            "message_output_item",
            "tool_call_output_item",
        ]
        assert types(list(data.new_items)) == ["reasoning_item", "handoff_call_item", "handoff_output_item"]
        assert data.run_context is not None
        assert data.run_context.context == "mine"
        assert kinds(model.calls[2].input) == [
            "user",
            "function_call",
            "message",
            "function_call_output",
            "reasoning",
            "function_call",
            "function_call_output",
        ]
        assert len(result.new_items) == 7

    async def test_what_it_returns_is_what_the_next_agent_sees_and_nothing_is_lost(self, run: RunIt):
        async def shorten(data: HandoffInputData) -> HandoffInputData:
            return HandoffInputData(
                input_history=({"role": "user", "content": "short"},),
                pre_handoff_items=(),
                new_items=data.new_items[-1:],
            )

        agent, model = chain(calls(("look", {})), to("b"), text(), input_filter=shorten)
        result = await run(agent)
        assert model.calls[2].input == [
            {"role": "user", "content": "short"},
            {"type": "function_call_output", "call_id": "h", "output": '{"assistant": "b"}'},
        ]
        assert types(result.new_items) == [
            "tool_call_item",
            "tool_call_output_item",
            "handoff_call_item",
            "handoff_output_item",
            "message_output_item",
        ]

    async def test_input_items_are_seen_instead_of_new_items(self, run: RunIt):
        def hide(data: HandoffInputData) -> HandoffInputData:
            return replace(data, input_items=())

        agent, model = chain(to("b"), text(), input_filter=hide)
        result = await run(agent)
        assert model.calls[1].input == [{"role": "user", "content": "Hi"}]
        assert types(result.new_items) == ["handoff_call_item", "handoff_output_item", "message_output_item"]

    async def test_later_turns_go_on_from_what_it_returned(self, run: RunIt):
        agent, model = chain(
            calls(("look", {}, "c1")),
            to("b"),
            calls(("look", {}, "c2")),
            text(),
            input_filter=remove_all_tools,
        )
        await run(agent)
        assert kinds(model.calls[2].input) == ["user"]
        assert kinds(model.calls[3].input) == ["user", "function_call", "function_call_output"]

    async def test_the_handoffs_own_filter_wins_over_the_runs_and_over_nesting(self, run: RunIt):
        asked: list[str] = []

        class Own:
            def __bool__(self) -> bool:
                return False

            def __call__(self, data: HandoffInputData) -> HandoffInputData:
                asked.append("own")
                return data

        def of_run(data: HandoffInputData) -> HandoffInputData:
            asked.append("run")
            return data

        agent, model = chain(to("b", call_id="h1"), to("c", call_id="h2"), text(), input_filter=Own())
        config = RunConfig(handoff_input_filter=of_run, nest_handoff_history=True)
        await run(agent, run_config=config)
        assert asked == ["own", "run"]
        assert len(model.calls[2].input) == 5

    @pytest.mark.parametrize("wrong", ["not callable", always("not data")])
    async def test_what_is_no_filter_is_a_user_error(self, run: RunIt, wrong: Any):
        agent, model = chain(to("b"), input_filter=wrong)
        with pytest.raises(UserError, match="input filter") as caught:
            await run(agent)
        assert caught.value.run_data is not None
        assert len(model.calls) == 1

    async def test_a_server_managed_conversation_refuses_filters(self, run: RunIt):
        agent, _ = chain(to("b"), input_filter=remove_all_tools)
        with pytest.raises(
            UserError, match="Server-managed conversations do not support handoff input filters"
        ):
            await run(agent, previous_response_id="r0")

    async def test_it_switches_nesting_off_with_a_warning(self, run: RunIt, caplog: pytest.LogCaptureFixture):
        agent, model = chain(to("b"), text())
        with caplog.at_level(logging.WARNING):
            await run(agent, conversation_id="conv", run_config=RunConfig(nest_handoff_history=True))
        assert "do not support nest_handoff_history" in caplog.text
        assert kinds(model.calls[1].input) == ["function_call_output"]


HEAD = "For context, here is the conversation so far between the user and the previous agent:"


@both_ways
class TestNesting:
    async def test_history_is_not_nested_unless_asked(self, run: RunIt):
        agent, model = chain(to("b"), text())
        await run(agent)
        assert kinds(model.calls[1].input) == ["user", "function_call", "function_call_output"]

    @pytest.mark.parametrize("by", ["run", "handoff"])
    async def test_the_next_agent_gets_one_summary(self, run: RunIt, by: str):
        options = {"nest_handoff_history": True} if by == "handoff" else {}
        agent, model = chain(calls(("look", {"word": "it"})), to("b"), text(), **options)
        config = RunConfig(nest_handoff_history=by == "run")
        result = await run(agent, run_config=config)
        [summary] = model.calls[2].input
        assert summary["role"] == "assistant"
        assert summary["content"].startswith(HEAD)
        assert summary["content"].count("<CONVERSATION HISTORY>") == 1
        assert "user: Hi" in summary["content"]
        assert "seen it" in summary["content"]
        assert len(result.new_items) == 5
        assert len(result.to_input_list()) == 6
        assert kinds(result.to_input_list(mode="normalized")) == ["assistant", "message"]

    async def test_a_message_of_the_handing_off_turn_is_forwarded_as_it_is(self, run: RunIt):
        agent, model = chain([assistant_message("I pass you on"), *to("b")], text())
        await run(agent, run_config=RunConfig(nest_handoff_history=True))
        before, message, after = model.calls[1].input
        assert (before["role"], message["type"], after["role"]) == ("assistant", "message", "assistant")
        assert message["content"][0]["text"] == "I pass you on"
        assert "I pass you on" not in before["content"] + after["content"]

    async def test_a_second_handoff_flattens_the_first_summary(self, run: RunIt):
        agent, model = chain(to("b", call_id="h1"), to("c", call_id="h2"), text())
        await run(agent, run_config=RunConfig(nest_handoff_history=True))
        told = "".join(item["content"] for item in model.calls[2].input)
        assert told.count("<CONVERSATION HISTORY>") == 1
        assert told.count("</CONVERSATION HISTORY>") == 1
        assert told.count("user: Hi") == 1

    async def test_a_handoff_can_opt_out(self, run: RunIt):
        agent, model = chain(to("b"), text(), nest_handoff_history=False)
        await run(agent, run_config=RunConfig(nest_handoff_history=True))
        assert kinds(model.calls[1].input) == ["user", "function_call", "function_call_output"]

    async def test_a_mapper_gives_the_exact_input(self, run: RunIt):
        seen: list[Any] = []

        def mapper(transcript: list[Any]) -> list[Any]:
            seen.append(copy.deepcopy(transcript))
            return [{"role": "user", "content": f"{len(transcript)} items"}]

        agent, model = chain(to("b"), text())
        config = RunConfig(nest_handoff_history=True, handoff_history_mapper=mapper)
        await run(agent, run_config=config)
        assert model.calls[1].input == [{"role": "user", "content": "3 items"}]
        assert kinds(seen[0]) == ["user", "function_call", "function_call_output"]


class TestEvents:
    async def test_a_handoff_is_requested_occurs_and_updates_the_agent(self):
        agent, _ = chain([reasoning(), *calls(("transfer_to_b", {}, "h"), ("look", {}, "c"))], text())
        result = Runner.run_streamed(agent, "Hi")
        events = await collect(result.stream_events())
        assert without_raw(events) == [
            "agent:a",
            "reasoning_item_created",
            "handoff_requested",
            "tool_called",
            "tool_output",
            "handoff_occured",
            "agent:b",
            "message_output_created",
        ]
        updated = [event.new_agent for event in events if isinstance(event, AgentUpdatedStreamEvent)]
        assert updated == [agent, agent.handoffs[0]]

    async def test_a_filter_that_copies_items_repeats_no_event(self):
        def copied(data: HandoffInputData) -> HandoffInputData:
            return replace(
                data,
                pre_handoff_items=tuple(copy.copy(item) for item in data.pre_handoff_items),
                new_items=tuple(copy.copy(item) for item in data.new_items),
            )

        agent, _ = chain(calls(("look", {})), to("b"), text(), input_filter=copied)
        result = Runner.run_streamed(agent, "Hi")
        events = await collect(result.stream_events())
        shown = [event.item for event in events if isinstance(event, RunItemStreamEvent)]
        assert types(shown) == types(result.new_items)

    async def test_the_record_names_source_agent_and_output(self):
        agent, _ = chain(to("b"), text())
        result = Runner.run_streamed(agent, "Hi")
        [data] = [record.data async for record in result.records() if record.kind == "handed_off"]
        assert (data["source"], data["agent"], data["call"]) == ("a", "b", "h")
        assert data["output"]["output"] == '{"assistant": "b"}'

    async def test_agents_of_one_name_are_told_apart(self):
        model = ScriptedModel([to("twin"), text()])
        second: Agent[Any] = Agent(name="twin", model=model)
        first: Agent[Any] = Agent(name="twin", model=model, handoffs=[second])
        result = Runner.run_streamed(first, "Hi")
        turns = [record.data["agent"] async for record in result.records() if record.kind == "turn_started"]
        assert turns == ["twin", "twin#2"]
        assert result.last_agent is second
