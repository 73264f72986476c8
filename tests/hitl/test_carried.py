"""What a state carries beside its facts: the trace, the policy for reasoning ids, the use of tools."""

from __future__ import annotations

from typing import Any

import pytest

from agents import (
    Agent,
    ModelSettings,
    Runner,
    RunState,
    Span,
    Trace,
    TracingProcessor,
    Usage,
    function_tool,
    set_trace_processors,
)
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call


@function_tool(needs_approval=True)
async def pay(amount: int) -> str:
    return f"paid {amount}"


async def paused(**fields: Any) -> tuple[Agent[Any], ScriptedModel, RunState[Any]]:
    steps = [[function_call("pay", {"amount": 1}, call_id="c1")], [assistant_message("done")]]
    model = ScriptedModel(steps)
    agent = Agent(name="a", tools=[pay], model=model, **fields)
    return agent, model, (await Runner.run(agent, "Hi")).to_state()


class Seen(TracingProcessor):
    def __init__(self) -> None:
        self.traces: list[str] = []
        self.spans: list[tuple[str, str]] = []

    def on_trace_start(self, trace: Trace) -> None:
        self.traces.append(trace.trace_id)

    def on_trace_end(self, trace: Trace) -> None: ...

    def on_span_start(self, span: Span[Any]) -> None:
        self.spans.append((span.trace_id, span.span_data.type))

    def on_span_end(self, span: Span[Any]) -> None: ...

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


@pytest.fixture
def seen() -> Any:
    processor = Seen()
    set_trace_processors([processor])
    yield processor
    set_trace_processors([])


async def test_a_resumed_run_goes_on_in_its_trace_without_starting_it_twice(seen: Seen) -> None:
    agent, _, state = await paused()
    state = await RunState.from_string(agent, state.to_string())
    state.approve(state.get_interruptions()[0])
    await Runner.run(agent, state)
    assert len(seen.traces) == 1
    assert {trace for trace, _ in seen.spans} == set(seen.traces)
    assert [kind for _, kind in seen.spans].count("function") == 1


async def test_the_use_of_tools_is_known_and_can_be_said_anew() -> None:
    _, _, state = await paused()
    assert state.get_tool_use_tracker_snapshot() == {"a": ["pay"]}
    state.set_tool_use_tracker_snapshot({"b": ["other"]})
    assert state.get_tool_use_tracker_snapshot() == {"b": ["other"]}


async def test_a_tool_choice_is_in_force_again_for_an_agent_that_is_said_to_have_used_none() -> None:
    agent, model, state = await paused(model_settings=ModelSettings(tool_choice="required"))
    state.set_tool_use_tracker_snapshot(None)
    state.approve(state.get_interruptions()[0])
    await Runner.run(agent, state)
    assert [call.model_settings.tool_choice for call in model.calls] == ["required", "required"]


async def test_the_policy_for_reasoning_ids_is_kept() -> None:
    agent, _, state = await paused()
    state.set_reasoning_item_id_policy("omit")
    state = await RunState.from_string(agent, state.to_string())
    assert state.to_json()["reasoning_item_id_policy"] == "omit"


class Tasks(Seen):
    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[int] = []

    def on_span_end(self, span: Span[Any]) -> None:
        exported = span.span_data.export()
        if exported.get("name") == "task":
            self.tokens.append(exported["data"]["usage"]["total_tokens"])


async def test_the_task_of_a_nested_run_tells_its_own_tokens() -> None:
    def step(tokens: int, *items: Any) -> ModelStep:
        return ModelStep(
            output=list(items), usage=Usage(requests=1, input_tokens=tokens, total_tokens=tokens)
        )

    inner = Agent(
        name="inner",
        model=ScriptedModel([step(5, assistant_message("in")), step(7, assistant_message("in"))]),
    )
    calls = [function_call("ask", {"input": "x"}, call_id=call_id) for call_id in ("c1", "c2")]
    model = ScriptedModel([step(100, *calls), step(10, assistant_message("out"))])
    tasks = Tasks()
    set_trace_processors([tasks])
    try:
        await Runner.run(Agent(name="outer", tools=[inner.as_tool("ask", "Ask")], model=model), "Hi")
    finally:
        set_trace_processors([])
    assert tasks.tokens == [5, 7, 122]
