from __future__ import annotations

import asyncio
import dataclasses
import gc
from typing import Any

import pytest

from agents import (
    Agent,
    AgentsException,
    MaxTurnsExceeded,
    ModelResponse,
    RunErrorDetails,
    Runner,
    RunResult,
    RunResultStreaming,
    Usage,
    function_tool,
)
from agents.run_context import RunContextWrapper
from agents.testing import ModelStep
from run.scripts import AnyResult, RunIt, both_ways, calls, gated, scripted, text


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


@both_ways
class TestBoth:
    async def test_they_show_the_same_of_a_run(self, run: RunIt):
        agent, _ = scripted(
            ModelStep(output=calls(("look", {"word": "x"})), response_id="r1"),
            ModelStep(output=text(), response_id="r2"),
            tools=[look],
        )
        result = await run(agent, "Hi", context="c", max_turns=7)
        assert (result.input, result.final_output, result.last_agent) == ("Hi", "done", agent)
        assert (result.max_turns, result.last_response_id, result.interruptions) == (7, "r2", [])
        assert (len(result.new_items), len(result.raw_responses)) == (3, 2)
        assert result.input_guardrail_results == result.output_guardrail_results == []
        assert result.tool_input_guardrail_results == result.tool_output_guardrail_results == []
        assert result.context_wrapper.context == "c"
        assert result.context_wrapper.usage.requests == 2
        assert result.agent_tool_invocation is None

    async def test_lists_that_are_handed_out_can_be_changed_without_harm(self, run: RunIt):
        agent, _ = scripted(calls(("look", {})), text(), tools=[look])
        result = await run(agent)
        given = result.to_input_list()
        given.clear()
        normalized = result.to_input_list(mode="normalized")
        normalized.clear()
        assert len(result.to_input_list()) == 4
        assert len(result.to_input_list(mode="normalized")) == 4

    async def test_a_released_agent_is_gone_from_its_items_once_nobody_else_holds_it(self, run: RunIt):
        agent: Agent[Any] | None
        agent, _ = scripted(text())
        result = await run(agent)
        [item] = result.new_items
        result.release_agents()
        assert item.agent is agent
        assert dataclasses.asdict(item)["agent"]["name"] == "a"
        del result, agent
        gc.collect()
        assert item.agent is None
        assert dataclasses.asdict(item)["agent"] is None
        assert "MessageOutputItem" in str(item)


class TestStreaming:
    async def test_it_shows_the_run_as_it_goes_on(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        agent, _ = scripted(calls(("look", {})), gated(gate, text(), asked), tools=[look])
        result = Runner.run_streamed(agent, "Hi", max_turns=5)
        assert (result.current_turn, result.is_complete, result.final_output) == (0, False, None)
        assert (result.current_agent, result.last_response_id, result.max_turns) == (agent, None, 5)
        await asked.wait()
        assert (result.current_turn, len(result.new_items), len(result.raw_responses)) == (2, 2, 1)
        assert not result.is_complete
        assert "running" in repr(result)
        gate.set()
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert (result.final_output, result.is_complete, result.current_turn) == ("done", True, 2)
        assert "complete" in repr(result)

    async def test_an_untraced_run_starts_no_trace_that_is_shown(self):
        agent, _ = scripted(text())
        result = Runner.run_streamed(agent, "Hi", run_config={"tracing_disabled": True})
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert result.trace is None or result.trace.export() is None


class TestConstructed:
    def test_a_result_can_be_made_by_hand_with_its_fields_in_their_old_places(self):
        agent: Agent[Any] = Agent(name="a")
        context: RunContextWrapper[Any] = RunContextWrapper(None)
        response = ModelResponse(output=[], usage=Usage(), response_id="r")
        result = RunResult(
            input="Hi",
            new_items=[],
            raw_responses=[response],
            final_output="x",
            input_guardrail_results=[],
            output_guardrail_results=[],
            tool_input_guardrail_results=[],
            tool_output_guardrail_results=[],
            context_wrapper=context,
            _last_agent=agent,
        )
        assert (result.last_agent, result.max_turns, result.interruptions) == (agent, 10, [])
        assert result.last_response_id == "r"
        assert result.to_input_list() == [{"role": "user", "content": "Hi"}]
        assert [field.name for field in dataclasses.fields(RunResult)][:9] == [
            "input",
            "new_items",
            "raw_responses",
            "final_output",
            "input_guardrail_results",
            "output_guardrail_results",
            "tool_input_guardrail_results",
            "tool_output_guardrail_results",
            "context_wrapper",
        ]


@both_ways
class TestErrorDetails:
    async def test_they_hold_copies(self, run: RunIt):
        agent, _ = scripted(calls(("look", {})), tools=[look])
        with pytest.raises(MaxTurnsExceeded) as caught:
            await run(agent, max_turns=1)
        data = caught.value.run_data
        assert isinstance(data, RunErrorDetails)
        data.new_items.clear()
        data.raw_responses.clear()
        assert data.input_guardrail_results == data.output_guardrail_results == []
        assert isinstance(caught.value, AgentsException)
        assert "last agent 'a'" in str(data)


async def test_a_nested_run_says_which_call_it_answers():
    seen: list[AnyResult] = []

    async def extract(result: RunResult | RunResultStreaming) -> str:
        seen.append(result)
        return "extracted"

    inner, _ = scripted(text("inner"), name="inner")
    tool = inner.as_tool("ask", "Asks.", custom_output_extractor=extract)
    outer, _ = scripted(calls(("ask", {"input": "x"}, "call_1")), text(), tools=[tool])
    await Runner.run(outer, "Hi")
    invocation = seen[0].agent_tool_invocation
    assert invocation is not None
    assert (invocation.tool_name, invocation.tool_call_id, invocation.tool_arguments) == (
        "ask",
        "call_1",
        '{"input":"x"}',
    )
