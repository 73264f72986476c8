from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents import (
    Agent,
    AgentUpdatedStreamEvent,
    GuardrailFunctionOutput,
    HandoffInputData,
    InputGuardrail,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrail,
    OutputGuardrailTripwireTriggered,
    RawResponsesStreamEvent,
    RunConfig,
    RunHooks,
    RunItemStreamEvent,
    Runner,
    function_tool,
    handoff,
)
from agents.testing import ModelCall, ModelStep, assistant_message
from run.scripts import calls, collect, label, reasoning, run_drained, scripted, text, types, without_raw


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


async def raw_events(step: Any) -> list[Any]:
    """The events that a model streams for one response."""
    agent, _ = scripted(step, text(), tools=[look])
    events = await collect(Runner.run_streamed(agent, "Hi").stream_events())
    raw = [event.data for event in events if isinstance(event, RawResponsesStreamEvent)]
    return raw[: [event.type for event in raw].index("response.completed") + 1]


class TestOrder:
    async def test_the_starting_agent_comes_first_then_raw_events_then_items(self):
        agent, _ = scripted(text("hello"))
        events = await collect(Runner.run_streamed(agent, "Hi").stream_events())
        labels = [label(event) for event in events]
        assert labels[0] == "agent:a"
        assert labels[1:3] == ["response.created", "response.in_progress"]
        assert labels[-2:] == ["response.completed", "message_output_created"]
        assert all(isinstance(event, RawResponsesStreamEvent) for event in events[1:-1])
        assert [event.type for event in (events[0], events[1], events[-1])] == [
            "agent_updated_stream_event",
            "raw_response_event",
            "run_item_stream_event",
        ]

    async def test_each_turn_is_raw_events_then_items_in_model_order_then_outputs(self):
        first = [reasoning("r1"), assistant_message("wait"), *calls(("look", {})), reasoning("r2")]
        agent, _ = scripted(first, text(), tools=[look])
        events = await collect(Runner.run_streamed(agent, "Hi").stream_events())
        assert without_raw(events) == [
            "agent:a",
            "reasoning_item_created",
            "message_output_created",
            "tool_called",
            "reasoning_item_created",
            "tool_output",
            "message_output_created",
        ]
        labels = [label(event) for event in events]
        completed = [index for index, name in enumerate(labels) if name == "response.completed"]
        assert labels.index("reasoning_item_created") == completed[0] + 1
        between = labels[completed[0] + 1 : labels.index("response.created", completed[0])]
        assert between[-1] == "tool_output"

    async def test_a_handoff_is_requested_then_occurs_then_the_agent_is_updated(self):
        target, _ = scripted(text("from b"), name="b")
        first = [*calls(("look", {}), ("transfer_to_b", {})), reasoning()]
        agent, _ = scripted(first, tools=[look], handoffs=[target])
        result = Runner.run_streamed(agent, "Hi")
        events = await collect(result.stream_events())
        assert without_raw(events) == [
            "agent:a",
            "tool_called",
            "handoff_requested",
            "reasoning_item_created",
            "tool_output",
            "handoff_occured",
            "agent:b",
            "message_output_created",
        ]
        assert (result.current_agent, result.last_agent, result.current_turn) == (target, target, 2)

    async def test_items_of_the_stream_are_those_of_the_result(self):
        target, _ = scripted(text("from b"), name="b")
        agent, _ = scripted(
            calls(("look", {})), calls(("transfer_to_b", {}, "c2")), tools=[look], handoffs=[target]
        )
        result = Runner.run_streamed(agent, "Hi")
        events = await collect(result.stream_events())
        streamed = [event.item for event in events if isinstance(event, RunItemStreamEvent)]
        assert [id(item) for item in streamed] == [id(item) for item in result.new_items]

    async def test_a_filter_that_copies_items_repeats_no_event(self):
        import copy

        def copied(data: HandoffInputData) -> HandoffInputData:
            return data.clone(
                pre_handoff_items=tuple(copy.copy(item) for item in data.pre_handoff_items),
                new_items=tuple(copy.copy(item) for item in data.new_items),
            )

        target, _ = scripted(text("from b"), name="b")
        agent, _ = scripted(
            calls(("look", {})),
            calls(("transfer_to_b", {}, "c2")),
            tools=[look],
            handoffs=[handoff(target, input_filter=copied)],
        )
        result = Runner.run_streamed(agent, "Hi")
        events = await collect(result.stream_events())
        assert without_raw(events) == [
            "agent:a",
            "tool_called",
            "tool_output",
            "handoff_requested",
            "handoff_occured",
            "agent:b",
            "message_output_created",
        ]
        assert len(result.new_items) == 5

    @pytest.mark.parametrize("arguments", ["{}", '{"word":"x"}'])
    async def test_calls_carry_their_whole_arguments(self, arguments: str):
        agent, _ = scripted(calls(("look", arguments), ("look", arguments)), text(), tools=[look])
        events = await collect(Runner.run_streamed(agent, "Hi").stream_events())
        called = [
            event for event in events if isinstance(event, RunItemStreamEvent) and event.name == "tool_called"
        ]
        assert [event.item.raw_item.arguments for event in called] == [arguments] * 2  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] (a function call has arguments)

    async def test_a_fast_tool_beside_a_slow_one_shows_first_while_history_keeps_call_order(self):
        fast_seen = asyncio.Event()

        @function_tool
        async def slow() -> str:
            await fast_seen.wait()
            return "slow"

        @function_tool
        async def fast() -> str:
            return "fast"

        agent, model = scripted(calls(("slow", {}), ("fast", {})), text(), tools=[slow, fast])
        result = Runner.run_streamed(agent, "Hi")
        shown: list[str] = []
        async for event in result.stream_events():
            if isinstance(event, RunItemStreamEvent) and event.item.type == "tool_call_output_item":
                shown.append(event.item.output)
                # Only a reader who sees it now lets the slow one end.
                fast_seen.set()
        assert shown == ["fast", "slow"]
        assert [item["output"] for item in model.calls[1].input[-2:]] == ["slow", "fast"]
        assert [item.output for item in result.new_items if item.type == "tool_call_output_item"] == [
            "slow",
            "fast",
        ]


class TestEarlyTools:
    def late_response(self, gate: asyncio.Event, asked: asyncio.Event) -> Any:
        """A response whose calls are complete long before it ends."""

        async def step(call: ModelCall) -> AsyncIterator[Any]:
            for event in events:
                if event.type == "response.completed":
                    asked.set()
                    await gate.wait()
                yield event

        events: list[Any] = []
        return events, step

    async def test_the_records_show_a_call_when_its_arguments_are_complete(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        events, step = self.late_response(gate, asked)
        events.extend(await raw_events(calls(("look", {"word": "x"}))))
        agent, _ = scripted(ModelStep.stream(step), text(), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        await asked.wait()
        kinds: list[str] = []
        async for record in result.records():
            kinds.append(record.kind)
            if record.kind == "call_proposed":
                assert record.data["call"]["arguments"] == '{"word":"x"}'
                gate.set()
        assert kinds.index("call_proposed") < kinds.index("model_responded") < kinds.index("tool_claimed")

    async def test_read_only_tools_start_before_the_response_ends_and_their_output_is_held(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        events, step = self.late_response(gate, asked)
        events.extend(await raw_events(calls(("look", {"word": "x"}))))

        @function_tool(side_effects="none", name_override="look")
        async def early(word: str) -> str:
            # The response ends only because this has run.
            gate.set()
            return f"early {word}"

        agent, model = scripted(ModelStep.stream(step), text(), tools=[early])
        result = Runner.run_streamed(agent, "Hi", run_config=RunConfig(start_read_only_tools_early=True))
        seen = await collect(result.stream_events())
        assert without_raw(seen) == ["agent:a", "tool_called", "tool_output", "message_output_created"]
        assert model.calls[1].input[-1]["output"] == "early x"
        kinds = [record.kind async for record in result.records()]
        assert kinds.index("tool_claimed") < kinds.index("model_responded")

    @pytest.mark.parametrize("side_effects", ["idempotent", "once", None])
    async def test_other_tools_wait_for_the_whole_response(self, side_effects: Any):
        gate, asked = asyncio.Event(), asyncio.Event()
        events, step = self.late_response(gate, asked)
        events.extend(await raw_events(calls(("look", {"word": "x"}))))
        agent, _ = scripted(
            ModelStep.stream(step),
            text(),
            tools=[function_tool(side_effects=side_effects, name_override="look")(seen)],
        )
        config = RunConfig(start_read_only_tools_early=True)
        result = Runner.run_streamed(agent, "Hi", run_config=config)
        await asked.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        gate.set()
        kinds = [record.kind async for record in result.records()]
        assert kinds.index("model_responded") < kinds.index("tool_claimed")


def seen(word: str) -> str:
    """Look at a word."""
    return f"seen {word}"


class TestStreamEnds:
    async def test_an_empty_completed_response_is_filled_from_the_items_that_were_done(self):
        raw = await raw_events(text("hello"))
        raw[-1] = raw[-1].model_copy(update={"response": raw[-1].response.model_copy(update={"output": []})})
        agent, _ = scripted(ModelStep.stream(raw))
        result = await run_drained(agent)
        assert result.final_output == "hello"
        assert len(result.raw_responses[0].output) == 1

    async def test_a_filled_completed_response_wins(self):
        raw = await raw_events(text("hello"))
        other = [assistant_message("other")]
        raw[-1] = raw[-1].model_copy(
            update={"response": raw[-1].response.model_copy(update={"output": other})}
        )
        agent, _ = scripted(ModelStep.stream(raw))
        assert (await run_drained(agent)).final_output == "other"

    @pytest.mark.parametrize("kind", ["response.incomplete", "response.failed", "error", "response.error"])
    async def test_a_failing_end_is_passed_on_and_then_raises(self, kind: str):
        raw = await raw_events(text("hello"))
        raw[-1] = raw[-1].model_copy(update={"type": kind})
        agent, _ = scripted(ModelStep.stream(raw))
        result = Runner.run_streamed(agent, "Hi")
        events: list[Any] = []
        with pytest.raises(ModelBehaviorError, match=kind) as caught:
            await collect(result.stream_events(), events)
        assert label(events[-1]) == kind
        assert result.raw_responses == []
        assert caught.value.run_data is not None
        assert (result.is_complete, result.final_output) == (True, None)

    async def test_a_stream_that_just_stops_is_a_model_error_after_what_it_sent(self):
        raw = (await raw_events(text("hello")))[:-1]
        agent, _ = scripted(ModelStep.stream(raw))
        result = Runner.run_streamed(agent, "Hi")
        events: list[Any] = []
        with pytest.raises(ModelBehaviorError, match=r"without response\.completed"):
            await collect(result.stream_events(), events)
        assert len(events) == len(raw) + 1

    async def test_the_models_stream_is_closed_by_the_task_that_iterated_it(self):
        tasks: list[Any] = []
        raw = await raw_events(text("hello"))
        raw[-1] = raw[-1].model_copy(update={"type": "response.failed"})

        async def step(call: ModelCall) -> AsyncIterator[Any]:
            tasks.append(asyncio.current_task())
            try:
                for event in raw:
                    yield event
            finally:
                tasks.append(asyncio.current_task())

        agent, _ = scripted(ModelStep.stream(step))
        with pytest.raises(ModelBehaviorError):
            await run_drained(agent)
        assert len(tasks) == 2
        assert tasks[0] is tasks[1]


class TestErrors:
    async def test_the_stream_the_task_and_the_result_give_one_error(self):
        error = ValueError("offline")
        agent, _ = scripted(error)
        result = Runner.run_streamed(agent, "Hi")
        with pytest.raises(ValueError, match="offline") as caught:
            await collect(result.stream_events())
        assert caught.value is error
        assert result.run_loop_exception is error
        assert result.run_loop_task is not None
        with pytest.raises(ValueError, match="offline"):
            await result.run_loop_task
        assert (result.is_complete, result.final_output) == (True, None)

    async def test_nobody_has_to_read_to_get_the_error(self):
        agent, _ = scripted(ValueError("offline"))
        result = Runner.run_streamed(agent, "Hi")
        assert result.run_loop_task is not None
        with pytest.raises(ValueError, match="offline") as caught:
            await result.run_loop_task
        assert result.run_loop_exception is caught.value
        assert result.is_complete

    async def test_nobody_has_to_read_for_the_run_to_end(self):
        agent, model = scripted(calls(("look", {})), text(), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        assert not result.is_complete
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert (result.is_complete, result.final_output, result.run_loop_exception) == (True, "done", None)
        model.assert_complete()

    async def test_with_turns_exceeded_the_last_calls_and_outputs_come_before_the_error(self):
        agent, _ = scripted(calls(("look", {})), tools=[look])
        result = Runner.run_streamed(agent, "Hi", max_turns=1)
        events: list[Any] = []
        with pytest.raises(MaxTurnsExceeded):
            await collect(result.stream_events(), events)
        assert without_raw(events) == ["agent:a", "tool_called", "tool_output"]
        assert isinstance(result.run_loop_exception, MaxTurnsExceeded)

    async def test_validated_calls_come_before_the_error_of_an_end_hook_and_no_tool_runs(self):
        ran: list[str] = []

        @function_tool
        def note() -> str:
            ran.append("note")
            return "noted"

        class Hooks(RunHooks[Any]):
            async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
                raise ValueError("hook")

        agent, _ = scripted(calls(("note", {})), tools=[note])
        result = Runner.run_streamed(agent, "Hi", hooks=Hooks())
        events: list[Any] = []
        with pytest.raises(ValueError, match="hook"):
            await collect(result.stream_events(), events)
        assert (without_raw(events), ran) == (["agent:a", "tool_called"], [])


class TestGuardrails:
    async def test_a_slow_and_a_fast_input_guardrail_give_the_same_events(self):
        async def labels_with(is_slow: bool) -> list[str]:
            answered = asyncio.Event()

            async def check(context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
                if is_slow:
                    await answered.wait()
                return GuardrailFunctionOutput(None, tripwire_triggered=False)

            agent, _ = scripted(text(), input_guardrails=[InputGuardrail(check)])
            labels: list[str] = []
            async for event in Runner.run_streamed(agent, "Hi").stream_events():
                labels.append(label(event))
                if labels[-1] in {"response.completed", "message_output_created"}:
                    answered.set()
            return labels

        assert await labels_with(is_slow=True) == await labels_with(is_slow=False)

    @pytest.mark.parametrize("is_slow", [False, True])
    async def test_a_tripwire_raises_from_the_stream_and_wins_over_turns(self, is_slow: bool):
        model_done = asyncio.Event()

        class Hooks(RunHooks[Any]):
            async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
                model_done.set()

        async def check(context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
            if is_slow:
                await model_done.wait()
            return GuardrailFunctionOutput("no", tripwire_triggered=True)

        agent, _ = scripted(calls(("look", {})), tools=[look], input_guardrails=[InputGuardrail(check)])
        result = Runner.run_streamed(agent, "Hi", max_turns=1, hooks=Hooks())
        with pytest.raises(InputGuardrailTripwireTriggered) as caught:
            await collect(result.stream_events())
        assert caught.value.run_data is not None
        assert len(caught.value.run_data.input_guardrail_results) == 1
        assert len(result.input_guardrail_results) == 1
        assert result.is_complete

    async def test_a_trip_cancels_the_model_and_awaits_the_other_guardrails(self):
        asked, model_cancelled, sibling_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def answer(call: ModelCall) -> Any:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                model_cancelled.set()

        async def trip(context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
            await asked.wait()
            return GuardrailFunctionOutput(None, tripwire_triggered=True)

        async def sibling(context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(3):
                    await asyncio.sleep(0)
                sibling_ended.set()
            return GuardrailFunctionOutput(None, tripwire_triggered=False)

        agent, _ = scripted(
            ModelStep.respond(answer), input_guardrails=[InputGuardrail(trip), InputGuardrail(sibling)]
        )
        result = Runner.run_streamed(agent, "Hi")
        with pytest.raises(InputGuardrailTripwireTriggered):
            await collect(result.stream_events())
        assert model_cancelled.is_set()
        assert sibling_ended.is_set()

    async def test_an_output_tripwire_comes_after_the_events_of_the_output(self):
        async def check(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(None, tripwire_triggered=True)

        agent, _ = scripted(text(), output_guardrails=[OutputGuardrail(check)])
        result = Runner.run_streamed(agent, "Hi")
        events: list[Any] = []
        with pytest.raises(OutputGuardrailTripwireTriggered) as caught:
            await collect(result.stream_events(), events)
        assert without_raw(events) == ["agent:a", "message_output_created"]
        assert caught.value.run_data is not None
        assert types(caught.value.run_data.new_items) == ["message_output_item"]
        assert result.final_output is None


async def test_usage_of_all_turns_is_in_the_result():
    from agents import Usage

    usage = Usage(requests=1, input_tokens=3, output_tokens=2, total_tokens=5)
    step = ModelStep(output=calls(("look", {})), usage=usage)
    agent, _ = scripted(step, ModelStep(output=text(), usage=usage), tools=[look])
    result = await run_drained(agent)
    total = result.context_wrapper.usage
    assert (total.requests, total.input_tokens, total.total_tokens) == (2, 6, 10)
    assert [entry.total_tokens for entry in total.request_usage_entries] == [5, 5]
    assert [response.usage.total_tokens for response in result.raw_responses] == [5, 5]


async def test_a_run_may_start_in_one_context_and_be_read_in_another():
    import contextvars

    started = contextvars.copy_context()
    agent, _ = scripted(calls(("look", {})), text(), tools=[look])
    result = started.run(Runner.run_streamed, agent, "Hi")

    async def read() -> list[Any]:
        return await collect(result.stream_events())

    events = await asyncio.create_task(read(), context=contextvars.Context())
    assert isinstance(events[0], AgentUpdatedStreamEvent)
    assert result.final_output == "done"


async def test_the_agents_own_method_is_the_same_call():
    agent, _ = scripted(text("hello"))
    result = Agent.run_streamed(agent, "Hi", max_turns=3)
    events = await collect(result.stream_events())
    assert without_raw(events) == ["agent:a", "message_output_created"]
    assert (result.final_output, result.max_turns) == ("hello", 3)
