from __future__ import annotations

import logging
import os
import random
import re
import subprocess
import sys
from typing import Any

import pytest

from agents.tracing import (
    CustomSpanData,
    Span,
    Trace,
    TracingProcessor,
    add_trace_processor,
    agent_span,
    custom_span,
    flush_traces,
    gen_span_id,
    gen_trace_id,
    get_current_span,
    get_current_trace,
    get_trace_provider,
    set_trace_processors,
    set_trace_provider,
    set_tracing_disabled,
    trace,
)
from agents.tracing.provider import DefaultTraceProvider, SynchronousMultiTracingProcessor
from agents.tracing.traces import NoOpTrace, TraceImpl
from agents.tracing.util import gen_group_id
from tracing.trace_recorder import Failing, Recorder

VARIABLE = "OPENAI_AGENTS_DISABLE_TRACING"


@pytest.mark.parametrize(
    ("value", "disabled"),
    [("1", True), ("true", True), ("TRUE", True), ("0", False), ("false", False), ("", False)],
)
def test_the_environment_turns_tracing_off(
    provider: DefaultTraceProvider, monkeypatch: pytest.MonkeyPatch, value: str, disabled: bool
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert isinstance(trace("workflow"), NoOpTrace) == disabled


def test_the_environment_counts_at_first_use_and_not_later(
    provider: DefaultTraceProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    assert isinstance(trace("workflow"), NoOpTrace)
    monkeypatch.setenv(VARIABLE, "0")
    assert isinstance(trace("workflow"), NoOpTrace)


def test_a_flush_is_a_first_use(provider: DefaultTraceProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    flush_traces()
    monkeypatch.setenv(VARIABLE, "1")
    assert isinstance(trace("workflow"), TraceImpl)


@pytest.mark.parametrize("used_before", [False, True])
@pytest.mark.parametrize("value", ["0", "1"])
def test_set_disabled_overrides_the_environment_both_ways(
    provider: DefaultTraceProvider, monkeypatch: pytest.MonkeyPatch, value: str, used_before: bool
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    if used_before:
        trace("workflow")
    set_tracing_disabled(True)
    assert isinstance(trace("workflow"), NoOpTrace)
    provider.set_disabled(False)
    assert isinstance(trace("workflow"), TraceImpl)


def test_a_disabled_provider_reports_nothing_yet_flushes_and_shuts_down(recorder: Recorder) -> None:
    set_tracing_disabled(True)
    with trace("workflow") as workflow, agent_span("agent") as span:
        assert (get_current_trace(), get_current_span()) == (workflow, span)
    assert (get_current_trace(), get_current_span()) == (None, None)
    get_trace_provider().force_flush()
    get_trace_provider().shutdown()
    assert recorder.calls == ["flush", "shutdown"]


def test_processors_may_change_between_the_start_and_the_end_of_a_span(recorder: Recorder) -> None:
    second, third = Recorder(), Recorder()
    with trace("workflow"):
        with custom_span("work"):
            set_trace_processors([second])
        add_trace_processor(third)
    assert recorder.calls == ["start workflow", "start work"]
    assert second.calls == ["end work", "end workflow"]
    assert third.calls == ["end workflow"]


def test_changing_the_given_list_later_changes_nothing(provider: DefaultTraceProvider) -> None:
    late = Recorder()
    processors: list[TracingProcessor] = []
    provider.set_processors(processors)
    processors.append(late)
    with trace("workflow"):
        pass
    assert late.calls == []


def test_a_processor_may_register_another_while_it_is_told(provider: DefaultTraceProvider) -> None:
    late = Recorder()

    class Registering(Recorder):
        def on_trace_start(self, trace: Trace) -> None:
            provider.register_processor(late)

    provider.set_processors([Registering()])
    with trace("workflow"):
        pass
    assert late.calls == ["end workflow"]


def test_what_a_processor_raises_is_logged_and_goes_nowhere_else(
    provider: DefaultTraceProvider, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    provider.set_processors([Failing(), recorder])
    with caplog.at_level(logging.INFO, logger="openai.agents.tracing"):
        with trace("workflow"), agent_span("agent"):
            pass
        provider.force_flush()
        provider.shutdown()
    assert recorder.calls == [
        "start workflow",
        "start agent",
        "end agent",
        "end workflow",
        "flush",
        "shutdown",
    ]
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("ERROR", "Error in trace processor during on_trace_start: Failing raised RuntimeError"),
        ("ERROR", "Error in trace processor during on_span_start: Failing raised RuntimeError"),
        ("ERROR", "Error in trace processor during on_span_end: Failing raised RuntimeError"),
        ("ERROR", "Error in trace processor during on_trace_end: Failing raised RuntimeError"),
        ("ERROR", "Error flushing trace processor: Failing raised RuntimeError"),
        ("ERROR", "Error shutting down trace processor: Failing raised RuntimeError"),
    ]
    assert "secret" not in caplog.text


def test_a_debug_log_has_the_traceback_of_a_failing_processor(
    provider: DefaultTraceProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.set_processors([Failing()])
    with caplog.at_level(logging.DEBUG, logger="openai.agents.tracing"):
        provider.force_flush()
    assert "RuntimeError: secret" in caplog.text


def test_shutdown_shares_its_timeout_among_processors_that_take_one() -> None:
    given: list[float | None] = []

    class Timed(Recorder):
        def shutdown(self, timeout: float | None = None) -> None:
            given.append(timeout)

    plain = Recorder()
    processor = SynchronousMultiTracingProcessor()
    processor.set_processors([Timed(), plain])
    processor.shutdown()
    processor.shutdown(timeout=5.0)
    assert given[0] is None
    assert given[1] is not None
    assert 4.0 < given[1] <= 5.0
    assert plain.calls == ["shutdown", "shutdown"]


def test_another_provider_can_be_set_at_any_time(provider: DefaultTraceProvider) -> None:
    recorder = Recorder()
    other = DefaultTraceProvider()
    other.set_processors([recorder])
    set_trace_provider(other)
    assert get_trace_provider() is other
    with trace("workflow"):
        pass
    assert recorder.calls == ["start workflow", "end workflow"]


def test_a_provider_begins_without_processors_and_nothing_leaves_the_process() -> None:
    provider = DefaultTraceProvider()
    with provider.create_trace("workflow"), provider.create_span(CustomSpanData("work", {})):
        pass
    provider.force_flush()
    provider.shutdown()


def test_ids_have_their_form_and_are_unique_whatever_the_seed_of_random() -> None:
    forms = {
        gen_trace_id: "trace_[0-9a-f]{32}",
        gen_span_id: "span_[0-9a-f]{24}",
        gen_group_id: "group_[0-9a-f]{24}",
    }
    for generate, form in forms.items():
        ids: set[str] = set()
        for _ in range(100):
            random.seed(1)
            ids.add(generate())
        assert len(ids) == 100
        assert all(re.fullmatch(form, each) for each in ids)


def _run(program: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_forked_child_generates_other_ids() -> None:
    printed = _run(
        "import os\nfrom agents.tracing import gen_trace_id\n"
        "gen_trace_id()\n"
        "child = os.fork()\n"
        "import sys\nsys.stdout.write(gen_trace_id() + chr(10)); sys.stdout.flush()\n"
        "if child: os.waitpid(child, 0)\n"
    )
    assert len(set(printed.split())) == 2


def test_the_processors_are_shut_down_when_the_process_ends() -> None:
    printed = _run(
        "from agents.tracing import TracingProcessor, set_trace_processors, trace\n"
        "class Printing(TracingProcessor):\n"
        "    def on_trace_start(self, trace): print('start')\n"
        "    def on_trace_end(self, trace): print('end')\n"
        "    def on_span_start(self, span): pass\n"
        "    def on_span_end(self, span): pass\n"
        "    def shutdown(self): print('shutdown')\n"
        "    def force_flush(self): pass\n"
        "set_trace_processors([Printing()])\n"
        "with trace('workflow'): pass\n"
    )
    assert printed.split() == ["start", "end", "shutdown"]


def test_a_processor_must_define_every_method() -> None:
    class Incomplete(TracingProcessor):
        def on_span_start(self, span: Span[Any]) -> None: ...

    incomplete: Any = Incomplete
    with pytest.raises(TypeError, match="abstract"):
        incomplete()
