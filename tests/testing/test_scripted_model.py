from __future__ import annotations

import asyncio
import typing
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from openai.types import responses as rt
from openai.types.responses.response_output_text import AnnotationURLCitation, Logprob
from openai.types.responses.response_reasoning_item import Content, Summary
from pydantic import BaseModel, ValidationError

from agents.exceptions import ModelBehaviorError
from agents.items import ModelResponse
from agents.model_settings import ModelSettings
from agents.models.interface import ModelTracing
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from agents.testing import (
    InvalidModelStep,
    ModelCall,
    ModelScriptError,
    ModelStep,
    ModelStepSpec,
    ScriptedModel,
    UnconsumedModelSteps,
    UnexpectedModelCall,
    assistant_message,
    function_call,
)
from agents.usage import Usage

ARGUMENTS: dict[str, Any] = {
    "system_instructions": "Be brief.",
    "input": "Hi",
    "model_settings": ModelSettings(),
    "tools": [],
    "output_schema": None,
    "handoffs": [],
    "tracing": ModelTracing.DISABLED,
    "previous_response_id": None,
    "conversation_id": None,
    "prompt": None,
}


async def ask(model: ScriptedModel, **changes: Any) -> ModelResponse:
    return await model.get_response(**{**ARGUMENTS, **changes})


async def stream(model: ScriptedModel, **changes: Any) -> list[Any]:
    return [event async for event in model.stream_response(**{**ARGUMENTS, **changes})]


async def text(model: ScriptedModel, **changes: Any) -> str:
    item: Any = (await ask(model, **changes)).output[0]
    return item.content[0].text


class TestItems:
    def test_a_message_is_a_finished_openai_object(self):
        message: Any = assistant_message("Hi", item_id="m")
        assert isinstance(message, rt.ResponseOutputMessage)
        assert (message.id, message.status) == ("m", "completed")

    def test_a_call_writes_a_mapping_as_compact_json_and_keeps_text_as_it_is(self):
        from_mapping: Any = function_call("f", {"b": 1, "a": "é"}, call_id="c")
        from_text: Any = function_call("f", "{ not json", call_id="c", item_id="i", namespace="n")
        assert (from_mapping.arguments, from_mapping.id) == ('{"b":1,"a":"é"}', "c")
        assert (from_text.arguments, from_text.id, from_text.namespace) == ("{ not json", "i", "n")
        assert "namespace" not in from_mapping.model_fields_set


WRONG_STEPS: list[tuple[Any, str]] = [
    (None, "invalid_input"),
    ("text", "invalid_input"),
    (assistant_message("bare"), "invalid_input"),
    (ask, "invalid_input"),
    (KeyboardInterrupt(), "invalid_input"),
    ({"output": "text"}, "invalid_input"),
    ({"usage": None}, "invalid_input"),
    ({"response_id": 3}, "invalid_input"),
    ({"raw_usage": 3}, "invalid_input"),
    ({"other": 1}, "unsupported_field"),
    ({"error": "no"}, "invalid_error"),
    ({"responder": 3}, "invalid_responder"),
    ({"stream_events": 3}, "invalid_stream_events"),
    ({"error": ValueError(), "stream_events": []}, "conflicting_outcomes"),
    ({"retry_advice": ModelRetryAdvice()}, "invalid_retry_advice"),
]


class TestScript:
    @pytest.mark.parametrize(
        "step",
        [
            [assistant_message("Hi")],
            (assistant_message("Hi"),),
            {"output": [assistant_message("Hi")]},
            ModelStep(output=[assistant_message("Hi")]),
            ModelResponse(output=[assistant_message("Hi")], usage=Usage(), response_id="r"),
            ModelStep.respond(lambda call: [assistant_message(str(call.input))]),
            ModelStep.respond(
                lambda call: ModelStep.respond(lambda again: [assistant_message(str(again.input))])
            ),
        ],
    )
    async def test_a_step_may_be_written_in_many_ways(self, step: Any):
        model = ScriptedModel([step])
        assert await text(model) == "Hi"
        model.assert_complete()

    async def test_a_responder_may_be_async_or_an_object(self):
        class Answer:
            async def __call__(self, call: ModelCall) -> list[Any]:
                return [assistant_message("object")]

        async def answer(call: ModelCall) -> list[Any]:
            return [assistant_message("function")]

        model = ScriptedModel([ModelStep.respond(Answer()), ModelStep.respond(answer)])
        assert [await text(model), await text(model)] == ["object", "function"]

    async def test_an_error_is_raised_itself(self):
        error = ValueError("no")
        model = ScriptedModel([error, {"error": error}, ModelStep.respond(lambda call: error)])
        for _ in range(2):
            with pytest.raises(ValueError, match="no") as caught:
                await ask(model)
            assert caught.value is error
        with pytest.raises(ValueError, match="no"):
            await stream(model)

    @pytest.mark.parametrize(("step", "reason"), WRONG_STEPS)
    def test_what_is_no_step_is_refused_with_its_place_and_reason(self, step: Any, reason: str):
        with pytest.raises(InvalidModelStep, match="step #2") as caught:
            ScriptedModel([[], step])
        assert (caught.value.reason, caught.value.input_index) == (reason, 1)
        assert isinstance(caught.value, ModelScriptError)

    async def test_a_responder_must_give_a_step(self):
        nothing: Any = None
        model = ScriptedModel([ModelStep.respond(lambda call: nothing)])
        with pytest.raises(InvalidModelStep, match="step #1"):
            await ask(model)

    def test_extending_adds_all_or_nothing(self):
        model = ScriptedModel([[]])
        wrong: Any = 3
        with pytest.raises(InvalidModelStep, match="step #2"):
            model.extend([[], wrong])
        assert model.remaining_steps == 1
        model.extend([[], []])
        model.enqueue([])
        assert model.remaining_steps == 4

    async def test_a_step_does_not_change_after_it_was_given(self):
        message: Any = assistant_message("before")
        step = ModelStep(output=[message])
        model = ScriptedModel([step, step])
        message.content[0].text = "after"
        step.response_id = "other"
        first: Any = await ask(model)
        first.output[0].content[0].text = "mine"
        assert await text(model) == "before"
        assert first.response_id == "resp-789"

    async def test_items_in_dict_form_become_openai_objects(self):
        call: Any = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}
        patch: Any = {
            "type": "apply_patch_call",
            "call_id": "c",
            "operation": {"type": "delete_file", "path": "a"},
        }
        junk: Any = {"type": "junk"}
        model = ScriptedModel([[call, patch], [junk]])
        items: list[Any] = (await ask(model)).output
        assert isinstance(items[0], rt.ResponseFunctionToolCall)
        assert isinstance(items[1], rt.ResponseApplyPatchToolCall)
        assert (items[1].id, items[1].status) == ("c", "completed")
        with pytest.raises(ValidationError):
            await ask(model)


class TestEnds:
    async def test_a_call_too_many_is_recorded_and_raises(self):
        model = ScriptedModel()
        with pytest.raises(UnexpectedModelCall, match="#1: no scripted steps remain") as caught:
            await ask(model, input="what")
        assert (caught.value.call_index, caught.value.call.input) == (0, "what")
        with pytest.raises(UnexpectedModelCall, match="Unexpected streaming model call #2"):
            await stream(model)
        assert [call.streamed for call in model.calls] == [False, True]

    def test_steps_left_over_are_told(self):
        model = ScriptedModel([[]])
        with pytest.raises(UnconsumedModelSteps, match="1 scripted model step") as caught:
            model.assert_complete()
        assert caught.value.remaining_steps == 1


class TestCalls:
    async def test_calls_are_copies_that_nothing_reaches(self):
        given: list[Any] = [{"role": "user", "content": "Hi"}]
        settings = ModelSettings(extra_args={"list": [1]})
        tools: list[Any] = [object()]
        model = ScriptedModel([[]])
        assert (model.first_call, model.last_call, model.calls) == (None, None, ())
        await ask(model, input=given, model_settings=settings, tools=tools)
        given[0]["content"] = "changed"
        assert settings.extra_args is not None
        settings.extra_args["list"].append(2)
        tools.append(1)
        (call,) = model.calls
        call.input.append("changed")
        recorded = model.first_call
        assert recorded is not None
        assert recorded == model.last_call
        assert recorded.input == [{"role": "user", "content": "Hi"}]
        assert recorded.model_settings.extra_args == {"list": [1]}
        assert len(recorded.tools) == 1
        assert recorded.tools[0] is tools[0]

    async def test_a_responder_cannot_change_the_record(self):
        def respond(call: ModelCall) -> list[Any]:
            call.input.append("changed")
            return []

        model = ScriptedModel([ModelStep.respond(respond)])
        await ask(model, input=["one"])
        assert model.calls[0].input == ["one"]

    async def test_a_call_that_cannot_be_copied_takes_no_step(self):
        class Stubborn:
            def __deepcopy__(self, memo: object) -> Stubborn:
                raise TypeError("not me")

        model = ScriptedModel([[]])
        with pytest.raises(TypeError, match="not me"):
            await ask(model, input=[Stubborn()])
        assert (model.remaining_steps, model.calls) == (1, ())

    async def test_a_stream_is_called_when_its_first_event_is_asked_for(self):
        model = ScriptedModel([[]])
        events = model.stream_response(**ARGUMENTS)
        assert (len(model.calls), model.remaining_steps) == (0, 1)
        await anext(events)
        assert (len(model.calls), model.remaining_steps) == (1, 0)

    async def test_calls_at_once_each_get_their_own_step(self):
        async def echo(call: ModelCall) -> list[Any]:
            await asyncio.sleep(0)
            return [assistant_message(call.input)]

        model = ScriptedModel([ModelStep.respond(echo)] * 20)
        texts = [str(number) for number in range(20)]
        assert await asyncio.gather(*(text(model, input=one) for one in texts)) == texts


class TestUsage:
    async def test_without_any_a_step_counts_as_one_request(self):
        assert (await ask(ScriptedModel([[]]))).usage == Usage(requests=1)

    async def test_the_default_usage_is_for_steps_that_say_nothing(self):
        default = Usage(requests=2, input_tokens=5, total_tokens=5)
        model = ScriptedModel([[], {"usage": Usage(input_tokens=7)}, []], default_usage=default)
        default.input_tokens = 100
        assert (await ask(model)).usage.input_tokens == 5
        assert (await ask(model)).usage == Usage(input_tokens=7)
        model.set_default_usage(None)
        assert (await ask(model)).usage == Usage(requests=1)

    async def test_raw_usage_is_given_only_to_those_who_ask(self):
        step = ModelStep(raw_usage={"credits": 1})
        model = ScriptedModel([step, step])
        assert (await ask(model)).raw_usage is None
        kept = await ask(model, model_settings=ModelSettings(preserve_raw_usage=True))
        assert kept.raw_usage == {"credits": 1}


def types(events: list[Any]) -> list[str]:
    return [event.type.removeprefix("response.") for event in events]


RICH = rt.ResponseOutputMessage(
    id="m",
    type="message",
    role="assistant",
    status="completed",
    content=[
        rt.ResponseOutputRefusal(type="refusal", refusal="Never."),
        rt.ResponseOutputText(
            type="output_text",
            text="Oslo",
            annotations=[
                AnnotationURLCitation(type="url_citation", url="u", title="t", start_index=0, end_index=4)
            ],
            logprobs=[Logprob(token="Oslo", bytes=[1], logprob=-0.5, top_logprobs=[])],
        ),
    ],
)
REASONING = rt.ResponseReasoningItem(
    id="r",
    type="reasoning",
    summary=[Summary(type="summary_text", text="one"), Summary(type="summary_text", text="two")],
    content=[Content(type="reasoning_text", text="raw")],
    encrypted_content="secret",
)


class TestStream:
    async def test_a_message_streams_whole_and_in_order(self):
        events = await stream(ScriptedModel([[assistant_message("Hello there")]]))
        assert types(events) == [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
        assert [event.sequence_number for event in events] == list(range(9))
        assert isinstance(events[4], rt.ResponseTextDeltaEvent)
        assert (events[4].delta, events[4].item_id, events[4].logprobs) == (
            "Hello there",
            "scripted-message",
            [],
        )
        assert (events[2].item.status, events[2].item.content) == ("in_progress", [])
        assert events[7].item == events[8].response.output[0]
        assert events[7].item is not events[8].response.output[0]

    async def test_the_response_says_what_the_step_says(self):
        usage = Usage(requests=1, input_tokens=3, output_tokens=4, total_tokens=7)
        step = ModelStep(usage=usage, response_id="r", request_id="q")
        response = (await stream(ScriptedModel([step])))[-1].response
        assert (response.id, response._request_id, response.status) == ("r", "q", "completed")
        assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (
            3,
            4,
            7,
        )

    async def test_refusals_annotations_and_logprobs_have_their_events(self):
        events = await stream(ScriptedModel([[RICH]]))
        assert types(events)[3:-2] == [
            "content_part.added",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "content_part.added",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
        ]
        assert events[8].logprobs[0].token == "Oslo"
        assert events[9].annotation.url == "u"

    async def test_reasoning_has_its_events(self):
        events = await stream(ScriptedModel([[REASONING]]))
        summary = [
            f"reasoning_summary_{name}" for name in ("part.added", "text.delta", "text.done", "part.done")
        ]
        assert types(events)[3:-2] == [*summary, *summary, "reasoning_text.delta", "reasoning_text.done"]
        assert events[2].item.encrypted_content is None
        assert events[-1].response.output[0].encrypted_content == "secret"

    async def test_a_call_streams_its_arguments_with_its_call_id_where_it_has_no_id(self):
        call = rt.ResponseFunctionToolCall(type="function_call", name="f", arguments='{"a": 1}', call_id="c")
        events = await stream(ScriptedModel([[assistant_message("a"), call]]))
        delta, done = events[9:11]
        assert (delta.delta, delta.item_id, delta.output_index) == ('{"a": 1}', "c", 1)
        assert (done.arguments, done.name) == ('{"a": 1}', "f")

    @pytest.mark.filterwarnings("error")
    async def test_every_event_is_what_the_client_would_make_of_its_json(self):
        step = [RICH, REASONING, function_call("f", {"a": 1}, call_id="c")]
        for event in await stream(ScriptedModel([step])):
            payload = event.model_dump(mode="json", exclude_unset=True)
            kind = cast("type[BaseModel]", type(event))
            assert kind.model_validate(payload) == event

    async def test_an_item_without_automatic_stream_names_the_way_out_before_any_event(self):
        custom = rt.ResponseCustomToolCall(type="custom_tool_call", name="f", input="x", call_id="c")
        model = ScriptedModel([[assistant_message("a"), custom]])
        events = model.stream_response(**ARGUMENTS)
        with pytest.raises(ModelBehaviorError, match=r"ResponseCustomToolCall.*ModelStep\.stream"):
            await anext(events)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"id": ""}, "Apply-patch tool calls require a non-empty string item ID when provided"),
            ({"call_id": ""}, "Tool invocations require a non-empty string call ID before execution"),
        ],
    )
    async def test_an_apply_patch_call_needs_its_ids(self, change: dict[str, str], message: str):
        patch: Any = {
            "type": "apply_patch_call",
            "call_id": "c",
            "operation": {"type": "delete_file", "path": "a"},
        }
        assert types(await stream(ScriptedModel([[patch]])))[2:-1] == [
            "output_item.added",
            "output_item.done",
        ]
        wrong: Any = {**patch, **change}
        with pytest.raises(ModelBehaviorError, match=message):
            await stream(ScriptedModel([[wrong]]))

    async def test_scripted_events_are_given_exactly(self):
        events = await stream(ScriptedModel([[assistant_message("a")]]))
        model = ScriptedModel(
            [ModelStep.stream(events, output=[assistant_message("b")]), ModelStep.stream([])]
        )
        assert await stream(model) == events
        assert await stream(model) == []
        model.enqueue(ModelStep.stream(events, output=[assistant_message("b")]))
        assert await text(model) == "b"

    async def test_a_factory_of_events_gets_the_call(self):
        events = await stream(ScriptedModel([[assistant_message("a")]]))

        async def factory(call: ModelCall) -> AsyncIterator[Any]:
            assert call.input == "Hi"
            for event in events[:2]:
                yield event
            raise ValueError("cut")

        given = ScriptedModel([ModelStep.stream(factory)]).stream_response(**ARGUMENTS)
        assert [await anext(given), await anext(given)] == events[:2]
        with pytest.raises(ValueError, match="cut"):
            await anext(given)


class TestRetryAdvice:
    async def test_advice_belongs_to_the_error_that_was_raised(self):
        error = ValueError("try again")
        advice = ModelRetryAdvice(suggested=True, retry_after=0.5)
        model = ScriptedModel([ModelStep.raise_error(error, retry_advice=advice), error])
        request = ModelRetryAdviceRequest(error=error, attempt=1, stream=False)
        other = ModelRetryAdviceRequest(error=ValueError("try again"), attempt=1, stream=False)
        assert model.get_retry_advice(request) is None
        with pytest.raises(ValueError, match="try again"):
            await ask(model)
        assert model.get_retry_advice(request) == advice
        assert model.get_retry_advice(request) is not advice
        assert model.get_retry_advice(other) is None
        with pytest.raises(ValueError, match="try again"):
            await ask(model)
        assert model.get_retry_advice(request) is None


@pytest.mark.parametrize(
    "thing",
    [
        ModelStep,
        ModelCall,
        ModelStepSpec,
        ScriptedModel.get_response,
        ScriptedModel.stream_response,
        ModelStep.stream,
    ],
)
def test_annotations_resolve_at_run_time(thing: Any):
    assert typing.get_type_hints(thing)
