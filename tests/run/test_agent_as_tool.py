from __future__ import annotations

import asyncio
import logging
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from agents import (
    Agent,
    GuardrailFunctionOutput,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    OutputGuardrail,
    RunConfig,
    RunHooks,
    Runner,
    ToolContext,
    UserError,
    function_tool,
)
from agents.agent import AgentToolStreamEvent
from agents.agent_tool_input import StructuredToolInputBuilderOptions
from agents.result import AgentToolInvocation
from agents.stream_events import RawResponsesStreamEvent, RunItemStreamEvent
from agents.testing import ModelStep, ScriptedModel
from agents.tool import FunctionTool
from run.scripts import RunIt, both_ways, calls, label, refusal, run_drained, scripted, text

FAILED = "An error occurred while running the tool. Please try again."


def caller(*tools: FunctionTool, arguments: Any | None = None) -> tuple[Agent[Any], ScriptedModel]:
    """An agent that calls each tool once, in one response, and then answers."""
    wanted = [(tool.name, {"input": "go"} if arguments is None else arguments) for tool in tools]
    return scripted(calls(*wanted), text("all done"), name="caller", tools=list(tools))


def outputs(model: ScriptedModel) -> list[Any]:
    assert model.last_call is not None
    return [item["output"] for item in model.last_call.input if "output" in item]


@function_tool
def look() -> str:
    return "seen"


def allow(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, tripwire_triggered=False)


@both_ways
class TestCalling:
    async def test_the_nested_agent_gets_the_input_alone_and_its_output_is_the_tools(self, run: RunIt):
        child, nested = scripted(text("from below"), name="child")
        agent, model = caller(child.as_tool("ask", "Ask it."))
        result = await run(agent, "a long story")
        assert nested.calls[0].input == [{"role": "user", "content": "go"}]
        assert outputs(model) == ["from below"]
        assert result.final_output == "all done"
        assert [item.type for item in result.new_items] == [
            "tool_call_item",
            "tool_call_output_item",
            "message_output_item",
        ]

    async def test_context_usage_and_configuration_are_shared(self, run: RunIt):
        seen: list[Any] = []

        @function_tool
        def note(context: ToolContext[Any]) -> str:
            assert context.run_config is not None
            seen.append((context.context, context.run_config.workflow_name, context.agent))
            return "noted"

        child: Agent[Any] = Agent(name="child", tools=[note])
        model = ScriptedModel(
            [calls(("ask", {"input": "x"}, "c1")), calls(("note", {}, "c2")), text(), text()]
        )
        agent: Agent[Any] = Agent(name="caller", tools=[child.as_tool("ask", "")])
        mine = object()
        result = await run(agent, context=mine, run_config=RunConfig(model=model, workflow_name="mine"))
        assert seen == [(mine, "mine", child)]
        assert result.context_wrapper.usage.requests == 4

    async def test_a_configuration_of_its_own_is_used_instead(self, run: RunIt):
        own = ScriptedModel([text("own")])
        child: Agent[Any] = Agent(name="child", model=ScriptedModel([]))
        agent, model = caller(child.as_tool("ask", "", run_config=RunConfig(model=own)))
        await run(agent)
        assert outputs(model) == ["own"]

    async def test_hooks_and_turn_limit_are_the_nested_runs_own(self, run: RunIt):
        started: list[str] = []

        class Hooks(RunHooks[Any]):
            async def on_agent_start(self, context: Any, agent: Any) -> None:
                started.append(agent.name)

        child, _ = scripted(calls(("look", {})), text(), name="child", tools=[look])
        agent, model = caller(child.as_tool("ask", "", hooks=Hooks(), max_turns=1))
        await run(agent)
        assert (started, outputs(model)) == (["child"], [FAILED])

    async def test_a_nested_run_waits_for_no_slot_of_its_parents(self, run: RunIt):
        inner, _ = scripted(calls(("look", {})), text("deep"), name="inner", tools=[look])
        child, _ = scripted(
            calls(("inner", {"input": "x"})), text("mid"), name="child", tools=[inner.as_tool("inner", "")]
        )
        agent, model = caller(child.as_tool("ask", ""))
        config = RunConfig(tool_execution={"max_function_tool_concurrency": 1})  # pyright: ignore[reportArgumentType] (a dict is accepted)
        await run(agent, run_config=config)
        assert outputs(model) == ["mid"]

    async def test_the_result_says_which_call_it_answers(self, run: RunIt):
        seen: list[Any] = []

        async def extract(result: Any) -> str:
            seen.append(result.agent_tool_invocation)
            return "extracted"

        child, _ = scripted(text(), name="child")
        agent, model = caller(child.as_tool("ask", "", custom_output_extractor=extract))
        result = await run(agent)
        assert seen == [AgentToolInvocation("ask", "c1", '{"input":"go"}')]
        assert (outputs(model), result.agent_tool_invocation) == (["extracted"], None)

    async def test_an_agent_can_be_called_twice_in_one_turn(self, run: RunIt):
        def echo(call: Any) -> Any:
            return text(call.input[0]["content"])

        child, _ = scripted(ModelStep.respond(echo), ModelStep.respond(echo), name="child")
        tool = child.as_tool("ask", "")
        agent, model = scripted(
            calls(("ask", {"input": "one"}), ("ask", {"input": "two"})), text(), tools=[tool]
        )
        await run(agent)
        assert outputs(model) == ["one", "two"]

    async def test_calls_of_one_id_in_different_runs_are_different_calls(self, run: RunIt):
        child, _ = scripted(calls(("look", {}, "c1")), text("below"), name="child", tools=[look])
        agent, model = caller(child.as_tool("ask", ""))
        await run(agent)
        assert outputs(model) == ["below"]


class TestRunner:
    # The outer runs are streamed, so that `Runner.run` is called for the nested ones alone.

    async def test_it_is_looked_up_when_called_and_given_exactly_this(self, monkeypatch: pytest.MonkeyPatch):
        seen: list[dict[str, Any]] = []
        original = Runner.run

        async def spy(**arguments: Any) -> Any:
            seen.append(arguments)
            return await original(**arguments)

        monkeypatch.setattr(Runner, "run", spy)
        child, _ = scripted(text(), name="child")
        agent, _ = caller(child.as_tool("ask", ""))
        await run_drained(agent)
        [arguments] = seen
        context = arguments.pop("context")
        config = arguments.pop("run_config")
        assert isinstance(context, ToolContext)
        assert (context.tool_name, context.tool_call_id) == ("ask", "c1")
        assert isinstance(config, RunConfig)
        assert arguments == {
            "starting_agent": child,
            "input": "go",
            "max_turns": 10,
            "hooks": None,
            "previous_response_id": None,
            "conversation_id": None,
            "session": None,
        }

    async def test_one_that_drops_the_context_gives_a_detached_run(self, monkeypatch: pytest.MonkeyPatch):
        original = Runner.run

        async def detached(starting_agent: Any, input: Any, **arguments: Any) -> Any:
            return await original(starting_agent, input)

        monkeypatch.setattr(Runner, "run", detached)
        child, _ = scripted(text("apart"), name="child")
        agent, model = caller(child.as_tool("ask", ""))
        result = await run_drained(agent)
        assert outputs(model) == ["apart"]
        assert {record.path async for record in result.records()} == {()}


class TestMaking:
    def test_name_and_description_have_defaults(self):
        tool = Agent(name="Tax Expert").as_tool(None, None)
        assert (tool.name, tool.description) == ("tax_expert", "")
        assert tool.params_json_schema["required"] == ["input"]
        assert tool.params_json_schema["additionalProperties"] is False

    def test_a_run_configuration_in_the_place_of_on_stream_is_refused(self):
        wrong: Any = RunConfig()
        with pytest.raises(UserError, match=r"on_stream must be callable or None.*run_config="):
            Agent(name="child").as_tool("ask", "", None, True, wrong)

    @pytest.mark.parametrize("limit", [0, -1])
    def test_the_limit_of_pending_events_is_positive(self, limit: int):
        with pytest.raises(UserError, match="on_stream_max_pending_events must be a positive integer"):
            Agent(name="child").as_tool("ask", "", on_stream_max_pending_events=limit)

    @both_ways
    async def test_a_disabled_agent_tool_is_not_offered(self, run: RunIt):
        def is_enabled(context: Any, agent: Any) -> bool:
            return agent.name != "caller"

        child: Agent[Any] = Agent(name="child")
        agent, model = scripted(
            text(), name="caller", tools=[child.as_tool("ask", "", is_enabled=is_enabled)]
        )
        await run(agent)
        assert model.calls[0].tools == []


@both_ways
class TestOutput:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([text("")], ""),
            ([calls(("look", {})), text("")], "seen"),
            ([[*text("first"), *calls(("look", {}))], text("")], "seen"),
        ],
    )
    async def test_an_empty_output_gives_way_to_the_newest_text_or_tool_output(
        self, run: RunIt, steps: list[Any], expected: str
    ):
        child, _ = scripted(*steps, name="child", tools=[look])
        agent, model = caller(child.as_tool("ask", ""))
        await run(agent)
        assert outputs(model) == [expected]

    @pytest.mark.parametrize("level", ["agent", "run", "handed to"])
    async def test_a_checked_output_is_given_as_it_was_checked(self, run: RunIt, level: str):
        guardrails = [OutputGuardrail[Any](allow)]
        nested = ScriptedModel([calls(("look", {}, "1")), calls(("transfer_to_last", {}, "2")), text("")])
        last: Agent[Any] = Agent(
            name="last", model=nested, output_guardrails=[] if level == "run" else guardrails
        )
        child: Agent[Any] = Agent(name="child", model=nested, tools=[look], handoffs=[last])
        if level == "agent":
            nested = ScriptedModel([calls(("look", {}, "1")), text("")])
            child = Agent(name="child", model=nested, tools=[look], output_guardrails=guardrails)
        agent, model = caller(child.as_tool("ask", ""))
        await run(agent, run_config=RunConfig(output_guardrails=guardrails if level == "run" else None))
        assert outputs(model) == [""]

    async def test_structured_output_is_the_object(self, run: RunIt):
        class Answer(BaseModel):
            number: int

        child, _ = scripted(text('{"number":3}'), name="child", output_type=Answer)
        agent, _ = caller(child.as_tool("ask", ""))
        result = await run(agent)
        output: Any = result.new_items[1]
        assert output.output == Answer(number=3)

    async def test_an_extractor_that_is_false_is_asked(self, run: RunIt):
        class Extract:
            def __bool__(self) -> bool:
                return False

            async def __call__(self, result: Any) -> str:
                return f"<{result.final_output}>"

        child, _ = scripted(text("x"), name="child")
        agent, model = caller(child.as_tool("ask", "", custom_output_extractor=Extract()))
        await run(agent)
        assert outputs(model) == ["<x>"]


class Order(BaseModel):
    """An order."""

    mode: Literal["fast", "safe"] = Field(description="how")
    count: int = 1


@both_ways
class TestStructuredInput:
    @pytest.mark.parametrize("with_schema", [False, True])
    async def test_the_nested_model_is_told_data_and_schema(self, run: RunIt, with_schema: bool):
        child, nested = scripted(text(), name="child")
        tool = child.as_tool("ask", "", parameters=Order, include_input_schema=with_schema)
        agent, _ = caller(tool, arguments={"mode": "fast", "count": 2})
        await run(agent)
        told = nested.calls[0].input[0]["content"]
        assert '"mode": "fast"' in told
        assert ("## Input JSON Schema:" in told) is with_schema
        assert ("## Input Schema Summary:" in told) is not with_schema

    @pytest.mark.parametrize("form", ["text", "items", "async"])
    async def test_a_builder_makes_the_input(self, run: RunIt, form: str):
        seen: list[Any] = []

        def build(options: StructuredToolInputBuilderOptions) -> Any:
            seen.append(options.get("params"))
            return "built" if form == "text" else [{"role": "user", "content": "built"}]

        async def build_later(options: StructuredToolInputBuilderOptions) -> Any:
            return build(options)

        child, nested = scripted(text(), name="child")
        builder = build_later if form == "async" else build
        tool = child.as_tool("ask", "", parameters=Order, input_builder=builder)
        agent, _ = caller(tool, arguments={"mode": "fast", "count": 2})
        await run(agent)
        assert seen == [{"mode": "fast", "count": 2}]
        assert nested.calls[0].input == [{"role": "user", "content": "built"}]

    async def test_a_builder_that_raises_is_a_failure_of_the_tool(self, run: RunIt):
        def build(options: StructuredToolInputBuilderOptions) -> Any:
            raise ValueError("secret")

        child, nested = scripted(name="child")
        agent, model = caller(child.as_tool("ask", "", input_builder=build))
        await run(agent)
        assert (outputs(model), nested.calls) == ([FAILED], ())


@both_ways
class TestFailures:
    async def test_the_model_gets_the_default_text(self, run: RunIt):
        child, _ = scripted(ModelStep.raise_error(ValueError("secret")), name="child")
        agent, model = caller(child.as_tool("ask", ""))
        assert (await run(agent)).final_output == "all done"
        assert outputs(model) == [FAILED]

    async def test_or_the_text_of_the_tools_own_function(self, run: RunIt):
        def explain(context: Any, error: Exception) -> str:
            return f"{type(error).__name__}: {error}"

        child, _ = scripted(ModelStep.raise_error(ValueError("why")), name="child")
        agent, model = caller(child.as_tool("ask", "", failure_error_function=explain))
        await run(agent)
        assert outputs(model) == ["ValueError: why"]

    async def test_with_none_the_original_error_ends_the_run(self, run: RunIt):
        child, _ = scripted(calls(("look", {})), name="child", tools=[look])
        agent, model = caller(child.as_tool("ask", "", max_turns=1, failure_error_function=None))
        with pytest.raises(MaxTurnsExceeded) as caught:
            await run(agent)
        assert len(model.calls) == 1
        assert caught.value.run_data is not None

    async def test_an_error_that_is_not_ours_is_the_cause(self, run: RunIt):
        child, _ = scripted(ModelStep.raise_error(ValueError("why")), name="child")
        agent, _ = caller(child.as_tool("ask", "", failure_error_function=None))
        with pytest.raises(UserError, match="Error running tool ask: why") as caught:
            await run(agent)
        assert isinstance(caught.value.__cause__, ValueError)

    async def test_a_nested_refusal_leaves_the_run_without_guardrails_or_another_model_call(self, run: RunIt):
        asked: list[Any] = []

        def judge(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            asked.append(output)
            return allow(context, agent, output)

        child, _ = scripted(refusal("no"), name="child", output_type=Order)
        agent, model = caller(child.as_tool("ask", "", failure_error_function=None))
        agent.output_guardrails = [OutputGuardrail(judge)]
        with pytest.raises(ModelRefusalError) as caught:
            await run(agent)
        assert (caught.value.refusal, asked, len(model.calls)) == ("no", [], 1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("{bad", "Invalid JSON input for tool renamed"),
            ('{"input": 3}', "Invalid JSON input for tool renamed"),
            ("{}", "Invalid JSON input for tool renamed"),
            ("[]", "Invalid JSON input for tool renamed: expected a JSON object"),
        ],
    )
    async def test_arguments_that_do_not_fit_name_the_tool_as_it_is_called_now(
        self, run: RunIt, arguments: str, message: str
    ):
        child, nested = scripted(name="child")
        tool = child.as_tool("ask", "", failure_error_function=None)
        tool.name = "renamed"
        agent, _ = caller(tool, arguments=arguments)
        with pytest.raises(ModelBehaviorError) as caught:
            await run(agent)
        assert str(caught.value) == message
        assert nested.calls == ()


class TestOnStream:
    @pytest.mark.parametrize("form", ["sync", "async"])
    @both_ways
    async def test_every_event_is_handed_over_with_its_agent_and_call(self, run: RunIt, form: str):
        seen: list[AgentToolStreamEvent] = []

        async def later(event: AgentToolStreamEvent) -> None:
            seen.append(event)

        nested = ScriptedModel([calls(("transfer_to_last", {}, "h")), text("from last")])
        last: Agent[Any] = Agent(name="last", model=nested)
        child: Agent[Any] = Agent(name="child", model=nested, handoffs=[last])
        tool = child.as_tool("ask", "", on_stream=seen.append if form == "sync" else later)
        agent, model = caller(tool)
        await run(agent)
        assert outputs(model) == ["from last"]
        told = [event for event in seen if not isinstance(event["event"], RawResponsesStreamEvent)]
        assert [(label(event["event"]), event["agent"].name) for event in told] == [
            ("agent:child", "child"),
            ("handoff_requested", "child"),
            ("handoff_occured", "child"),
            ("agent:last", "last"),
            ("message_output_created", "last"),
        ]
        told_calls = [event.get("tool_call") for event in seen]
        assert {None if call is None else call.call_id for call in told_calls} == {"c1"}
        assert [label(event["event"]) for event in seen].count("response.completed") == 2

    async def test_a_slow_callback_does_not_hold_up_the_nested_run(self):
        answered, told = asyncio.Event(), asyncio.Event()

        async def slow(event: AgentToolStreamEvent) -> None:
            await answered.wait()
            told.set()

        def last(call: Any) -> Any:
            assert not told.is_set()
            answered.set()
            return text("x")

        child, _ = scripted(calls(("look", {})), ModelStep.respond(last), name="child", tools=[look])
        agent, model = caller(child.as_tool("ask", "", on_stream=slow))
        await Runner.run(agent, "Hi")
        assert outputs(model) == ["x"]
        assert told.is_set()

    async def test_a_limit_of_pending_events_holds_it_up_and_loses_nothing(self):
        seen: list[str] = []

        async def note(event: AgentToolStreamEvent) -> None:
            await asyncio.to_thread(lambda: None)
            seen.append(label(event["event"]))

        child, _ = scripted(text("x"), name="child")
        agent, _ = caller(child.as_tool("ask", "", on_stream=note, on_stream_max_pending_events=1))
        await Runner.run(agent, "Hi")
        assert (seen[0], seen[-1], len(seen)) == ("agent:child", "message_output_created", 11)

    async def test_all_that_came_before_an_error_is_handed_over_first(self):
        seen: list[str] = []

        async def note(event: AgentToolStreamEvent) -> None:
            await asyncio.to_thread(lambda: None)
            if isinstance(event["event"], RunItemStreamEvent):
                seen.append(event["event"].name)

        steps = [calls(("look", {})), ModelStep.raise_error(ValueError("late"))]
        child, _ = scripted(*steps, name="child", tools=[look])
        tool = child.as_tool("ask", "", on_stream=note, failure_error_function=None)
        agent, _ = caller(tool)
        with pytest.raises(UserError, match="late"):
            await Runner.run(agent, "Hi")
        assert seen == ["tool_called", "tool_output"]

    @both_ways
    async def test_an_error_of_the_callback_is_logged_and_fails_nothing(
        self, run: RunIt, caplog: pytest.LogCaptureFixture
    ):
        def fail(event: AgentToolStreamEvent) -> None:
            raise ValueError("watcher")

        child, _ = scripted(text("x"), name="child")
        agent, model = caller(child.as_tool("ask", "", on_stream=fail))
        with caplog.at_level(logging.ERROR):
            await run(agent)
        assert outputs(model) == ["x"]
        assert "Error while handling an agent tool on_stream event" in caplog.text

    @both_ways
    async def test_what_is_no_exception_goes_through(self, run: RunIt):
        class Stop(BaseException):
            pass

        def stop(event: AgentToolStreamEvent) -> None:
            raise Stop("now")

        child, _ = scripted(text("x"), name="child")
        agent, _ = caller(child.as_tool("ask", "", on_stream=stop))
        with pytest.raises(Stop, match="now"):
            await run(agent)
