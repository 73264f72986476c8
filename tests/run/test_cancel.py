from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents import (
    GuardrailFunctionOutput,
    MessageOutputItem,
    OutputGuardrail,
    RunHooks,
    RunItemStreamEvent,
    Runner,
    Usage,
    function_tool,
)
from agents.items import ItemHelpers
from agents.testing import ModelCall, ModelStep
from run.scripts import calls, collect, gated, label, scripted, text, types, without_raw


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


async def raw_events(step: Any) -> list[Any]:
    agent, _ = scripted(step)
    events = await collect(Runner.run_streamed(agent, "Hi").stream_events())
    return [event.data for event in events if event.type == "raw_response_event"]


def halting(raw: list[Any], after: str, reached: asyncio.Event, ended: asyncio.Event) -> ModelStep:
    """A stream that stands still for ever behind the first event of a type."""

    async def step(call: ModelCall) -> AsyncIterator[Any]:
        try:
            for event in raw:
                yield event
                if event.type == after:
                    reached.set()
                    await asyncio.Event().wait()
        finally:
            ended.set()

    return ModelStep.stream(step)


async def ended(result: Any) -> None:
    await asyncio.wait([result.run_loop_task])


class TestImmediate:
    async def test_before_the_first_event_there_are_none_and_no_model_is_asked(self):
        agent, model = scripted(text())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = Runner.run_streamed(agent, "Hi")
            result.cancel()
            assert await collect(result.stream_events()) == []
            await ended(result)
        assert [str(warning.message) for warning in caught] == []
        assert model.calls == ()
        assert (result.is_complete, result.final_output, result.run_loop_exception) == (True, None, None)

    async def test_it_ends_the_stream_at_once_and_leaves_no_events_for_later_readers(self):
        agent, model = scripted(calls(("look", {})), text(), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        seen: list[str] = []
        async for event in result.stream_events():
            seen.append(label(event))
            if seen[-1] == "response.created":
                result.cancel()
        assert seen == ["agent:a", "response.created"]
        assert await collect(result.stream_events()) == []
        await ended(result)
        assert await collect(result.stream_events()) == []
        assert len(model.calls) == 1

    async def test_it_wakes_a_reader_that_waits(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        agent, _ = scripted(gated(gate, text(), asked))
        result = Runner.run_streamed(agent, "Hi")
        reader = asyncio.ensure_future(collect(result.stream_events()))
        await asked.wait()
        result.cancel()
        assert without_raw(await asyncio.wait_for(reader, 1)) == ["agent:a"]

    async def test_again_and_after_the_end_it_does_nothing(self):
        agent, _ = scripted(text())
        result = Runner.run_streamed(agent, "Hi")
        result.cancel()
        result.cancel()
        result.cancel("after_turn")
        await ended(result)
        result.cancel()
        kinds = [record.kind async for record in result.records()]
        assert kinds.count("cancel_requested") == kinds.count("run_cancelled") == 1

    async def test_after_a_finished_run_the_output_stays(self):
        agent, _ = scripted(text())
        result = Runner.run_streamed(agent, "Hi")
        await collect(result.stream_events())
        result.cancel()
        assert (result.final_output, result.is_complete) == ("done", True)

    async def test_partial_text_and_usage_of_finished_turns_are_kept(self):
        reached, closed = asyncio.Event(), asyncio.Event()
        raw = await raw_events(text("hello there"))
        usage = Usage(requests=1, input_tokens=3, output_tokens=2, total_tokens=5)
        agent, _ = scripted(
            ModelStep(output=calls(("look", {})), usage=usage),
            halting(raw, "response.output_text.delta", reached, closed),
            tools=[look],
        )
        result = Runner.run_streamed(agent, "Hi")
        await reached.wait()
        result.cancel()
        await ended(result)
        assert closed.is_set()
        assert types(result.new_items) == ["tool_call_item", "tool_call_output_item", "message_output_item"]
        partial = result.new_items[-1]
        assert isinstance(partial, MessageOutputItem)
        assert partial.raw_item.status == "incomplete"
        first = next(event.delta for event in raw if event.type == "response.output_text.delta")
        assert ItemHelpers.text_message_output(partial) == first
        assert (result.context_wrapper.usage.total_tokens, result.final_output) == (5, None)

    async def test_finished_tools_are_kept_and_calls_without_a_result_are_left_out(self):
        started, fast_done = asyncio.Event(), asyncio.Event()

        @function_tool
        async def stuck() -> str:
            started.set()
            await asyncio.Event().wait()
            return "never"

        @function_tool
        async def fast() -> str:
            return "fast"

        agent, model = scripted(calls(("stuck", {}), ("fast", {})), tools=[stuck, fast])
        result = Runner.run_streamed(agent, "Hi")
        async for event in result.stream_events():
            if isinstance(event, RunItemStreamEvent) and event.name == "tool_output":
                fast_done.set()
                break
        await started.wait()
        result.cancel()
        await ended(result)
        assert fast_done.is_set()
        called = [item.call_id for item in result.new_items if item.type == "tool_call_item"]
        answered = [item.call_id for item in result.new_items if item.type == "tool_call_output_item"]
        assert called == answered == ["c2"]
        assert len(model.calls) == 1

    async def test_a_running_tool_is_cancelled_and_awaited(self):
        started, cleaned = asyncio.Event(), asyncio.Event()

        @function_tool
        async def stuck() -> str:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned.set()
            return "never"

        agent, _ = scripted(calls(("stuck", {})), tools=[stuck])
        result = Runner.run_streamed(agent, "Hi")
        await started.wait()
        result.cancel()
        await ended(result)
        assert cleaned.is_set()
        kinds = [record.kind async for record in result.records()]
        assert kinds[-1] == "run_cancelled"
        assert "tool_returned" not in kinds
        assert "tool_failed" not in kinds

    async def test_a_tool_that_does_not_stop_holds_nothing_up_and_its_late_result_is_dropped(self):
        started, release, late = asyncio.Event(), asyncio.Event(), asyncio.Event()

        @function_tool
        async def stubborn() -> str:
            started.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            late.set()
            return "late"

        agent, _ = scripted(calls(("stubborn", {})), tools=[stubborn])
        result = Runner.run_streamed(agent, "Hi")
        await started.wait()
        result.cancel()
        await ended(result)
        before = result.statistics().records
        release.set()
        await late.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        assert result.statistics().records == before
        assert [item.type for item in result.new_items] == []

    async def test_during_output_guardrails_there_is_no_final_output(self):
        checking = asyncio.Event()

        async def check(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            checking.set()
            await asyncio.Event().wait()
            return GuardrailFunctionOutput(None, tripwire_triggered=False)

        agent, _ = scripted(text(), output_guardrails=[OutputGuardrail(check)])
        result = Runner.run_streamed(agent, "Hi")
        await checking.wait()
        result.cancel()
        await ended(result)
        assert (result.final_output, result.is_complete) == (None, True)

    async def test_a_nested_run_stops_with_its_parent(self):
        asked, closed = asyncio.Event(), asyncio.Event()

        async def answer(call: ModelCall) -> Any:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                closed.set()

        inner, _ = scripted(ModelStep.respond(answer), name="inner")
        outer, _ = scripted(calls(("ask", {"input": "x"})), tools=[inner.as_tool("ask", "Asks.")])
        result = Runner.run_streamed(outer, "Hi")
        await asked.wait()
        result.cancel()
        await ended(result)
        assert closed.is_set()
        ends = {record.path: record.kind async for record in result.records()}
        assert ends == {(): "run_cancelled", ("c1",): "run_cancelled"}


class TestAfterTurn:
    async def test_the_turn_is_finished_and_no_other_is_started(self):
        gate, started = asyncio.Event(), asyncio.Event()

        @function_tool
        async def work() -> str:
            started.set()
            await gate.wait()
            return "worked"

        usage = Usage(requests=1, input_tokens=3, output_tokens=2, total_tokens=5)
        agent, model = scripted(ModelStep(output=calls(("work", {})), usage=usage), text(), tools=[work])
        result = Runner.run_streamed(agent, "Hi")
        reader = asyncio.ensure_future(collect(result.stream_events()))
        await started.wait()
        result.cancel("after_turn")
        assert not result.is_complete
        gate.set()
        assert without_raw(await reader) == ["agent:a", "tool_called", "tool_output"]
        assert (result.is_complete, result.final_output, result.run_loop_exception) == (True, None, None)
        assert types(result.new_items) == ["tool_call_item", "tool_call_output_item"]
        assert (result.context_wrapper.usage.total_tokens, len(model.calls)) == (5, 1)

    async def test_a_run_in_its_last_turn_gives_its_output(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        agent, _ = scripted(gated(gate, text(), asked))
        result = Runner.run_streamed(agent, "Hi")
        await asked.wait()
        result.cancel("after_turn")
        gate.set()
        events = await collect(result.stream_events())
        assert without_raw(events) == ["agent:a", "message_output_created"]
        assert result.final_output == "done"

    async def test_a_handoff_turn_is_finished_with_its_hooks(self):
        seen: list[str] = []

        class Hooks(RunHooks[Any]):
            async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
                seen.append(f"{from_agent.name} to {to_agent.name}")

            async def on_agent_start(self, context: Any, agent: Any) -> None:
                seen.append(f"start {agent.name}")

        gate, asked = asyncio.Event(), asyncio.Event()
        target, target_model = scripted(text("from b"), name="b")
        agent, _ = scripted(gated(gate, calls(("transfer_to_b", {})), asked), handoffs=[target])
        result = Runner.run_streamed(agent, "Hi", hooks=Hooks())
        await asked.wait()
        result.cancel("after_turn")
        gate.set()
        events = await collect(result.stream_events())
        assert without_raw(events) == ["agent:a", "handoff_requested", "handoff_occured", "agent:b"]
        assert seen == ["start a", "a to b"]
        assert (result.last_agent, target_model.calls) == (target, ())

    async def test_before_anything_happened_no_turn_is_begun(self):
        agent, model = scripted(calls(("look", {})), text(), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        result.cancel("after_turn")
        assert without_raw(await collect(result.stream_events())) == ["agent:a"]
        assert (model.calls, result.new_items, result.final_output) == ((), [], None)

    async def test_immediate_overrides_it(self):
        gate, started = asyncio.Event(), asyncio.Event()

        @function_tool
        async def work() -> str:
            started.set()
            await gate.wait()
            return "worked"

        agent, _ = scripted(calls(("work", {})), tools=[work])
        result = Runner.run_streamed(agent, "Hi")
        await started.wait()
        result.cancel("after_turn")
        result.cancel()
        await ended(result)
        assert (result.is_complete, result.new_items) == (True, [])


class TestCancelledTask:
    async def test_cancelling_who_awaits_run_stops_the_run_and_awaits_its_tools(self):
        started, cleaned = asyncio.Event(), asyncio.Event()

        @function_tool
        async def stuck() -> str:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.set()
            return "never"

        agent, _ = scripted(calls(("stuck", {})), tools=[stuck])
        task = asyncio.ensure_future(Runner.run(agent, "Hi"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cleaned.is_set()

    async def test_a_cancelled_loop_task_ends_the_stream_and_is_recorded(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        agent, _ = scripted(gated(gate, text(), asked))
        result = Runner.run_streamed(agent, "Hi")
        await asked.wait()
        assert result.run_loop_task is not None
        result.run_loop_task.cancel()
        await ended(result)
        assert (result.is_complete, result.final_output) == (True, None)
        assert [record.kind async for record in result.records()][-1] == "run_cancelled"
        await asyncio.wait_for(collect(result.stream_events()), 1)


async def test_usage_is_kept_when_a_run_fails():
    from agents import ModelBehaviorError

    usage = Usage(requests=1, input_tokens=3, output_tokens=2, total_tokens=5)
    agent, _ = scripted(
        ModelStep(output=calls(("look", {})), usage=usage),
        ModelStep.raise_error(ModelBehaviorError("odd")),
        tools=[look],
    )
    with pytest.raises(ModelBehaviorError) as caught:
        await Runner.run(agent, "Hi")
    assert caught.value.run_data is not None
    kept = caught.value.run_data.context_wrapper.usage
    assert (kept.requests, kept.total_tokens, len(kept.request_usage_entries)) == (1, 5, 1)
