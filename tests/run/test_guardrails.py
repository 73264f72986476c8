from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents import (
    Agent,
    AgentsException,
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailTripwireTriggered,
    ModelBehaviorError,
    OutputGuardrail,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    RunErrorDetails,
    Runner,
    UserError,
    function_tool,
    input_guardrail,
    output_guardrail,
)
from agents.testing import ModelCall, ModelStep, ScriptedModel
from run.scripts import RunIt, both_ways, calls, collect, gated, label, scripted, text, types, without_raw

Check = Callable[[Any, Any, Any], Awaitable[GuardrailFunctionOutput]]


def verdict(info: Any = None, *, trips: bool = False) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(info, trips)


def check(
    info: Any = None,
    *,
    trips: bool = False,
    after: asyncio.Event | None = None,
    then: asyncio.Event | None = None,
    fails: bool = False,
    given_up: asyncio.Event | None = None,
) -> Check:
    """A check that waits for one event and sets another."""

    async def run_check(context: Any, agent: Any, subject: Any) -> GuardrailFunctionOutput:
        try:
            if after is not None:
                await after.wait()
        except asyncio.CancelledError:
            if given_up is not None:
                given_up.set()
            raise
        if then is not None:
            then.set()
        if fails:
            raise ValueError("no verdict")
        return verdict(info, trips=trips)

    return run_check


def before(function: Check, name: str | None = None, *, blocking: bool = False) -> InputGuardrail[Any]:
    return InputGuardrail(function, name, run_in_parallel=not blocking)


def waiting_model(given_up: asyncio.Event, asked: asyncio.Event | None = None) -> ModelStep:
    """A model call that never ends by itself."""

    async def wait(call: ModelCall) -> Any:
        if asked is not None:
            asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.set()
            raise

    return ModelStep.respond(wait)


def infos(results: list[Any]) -> list[Any]:
    return [result.output.output_info for result in results]


def data_of(error: AgentsException) -> RunErrorDetails:
    assert error.run_data is not None
    return error.run_data


@both_ways
class TestInput:
    async def test_a_guardrail_sees_context_agent_and_the_input_as_it_was_given(self, run: RunIt):
        seen: list[Any] = []

        @input_guardrail
        def look(context: Any, agent: Agent[Any], input: Any) -> GuardrailFunctionOutput:
            seen.append((context.context, agent.name, input))
            return verdict("fine")

        agent, _ = scripted(text(), input_guardrails=[look])
        result = await run(agent, "Hi", context="mine")
        assert seen == [("mine", "a", "Hi")]
        [found] = result.input_guardrail_results
        assert (found.guardrail.get_name(), found.output.output_info) == ("look", "fine")

    async def test_it_is_asked_once_whatever_number_of_turns(self, run: RunIt):
        asked: list[int] = []

        def count(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
            asked.append(1)
            return verdict()

        agent, _ = scripted(
            calls(("look", {})), text(), tools=[look], input_guardrails=[InputGuardrail(count)]
        )
        await run(agent)
        assert asked == [1]

    @pytest.mark.parametrize("level", ["agent", "run"])
    @pytest.mark.parametrize("blocking", [False, True])
    async def test_a_tripwire_ends_the_run_with_the_result_that_tripped(
        self, run: RunIt, level: str, blocking: bool
    ):
        guardrail = before(check("bad", trips=True), "judge", blocking=blocking)
        agent, model = scripted(text(), input_guardrails=[guardrail] if level == "agent" else [])
        config = RunConfig(input_guardrails=[guardrail] if level == "run" else None)
        with pytest.raises(InputGuardrailTripwireTriggered) as caught:
            await run(agent, run_config=config)
        assert caught.value.guardrail_result.guardrail is guardrail
        data = data_of(caught.value)
        assert infos(data.input_guardrail_results) == ["bad"]
        assert (data.last_agent, data.input, data.new_items) == (agent, "Hi", [])
        assert (len(model.calls), data.raw_responses) == (0, [])

    async def test_a_trip_cancels_the_model(self, run: RunIt):
        asked, given_up = asyncio.Event(), asyncio.Event()
        agent, model = scripted(
            waiting_model(given_up, asked), input_guardrails=[before(check(trips=True, after=asked))]
        )
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent)
        assert given_up.is_set()
        assert len(model.calls) == 1

    async def test_a_trip_cancels_the_other_guardrails_and_awaits_them(self, run: RunIt):
        started, cleaned = asyncio.Event(), asyncio.Event()

        async def slow(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.to_thread(lambda: None)
                cleaned.set()
            return verdict()

        agent, _ = scripted(
            waiting_model(asyncio.Event()),
            input_guardrails=[before(slow), before(check(trips=True, after=started))],
        )
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent)
        assert cleaned.is_set()

    async def test_another_error_of_a_guardrail_cancels_the_model_and_is_raised_as_it_is(self, run: RunIt):
        asked, given_up, first = asyncio.Event(), asyncio.Event(), asyncio.Event()
        agent, _ = scripted(
            waiting_model(given_up, asked),
            input_guardrails=[
                before(check("fine", after=asked, then=first)),
                before(check(after=first, fails=True)),
            ],
        )
        with pytest.raises(ValueError, match="no verdict"):
            await run(agent)
        assert given_up.is_set()

    async def test_after_another_error_only_earlier_verdicts_are_kept(self, run: RunIt):
        first = asyncio.Event()

        async def misbehave(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
            await first.wait()
            raise ModelBehaviorError("no verdict")

        agent, _ = scripted(
            waiting_model(asyncio.Event()),
            input_guardrails=[
                before(check("fine", then=first)),
                before(misbehave),
                before(check(after=asyncio.Event())),
            ],
        )
        with pytest.raises(ModelBehaviorError) as caught:
            await run(agent)
        assert infos(data_of(caught.value).input_guardrail_results) == ["fine"]

    async def test_a_model_error_cancels_the_guardrails(self, run: RunIt):
        given_up = asyncio.Event()
        agent, _ = scripted(
            ModelStep.raise_error(ValueError("down")),
            input_guardrails=[before(check(after=asyncio.Event(), given_up=given_up))],
        )
        with pytest.raises(ValueError, match="down"):
            await run(agent)
        assert given_up.is_set()

    async def test_results_stand_in_the_order_in_which_they_came(self, run: RunIt):
        second, third = asyncio.Event(), asyncio.Event()
        agent, _ = scripted(
            text(),
            input_guardrails=[
                before(check("last", after=third)),
                before(check("first", then=second)),
            ],
        )
        config = RunConfig(input_guardrails=[before(check("middle", after=second, then=third))])
        result = await run(agent, run_config=config)
        assert infos(result.input_guardrail_results) == ["first", "middle", "last"]

    async def test_the_tripping_result_is_the_last(self, run: RunIt):
        first = asyncio.Event()
        agent, _ = scripted(
            text(),
            input_guardrails=[
                before(check("bad", trips=True, after=first)),
                before(check("fine", then=first)),
                before(check("never", after=asyncio.Event())),
            ],
        )
        with pytest.raises(InputGuardrailTripwireTriggered) as caught:
            await run(agent)
        assert infos(data_of(caught.value).input_guardrail_results) == ["fine", "bad"]

    async def test_blocking_ones_finish_before_parallel_ones_and_the_model_start(self, run: RunIt):
        order: list[str] = []

        def note(name: str) -> Check:
            async def run_check(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
                order.append(f"{name} starts")
                await asyncio.to_thread(lambda: None)
                order.append(f"{name} ends")
                return verdict()

            return run_check

        def answer(call: ModelCall) -> Any:
            order.append("model")
            return text()

        agent, _ = scripted(
            ModelStep.respond(answer),
            input_guardrails=[before(note("parallel")), before(note("blocking"), blocking=True)],
        )
        await run(agent)
        assert order[:2] == ["blocking starts", "blocking ends"]
        assert sorted(order[2:]) == ["model", "parallel ends", "parallel starts"]

    async def test_a_blocking_trip_cancels_the_other_blocking_ones_and_asks_nobody_else(self, run: RunIt):
        given_up, started = asyncio.Event(), asyncio.Event()
        asked: list[str] = []

        async def parallel(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
            asked.append("parallel")
            return verdict()

        async def slow(context: Any, agent: Any, input: Any) -> GuardrailFunctionOutput:
            started.set()
            return await check(after=asyncio.Event(), given_up=given_up)(context, agent, input)

        agent, model = scripted(
            text(),
            input_guardrails=[
                before(slow, blocking=True),
                before(check("bad", trips=True, after=started), blocking=True),
                before(parallel),
            ],
        )
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent)
        assert given_up.is_set()
        assert (asked, model.calls) == ([], ())

    async def test_what_is_not_callable_is_a_user_error(self, run: RunIt):
        wrong: Any = InputGuardrail(guardrail_function="no", name="wrong")  # pyright: ignore[reportArgumentType] (wrong on purpose)
        agent, _ = scripted(text(), input_guardrails=[wrong])
        with pytest.raises(UserError, match="Guardrail function must be callable"):
            await run(agent)


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


@both_ways
class TestTiming:
    async def test_tools_run_beside_a_slow_guardrail_but_no_second_model_call(self, run: RunIt):
        ran = asyncio.Event()

        @function_tool
        async def act() -> str:
            ran.set()
            return "done"

        agent, model = scripted(
            calls(("act", {})), text(), tools=[act], input_guardrails=[before(check(trips=True, after=ran))]
        )
        with pytest.raises(InputGuardrailTripwireTriggered) as caught:
            await run(agent)
        assert types(data_of(caught.value).new_items) == ["tool_call_item", "tool_call_output_item"]
        assert len(model.calls) == 1

    async def test_the_next_turn_waits_for_the_verdict(self, run: RunIt):
        ran, checked = asyncio.Event(), asyncio.Event()

        @function_tool
        async def act() -> str:
            ran.set()
            return "done"

        def second(call: ModelCall) -> Any:
            assert checked.is_set()
            return text()

        agent, _ = scripted(
            calls(("act", {})),
            ModelStep.respond(second),
            tools=[act],
            input_guardrails=[before(check(after=ran, then=checked))],
        )
        assert (await run(agent)).final_output == "done"

    async def test_a_trip_before_the_tool_leaves_it_unrun(self, run: RunIt):
        tripped = asyncio.Event()
        ran: list[int] = []

        @function_tool
        async def act() -> str:
            ran.append(1)
            return "done"

        agent, _ = scripted(
            gated(tripped, calls(("act", {}))),
            tools=[act],
            input_guardrails=[before(check(trips=True, then=tripped))],
        )
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent)
        assert ran == []

    async def test_a_trip_cancels_a_running_tool(self, run: RunIt):
        running, given_up = asyncio.Event(), asyncio.Event()

        @function_tool
        async def act() -> str:
            running.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
            return "done"

        agent, _ = scripted(
            calls(("act", {})), tools=[act], input_guardrails=[before(check(trips=True, after=running))]
        )
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent)
        assert given_up.is_set()

    async def test_a_handoff_waits_for_the_verdict(self, run: RunIt):
        taken: list[str] = []
        answered = asyncio.Event()
        model = ScriptedModel([ModelStep.respond(answering(answered, calls(("transfer_to_b", {}, "h"))))])
        agent: Agent[Any] = Agent(name="a", model=model, handoffs=[Agent(name="b", model=model)])
        agent.input_guardrails = [before(check(trips=True, after=answered))]
        with pytest.raises(InputGuardrailTripwireTriggered) as caught:
            await run(agent)
        assert data_of(caught.value).last_agent is agent
        assert taken == []

    async def test_the_final_output_waits_for_the_verdict(self, run: RunIt):
        asked: list[str] = []
        answered = asyncio.Event()

        @output_guardrail
        def judge(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            asked.append(output)
            return verdict()

        agent, _ = scripted(
            ModelStep.respond(answering(answered, text())),
            input_guardrails=[before(check(trips=True, after=answered))],
            output_guardrails=[judge],
        )
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent)
        assert asked == []

    async def test_a_tripwire_wins_over_too_many_turns(self, run: RunIt):
        ran = asyncio.Event()

        @function_tool
        async def act() -> str:
            ran.set()
            return "done"

        agent, _ = scripted(
            calls(("act", {})), tools=[act], input_guardrails=[before(check(trips=True, after=ran))]
        )
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent, max_turns=1)


def answering(answered: asyncio.Event, step: Any) -> Callable[[ModelCall], Any]:
    def answer(call: ModelCall) -> Any:
        answered.set()
        return step

    return answer


class TestStreamedTiming:
    async def test_raw_events_flow_before_the_verdict(self):
        gate = asyncio.Event()
        agent, _ = scripted(text("hello"), input_guardrails=[before(check(after=gate))])
        result = Runner.run_streamed(agent, "Hi")
        seen: list[str] = []
        async for event in result.stream_events():
            seen.append(label(event))
            if seen[-1] == "response.output_text.delta":
                assert result.input_guardrail_results == []
                gate.set()
        assert seen[-1] == "message_output_created"
        assert result.final_output == "hello"

    async def test_a_slow_and_a_fast_guardrail_give_the_same_events(self):
        async def events(guardrail: InputGuardrail[Any], answered: asyncio.Event) -> list[str]:
            first = ModelStep.respond(answering(answered, calls(("look", {}))))
            agent, _ = scripted(first, text(), tools=[look], input_guardrails=[guardrail])
            result = Runner.run_streamed(agent, "Hi")
            return [label(event) for event in await collect(result.stream_events())]

        unused, answered = asyncio.Event(), asyncio.Event()
        fast = await events(before(check()), unused)
        slow = await events(before(check(after=answered)), answered)
        assert fast == slow

    async def test_the_stream_ends_in_the_tripwire_and_in_nothing_after_it(self):
        agent, _ = scripted(text(), input_guardrails=[before(check(trips=True))])
        result = Runner.run_streamed(agent, "Hi")
        events: list[Any] = []
        with pytest.raises(InputGuardrailTripwireTriggered):
            await collect(result.stream_events(), events)
        assert [label(event) for event in events] == ["agent:a"]
        assert (result.final_output, result.is_complete) == (None, True)

    async def test_a_trip_after_the_response_leaves_what_was_shown(self):
        answered = asyncio.Event()
        agent, _ = scripted(
            ModelStep.respond(answering(answered, text())),
            input_guardrails=[before(check(trips=True, after=answered))],
        )
        result = Runner.run_streamed(agent, "Hi")
        events: list[Any] = []
        with pytest.raises(InputGuardrailTripwireTriggered):
            await collect(result.stream_events(), events)
        shown = without_raw(events)
        assert shown[0] == "agent:a"
        assert [name for name in shown if name == "message_output_created"] == [
            "message_output_created" for _ in result.new_items
        ]
        assert result.final_output is None

    async def test_verdicts_are_records(self):
        agent, _ = scripted(
            text(),
            input_guardrails=[before(check({"score": 1}), "judge")],
            output_guardrails=[OutputGuardrail(check("fine"), "editor")],
        )
        result = Runner.run_streamed(agent, "Hi")
        found = [record.data async for record in result.records() if record.kind == "guardrail_checked"]
        assert [(data["name"], data["stage"], data["tripped"], data["info"]) for data in found] == [
            ("judge", "input", False, {"score": 1}),
            ("editor", "output", False, "fine"),
        ]


@both_ways
class TestOutput:
    @pytest.mark.parametrize("level", ["agent", "run"])
    async def test_a_guardrail_sees_the_final_output_of_the_last_agent(self, run: RunIt, level: str):
        seen: list[Any] = []

        @output_guardrail
        def judge(context: Any, agent: Agent[Any], output: Any) -> GuardrailFunctionOutput:
            seen.append((context.context, agent.name, output))
            return verdict("fine")

        model = ScriptedModel([calls(("transfer_to_b", {}, "h")), text("hello")])
        b: Agent[Any] = Agent(name="b", model=model, output_guardrails=[judge] if level == "agent" else [])
        agent: Agent[Any] = Agent(name="a", model=model, handoffs=[b])
        config = RunConfig(output_guardrails=[judge] if level == "run" else None)
        result = await run(agent, run_config=config, context="mine")
        assert seen == [("mine", "b", "hello")]
        [found] = result.output_guardrail_results
        assert (found.agent, found.agent_output, found.output.output_info) == (b, "hello", "fine")

    async def test_a_guardrail_of_an_agent_that_gave_no_final_output_is_not_asked(self, run: RunIt):
        model = ScriptedModel([calls(("transfer_to_b", {}, "h")), text("hello")])
        b: Agent[Any] = Agent(name="b", model=model)
        agent: Agent[Any] = Agent(
            name="a", model=model, handoffs=[b], output_guardrails=[OutputGuardrail(check(trips=True))]
        )
        assert (await run(agent)).final_output == "hello"

    async def test_a_trip_ends_the_run_without_a_final_output(self, run: RunIt):
        agent, _ = scripted(
            text("hello"), output_guardrails=[OutputGuardrail(check("bad", trips=True), "judge")]
        )
        with pytest.raises(OutputGuardrailTripwireTriggered) as caught:
            await run(agent)
        assert caught.value.guardrail_result.agent_output == "hello"
        data = data_of(caught.value)
        assert infos(data.output_guardrail_results) == ["bad"]
        assert types(data.new_items) == ["message_output_item"]

    async def test_results_stand_in_the_order_in_which_they_came_and_the_trip_is_last(self, run: RunIt):
        first, given_up = asyncio.Event(), asyncio.Event()
        agent, _ = scripted(
            text(),
            output_guardrails=[
                OutputGuardrail(check("never", after=asyncio.Event(), given_up=given_up)),
                OutputGuardrail(check("bad", trips=True, after=first)),
                OutputGuardrail(check("fine", then=first)),
            ],
        )
        with pytest.raises(OutputGuardrailTripwireTriggered) as caught:
            await run(agent)
        assert infos(data_of(caught.value).output_guardrail_results) == ["fine", "bad"]
        assert given_up.is_set()

    async def test_another_error_is_raised_as_it_is(self, run: RunIt):
        agent, _ = scripted(text(), output_guardrails=[OutputGuardrail(check(fails=True))])
        with pytest.raises(ValueError, match="no verdict"):
            await run(agent)

    async def test_a_tools_final_output_is_checked_too(self, run: RunIt):
        agent, _ = scripted(
            calls(("look", {"word": "it"})),
            tools=[look],
            tool_use_behavior="stop_on_first_tool",
            output_guardrails=[OutputGuardrail(check("bad", trips=True))],
        )
        with pytest.raises(OutputGuardrailTripwireTriggered) as caught:
            await run(agent)
        assert caught.value.guardrail_result.agent_output == "seen it"


def test_run_sync_gives_the_same_results(default_loop: asyncio.AbstractEventLoop):
    agent, _ = scripted(
        text(),
        text(),
        input_guardrails=[before(check("in"))],
        output_guardrails=[OutputGuardrail(check("out"))],
    )
    result = Runner.run_sync(agent, "Hi")
    assert (infos(result.input_guardrail_results), infos(result.output_guardrail_results)) == (
        ["in"],
        ["out"],
    )
    agent.input_guardrails = [before(check("bad", trips=True))]
    with pytest.raises(InputGuardrailTripwireTriggered) as caught:
        Runner.run_sync(agent, "Hi")
    assert infos(data_of(caught.value).input_guardrail_results) == ["bad"]


class TestBlockedMessage:
    def test_a_text_and_a_formatter_are_accepted(self):
        assert RunConfig(output_guardrail_blocked_message="No.").output_guardrail_blocked_message == "No."
        assert callable(
            RunConfig(output_guardrail_blocked_message=lambda args: "No.").output_guardrail_blocked_message
        )

    @pytest.mark.parametrize("wrong", ["", 3, type("Text", (str,), {})("No.")])
    def test_anything_else_is_refused(self, wrong: Any):
        with pytest.raises((TypeError, ValueError), match="output_guardrail_blocked_message"):
            RunConfig(output_guardrail_blocked_message=wrong)

    def test_an_async_formatter_is_refused(self):
        async def formatter(args: Any) -> str:
            return "No."

        with pytest.raises(TypeError, match="output_guardrail_blocked_message formatter must be synchronous"):
            RunConfig(output_guardrail_blocked_message=formatter)  # pyright: ignore[reportArgumentType] (wrong on purpose)
