from __future__ import annotations

from typing import Any, Literal

import pytest

from agents import (
    Agent,
    MaxTurnsExceeded,
    RunHooks,
    Runner,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    ToolOutputGuardrailTripwireTriggered,
    UserError,
    function_tool,
    tool_input_guardrail,
    tool_output_guardrail,
)
from agents.items import ToolCallOutputItem
from agents.testing import ScriptedModel
from agents.tool import FunctionTool
from run.scripts import RunIt, both_ways, calls, scripted, text, types

Behavior = Literal["allow", "reject", "raise"]


def verdict(behavior: Behavior, info: Any) -> ToolGuardrailFunctionOutput:
    match behavior:
        case "allow":
            return ToolGuardrailFunctionOutput.allow(info)
        case "reject":
            return ToolGuardrailFunctionOutput.reject_content(f"rejected by {info}", info)
        case "raise":
            return ToolGuardrailFunctionOutput.raise_exception(info)


def before(behavior: Behavior, info: str = "in") -> ToolInputGuardrail[Any]:
    def check(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        return verdict(behavior, info)

    return ToolInputGuardrail(check, info)


def after(behavior: Behavior, info: str = "out") -> ToolOutputGuardrail[Any]:
    async def check(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        return verdict(behavior, info)

    return ToolOutputGuardrail(check, info)


def guarded(
    ran: list[str], *guardrails: ToolInputGuardrail[Any] | ToolOutputGuardrail[Any], name: str = "act"
) -> FunctionTool:
    def act(word: str = "") -> dict[str, str]:
        ran.append(name)
        return {"word": word}

    return function_tool(
        act,
        name_override=name,
        tool_input_guardrails=[each for each in guardrails if isinstance(each, ToolInputGuardrail)],
        tool_output_guardrails=[each for each in guardrails if isinstance(each, ToolOutputGuardrail)],
    )


def outputs(model: ScriptedModel) -> list[Any]:
    assert model.last_call is not None
    return [item["output"] for item in model.last_call.input if "output" in item]


def verdicts(results: list[Any]) -> list[tuple[str, str]]:
    return [(result.guardrail.get_name(), result.output.behavior["type"]) for result in results]


@both_ways
class TestBehaviors:
    async def test_what_is_allowed_passes_as_it_is(self, run: RunIt):
        ran: list[str] = []
        agent, model = scripted(
            calls(("act", {"word": "x"})), text(), tools=[guarded(ran, before("allow"), after("allow"))]
        )
        result = await run(agent)
        assert (ran, outputs(model)) == (["act"], ["{'word': 'x'}"])
        assert verdicts(result.tool_input_guardrail_results) == [("in", "allow")]
        assert verdicts(result.tool_output_guardrail_results) == [("out", "allow")]

    async def test_a_rejected_call_does_not_run_and_is_answered_with_the_message(self, run: RunIt):
        ran: list[str] = []
        tool = guarded(
            ran, before("allow", "one"), before("reject", "two"), before("allow", "three"), after("allow")
        )
        agent, model = scripted(calls(("act", {})), text(), tools=[tool])
        result = await run(agent)
        assert (ran, outputs(model)) == ([], ["rejected by two"])
        assert verdicts(result.tool_input_guardrail_results) == [("one", "allow"), ("two", "reject_content")]
        assert result.tool_output_guardrail_results == []
        assert types(result.new_items) == ["tool_call_item", "tool_call_output_item", "message_output_item"]

    async def test_a_rejected_call_has_no_tool_hooks(self, run: RunIt):
        told: list[str] = []

        class Hooks(RunHooks[Any]):
            async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
                told.append("start")

            async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: object) -> None:
                told.append("end")

        agent, _ = scripted(calls(("act", {})), text(), tools=[guarded([], before("reject"))])
        await run(agent, hooks=Hooks())
        assert told == []

    async def test_a_rejected_output_is_replaced_by_the_message(self, run: RunIt):
        ran: list[str] = []
        agent, model = scripted(
            calls(("act", {})), text(), tools=[guarded(ran, after("reject", "one"), after("allow", "two"))]
        )
        result = await run(agent)
        assert (ran, outputs(model)) == (["act"], ["rejected by one"])
        assert verdicts(result.tool_output_guardrail_results) == [("one", "reject_content")]
        output = result.new_items[1]
        assert isinstance(output, ToolCallOutputItem)
        assert output.output == "rejected by one"

    async def test_a_raising_input_guardrail_ends_the_run_before_the_tool(self, run: RunIt):
        ran: list[str] = []
        guardrail = before("raise", "why")
        agent, _ = scripted(calls(("act", {})), tools=[guarded(ran, guardrail)])
        with pytest.raises(ToolInputGuardrailTripwireTriggered, match="ToolInputGuardrail") as caught:
            await run(agent)
        assert (caught.value.guardrail, caught.value.output.output_info) == (guardrail, "why")
        assert ran == []

    async def test_a_raising_output_guardrail_ends_the_run_after_the_tool(self, run: RunIt):
        ran: list[str] = []
        guardrail = after("raise", "why")
        agent, _ = scripted(calls(("act", {})), tools=[guarded(ran, guardrail)])
        with pytest.raises(ToolOutputGuardrailTripwireTriggered, match="ToolOutputGuardrail") as caught:
            await run(agent)
        assert (caught.value.guardrail, caught.value.output.output_info) == (guardrail, "why")
        assert ran == ["act"]

    async def test_a_rejection_is_the_calls_own_and_its_siblings_run(self, run: RunIt):
        ran: list[str] = []
        agent, model = scripted(
            calls(("act", {}), ("other", {"word": "x"})),
            text(),
            tools=[guarded(ran, before("reject", "act")), guarded(ran, name="other")],
        )
        await run(agent)
        assert ran == ["other"]
        assert outputs(model) == ["rejected by act", "{'word': 'x'}"]

    async def test_guardrails_see_the_call_and_the_raw_output(self, run: RunIt):
        seen: list[Any] = []

        @tool_input_guardrail
        def first(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
            context = data.context
            seen.append(
                (
                    data.agent.name,
                    context.context,
                    context.tool_name,
                    context.tool_call_id,
                    context.tool_arguments,
                )
            )
            return ToolGuardrailFunctionOutput.allow()

        @tool_output_guardrail(name="second")
        def last(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
            seen.append((data.context.tool_call_id, data.output))
            return ToolGuardrailFunctionOutput.allow()

        agent, _ = scripted(calls(("act", {"word": "x"}, "c9")), text(), tools=[guarded([], first, last)])
        await run(agent, context="mine")
        assert seen == [("a", "mine", "act", "c9", '{"word":"x"}'), ("c9", {"word": "x"})]

    async def test_an_output_guardrail_sees_the_text_that_stands_for_an_error(self, run: RunIt):
        seen: list[Any] = []

        def note(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
            seen.append(data.output)
            return ToolGuardrailFunctionOutput.allow()

        def fail() -> str:
            raise ValueError("secret")

        tool = function_tool(fail, tool_output_guardrails=[ToolOutputGuardrail(note)])
        agent, _ = scripted(calls(("fail", {})), text(), tools=[tool])
        await run(agent)
        assert seen == ["An error occurred while running the tool. Please try again."]


@both_ways
class TestResults:
    async def test_they_are_collected_over_turns_and_handoffs(self, run: RunIt):
        model = ScriptedModel(
            [calls(("act", {}, "c1")), calls(("transfer_to_b", {}, "h")), calls(("act", {}, "c2")), text()]
        )
        tool = guarded([], before("allow"), after("allow"))
        b: Agent[Any] = Agent(name="b", model=model, tools=[tool])
        agent: Agent[Any] = Agent(name="a", model=model, tools=[tool], handoffs=[b])
        result = await run(agent)
        assert len(result.tool_input_guardrail_results) == 2
        assert len(result.tool_output_guardrail_results) == 2

    async def test_they_are_in_run_data_when_turns_run_out(self, run: RunIt):
        agent, _ = scripted(calls(("act", {})), tools=[guarded([], before("allow"), after("allow"))])
        with pytest.raises(MaxTurnsExceeded) as caught:
            await run(agent, max_turns=1)
        data = caught.value.run_data
        assert data is not None
        assert verdicts(data.tool_input_guardrail_results) == [("in", "allow")]
        assert verdicts(data.tool_output_guardrail_results) == [("out", "allow")]

    @pytest.mark.parametrize("guardrail", [before("raise", "bad"), after("raise", "bad")])
    async def test_on_a_trip_run_data_has_those_of_earlier_turns(self, run: RunIt, guardrail: Any):
        agent, _ = scripted(
            calls(("fine", {}, "c1")),
            calls(("fine", {}, "c2"), ("act", {}, "c3")),
            tools=[guarded([], before("allow"), after("allow"), name="fine"), guarded([], guardrail)],
        )
        with pytest.raises(
            (ToolInputGuardrailTripwireTriggered, ToolOutputGuardrailTripwireTriggered)
        ) as caught:
            await run(agent)
        data = caught.value.run_data
        assert data is not None
        assert verdicts(data.tool_input_guardrail_results) == [("in", "allow")]
        assert verdicts(data.tool_output_guardrail_results) == [("out", "allow")]

    @pytest.mark.parametrize("stage", ["input", "output"])
    async def test_a_guardrail_that_raises_ends_the_run_as_an_error_of_its_tool(self, run: RunIt, stage: str):
        def fail(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
            raise ValueError("no verdict")

        guardrail = ToolInputGuardrail[Any](fail) if stage == "input" else ToolOutputGuardrail[Any](fail)
        ran: list[str] = []
        agent, _ = scripted(calls(("act", {})), tools=[guarded(ran, guardrail)])
        with pytest.raises(UserError, match="Error running tool act: no verdict") as caught:
            await run(agent)
        assert isinstance(caught.value.__cause__, ValueError)
        assert caught.value.run_data is not None
        assert ran == ([] if stage == "input" else ["act"])

    async def test_what_is_not_callable_is_a_user_error(self, run: RunIt):
        wrong = ToolInputGuardrail[Any](guardrail_function="no")  # pyright: ignore[reportArgumentType] (wrong on purpose)
        agent, _ = scripted(calls(("act", {})), tools=[guarded([], wrong)])
        with pytest.raises(UserError, match="must be callable"):
            await run(agent)


async def test_verdicts_are_records_of_their_call():
    agent, _ = scripted(
        calls(("act", {}, "c9")), text(), tools=[guarded([], before("allow"), after("reject"))]
    )
    result = Runner.run_streamed(agent, "Hi")
    found = [record.data async for record in result.records() if record.kind == "tool_guardrail_checked"]
    assert [
        (data["call"], data["name"], data["stage"], data["behavior"], data["info"]) for data in found
    ] == [
        ("c9", "in", "input", "allow", "in"),
        ("c9", "out", "output", "reject_content", "out"),
    ]
