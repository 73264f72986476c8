from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.tracing import (
    AgentSpanData,
    CustomSpanData,
    FunctionSpanData,
    GenerationSpanData,
    GuardrailSpanData,
    HandoffSpanData,
    MCPListToolsSpanData,
    ResponseSpanData,
    Span,
    SpanData,
    SpeechGroupSpanData,
    SpeechSpanData,
    TaskSpanData,
    TranscriptionSpanData,
    TurnSpanData,
    agent_span,
    custom_span,
    function_span,
    generation_span,
    get_current_span,
    get_current_trace,
    guardrail_span,
    handoff_span,
    mcp_tools_span,
    response_span,
    speech_group_span,
    speech_span,
    task_span,
    trace,
    transcription_span,
    turn_span,
)
from agents.tracing.provider import DefaultTraceProvider
from agents.tracing.scope import Scope
from agents.tracing.spans import NoOpSpan, SpanImpl
from tracing.trace_recorder import Recorder


def test_spans_nest_under_what_is_current(recorder: Recorder) -> None:
    with trace("workflow") as workflow:
        with agent_span("agent") as agent:
            with function_span("tool") as tool:
                assert get_current_span() is tool
            assert get_current_span() is agent
        assert get_current_span() is None
    assert get_current_trace() is None
    assert (agent.parent_id, tool.parent_id) == (None, agent.span_id)
    assert {agent.trace_id, tool.trace_id} == {workflow.trace_id}
    assert recorder.calls == [
        "start workflow",
        "start agent",
        "start tool",
        "end tool",
        "end agent",
        "end workflow",
    ]


def test_an_explicit_parent_needs_no_current_trace_and_sets_none(recorder: Recorder) -> None:
    workflow = trace("workflow")
    workflow.start()
    agent = agent_span("agent", parent=workflow)
    agent.start()
    tool = function_span("tool", parent=agent, span_id="span_of_mine")
    tool.start()
    assert (get_current_trace(), get_current_span()) == (None, None)
    tool.finish()
    agent.finish()
    workflow.finish()
    assert (tool.trace_id, tool.parent_id, tool.span_id) == (
        workflow.trace_id,
        agent.span_id,
        "span_of_mine",
    )
    assert recorder.calls[-1] == "end workflow"


async def test_a_task_can_start_with_a_span_current_that_its_creator_never_sees(recorder: Recorder) -> None:
    workflow = trace("workflow")
    workflow.start()
    agent = agent_span("agent", parent=workflow)
    agent.start()
    context = contextvars.copy_context()
    context.run(Scope.set_current_trace, workflow)
    context.run(Scope.set_current_span, agent)

    async def work() -> Span[FunctionSpanData]:
        with function_span("tool") as span:
            await asyncio.sleep(0)
        return span

    tool = await asyncio.create_task(work(), context=context)
    assert tool.parent_id == agent.span_id
    assert (get_current_trace(), get_current_span()) == (None, None)


def test_spans_of_an_inner_trace_have_no_parent_in_the_outer(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    with trace("outer"), agent_span("outer agent"), trace("inner") as inner, agent_span("agent") as span:
        pass
    assert (span.trace_id, span.parent_id) == (inner.trace_id, None)
    assert "Trace already exists" in caplog.text


def test_a_span_starts_and_ends_once(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    with trace("workflow"):
        span = custom_span("work")
        span.start()
        span.start()
        span.finish()
        ended_at = span.ended_at
        span.finish()
    assert span.ended_at == ended_at
    assert recorder.calls == ["start workflow", "start work", "end work", "end workflow"]
    assert ["already started" in m or "already finished" in m for m in caplog.messages] == [True, True]


def test_a_span_finished_inside_its_block_does_not_stay_current(recorder: Recorder) -> None:
    with trace("workflow"):
        with custom_span("work") as span:
            span.finish()
        assert get_current_span() is None


def test_finish_without_reset_leaves_the_span_current_until_it_is_reset(recorder: Recorder) -> None:
    with trace("workflow"):
        span = custom_span("work")
        span.start(mark_as_current=True)
        span.finish()
        assert get_current_span() is span
        span.finish(reset_current=True)
        assert get_current_span() is None


@pytest.mark.parametrize("disabled", [False, True])
def test_an_explicit_reset_in_a_foreign_context_raises_after_the_end(
    recorder: Recorder, disabled: bool
) -> None:
    with trace("workflow"):
        span = custom_span("work", disabled=disabled)
        contextvars.copy_context().run(span.start, mark_as_current=True)
        with pytest.raises(ValueError, match="different Context"):
            span.finish(reset_current=True)
        assert (span.ended_at is None) == disabled


@pytest.mark.parametrize("disabled", [False, True])
@pytest.mark.parametrize("error", [None, GeneratorExit(), asyncio.CancelledError(), ValueError("v")])
def test_a_block_left_in_a_foreign_context_does_not_raise(
    recorder: Recorder, disabled: bool, error: BaseException | None
) -> None:
    with trace("workflow"):
        span = custom_span("work", disabled=disabled)
        contextvars.copy_context().run(span.__enter__)
        span.__exit__(None if error is None else type(error), error, None)
        assert (span.ended_at is None) == disabled
        assert get_current_span() is None


async def test_a_generator_may_be_closed_by_another_task(recorder: Recorder) -> None:
    async def stream() -> AsyncGenerator[int, None]:
        with trace("workflow"), agent_span("agent"):
            yield 1

    numbers = stream()

    async def first() -> int:
        return await anext(numbers)

    async def close() -> None:
        await numbers.aclose()

    assert await asyncio.create_task(first()) == 1
    await asyncio.create_task(close())
    assert recorder.calls == ["start workflow", "start agent", "end agent", "end workflow"]
    assert (get_current_trace(), get_current_span()) == (None, None)


def test_a_generator_closed_early_gives_back_the_span_before(recorder: Recorder) -> None:
    def stream() -> Generator[int, None, None]:
        with agent_span("inner"):
            yield 1

    with trace("workflow"), agent_span("outer") as outer:
        numbers = stream()
        next(numbers)
        numbers.close()
        assert get_current_span() is outer


def test_without_a_trace_a_span_is_not_recorded_and_a_debug_log_says_so(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="openai.agents.tracing"), agent_span("agent") as span:
        assert isinstance(span, NoOpSpan)
    assert [(r.levelname, r.name) for r in caplog.records] == [("DEBUG", "openai.agents.tracing")]
    assert "No active trace" in caplog.text
    assert recorder.calls == []
    assert span.export() is None


def test_what_is_under_a_disabled_span_is_not_recorded(recorder: Recorder) -> None:
    with trace("workflow") as workflow:
        hidden = agent_span("hidden", disabled=True)
        assert isinstance(function_span("tool", parent=hidden), NoOpSpan)
        with hidden:
            assert get_current_span() is hidden
            assert isinstance(function_span("tool"), NoOpSpan)
            assert isinstance(function_span("tool", parent=workflow), SpanImpl)
        assert get_current_span() is None
    assert recorder.calls == ["start workflow", "end workflow"]


def test_the_data_of_a_span_that_is_not_recorded_can_still_be_filled_in(recorder: Recorder) -> None:
    with function_span("tool") as span:
        span.span_data.output = "done"
        span.set_error({"message": "nothing", "data": None})
    assert (span.span_data.output, span.error) == ("done", None)
    assert (span.span_id, span.trace_id, span.parent_id) == ("no-op", "no-op", None)


def test_the_export_has_the_shape_of_the_traces_api(recorder: Recorder) -> None:
    with trace("workflow") as workflow, agent_span("agent") as parent, custom_span("work", {"a": 1}) as span:
        span.set_error({"message": "it broke", "data": {"why": "x"}})
    assert span.export() == {
        "object": "trace.span",
        "id": span.span_id,
        "trace_id": workflow.trace_id,
        "parent_id": parent.span_id,
        "started_at": span.started_at,
        "ended_at": span.ended_at,
        "span_data": {"type": "custom", "name": "work", "data": {"a": 1}},
        "error": {"message": "it broke", "data": {"why": "x"}},
    }


def test_the_metadata_and_key_of_the_trace_are_on_its_spans_but_not_in_their_export(
    recorder: Recorder,
) -> None:
    workflow = trace("workflow", metadata={"team": "a"}, tracing={"api_key": "the key"})
    with workflow, agent_span("agent") as agent, custom_span("work") as span:
        pass
    for each in (agent, span):
        assert (each.trace_metadata, each.tracing_api_key) == ({"team": "a"}, "the key")
        assert "team" not in str(each.export())
        assert "the key" not in str(each.export())


def test_times_are_iso_8601_in_utc_and_in_order(recorder: Recorder) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    with trace("workflow"), custom_span("work") as span:
        assert span.ended_at is None
    assert span.started_at is not None
    assert span.ended_at is not None
    started, ended = datetime.fromisoformat(span.started_at), datetime.fromisoformat(span.ended_at)
    assert before <= started <= ended <= datetime.now(UTC)
    assert started.utcoffset() == timedelta(0)


class _Response:
    id = "resp_1"


def _response_data() -> ResponseSpanData:
    data = ResponseSpanData(input="secret", usage={"requests": 1})
    data.response = _Response()  # pyright: ignore[reportAttributeAccessIssue]  (only the id is read)
    return data


DATA: list[tuple[SpanData, dict[str, Any]]] = [
    (
        AgentSpanData("a", handoffs=["h"], tools=["t"], output_type="str", metadata={"kept": "here"}),
        {"type": "agent", "name": "a", "handoffs": ["h"], "tools": ["t"], "output_type": "str"},
    ),
    (
        TaskSpanData("run", usage={"requests": 1}, metadata={"kept": "here"}),
        {
            "type": "custom",
            "name": "task",
            "data": {"sdk_span_type": "task", "name": "run", "usage": {"requests": 1}},
        },
    ),
    (
        TurnSpanData(2, "a"),
        {
            "type": "custom",
            "name": "turn",
            "data": {"sdk_span_type": "turn", "turn": 2, "agent_name": "a"},
        },
    ),
    (
        FunctionSpanData("f", "{}", {"a": 1}),
        {"type": "function", "name": "f", "input": "{}", "output": "{'a': 1}", "mcp_data": None},
    ),
    (
        FunctionSpanData("f", None, 0, {"server": "s"}),
        {"type": "function", "name": "f", "input": None, "output": "0", "mcp_data": {"server": "s"}},
    ),
    (
        GenerationSpanData([{"i": 1}], [{"o": 1}], "m", {"temperature": 0}, {"input_tokens": 1}),
        {
            "type": "generation",
            "input": [{"i": 1}],
            "output": [{"o": 1}],
            "model": "m",
            "model_config": {"temperature": 0},
            "usage": {"input_tokens": 1},
        },
    ),
    (_response_data(), {"type": "response", "response_id": "resp_1", "usage": {"requests": 1}}),
    (ResponseSpanData(), {"type": "response", "response_id": None, "usage": None}),
    (HandoffSpanData("a", "b"), {"type": "handoff", "from_agent": "a", "to_agent": "b"}),
    (CustomSpanData("c", {"d": 1}), {"type": "custom", "name": "c", "data": {"d": 1}}),
    (GuardrailSpanData("g"), {"type": "guardrail", "name": "g", "triggered": False}),
    (MCPListToolsSpanData("s", ["t"]), {"type": "mcp_tools", "server": "s", "result": ["t"]}),
    (
        TranscriptionSpanData("QQ==", output="hi", model="m", model_config={"language": "en"}),
        {
            "type": "transcription",
            "input": {"data": "QQ==", "format": "pcm"},
            "output": "hi",
            "model": "m",
            "model_config": {"language": "en"},
        },
    ),
    (
        SpeechSpanData("hi", "QQ==", "wav", first_content_at="2026-01-01T00:00:00+00:00"),
        {
            "type": "speech",
            "input": "hi",
            "output": {"data": "QQ==", "format": "wav"},
            "model": None,
            "model_config": None,
            "first_content_at": "2026-01-01T00:00:00+00:00",
        },
    ),
    (SpeechGroupSpanData("hi"), {"type": "speech_group", "input": "hi"}),
]


@pytest.mark.parametrize(("data", "exported"), DATA, ids=lambda value: type(value).__name__)
def test_each_kind_of_data_exports_its_shape(data: SpanData, exported: dict[str, Any]) -> None:
    assert data.export() == exported


CREATORS: list[tuple[Callable[[], Span[Any]], type[SpanData], str]] = [
    (lambda: agent_span("a"), AgentSpanData, "agent"),
    (lambda: task_span("a"), TaskSpanData, "task"),
    (lambda: turn_span(1, "a"), TurnSpanData, "turn"),
    (lambda: function_span("a"), FunctionSpanData, "function"),
    (generation_span, GenerationSpanData, "generation"),
    (response_span, ResponseSpanData, "response"),
    (lambda: handoff_span("a", "b"), HandoffSpanData, "handoff"),
    (lambda: custom_span("a"), CustomSpanData, "custom"),
    (lambda: guardrail_span("a"), GuardrailSpanData, "guardrail"),
    (lambda: mcp_tools_span("a"), MCPListToolsSpanData, "mcp_tools"),
    (transcription_span, TranscriptionSpanData, "transcription"),
    (speech_span, SpeechSpanData, "speech"),
    (speech_group_span, SpeechGroupSpanData, "speech_group"),
]


@pytest.mark.parametrize(("create", "kind", "type_name"), CREATORS, ids=[row[2] for row in CREATORS])
def test_each_span_function_creates_its_kind(
    provider: DefaultTraceProvider, create: Callable[[], Span[Any]], kind: type[SpanData], type_name: str
) -> None:
    with trace("workflow"), create() as span:
        assert (type(span), type(span.span_data), span.span_data.type) == (SpanImpl, kind, type_name)
