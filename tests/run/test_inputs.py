from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from agents import (
    Agent,
    HandoffInputData,
    ModelBehaviorError,
    RunConfig,
    Runner,
    UserError,
    function_tool,
    handoff,
)
from agents.run import CallModelData, ModelInputData, ReasoningItemIdPolicy
from agents.testing import ModelStep, ScriptedModel, assistant_message
from agents.tracing import Span, get_trace_provider, set_trace_provider
from agents.tracing.provider import DefaultTraceProvider
from run.scripts import UNTRACED, RunIt, always, both_ways, calls, reasoning, run_plain, scripted, text, types
from tracing.trace_recorder import Recorder


class Spans(Recorder):
    """Keeps the spans that have ended."""

    def on_span_start(self, span: Span[Any]) -> None:
        pass

    def on_span_end(self, span: Span[Any]) -> None:
        self.spans.append(span)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """The only processor of the traces of one test."""
    monkeypatch.delenv("OPENAI_AGENTS_DISABLE_TRACING", raising=False)
    before, fresh, made = get_trace_provider(), DefaultTraceProvider(), Spans()
    fresh.set_processors([made])
    set_trace_provider(fresh)
    yield made
    set_trace_provider(before)


USER = {"role": "user", "content": "Hi"}


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


def roles(items: list[Any]) -> list[str]:
    return [item.get("type") or item["role"] for item in items]


@both_ways
class TestInput:
    async def test_a_string_is_one_user_message_to_the_model_and_itself_in_the_result(self, run: RunIt):
        agent, model = scripted(text())
        result = await run(agent, "Hi")
        assert result.input == "Hi"
        assert model.calls[0].input == [USER]
        assert (len(result.new_items), len(result.raw_responses), len(result.to_input_list())) == (1, 1, 2)
        assert result.final_output == "done"
        assert result.last_agent is agent

    async def test_equal_messages_are_all_kept(self, run: RunIt):
        agent, model = scripted(text())
        await run(agent, [USER, USER])
        assert model.calls[0].input == [USER, USER]

    async def test_an_empty_list_reaches_the_model_as_it_is(self, run: RunIt):
        agent, model = scripted(text())
        result = await run(agent, [])
        assert (model.calls[0].input, result.input) == ([], [])

    async def test_changing_the_list_afterwards_changes_nothing(self, run: RunIt):
        given = [dict(USER)]
        agent, model = scripted(calls(("look", {"word": "x"})), text(), tools=[look])
        result = await run(agent, given)
        given.append({"role": "user", "content": "late"})
        assert len(result.to_input_list()) == 4
        assert model.calls[1].input[0] == USER

    async def test_a_message_and_a_call_then_text_make_five_items(self, run: RunIt):
        step = [assistant_message("wait"), *calls(("look", {"word": "x"}))]
        agent, model = scripted(step, text(), tools=[look])
        result = await run(agent)
        assert len(result.to_input_list()) == 5
        assert types(result.new_items) == [
            "message_output_item",
            "tool_call_item",
            "tool_call_output_item",
            "message_output_item",
        ]
        assert roles(model.calls[1].input) == ["user", "message", "function_call", "function_call_output"]

    async def test_a_handoff_run_with_a_tool_makes_seven_items(self, run: RunIt):
        target, _ = scripted(text("from b"), name="b")
        step = [assistant_message("wait"), *calls(("transfer_to_b", {}, "c2"))]
        agent, _ = scripted(calls(("look", {"word": "x"})), step, tools=[look], handoffs=[target])
        result = await run(agent)
        assert len(result.to_input_list()) == 7
        assert result.last_agent is target

    async def test_nested_history_differs_between_everything_and_what_the_next_model_sees(self, run: RunIt):
        target, model = scripted(text("from b"), name="b")
        agent, _ = scripted(
            calls(("look", {"word": "x"})),
            calls(("transfer_to_b", {}, "c2")),
            tools=[look],
            handoffs=[target],
        )
        result = await run(agent, run_config=RunConfig(nest_handoff_history=True))
        everything, normalized = result.to_input_list(), result.to_input_list(mode="normalized")
        assert len(normalized) < len(everything)
        assert normalized[:-1] == model.calls[0].input
        assert "<CONVERSATION HISTORY>" in str(model.calls[0].input)

    async def test_the_result_of_one_run_is_the_input_of_the_next(self, run: RunIt):
        agent, model = scripted(calls(("look", {"word": "x"})), text("one"), text("two"), tools=[look])
        first = await run(agent)
        second = await run(agent, [*first.to_input_list(), {"role": "user", "content": "and?"}])
        assert second.final_output == "two"
        assert model.calls[2].input == [*first.to_input_list(), {"role": "user", "content": "and?"}]

    async def test_a_context_object_may_be_false(self, run: RunIt):
        seen: list[Any] = []

        @function_tool
        def note(context: Any) -> str:
            return "noted"

        def instructions(context: Any, agent: Any) -> str:
            seen.append(context.context)
            return "x"

        given: list[Any] = []
        agent, _ = scripted(text(), instructions=instructions)
        result = await run(agent, context=given)
        assert seen[0] is given
        assert result.context_wrapper.context is given


class TestRefusedInput:
    @pytest.mark.parametrize("wrong", [None, 3, {"role": "user"}])
    @both_ways
    async def test_an_input_that_is_neither_text_nor_a_list_is_refused(self, run: RunIt, wrong: Any):
        agent, model = scripted(text())
        with pytest.raises(UserError, match="input must be a string or a list"):
            await run(agent, wrong)
        assert model.calls == ()

    @both_ways
    async def test_what_is_no_agent_is_refused(self, run: RunIt):
        wrong: Any = "agent"
        with pytest.raises(UserError, match="must be an Agent, got str"):
            await run(wrong)

    async def test_run_streamed_refuses_at_once(self):
        agent, _ = scripted(text())
        wrong: Any = 3
        with pytest.raises(UserError):
            Runner.run_streamed(agent, wrong)
        with pytest.raises(TypeError, match="Run hooks must be instances of RunHooks"):
            Runner.run_streamed(agent, "Hi", hooks=wrong)

    @both_ways
    async def test_an_unknown_error_handler_is_refused(self, run: RunIt):
        agent, _ = scripted(text())
        with pytest.raises(UserError, match=r"Unknown error handlers: max_turn\b"):
            await run(agent, error_handlers={"max_turn": always("x")})


@both_ways
class TestCallModelInputFilter:
    @pytest.mark.parametrize("is_async", [False, True])
    async def test_it_changes_what_the_model_sees_and_not_the_history(self, run: RunIt, is_async: bool):
        seen: list[CallModelData[Any]] = []

        def plain(data: CallModelData[Any]) -> ModelInputData:
            seen.append(data)
            data.model_data.input.append({"role": "user", "content": "filtered"})
            return ModelInputData(data.model_data.input, "other")

        async def late(data: CallModelData[Any]) -> ModelInputData:
            return plain(data)

        agent, model = scripted(text(), instructions="mine")
        config = RunConfig(call_model_input_filter=late if is_async else plain)
        result = await run(agent, run_config=config, context="c")
        assert (seen[0].agent, seen[0].context, seen[0].model_data.instructions) == (agent, "c", "mine")
        assert model.calls[0].input == [USER, {"role": "user", "content": "filtered"}]
        assert model.calls[0].system_instructions == "other"
        assert len(result.to_input_list()) == 2

    async def test_a_wrong_return_value_is_a_user_error(self, run: RunIt):
        agent, model = scripted(text())
        wrong = always("text")
        with pytest.raises(UserError, match="must return a ModelInputData") as caught:
            await run(agent, run_config=RunConfig(call_model_input_filter=wrong))
        assert caught.value.run_data is not None
        assert model.calls == ()

    async def test_an_error_of_its_own_is_raised(self, run: RunIt):
        def fail(data: CallModelData[Any]) -> ModelInputData:
            raise ValueError("mine")

        agent, _ = scripted(text())
        with pytest.raises(ValueError, match="mine"):
            await run(agent, run_config=RunConfig(call_model_input_filter=fail))

    @pytest.mark.parametrize(("is_shown", "told"), [(True, "secret"), (False, "Error details are redacted.")])
    async def test_its_error_is_told_on_the_span_of_the_turn(
        self, run: RunIt, recorder: Spans, is_shown: bool, told: str
    ):
        def fail(data: CallModelData[Any]) -> ModelInputData:
            raise ValueError("secret")

        agent, _ = scripted(text())
        config = RunConfig(call_model_input_filter=fail, trace_include_sensitive_data=is_shown)
        with pytest.raises(ValueError, match="secret"):
            await run(agent, run_config=config)
        [turn] = [span for span in recorder.spans if span.span_data.type == "turn"]
        assert turn.error == {"message": "Error in call_model_input_filter", "data": {"error": told}}

    async def test_of_equal_outputs_the_last_is_kept_where_it_stands(self, run: RunIt):
        def repeat(data: CallModelData[Any]) -> ModelInputData:
            if len(data.model_data.input) > 1:
                again: Any = {**data.model_data.input[-1], "output": "newer"}
                end: Any = {"role": "user", "content": "end"}
                data.model_data.input.extend([end, again])
            return data.model_data

        agent, model = scripted(calls(("look", {"word": "x"})), text(), tools=[look])
        await run(agent, run_config=RunConfig(call_model_input_filter=repeat))
        assert roles(model.calls[1].input) == ["user", "function_call", "user", "function_call_output"]
        assert model.calls[1].input[-1]["output"] == "newer"

    async def test_of_equal_calls_and_reasoning_the_last_takes_the_place_of_the_first(self, run: RunIt):
        def item(kind: str, name: str, value: str) -> Any:
            return {"type": kind, name: "x", "value": value}

        def repeat(data: CallModelData[Any]) -> ModelInputData:
            pairs: list[Any] = [item("reasoning", "id", "one"), item("function_call", "call_id", "one"), USER]
            pairs += [item("reasoning", "id", "two"), item("function_call", "call_id", "two"), USER]
            return ModelInputData(pairs, None)

        agent, model = scripted(text())
        await run(agent, run_config=RunConfig(call_model_input_filter=repeat))
        assert roles(model.calls[0].input) == ["reasoning", "function_call", "user", "user"]
        assert [each["value"] for each in model.calls[0].input[:2]] == ["two", "two"]

    async def test_a_filter_that_is_false_is_called(self, run: RunIt):
        class Filter:
            def __bool__(self) -> bool:
                return False

            def __call__(self, data: CallModelData[Any]) -> ModelInputData:
                return ModelInputData(data.model_data.input, "from the filter")

        agent, model = scripted(text())
        await run(agent, run_config=RunConfig(call_model_input_filter=Filter()))
        assert model.calls[0].system_instructions == "from the filter"


@both_ways
class TestReasoning:
    async def test_ids_are_left_out_for_the_model_and_in_the_input_list_when_asked(self, run: RunIt):
        step = [reasoning("rs_1"), *calls(("look", {"word": "x"}))]
        policies: list[tuple[ReasoningItemIdPolicy | None, bool]] = [
            (None, True),
            ("preserve", True),
            ("omit", False),
        ]
        for policy, has_id in policies:
            agent, model = scripted(step, text(), tools=[look])
            config = RunConfig(reasoning_item_id_policy=policy)
            result = await run(agent, run_config=config)
            assert ("id" in model.calls[1].input[1]) is has_id
            assert ("id" in result.to_input_list()[1]) is has_id

    async def test_a_filter_may_put_ids_back(self, run: RunIt):
        def restore(data: CallModelData[Any]) -> ModelInputData:
            items: list[Any] = data.model_data.input
            for item in items:
                if item.get("type") == "reasoning":
                    item["id"] = "rs_back"
            return data.model_data

        step = [reasoning("rs_1"), *calls(("look", {"word": "x"}))]
        agent, model = scripted(step, text(), tools=[look])
        config = RunConfig(reasoning_item_id_policy="omit", call_model_input_filter=restore)
        await run(agent, run_config=config)
        assert model.calls[1].input[1]["id"] == "rs_back"


@both_ways
class TestPendingShellCalls:
    async def test_one_of_the_callers_own_input_is_kept(self, run: RunIt):
        pending = {
            "type": "shell_call",
            "call_id": "s",
            "action": {"type": "exec", "commands": ["ls"]},
            "status": "in_progress",
        }
        agent, model = scripted(text())
        await run(agent, [USER, pending])
        assert model.calls[0].input == [USER, pending]


class TestHandoffInputFilters:
    async def test_the_input_of_the_result_is_what_the_filter_made_of_it(self):
        def only_last(data: HandoffInputData) -> HandoffInputData:
            return data.clone(input_history=({"role": "user", "content": "short"},), pre_handoff_items=())

        target, model = scripted(text("from b"), name="b")
        agent, _ = scripted(
            calls(("look", {"word": "x"})),
            calls(("transfer_to_b", {}, "c2")),
            tools=[look],
            handoffs=[handoff(target, input_filter=only_last)],
        )
        result = await run_plain(agent)
        assert model.calls[0].input[0] == {"role": "user", "content": "short"}
        assert roles(model.calls[0].input) == ["user", "function_call", "function_call_output"]
        assert len(result.new_items) == 5


@both_ways
class TestInstructionsAndPrompt:
    async def test_both_are_resolved_side_by_side(self, run: RunIt):
        asked = asyncio.Event()

        async def instructions(context: Any, agent: Any) -> str:
            await asked.wait()
            return "late"

        async def prompt(data: Any) -> Any:
            asked.set()
            return {"id": "p"}

        agent, model = scripted(text(), instructions=instructions, prompt=prompt)
        await run(agent)
        assert model.calls[0].system_instructions == "late"
        assert model.calls[0].prompt == {"id": "p", "version": None, "variables": None}

    async def test_when_one_fails_the_other_is_cancelled_and_awaited(self, run: RunIt):
        waiting, ended = asyncio.Event(), asyncio.Event()

        async def instructions(context: Any, agent: Any) -> str:
            waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return "never"

        async def prompt(data: Any) -> Any:
            await waiting.wait()
            raise ValueError("no prompt")

        agent, _ = scripted(text(), instructions=instructions, prompt=prompt)
        with pytest.raises(ValueError, match="no prompt"):
            await run(agent)
        assert ended.is_set()

    async def test_what_is_offered_may_depend_on_what_they_found_out(self, run: RunIt):
        seen: list[Any] = []

        async def prompt(data: Any) -> Any:
            await asyncio.sleep(0)
            data.context.context["found"] = True
            return {"id": "p"}

        def check(context: Any, agent: Any) -> bool:
            seen.append(context.turn_input)
            return "found" in context.context

        target, _ = scripted(name="b")
        agent, model = scripted(text(), prompt=prompt, handoffs=[handoff(target, is_enabled=check)])
        await run(agent, context={})
        assert [each.tool_name for each in model.calls[0].handoffs] == ["transfer_to_b"]
        assert seen == [[USER]]

    async def test_instructions_of_the_wrong_shape_are_refused_when_they_are_resolved(self, run: RunIt):
        def wrong(context: Any) -> str:
            return "x"

        agent, model = scripted(text(), instructions=wrong)
        with pytest.raises(TypeError, match=r"must accept exactly 2 arguments .*but got 1"):
            await run(agent)
        assert model.calls == ()


@both_ways
class TestModelErrors:
    async def test_the_models_own_error_is_raised_itself(self, run: RunIt):
        error = ValueError("offline")
        agent, _ = scripted(error)
        with pytest.raises(ValueError, match="offline") as caught:
            await run(agent)
        assert caught.value is error

    async def test_an_error_of_this_package_carries_what_was_done(self, run: RunIt):
        agent, _ = scripted(
            calls(("look", {"word": "x"})), ModelStep.raise_error(ModelBehaviorError("odd")), tools=[look]
        )
        with pytest.raises(ModelBehaviorError, match="odd") as caught:
            await run(agent)
        data = caught.value.run_data
        assert data is not None
        assert types(data.new_items) == ["tool_call_item", "tool_call_output_item"]
        assert (len(data.raw_responses), data.last_agent, data.input) == (1, agent, "Hi")


async def test_runs_of_one_agent_side_by_side_do_not_mix():
    async def answer(call: Any) -> Any:
        await asyncio.sleep(0)
        return [assistant_message(call.input[0]["content"].upper())]

    agent, model = scripted(*[ModelStep.respond(answer) for _ in range(20)])
    results = await asyncio.gather(*(Runner.run(agent, f"u{number}") for number in range(20)))
    assert [result.final_output for result in results] == [f"U{number}" for number in range(20)]
    model.assert_complete()


def test_agents_are_let_go_after_a_run(default_loop: asyncio.AbstractEventLoop):
    import gc
    import weakref

    agent: Agent[Any] | None = None
    agent, _ = scripted(text())
    result = Runner.run_sync(agent, "Hi")
    gone = weakref.ref(agent)
    result.release_agents()
    assert result.new_items[0].agent is agent
    item = result.new_items[0]
    del result, agent
    gc.collect()
    assert gone() is None
    assert item.agent is None
    assert "agent" in repr(item)


def plain(number: int) -> int:
    return number


@both_ways
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tools": [plain]}, "tools of agent 'a' hold the function plain: decorate it with @function_tool"),
        ({"handoffs": ["B"]}, "its handoffs hold 'B'"),
        ({"handoffs": [plain]}, "its handoffs hold <function plain"),
        ({"model": 3}, "the model of agent 'a' is 3: give the name of a model, or a Model"),
        ({"input_guardrails": [plain]}, "decorate it with @input_guardrail"),
        ({"output_guardrails": [plain]}, "decorate it with @output_guardrail"),
    ],
)
async def test_a_part_of_an_agent_that_is_none_is_named(run: RunIt, fields: dict[str, Any], said: str):
    given: dict[str, Any] = {"model": ScriptedModel([text()]), **fields}
    agent: Agent[Any] = Agent(name="a", **given)
    with pytest.raises(UserError, match=re.escape(said)):
        await run(agent, run_config=UNTRACED)
