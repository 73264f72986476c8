"""Nothing that a program does with what it is handed changes what the log says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputItemDoneEvent,
)

from agents import Agent, ModelBehaviorError, RunConfig, RunHooks, Runner, function_tool, handoff
from agents.handoffs import HandoffInputData
from agents.log import decode_record, encode_record
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call


class Rewriting(RunHooks[Any]):
    async def on_llm_start(
        self, context: Any, agent: Any, system_prompt: Any, input_items: list[Any]
    ) -> None:
        input_items[0]["content"] = "rewritten"


async def test_a_hook_that_rewrites_the_model_input_rewrites_no_history() -> None:
    model = ScriptedModel([[assistant_message("Hello")]])
    result = await Runner.run(
        Agent(name="a", model=model), [{"role": "user", "content": "Hi"}], hooks=Rewriting()
    )
    assert model.calls[0].input[0]["content"] == "rewritten"
    assert result.to_input_list(mode="normalized")[0] == {"role": "user", "content": "Hi"}


async def test_a_filter_that_adds_an_object_leaves_records_that_survive_json() -> None:
    def add(data: HandoffInputData) -> HandoffInputData:
        message: Any = assistant_message("From before")
        return data.clone(input_history=(message,))

    second = Agent(name="b", model=ScriptedModel([[assistant_message("Done")]]))
    first = Agent(
        name="a",
        handoffs=[handoff(second, input_filter=add)],
        model=ScriptedModel([[function_call("transfer_to_b", {}, call_id="h1")]]),
    )
    result = Runner.run_streamed(first, "Hi")
    records = [record async for record in result.records()]
    assert [decode_record(encode_record(record)) for record in records] == records


async def test_a_response_that_changes_a_call_after_it_was_complete_is_refused() -> None:
    started = asyncio.Event()

    @function_tool(side_effects="none")
    async def look(x: int) -> str:
        started.set()
        return str(x)

    early = ResponseFunctionToolCall(type="function_call", call_id="c1", name="look", arguments='{"x": 1}')
    late = ResponseFunctionToolCall(type="function_call", call_id="c1", name="look", arguments='{"x": 2}')
    response = Response.model_construct(id="r1", output=[late], usage=None, status="completed")
    events: list[Any] = [
        ResponseOutputItemDoneEvent(
            type="response.output_item.done", item=early, output_index=0, sequence_number=0
        ),
        ResponseCompletedEvent.model_construct(
            type="response.completed", response=response, sequence_number=1
        ),
    ]
    agent = Agent(name="a", tools=[look], model=ScriptedModel([ModelStep.stream(events, output=[late])]))
    result = Runner.run_streamed(agent, "Hi", run_config=RunConfig(start_read_only_tools_early=True))
    with pytest.raises(ModelBehaviorError, match="changed call 'c1' after it was complete"):
        async for _ in result.stream_events():
            pass
