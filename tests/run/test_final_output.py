from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai.types import responses as rt
from openai.types.responses.response_function_web_search import ActionSearch
from pydantic import BaseModel

from agents import (
    ModelBehaviorError,
    ModelRefusalError,
    RunContextWrapper,
    RunHooks,
    StopAtTools,
    ToolsToFinalOutputResult,
    UserError,
    function_tool,
    tool_namespace,
)
from agents.testing import ModelStep
from agents.tool import FunctionToolResult
from run.scripts import RunIt, always, both_ways, calls, refusal, scripted, text, types


class Answer(BaseModel):
    summary: str


@function_tool
def first() -> dict[str, int]:
    return {"first": 1}


@function_tool
def second() -> str:
    return "second"


@both_ways
class TestMessages:
    async def test_the_text_of_the_last_message_is_the_output(self, run: RunIt):
        agent, _ = scripted(text("hello"))
        assert (await run(agent)).final_output == "hello"

    async def test_structured_text_becomes_the_output_type(self, run: RunIt):
        agent, model = scripted(text('{"summary":"ok"}'), output_type=Answer)
        result = await run(agent)
        assert result.final_output == Answer(summary="ok")
        assert result.final_output_as(Answer).summary == "ok"
        assert model.calls[0].output_schema is not None

    async def test_a_list_type_is_unwrapped(self, run: RunIt):
        agent, _ = scripted(text('{"response":["a","b"]}'), output_type=list[str])
        assert (await run(agent)).final_output == ["a", "b"]

    async def test_a_wrong_type_asked_for_raises_only_when_told(self, run: RunIt):
        agent, _ = scripted(text("hello"))
        result = await run(agent)
        assert result.final_output_as(int) == "hello"
        with pytest.raises(TypeError, match="not of type int"):
            result.final_output_as(int, raise_if_incorrect_type=True)

    async def test_text_that_does_not_validate_is_a_model_error_with_what_was_done(self, run: RunIt):
        agent, model = scripted(text("{"), text('{"summary":"ok"}'), output_type=Answer)
        with pytest.raises(ModelBehaviorError, match="Invalid JSON") as caught:
            await run(agent)
        data = caught.value.run_data
        assert data is not None
        assert types(data.new_items) == ["message_output_item"]
        assert len(model.calls) == 1

    async def test_an_empty_structured_output_leads_to_another_turn(self, run: RunIt):
        agent, model = scripted(text(""), text('{"summary":"ok"}'), output_type=Answer)
        result = await run(agent)
        assert result.final_output == Answer(summary="ok")
        assert len(model.calls) == 2

    async def test_a_model_that_returns_nothing_ends_plainly_with_empty_text(self, run: RunIt):
        agent, _ = scripted([])
        result = await run(agent)
        assert (result.final_output, result.new_items) == ("", [])

    async def test_a_message_beside_a_call_is_no_final_output(self, run: RunIt):
        step = [*text("wait"), *calls(("second", {}))]
        agent, model = scripted(step, text("end"), tools=[second])
        assert (await run(agent)).final_output == "end"
        assert len(model.calls) == 2


@both_ways
class TestRefusals:
    @pytest.mark.parametrize("output_type", [None, Answer])
    async def test_one_is_an_error_at_once(self, run: RunIt, output_type: Any):
        agent, model = scripted(refusal("I will not."), text('{"summary":"ok"}'), output_type=output_type)
        with pytest.raises(ModelRefusalError, match="I will not") as caught:
            await run(agent)
        assert caught.value.refusal == "I will not."
        assert caught.value.run_data is not None
        assert len(model.calls) == 1

    async def test_text_beside_it_does_not_make_an_answer(self, run: RunIt):
        [refused], [said] = refusal("No."), text("some")
        for content in ([*said.content, *refused.content], [*refused.content, *said.content]):
            agent, _ = scripted([said.model_copy(update={"content": content})])
            with pytest.raises(ModelRefusalError):
                await run(agent)

    async def test_one_before_the_last_message_is_no_error(self, run: RunIt):
        agent, _ = scripted([*refusal(), *text("but this")])
        assert (await run(agent)).final_output == "but this"


@both_ways
class TestToolsOfTheServer:
    SEARCH = rt.ResponseFunctionWebSearch(
        id="w",
        type="web_search_call",
        status="completed",
        action=ActionSearch(type="search", query="q"),
    )

    def step(self, *items: Any) -> Any:
        """A response of items that have no automatic stream."""
        response: Any = {
            "id": "r",
            "created_at": 0,
            "model": "m",
            "object": "response",
            "output": [item.model_dump() for item in items],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }
        completed = rt.ResponseCompletedEvent(
            type="response.completed", sequence_number=0, response=rt.Response.model_validate(response)
        )
        return ModelStep.stream([completed], output=list(items))

    async def test_alone_they_lead_to_another_turn(self, run: RunIt):
        agent, model = scripted(self.step(self.SEARCH), text("found"))
        result = await run(agent)
        assert result.final_output == "found"
        assert types(result.new_items) == ["tool_call_item", "message_output_item"]
        assert [item.get("type") for item in model.calls[1].input] == [None, "web_search_call"]

    async def test_beside_a_message_they_do_not(self, run: RunIt):
        agent, model = scripted(self.step(self.SEARCH, *text("found")))
        assert (await run(agent)).final_output == "found"
        assert len(model.calls) == 1


@both_ways
class TestToolUseBehavior:
    async def test_stopping_on_the_first_tool_gives_its_own_result(self, run: RunIt):
        agent, model = scripted(
            calls(("first", {}), ("second", {})),
            tools=[first, second],
            tool_use_behavior="stop_on_first_tool",
            output_type=Answer,
        )
        result = await run(agent)
        assert result.final_output == {"first": 1}
        assert types(result.new_items) == ["tool_call_item"] * 2 + ["tool_call_output_item"] * 2
        assert len(model.calls) == 1

    async def test_without_an_output_type_the_output_is_its_text(self, run: RunIt):
        agent, _ = scripted(calls(("first", {})), tools=[first], tool_use_behavior="stop_on_first_tool")
        assert (await run(agent)).final_output == "{'first': 1}"

    async def test_stopping_at_named_tools_goes_on_for_others(self, run: RunIt):
        agent, model = scripted(
            calls(("first", {})),
            calls(("first", {}, "c2"), ("second", {}, "c3")),
            tools=[first, second],
            tool_use_behavior=StopAtTools(stop_at_tool_names=["second"]),
        )
        assert (await run(agent)).final_output == "second"
        assert len(model.calls) == 2

    async def test_stop_names_match_the_qualified_name(self, run: RunIt):
        from agents.testing import function_call

        [tool] = tool_namespace(name="crm", description="Customers.", tools=[second])
        agent, _ = scripted(
            [function_call("second", "{}", call_id="c", namespace="crm")],
            tools=[tool],
            tool_use_behavior=StopAtTools(stop_at_tool_names=["crm.second"]),
        )
        assert (await run(agent)).final_output == "second"

    @pytest.mark.parametrize("is_async", [False, True])
    async def test_a_function_decides_and_sees_the_results_in_call_order(self, run: RunIt, is_async: bool):
        seen: list[list[FunctionToolResult]] = []

        def decide(
            context: RunContextWrapper[Any], results: list[FunctionToolResult]
        ) -> ToolsToFinalOutputResult:
            seen.append(results)
            return ToolsToFinalOutputResult(len(seen) == 2, f"after {len(seen)}")

        async def decide_later(
            context: RunContextWrapper[Any], results: list[FunctionToolResult]
        ) -> ToolsToFinalOutputResult:
            return decide(context, results)

        agent, _ = scripted(
            calls(("second", {}), ("first", {})),
            calls(("second", {}, "c3")),
            tools=[first, second],
            tool_use_behavior=decide_later if is_async else decide,
        )
        assert (await run(agent)).final_output == "after 2"
        assert [result.tool for result in seen[0]] == [second, first]
        assert [result.output for result in seen[0]] == ["second", {"first": 1}]
        assert [result.run_item.type for result in seen[0] if result.run_item] == [
            "tool_call_output_item"
        ] * 2

    async def test_a_function_may_end_with_none(self, run: RunIt):
        agent, model = scripted(
            calls(("second", {})),
            tools=[second],
            tool_use_behavior=always(ToolsToFinalOutputResult(True)),
            output_type=Answer,
        )
        assert (await run(agent)).final_output is None
        assert len(model.calls) == 1

    async def test_a_function_that_returns_something_else_is_a_user_error(self, run: RunIt):
        wrong = always("text")
        agent, _ = scripted(calls(("second", {})), tools=[second], tool_use_behavior=wrong)
        with pytest.raises(
            UserError, match="tool_use_behavior callable must return ToolsToFinalOutputResult"
        ) as caught:
            await run(agent)
        assert caught.value.run_data is not None
        assert types(caught.value.run_data.new_items) == ["tool_call_item", "tool_call_output_item"]

    async def test_its_own_error_ends_the_run(self, run: RunIt):
        def fail(context: Any, results: Any) -> ToolsToFinalOutputResult:
            raise ValueError("mine")

        agent, _ = scripted(calls(("second", {})), tools=[second], tool_use_behavior=fail)
        with pytest.raises(ValueError, match="mine"):
            await run(agent)

    async def test_the_end_hook_sees_the_tools_output(self, run: RunIt):
        seen: list[Any] = []

        class Hooks(RunHooks[Any]):
            async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
                seen.append(output)

        agent, _ = scripted(calls(("first", {})), tools=[first], tool_use_behavior="stop_on_first_tool")
        await run(agent, hooks=Hooks())
        assert seen == ["{'first': 1}"]

    async def test_a_failed_tools_text_may_be_the_output(self, run: RunIt):
        @function_tool
        def broken() -> str:
            raise ValueError("no")

        agent, _ = scripted(calls(("broken", {})), tools=[broken], tool_use_behavior="stop_on_first_tool")
        result = await run(agent)
        assert "An error occurred while running the tool" in result.final_output


async def test_stopping_waits_for_the_slower_sibling():
    from agents import Runner

    gate = asyncio.Event()

    @function_tool
    async def slow() -> str:
        await gate.wait()
        return "slow"

    @function_tool
    async def fast() -> str:
        gate.set()
        return "fast"

    agent, _ = scripted(
        calls(("fast", {}), ("slow", {})), tools=[fast, slow], tool_use_behavior="stop_on_first_tool"
    )
    result = await Runner.run(agent, "Hi")
    assert result.final_output == "fast"
    assert len(result.new_items) == 4
