"""The spans of runs: what a processor is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from agents import (
    Agent,
    AgentsException,
    GuardrailFunctionOutput,
    InputGuardrail,
    OutputGuardrail,
    RunConfig,
    Runner,
    custom_span,
    function_tool,
    trace,
)
from agents.testing import ModelCall, ModelStep, ScriptedModel
from agents.tracing import get_current_span, get_current_trace
from agents.usage import Usage
from run.notes import Notes, export, kind, processing
from run.scripts import RunIt, both_ways, calls, collect, run_drained, run_plain, scripted, text


@pytest.fixture(autouse=True)
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notes]:
    """The only processor of a fresh provider, that of the process for one test."""
    notes = Notes()
    with processing(notes, monkeypatch):
        yield notes


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


def verdict(name: str, *, trips: bool = False) -> Any:
    def check(context: Any, agent: Any, subject: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, trips)

    check.__name__ = name
    return check


def everything() -> Agent[Any]:
    """An agent whose run has every kind of span."""
    model = ScriptedModel(
        [calls(("look", {"word": "it"}, "c1")), calls(("transfer_to_b", {}, "h")), text("hello")],
        emit_traces=True,
    )
    b: Agent[Any] = Agent(name="b", model=model, output_guardrails=[OutputGuardrail(verdict("judge"))])
    return Agent(
        name="a", model=model, tools=[look], handoffs=[b], input_guardrails=[InputGuardrail(verdict("guard"))]
    )


@both_ways
class TestTree:
    async def test_spans_nest_as_the_run_does(self, run: RunIt, notes: Notes):
        await run(everything())
        assert notes.tree() == [
            "task",
            "  agent a",
            "    turn",
            "    guardrail guard",
            "      generation",
            "      function look",
            "    turn",
            "      generation",
            "      handoff b",
            "  agent b",
            "    turn",
            "      generation",
            "    guardrail judge",
        ]

    async def test_an_agent_ends_after_what_it_did_and_the_trace_last(self, run: RunIt, notes: Notes):
        await run(everything())
        assert notes.order[0] == "+ trace Agent workflow"
        assert notes.order[-7:] == [
            "- generation",
            "- turn",
            "+ guardrail",
            "- guardrail judge",
            "- agent b",
            "- task",
            "- trace Agent workflow",
        ]
        assert len(notes.traces) == 1
        assert {span.trace_id for span in notes.spans} == {notes.traces[0].trace_id}

    async def test_each_span_says_what_it_is_about(self, run: RunIt, notes: Notes):
        await run(everything())
        assert notes.data("agent") == [
            {"type": "agent", "name": "a", "handoffs": ["b"], "tools": ["look"], "output_type": "str"},
            {"type": "agent", "name": "b", "handoffs": [], "tools": [], "output_type": "str"},
        ]
        [function] = notes.data("function")
        assert (function["name"], function["input"], function["output"]) == (
            "look",
            '{"word":"it"}',
            "seen it",
        )
        assert notes.data("handoff") == [{"type": "handoff", "from_agent": "a", "to_agent": "b"}]
        assert notes.data("guardrail") == [
            {"type": "guardrail", "name": "guard", "triggered": False},
            {"type": "guardrail", "name": "judge", "triggered": False},
        ]
        assert [span.error for span in notes.spans] == [None] * len(notes.spans)

    async def test_the_output_type_is_named(self, run: RunIt, notes: Notes):
        class Answer(BaseModel):
            number: int

        agent, _ = scripted(text('{"number":1}'), output_type=Answer)
        await run(agent)
        assert notes.data("agent")[0]["output_type"] == "Answer"

    async def test_task_and_turn_carry_usage(self, run: RunIt, notes: Notes):
        first = ModelStep(output=calls(("look", {})), usage=Usage(1, 10, total_tokens=15, output_tokens=5))
        second = ModelStep(output=text(), usage=Usage(1, 20, total_tokens=21, output_tokens=1))
        agent, _ = scripted(first, second, tools=[look])
        await run(agent, run_config=RunConfig(workflow_name="mine"))
        none_cached = {"cached_input_tokens": 0, "cache_write_input_tokens": 0}
        assert [export["data"] for export in notes.data("task")] == [
            {
                "sdk_span_type": "task",
                "name": "mine",
                "usage": {
                    "requests": 2,
                    "input_tokens": 30,
                    "output_tokens": 6,
                    "total_tokens": 36,
                    **none_cached,
                },
            }
        ]
        assert [export["data"] for export in notes.data("turn")] == [
            {
                "sdk_span_type": "turn",
                "turn": turn,
                "agent_name": "a",
                "usage": {"input_tokens": spent[0], "output_tokens": spent[1], **none_cached},
            }
            for turn, spent in [(1, (10, 5)), (2, (20, 1))]
        ]

    async def test_a_turn_without_a_response_spent_nothing(self, run: RunIt, notes: Notes):
        agent, _ = scripted(calls(("look", {})), ModelStep.raise_error(ValueError("down")), tools=[look])
        with pytest.raises(ValueError, match="down"):
            await run(agent)
        assert ["usage" in export["data"] for export in notes.data("turn")] == [True, False]

    async def test_task_and_turn_spans_can_be_left_out(self, run: RunIt, notes: Notes):
        await run(everything(), run_config=RunConfig(tracing={"include_task_and_turn_spans": False}))
        assert notes.tree() == [
            "agent a",
            "  guardrail guard",
            "  generation",
            "  function look",
            "  generation",
            "  handoff b",
            "agent b",
            "  generation",
            "  guardrail judge",
        ]

    async def test_a_nested_run_hangs_under_the_call_that_it_answers(self, run: RunIt, notes: Notes):
        child, _ = scripted(calls(("look", {})), text(), name="child", tools=[look])
        agent, _ = scripted(calls(("ask", {"input": "x"})), text(), tools=[child.as_tool("ask", "")])
        await run(agent)
        assert notes.tree() == [
            "task",
            "  agent a",
            "    turn",
            "      function ask",
            "        task",
            "          agent child",
            "            turn",
            "              function look",
            "            turn",
            "    turn",
        ]
        assert len(notes.traces) == 1

    async def test_what_a_tool_traces_hangs_under_its_call(self, run: RunIt, notes: Notes):
        @function_tool
        async def work() -> str:
            with custom_span("inside"):
                await asyncio.to_thread(lambda: None)
            return "done"

        agent, _ = scripted(calls(("work", {}), ("work", {})), text(), tools=[work])
        await run(agent, run_config=RunConfig(tracing={"include_task_and_turn_spans": False}))
        calls_of_work = [span.span_id for span in notes.spans if kind(span) == "function"]
        inside = [span.parent_id for span in notes.spans if kind(span) == "custom"]
        assert sorted(calls_of_work) == sorted(parent or "" for parent in inside)

    async def test_the_trace_has_what_the_run_was_configured_with(self, run: RunIt, notes: Notes):
        agent, _ = scripted(text())
        config = RunConfig(
            workflow_name="mine", trace_id="trace_1", group_id="group_1", trace_metadata={"key": "value"}
        )
        await run(agent, run_config=config)
        [started] = notes.traces
        exported = started.export()
        assert exported is not None
        assert (started.name, started.trace_id, exported["group_id"]) == ("mine", "trace_1", "group_1")
        assert exported["metadata"] == {"key": "value"}

    async def test_without_sensitive_data_calls_have_neither_input_nor_output(self, run: RunIt, notes: Notes):
        await run(everything(), run_config=RunConfig(trace_include_sensitive_data=False))
        [function] = notes.data("function")
        assert (function["input"], function["output"]) == (None, None)


class TestParity:
    @pytest.mark.parametrize("case", ["everything", "nested", "tool fails", "guardrail trips", "model fails"])
    async def test_run_and_run_streamed_give_the_same_spans(self, case: str, notes: Notes):
        def agent() -> Agent[Any]:
            child, _ = scripted(calls(("look", {})), text(), name="child", tools=[look])
            match case:
                case "nested":
                    return scripted(calls(("ask", {"input": "x"})), text(), tools=[child.as_tool("ask", "")])[
                        0
                    ]
                case "tool fails":
                    return scripted(calls(("raising", {})), tools=[raising])[0]
                case "guardrail trips":
                    return scripted(
                        text(), output_guardrails=[OutputGuardrail(verdict("judge", trips=True))]
                    )[0]
                case "model fails":
                    return scripted(ModelStep.raise_error(ValueError("down")))[0]
                case _:
                    return everything()

        forms: list[Any] = []
        for run in (run_plain, run_drained):
            notes.__init__()
            try:
                await run(agent())
            except (AgentsException, ValueError) as error:
                forms.append(type(error))
            forms.append(notes.form())
        half = len(forms) // 2
        assert forms[:half] == forms[half:]


@function_tool(failure_error_function=None)
def raising() -> str:
    raise ValueError("secret")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@both_ways
class TestErrors:
    @pytest.mark.parametrize(
        ("sensitive", "text_of"), [(True, "down"), (False, "Error details are redacted.")]
    )
    async def test_an_error_is_on_the_agent(self, run: RunIt, notes: Notes, sensitive: bool, text_of: str):
        agent, _ = scripted(ModelStep.raise_error(ValueError("down")))
        with pytest.raises(ValueError, match="down"):
            await run(agent, run_config=RunConfig(trace_include_sensitive_data=sensitive))
        assert notes.only("agent").error == {"message": "Error in agent run", "data": {"error": text_of}}

    async def test_an_error_without_a_text_says_so(self, run: RunIt, notes: Notes):
        agent, _ = scripted(ModelStep.raise_error(Unprintable()))
        with pytest.raises(Unprintable):
            await run(agent)
        assert notes.only("agent").error == {
            "message": "Error in agent run",
            "data": {"error": "Error details are unavailable."},
        }

    async def test_too_many_turns(self, run: RunIt, notes: Notes):
        agent, _ = scripted(calls(("look", {})), tools=[look])
        with pytest.raises(AgentsException):
            await run(agent, max_turns=1)
        assert notes.only("agent").error == {"message": "Max turns exceeded", "data": {"max_turns": 1}}

    @pytest.mark.parametrize("stage", ["input", "blocking", "output"])
    async def test_a_tripwire_names_its_guardrail(self, run: RunIt, notes: Notes, stage: str):
        check = verdict("judge", trips=True)
        agent, _ = scripted(text())
        if stage == "output":
            agent.output_guardrails = [OutputGuardrail(check)]
        else:
            agent.input_guardrails = [InputGuardrail(check, run_in_parallel=stage == "input")]
        with pytest.raises(AgentsException):
            await run(agent)
        error = notes.only("agent").error
        assert error is not None
        assert (error["message"], error["data"]) == ("Guardrail tripwire triggered", {"guardrail": "judge"})
        assert export(notes.only("guardrail"))["triggered"] is True

    async def test_a_models_mistake_is_no_error_of_the_agent(self, run: RunIt, notes: Notes):
        agent, _ = scripted(calls(("missing", {})), tools=[look])
        with pytest.raises(AgentsException, match="missing"):
            await run(agent)
        assert notes.only("agent").error is None

    async def test_a_tool_that_raises_has_the_error_on_its_call(self, run: RunIt, notes: Notes):
        agent, _ = scripted(calls(("raising", {})), tools=[raising])
        with pytest.raises(AgentsException):
            await run(agent)
        error = notes.only("function").error
        assert error is not None
        assert error["message"] == "Error running tool"
        assert "secret" in str(error["data"])

    async def test_one_whose_error_the_model_is_told_keeps_it_to_itself(self, run: RunIt, notes: Notes):
        @function_tool
        def fail() -> str:
            raise ValueError("secret")

        agent, _ = scripted(calls(("fail", {})), text(), tools=[fail])
        await run(agent)
        error = notes.only("function").error
        assert error is not None
        assert error["message"].startswith("Error running tool")
        assert "secret" not in str(notes.form())
        assert notes.only("agent").error is None

    async def test_several_handoffs_at_once(self, run: RunIt, notes: Notes):
        model = ScriptedModel([calls(("transfer_to_b", {}, "1"), ("transfer_to_c", {}, "2")), text()])
        others = [Agent[Any](name=name, model=model) for name in "bc"]
        await run(Agent[Any](name="a", model=model, handoffs=[*others]))
        assert notes.only("handoff").error == {
            "message": "Multiple handoffs requested",
            "data": {"requested_agents": ["b", "c"]},
        }

    async def test_every_span_ends_whatever_happens(self, run: RunIt, notes: Notes):
        agent, _ = scripted(calls(("look", {}), ("raising", {})), tools=[look, raising])
        with pytest.raises(AgentsException):
            await run(agent)
        assert all(span.ended_at is not None for span in notes.spans)
        assert notes.order[-1] == "- trace Agent workflow"


class TestCallersTrace:
    @both_ways
    async def test_runs_in_one_trace_hang_under_what_is_current(self, run: RunIt, notes: Notes):
        agent, _ = scripted(text(), text())
        with trace("outer") as outer, custom_span("mine") as mine:
            await run(agent)
            await run(agent)
            assert (get_current_trace(), get_current_span()) == (outer, mine)
        assert notes.tree() == ["custom mine", *["  task", "    agent a", "      turn"] * 2]
        assert [started.name for started in notes.traces] == ["outer"]
        assert notes.order[-1] == "- trace outer"

    @both_ways
    @pytest.mark.parametrize("fails", [False, True])
    async def test_tracing_disabled_leaves_it_untouched_during_and_after(
        self, run: RunIt, notes: Notes, fails: bool
    ):
        @function_tool
        def work() -> str:
            with custom_span("inside"):
                return "done"

        last = ModelStep.raise_error(ValueError("down")) if fails else text()
        agent, _ = scripted(calls(("work", {})), last, tools=[work])
        with trace("outer") as outer, custom_span("mine") as mine:
            try:
                await run(agent, run_config=RunConfig(tracing_disabled=True))
            except ValueError:
                assert fails
            assert (get_current_trace(), get_current_span()) == (outer, mine)
        assert notes.tree() == ["custom mine"]

    async def test_a_disabled_run_that_is_cancelled_leaves_it_untouched_too(self, notes: Notes):
        asked = asyncio.Event()

        async def wait(call: ModelCall) -> Any:
            asked.set()
            await asyncio.Event().wait()

        agent, _ = scripted(ModelStep.respond(wait))
        with trace("outer") as outer, custom_span("mine") as mine:
            result = Runner.run_streamed(agent, "Hi", run_config=RunConfig(tracing_disabled=True))
            await asked.wait()
            result.cancel()
            assert await collect(result.stream_events()) == []
            assert result.run_loop_task is not None
            await asyncio.wait([result.run_loop_task])
            assert (get_current_trace(), get_current_span()) == (outer, mine)
        assert notes.tree() == ["custom mine"]

    async def test_a_disabled_run_starts_no_trace(self, notes: Notes):
        agent, _ = scripted(text())
        await Runner.run(agent, "Hi", run_config=RunConfig(tracing_disabled=True))
        assert notes.order == []

    async def test_a_run_leaves_no_trace_current(self):
        agent, _ = scripted(text(), text())
        await Runner.run(agent, "Hi")
        await run_drained(agent)
        assert (get_current_trace(), get_current_span()) == (None, None)

    async def test_a_stream_can_be_read_from_another_context(self, notes: Notes):
        agent, _ = scripted(text())
        with trace("outer"):
            result = Runner.run_streamed(agent, "Hi")
        events = await asyncio.create_task(collect(result.stream_events()))
        assert events
        assert notes.tree() == ["task", "  agent a", "    turn"]


class TestEnds:
    async def test_a_cancelled_run_ends_its_spans_and_its_trace(self, notes: Notes):
        asked = asyncio.Event()

        async def wait(call: ModelCall) -> Any:
            asked.set()
            await asyncio.Event().wait()

        agent, _ = scripted(ModelStep.respond(wait))
        result = Runner.run_streamed(agent, "Hi")
        await asked.wait()
        result.cancel()
        assert result.run_loop_task is not None
        await asyncio.wait([result.run_loop_task])
        assert notes.order[-4:] == ["- turn", "- agent a", "- task", "- trace Agent workflow"]

    async def test_the_result_knows_the_trace_that_it_started(self, notes: Notes):
        agent, _ = scripted(text(), text())
        result = await run_drained(agent)
        assert result.trace is notes.traces[0]
        with trace("outer"):
            assert (await run_drained(agent)).trace is None
