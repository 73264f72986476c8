from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from openai import AsyncOpenAI
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agents import (
    Agent,
    AgentsException,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    custom_span,
    function_tool,
    generation_span,
    trace,
)
from agents.extensions.otel import OpenTelemetryProcessor
from agents.model_settings import ModelSettings
from agents.testing import ModelStep, ResponsesServer, ScriptedModel
from agents.testing.response_object import usage_object
from agents.testing.responses_server import Step
from agents.tracing import SpanError, get_trace_provider
from models.chat_server import ChatServer, streaming
from models.chats import HELLO
from run.notes import processing
from run.scripts import RunIt, both_ways, calls, run_drained, run_plain, scripted, text


class Seen:
    """What an OpenTelemetry exporter was given."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order of their start."""
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def only(self, prefix: str) -> ReadableSpan:
        [span] = [span for span in self.spans if span.name.startswith(prefix)]
        return span

    def attributes(self, prefix: str) -> dict[str, Any]:
        return dict(self.only(prefix).attributes or {})

    def tree(self) -> list[str]:
        """The names in the order of their start, each indented below its parent's."""
        depth: dict[int, int] = {}
        lines: list[str] = []
        for span in self.spans:
            assert span.context is not None
            depth[span.context.span_id] = depth.get(span.parent.span_id, 0) + 1 if span.parent else 0
            lines.append("  " * depth[span.context.span_id] + span.name)
        return lines


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(params=[False])
def shows_content(request: pytest.FixtureRequest) -> bool:
    return request.param


showing_content = pytest.mark.parametrize("shows_content", [True], indirect=True)


@pytest.fixture(autouse=True)
def processor(
    seen: Seen, shows_content: bool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenTelemetryProcessor]:
    processor = OpenTelemetryProcessor(seen.provider, include_sensitive_data=shows_content)
    with processing(processor, monkeypatch):
        yield processor


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


@asynccontextmanager
async def asking(*steps: Step, **fields: Any) -> AsyncGenerator[Agent[Any]]:
    """An agent whose model is a server on loopback."""
    with ResponsesServer(list(steps)) as server:
        async with AsyncOpenAI(base_url=server.base_url, api_key="k") as client:
            yield Agent(name="a", model=OpenAIResponsesModel("gpt-x", client), **fields)


class TestTree:
    @both_ways
    async def test_it_is_that_of_the_run_under_a_span_for_its_trace(self, run: RunIt, seen: Seen):
        model = ScriptedModel(
            [calls(("look", {})), calls(("transfer_to_b", {}, "h")), text()], emit_traces=True
        )
        b: Agent[Any] = Agent(name="b", model=model)
        await run(Agent[Any](name="a", model=model, tools=[look], handoffs=[b]))
        assert seen.tree() == [
            "invoke_workflow Agent workflow",
            "  task Agent workflow",
            "    invoke_agent a",
            "      turn 1",
            "        chat",
            "        execute_tool look",
            "      turn 2",
            "        chat",
            "        handoff b",
            "    invoke_agent b",
            "      turn 3",
            "        chat",
        ]

    @both_ways
    async def test_a_nested_run_is_below_the_call_that_it_answers(self, run: RunIt, seen: Seen):
        child, _ = scripted(text(), name="child")
        agent, _ = scripted(calls(("ask", {"input": "x"})), text(), tools=[child.as_tool("ask", "")])
        config = RunConfig(tracing={"include_task_and_turn_spans": False})
        await run(agent, run_config=config)
        assert seen.tree() == [
            "invoke_workflow Agent workflow",
            "  invoke_agent a",
            "    execute_tool ask",
            "      invoke_agent child",
        ]

    @both_ways
    async def test_the_current_opentelemetry_span_is_its_parent(self, run: RunIt, seen: Seen):
        agent, _ = scripted(text())
        with otel.get_tracer("test", tracer_provider=seen.provider).start_as_current_span("request") as above:
            await run(agent)
        root = seen.only("invoke_workflow")
        assert root.parent == above.get_span_context()
        assert {span.context.trace_id for span in seen.spans if span.context} == {
            above.get_span_context().trace_id
        }

    @both_ways
    async def test_what_a_resumed_run_does_is_below_the_trace_that_it_goes_on_with(
        self, run: RunIt, seen: Seen
    ):
        @function_tool(needs_approval=True)
        def pay() -> str:
            return "paid"

        agent, _ = scripted(calls(("pay", {})), text(), tools=[pay])
        result = await run(agent)
        state = result.to_state()
        for item in state.get_interruptions():
            state.approve(item)
        with otel.get_tracer("test", tracer_provider=seen.provider).start_as_current_span("elsewhere"):
            await run(agent, state)
        assert [line for line in seen.tree() if line != "elsewhere"] == [
            "invoke_workflow Agent workflow",
            "  task Agent workflow",
            "    invoke_agent a",
            "      turn 1",
            "  task Agent workflow",
            "    invoke_agent a",
            "      execute_tool pay",
            "      turn 2",
        ]

    async def test_streamed_and_plain_give_the_same(self):
        forms: list[Any] = []
        for run in (run_plain, run_drained):
            seen = Seen()
            get_trace_provider().set_processors([OpenTelemetryProcessor(seen.provider)])
            agent, _ = scripted(calls(("look", {}), ("look", {})), text(), tools=[look])
            await run(agent)
            attributes = [dict(span.attributes or {}) for span in seen.spans]
            forms.append((seen.tree(), [{**one, "headrace.trace_id": None} for one in attributes]))
        assert forms[0] == forms[1]

    async def test_shutting_down_ends_what_is_open(self, processor: OpenTelemetryProcessor, seen: Seen):
        provider = get_trace_provider()
        provider.create_trace("work").start()
        processor.force_flush()
        assert seen.spans == []
        processor.shutdown()
        assert seen.tree() == ["invoke_workflow work"]


class TestCurrent:
    @both_ways
    @pytest.mark.usefixtures("processor")
    async def test_spans_of_a_tools_own_are_below_its_call(
        self, seen: Seen, run: RunIt, caplog: pytest.LogCaptureFixture
    ):
        tracer = otel.get_tracer("mine", tracer_provider=seen.provider)

        @function_tool
        async def ask() -> str:
            with tracer.start_as_current_span("query"):
                return "asked"

        @function_tool
        def look() -> str:
            with tracer.start_as_current_span("read"):
                return "seen"

        agent, _ = scripted(calls(("ask", {}), ("look", {})), text(), tools=[ask, look])
        with tracer.start_as_current_span("mine"):
            await run(agent)
            with tracer.start_as_current_span("behind"):
                pass
        parents = {
            span.name: next((each.name for each in seen.spans if each.context == span.parent), None)
            for span in seen.spans
        }
        assert (parents["query"], parents["read"]) == ("execute_tool ask", "execute_tool look")
        # What was current in front of the run is current behind it.
        assert parents["behind"] == "mine"
        assert not [record for record in caplog.records if "detach" in record.message]

    @pytest.mark.usefixtures("processor")
    async def test_a_span_that_is_not_current_makes_none_current(self, seen: Seen):
        tracer = otel.get_tracer("mine", tracer_provider=seen.provider)
        with trace("t"):
            apart = custom_span("apart")
            apart.start()
            with custom_span("inside"), tracer.start_as_current_span("query"):
                pass
            apart.finish()
            assert otel.get_current_span() is otel.INVALID_SPAN
        assert seen.only("query").parent == seen.only("inside").context


class TestAttributes:
    async def test_a_streamed_call_tells_model_usage_and_time_to_the_first_output(self, seen: Seen):
        step = replace(Step().text("Hello there."), usage=usage_object(11, 3))
        async with asking(step) as agent:
            await run_drained(agent)
        found = seen.attributes("chat gpt-x")
        assert 0 < found.pop("gen_ai.response.time_to_first_chunk") < 60
        assert found.pop("gen_ai.response.id").startswith("resp_")
        found.pop("gen_ai.response.model")
        details = {key for key in found if "cache" in key or "reasoning" in key}
        assert {key: value for key, value in found.items() if key not in details} == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-x",
            "gen_ai.request.stream": True,
            "gen_ai.usage.input_tokens": 11,
            "gen_ai.usage.output_tokens": 3,
        }
        assert seen.only("chat").kind is otel.SpanKind.CLIENT

    async def test_one_that_is_not_streamed_has_no_first_output(self, seen: Seen):
        async with asking(Step().text("Hello there.")) as agent:
            await run_plain(agent)
        assert "gen_ai.response.time_to_first_chunk" not in seen.attributes("chat gpt-x")
        assert seen.attributes("chat gpt-x")["gen_ai.usage.input_tokens"] > 0

    async def test_without_the_runs_data_model_and_usage_are_told_still(self, seen: Seen):
        async with asking(Step().text("Hello there.")) as agent:
            await run_drained(agent, run_config=RunConfig(trace_include_sensitive_data=False))
        assert {"gen_ai.request.model", "gen_ai.usage.input_tokens"} <= seen.attributes("chat gpt-x").keys()

    async def test_a_call_of_chat_completions_tells_its_settings_too(self, seen: Seen):
        async with (
            ChatServer([streaming(HELLO)]) as server,
            AsyncOpenAI(base_url=server.base_url, api_key="k") as client,
        ):
            model = OpenAIChatCompletionsModel("m", client)
            settings = ModelSettings(temperature=0.5, max_tokens=9)
            await run_drained(Agent[Any](name="a", model=model, model_settings=settings))
        found = seen.attributes("chat m")
        assert (found["gen_ai.request.temperature"], found["gen_ai.request.max_tokens"]) == (0.5, 9)
        assert found["gen_ai.response.time_to_first_chunk"] > 0

    @both_ways
    async def test_agents_tools_and_traces_are_named(self, run: RunIt, seen: Seen):
        agent, _ = scripted(calls(("look", {})), text(), tools=[look])
        await run(agent, run_config=RunConfig(workflow_name="mine", group_id="thread_1"))
        assert seen.attributes("invoke_agent") == {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "a",
        }
        assert seen.attributes("execute_tool") == {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "look",
            "gen_ai.tool.type": "function",
        }
        root = seen.attributes("invoke_workflow mine")
        assert root.pop("headrace.trace_id").startswith("trace_")
        assert root == {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": "mine",
            "gen_ai.conversation.id": "thread_1",
        }


class TestErrors:
    @both_ways
    async def test_they_have_a_kind_and_no_text(self, run: RunIt, seen: Seen):
        agent, _ = scripted(ModelStep.raise_error(ValueError("secret")))
        with pytest.raises(ValueError, match="secret"):
            await run(agent)
        failed = seen.only("invoke_agent")
        assert failed.status.status_code is otel.StatusCode.ERROR
        assert failed.status.description == "Error in agent run"
        assert (failed.attributes or {})["error.type"] == "run_error"
        assert "secret" not in "".join(span.to_json() for span in seen.spans)

    async def test_those_of_the_program_are_others(self, seen: Seen):
        with trace("t"), custom_span("mine") as span:
            span.set_error(SpanError(message="secret", data=None))
        assert seen.attributes("mine") == {"error.type": "_OTHER"}
        assert seen.only("mine").status.description is None

    @showing_content
    async def test_their_text_shows_if_asked_for(self, seen: Seen):
        agent, _ = scripted(ModelStep.raise_error(ValueError("down")))
        with pytest.raises(ValueError, match="down"):
            await run_plain(agent)
        assert seen.only("invoke_agent").status.description == "Error in agent run: down"

    async def test_too_many_turns(self, seen: Seen):
        agent, _ = scripted(calls(("look", {})), tools=[look])
        with pytest.raises(AgentsException):
            await run_plain(agent, max_turns=1)
        assert seen.attributes("invoke_agent")["error.type"] == "max_turns_exceeded"


def messages(seen: Seen, prefix: str) -> list[tuple[Any, Any]]:
    """What each call was sent, and what it gave."""
    found: list[tuple[Any, Any]] = []
    for span in seen.spans:
        if span.name.startswith(prefix):
            attributes: Any = span.attributes
            sent, came = (attributes[f"gen_ai.{way}.messages"] for way in ("input", "output"))
            found.append((json.loads(sent), json.loads(came)))
    return found


class TestContent:
    async def test_nothing_of_it_is_shown_unasked(self, seen: Seen):
        step = Step().function_call("look", {"word": "secret"}, call_id="c")
        async with asking(step, Step().text("secret"), tools=[look]) as agent:
            await run_drained(agent, "secret")
        with trace("t"), custom_span("mine", {"key": "secret"}):
            pass
        assert "secret" not in "".join(span.to_json() for span in seen.spans)

    @showing_content
    async def test_nor_is_it_if_the_run_keeps_it_back(self, seen: Seen):
        step = Step().function_call("look", {"word": "secret"}, call_id="c")
        async with asking(step, Step().text("secret"), tools=[look]) as agent:
            config = RunConfig(trace_include_sensitive_data=False)
            await Runner.run(agent, "secret", run_config=config)
        assert "secret" not in "".join(span.to_json() for span in seen.spans)

    @showing_content
    async def test_messages_have_the_form_of_the_conventions(self, seen: Seen):
        step = Step().function_call("look", {"word": "it"}, call_id="c1")
        async with asking(step, Step().text("Hello."), tools=[look]) as agent:
            await run_drained(agent, "Hi")
        first, second = messages(seen, "chat gpt-x")
        hi = {"role": "user", "parts": [{"type": "text", "content": "Hi"}]}
        call = {"type": "tool_call", "id": "c1", "name": "look", "arguments": '{"word": "it"}'}
        result = {"type": "tool_call_response", "id": "c1", "response": "seen it"}
        assert first == ([hi], [{"role": "assistant", "parts": [call]}])
        assert second == (
            [hi, {"role": "assistant", "parts": [call]}, {"role": "tool", "parts": [result]}],
            [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}]}],
        )
        assert seen.attributes("execute_tool")["gen_ai.tool.call.arguments"] == '{"word": "it"}'
        assert seen.attributes("execute_tool")["gen_ai.tool.call.result"] == "seen it"

    @showing_content
    async def test_so_have_those_of_chat_completions(self, seen: Seen):
        sent = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}]},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "7"},
        ]
        came = [{"role": "assistant", "content": "7"}]
        with trace("t"), generation_span(input=sent, output=came, model="m"):
            pass
        assert messages(seen, "chat m") == [
            (
                [
                    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
                    {
                        "role": "user",
                        "parts": [{"type": "text", "content": "Hi"}, {"type": "image_url"}],
                    },
                    {
                        "role": "assistant",
                        "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}],
                    },
                    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "7"}]},
                ],
                [{"role": "assistant", "parts": [{"type": "text", "content": "7"}]}],
            )
        ]

    @showing_content
    async def test_the_programs_own_data_is_told_by_its_names(self, seen: Seen):
        with trace("t"), custom_span("mine", {"text": "x", "count": 3, "list": [1], "none": None}):
            pass
        assert seen.attributes("mine") == {"text": "x", "count": 3, "list": "[1]"}


async def test_what_ends_without_a_start_is_nobodys(processor: OpenTelemetryProcessor, seen: Seen):
    provider = get_trace_provider()
    provider.set_processors([])
    with trace("t"), custom_span("before"):
        provider.set_processors([processor])
        with custom_span("inside"):
            pass
    assert seen.tree() == ["inside"]


def test_without_opentelemetry_the_error_says_what_to_install():
    program = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "try:\n"
        "    import agents.extensions.otel\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'headrace[otel]'" in done.stdout
