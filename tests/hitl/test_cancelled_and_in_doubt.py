"""States of runs that did not stop by themselves: cancelled beside a question, or with a tool in flight."""

from __future__ import annotations

import asyncio

import pytest

from agents import Agent, AgentsException, Runner, RunState, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call


async def test_a_cancelled_run_is_asked_about_and_decided_in_its_state() -> None:
    paid: list[int] = []
    slow_began = asyncio.Event()

    @function_tool(needs_approval=True)
    async def pay(amount: int) -> str:
        paid.append(amount)
        return "paid"

    @function_tool(on_in_doubt="retry")
    async def wait() -> str:
        slow_began.set()
        if paid:
            return "waited"
        await asyncio.Event().wait()
        return "never"

    steps = [
        [function_call("pay", {"amount": 1}, call_id="p"), function_call("wait", {}, call_id="w")],
        [assistant_message("done")],
    ]
    agent = Agent(name="A", tools=[pay, wait], model=ScriptedModel(steps))
    result = Runner.run_streamed(agent, "hi")
    await asyncio.wait_for(slow_began.wait(), 5)
    result.cancel()
    async for _ in result.stream_events():
        pass
    state = result.to_state()

    (item,) = state.get_interruptions()
    state.approve(item)
    read = await RunState.from_string(agent, state.to_string())
    paid.append(0)
    ended = await Runner.run(agent, read)

    assert ended.final_output == "done"
    assert paid == [0, 1]


async def test_a_call_in_doubt_that_is_asked_about_has_an_item() -> None:
    began: list[str] = []

    @function_tool(on_in_doubt="ask")
    async def wait() -> str:
        began.append("wait")
        if len(began) == 1:
            await asyncio.Event().wait()
        return "waited"

    steps = [[function_call("wait", {}, call_id="w")], [assistant_message("done")]]
    agent = Agent(name="A", tools=[wait], model=ScriptedModel(steps))
    result = Runner.run_streamed(agent, "hi")
    async for record in result.records():
        if record.kind == "tool_claimed":
            await asyncio.sleep(0)
            result.cancel()

    paused = await Runner.run(agent, result.to_state())
    assert [(item.tool_name, item.call_path) for item in paused.interruptions] == [("wait", ("w",))]

    state = paused.to_state()
    state.approve(paused.interruptions[0])
    ended = await Runner.run(agent, state)
    assert ended.final_output == "done"


async def test_a_nested_run_that_failed_asks_about_nothing_any_more() -> None:
    @function_tool(needs_approval=True)
    async def pay(amount: int) -> str:
        return "paid"

    @function_tool(on_in_doubt="fail")
    async def wait() -> str:
        await asyncio.Event().wait()
        return "never"

    steps = [[function_call("pay", {"amount": 1}, call_id="p"), function_call("wait", {}, call_id="w")]]
    inner = Agent(name="inner", tools=[pay, wait], model=ScriptedModel(steps))
    outer_steps = [[function_call("ask", {"input": "x"}, call_id="o")], [assistant_message("done")]]
    outer = Agent(name="outer", tools=[inner.as_tool("ask", "ask")], model=ScriptedModel(outer_steps))
    result = Runner.run_streamed(outer, "hi")
    async for record in result.records():
        if record.kind == "tool_claimed" and record.path:
            await asyncio.sleep(0)
            result.cancel()

    ended = await Runner.run(outer, result.to_state())

    assert ended.final_output == "done"
    assert ended.to_state().get_interruptions() == []
    assert ended.to_state().to_json()["current_step"] is None


async def test_a_call_in_doubt_whose_policy_is_to_fail_fails_the_run_and_says_why() -> None:
    @function_tool(on_in_doubt="fail")
    async def wait() -> str:
        await asyncio.Event().wait()
        return "never"

    steps = [[function_call("wait", {}, call_id="w")]]
    agent = Agent(name="A", tools=[wait], model=ScriptedModel(steps))
    result = Runner.run_streamed(agent, "hi")
    async for record in result.records():
        if record.kind == "tool_claimed":
            await asyncio.sleep(0)
            result.cancel()

    with pytest.raises(AgentsException, match="whether call w took effect is unknown"):
        await Runner.run(agent, result.to_state())
