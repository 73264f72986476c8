"""Input that is added to a state reaches the next model call once, after what was pending."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents import Agent, Runner, RunState, UserError, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call


@function_tool(needs_approval=True)
async def pay(amount: int) -> str:
    return f"paid {amount}"


async def paused(**fields: Any) -> tuple[Agent[Any], ScriptedModel, RunState[Any]]:
    steps = [[function_call("pay", {"amount": 1}, call_id="c1")], [assistant_message("done")]]
    model = ScriptedModel(steps)
    agent = Agent(name="a", tools=[pay], model=model, **fields)
    return agent, model, (await Runner.run(agent, "Hi")).to_state()


async def test_it_comes_after_the_pending_outputs_and_once() -> None:
    agent, model, state = await paused()
    state.approve(state.get_interruptions()[0])
    state.add_input("And be quick")
    state = await RunState.from_string(agent, state.to_string())
    assert state.pending_input == [{"role": "user", "content": "And be quick"}]
    result = await Runner.run(agent, state)
    kinds = [item.get("type", item.get("role")) for item in model.calls[1].input]
    assert kinds == ["user", "function_call", "function_call_output", "user"]
    assert [item.type for item in result.new_items][-2:] == ["input_item", "message_output_item"]
    assert json.dumps(result.to_input_list()).count("And be quick") == 1


async def test_it_can_be_taken_back() -> None:
    agent, model, state = await paused()
    state.add_input("Never mind")
    state.clear_pending_input()
    state.approve(state.get_interruptions()[0])
    await Runner.run(agent, state)
    assert state.pending_input == []
    assert "Never mind" not in json.dumps(model.calls[1].input)


async def test_a_run_that_has_ended_takes_none() -> None:
    agent = Agent(name="a", model=ScriptedModel([[assistant_message("done")]]))
    state = (await Runner.run(agent, "Hi")).to_state()
    with pytest.raises(UserError, match="terminal RunState"):
        state.add_input("More")


async def test_a_tool_result_that_may_end_the_run_takes_none() -> None:
    _, _, state = await paused(tool_use_behavior="stop_on_first_tool")
    with pytest.raises(UserError, match="tool result may end the run"):
        state.add_input("More")
