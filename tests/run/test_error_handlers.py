from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from agents import (
    GuardrailFunctionOutput,
    MaxTurnsExceeded,
    MessageOutputItem,
    ModelBehaviorError,
    ModelRefusalError,
    OutputGuardrail,
    OutputGuardrailTripwireTriggered,
    RunErrorHandlerInput,
    RunErrorHandlerResult,
    RunHooks,
    Runner,
    UserError,
    function_tool,
)
from agents.items import ItemHelpers
from run.scripts import RunIt, always, both_ways, calls, collect, refusal, scripted, text, types, without_raw


class Answer(BaseModel):
    summary: str


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


def looking(**fields: Any):
    return scripted(
        calls(("look", {}, "c1")),
        calls(("look", {}, "c2")),
        calls(("look", {}, "c3")),
        tools=[look],
        **fields,
    )


def last_text(items: list[Any]) -> str:
    item = items[-1]
    assert isinstance(item, MessageOutputItem)
    return ItemHelpers.text_message_output(item)


@both_ways
class TestMaxTurns:
    async def test_one_model_call_more_than_allowed_is_refused_with_what_was_done(self, run: RunIt):
        agent, model = looking()
        with pytest.raises(MaxTurnsExceeded, match=r"Max turns \(2\) exceeded") as caught:
            await run(agent, max_turns=2)
        assert len(model.calls) == 2
        data = caught.value.run_data
        assert data is not None
        assert types(data.new_items) == ["tool_call_item", "tool_call_output_item"] * 2
        assert (len(data.raw_responses), data.last_agent) == (2, agent)
        assert data.context_wrapper.usage.requests == 2

    async def test_as_many_as_allowed_are_enough(self, run: RunIt):
        agent, _ = scripted(calls(("look", {})), text(), tools=[look])
        result = await run(agent, max_turns=2)
        assert (result.final_output, result.max_turns) == ("done", 2)

    async def test_none_is_no_limit(self, run: RunIt):
        agent, model = scripted(
            *[calls(("look", {}, f"c{number}")) for number in range(25)], text(), tools=[look]
        )
        result = await run(agent, max_turns=None)
        assert (result.max_turns, len(model.calls)) == (None, 26)

    async def test_the_default_is_ten(self, run: RunIt):
        agent, model = scripted(
            *[calls(("look", {}, f"c{number}")) for number in range(25)], text(), tools=[look]
        )
        with pytest.raises(MaxTurnsExceeded):
            await run(agent)
        assert len(model.calls) == 10

    @pytest.mark.parametrize("form", ["plain", "dict", "result", "async"])
    async def test_the_handler_gives_the_final_output_as_a_message(self, run: RunIt, form: str):
        seen: list[RunErrorHandlerInput[Any]] = []

        def handle(data: RunErrorHandlerInput[Any]) -> Any:
            seen.append(data)
            return {
                "plain": "so far",
                "dict": {"final_output": "so far"},
                "result": RunErrorHandlerResult("so far"),
            }.get(form, "so far")

        async def handle_later(data: RunErrorHandlerInput[Any]) -> Any:
            return handle(data)

        agent, _ = looking()
        handlers: Any = {"max_turns": handle_later if form == "async" else handle}
        result = await run(agent, max_turns=1, error_handlers=handlers, context="c")
        assert result.final_output == "so far"
        assert types(result.new_items) == ["tool_call_item", "tool_call_output_item", "message_output_item"]
        assert last_text(result.new_items) == "so far"
        [data] = seen
        assert isinstance(data.error, MaxTurnsExceeded)
        assert data.context.context == "c"
        assert (data.run_data.input, data.run_data.last_agent) == ("Hi", agent)
        assert (len(data.run_data.new_items), len(data.run_data.raw_responses)) == (2, 1)
        assert (len(data.run_data.history), len(data.run_data.output)) == (3, 2)

    async def test_without_history_no_item_appears(self, run: RunIt):
        agent, _ = looking()
        handlers: Any = {"max_turns": always(RunErrorHandlerResult("so far", include_in_history=False))}
        result = await run(agent, max_turns=1, error_handlers=handlers)
        assert result.final_output == "so far"
        assert types(result.new_items) == ["tool_call_item", "tool_call_output_item"]

    @pytest.mark.parametrize("given", [{"summary": "ok"}, Answer(summary="ok")])
    async def test_structured_output_is_validated_and_shown_as_compact_json(self, run: RunIt, given: Any):
        agent, _ = looking(output_type=Answer)
        result = await run(agent, max_turns=1, error_handlers={"max_turns": always(given)})
        assert result.final_output == Answer(summary="ok")
        assert last_text(result.new_items) == '{"summary":"ok"}'

    async def test_list_output_is_wrapped_in_the_message(self, run: RunIt):
        agent, _ = looking(output_type=list[str])
        result = await run(agent, max_turns=1, error_handlers={"max_turns": always(["a", "b"])})
        assert result.final_output == ["a", "b"]
        assert last_text(result.new_items) == '{"response":["a","b"]}'

    async def test_an_output_that_does_not_fit_is_a_user_error(self, run: RunIt):
        agent, _ = looking(output_type=Answer)
        with pytest.raises(UserError, match="does not fit the output type") as caught:
            await run(agent, max_turns=1, error_handlers={"max_turns": always({"other": 1})})
        assert caught.value.run_data is not None

    async def test_none_declines_and_the_error_is_raised(self, run: RunIt):
        agent, _ = looking()
        with pytest.raises(MaxTurnsExceeded):
            await run(agent, max_turns=1, error_handlers={"max_turns": always(None)})

    async def test_an_error_of_the_handler_takes_the_place_of_its_own(self, run: RunIt):
        def fail(data: Any) -> Any:
            raise ValueError("handler")

        agent, _ = looking()
        with pytest.raises(ValueError, match="handler"):
            await run(agent, max_turns=1, error_handlers={"max_turns": fail})

    async def test_a_handler_that_is_false_is_asked(self, run: RunIt):
        class Handler:
            def __bool__(self) -> bool:
                return False

            def __call__(self, data: Any) -> str:
                return "so far"

        agent, _ = looking()
        result = await run(agent, max_turns=1, error_handlers={"max_turns": Handler()})
        assert result.final_output == "so far"

    async def test_its_output_passes_hooks_and_output_guardrails(self, run: RunIt):
        seen: list[Any] = []

        class Hooks(RunHooks[Any]):
            async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
                seen.append(("hook", output))

        def check(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            seen.append(("guardrail", output))
            return GuardrailFunctionOutput(None, tripwire_triggered=True)

        agent, _ = looking(output_guardrails=[OutputGuardrail(check)])
        with pytest.raises(OutputGuardrailTripwireTriggered):
            await run(agent, max_turns=1, hooks=Hooks(), error_handlers={"max_turns": always("x")})
        assert ("guardrail", "x") in seen

    async def test_zero_turns_are_handled_before_any_model_call(self, run: RunIt):
        agent, model = looking()
        result = await run(agent, max_turns=0, error_handlers={"max_turns": always("nothing")})
        assert (result.final_output, len(model.calls)) == ("nothing", 0)
        assert types(result.new_items) == ["message_output_item"]


async def test_the_handlers_message_is_one_event():
    agent, _ = looking()
    result = Runner.run_streamed(agent, "Hi", max_turns=1, error_handlers={"max_turns": always("so far")})
    events = await collect(result.stream_events())
    assert without_raw(events) == ["agent:a", "tool_called", "tool_output", "message_output_created"]


@both_ways
class TestRefusals:
    @pytest.mark.parametrize("output_type", [None, Answer])
    async def test_the_handler_gives_the_output_for_plain_and_structured_runs(
        self, run: RunIt, output_type: Any
    ):
        seen: list[RunErrorHandlerInput[Any]] = []

        def handle(data: RunErrorHandlerInput[Any]) -> Any:
            seen.append(data)
            return "sorry" if output_type is None else Answer(summary="sorry")

        agent, model = scripted(refusal("I will not."), output_type=output_type)
        result = await run(agent, error_handlers={"model_refusal": handle})
        assert result.final_output == ("sorry" if output_type is None else Answer(summary="sorry"))
        assert isinstance(seen[0].error, ModelRefusalError)
        assert seen[0].error.refusal == "I will not."
        assert types(result.new_items) == ["message_output_item"] * 2
        assert len(model.calls) == 1

    async def test_without_history_only_the_refusal_stays(self, run: RunIt):
        agent, _ = scripted(refusal())
        handlers: Any = {"model_refusal": always({"final_output": "x", "include_in_history": False})}
        result = await run(agent, error_handlers=handlers)
        assert result.final_output == "x"
        assert types(result.new_items) == ["message_output_item"]

    async def test_none_declines(self, run: RunIt):
        agent, _ = scripted(refusal(), output_type=Answer)
        with pytest.raises(ModelRefusalError):
            await run(agent, error_handlers={"model_refusal": always(None)})


@both_ways
class TestInvalidFinalOutput:
    async def test_the_bad_text_stays_before_the_handlers_message(self, run: RunIt):
        seen: list[RunErrorHandlerInput[Any]] = []
        ran: list[str] = []

        @function_tool
        def note() -> str:
            ran.append("note")
            return "noted"

        def handle(data: RunErrorHandlerInput[Any]) -> Any:
            seen.append(data)
            return {"summary": "fixed"}

        agent, model = scripted(calls(("note", {})), text("{bad"), tools=[note], output_type=Answer)
        result = await run(agent, error_handlers={"invalid_final_output": handle})
        assert result.final_output == Answer(summary="fixed")
        messages = [item for item in result.new_items if isinstance(item, MessageOutputItem)]
        assert [ItemHelpers.text_message_output(item) for item in messages] == ["{bad", '{"summary":"fixed"}']
        assert isinstance(seen[0].error, ModelBehaviorError)
        assert (ran, len(model.calls)) == (["note"], 2)

    async def test_none_declines_and_the_original_error_is_raised(self, run: RunIt):
        agent, _ = scripted(text("{bad"), output_type=Answer)
        with pytest.raises(ModelBehaviorError, match="Invalid JSON"):
            await run(agent, error_handlers={"invalid_final_output": always(None)})

    async def test_an_empty_output_is_given_to_it_at_once(self, run: RunIt):
        agent, model = scripted(text(""), output_type=Answer)
        result = await run(agent, error_handlers={"invalid_final_output": always({"summary": "empty"})})
        assert result.final_output == Answer(summary="empty")
        assert len(model.calls) == 1

    async def test_other_model_errors_are_not_its_business(self, run: RunIt):
        asked: list[Any] = []
        agent, _ = scripted(calls(("missing", {})), tools=[look], output_type=Answer)
        with pytest.raises(ModelBehaviorError, match="not found in agent a"):
            await run(agent, error_handlers={"invalid_final_output": asked.append})
        assert asked == []

    async def test_it_passes_the_end_hook(self, run: RunIt):
        seen: list[Any] = []

        class Hooks(RunHooks[Any]):
            async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
                seen.append(output)

        agent, _ = scripted(text("{bad"), output_type=Answer)
        await run(agent, hooks=Hooks(), error_handlers={"invalid_final_output": always({"summary": "fixed"})})
        assert seen == [Answer(summary="fixed")]
