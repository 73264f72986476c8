from __future__ import annotations

import contextvars
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tracing import TraceCtxManager, agent_span, get_current_span, get_current_trace, trace
from agents.tracing.context import create_trace_for_run
from agents.tracing.provider import DefaultTraceProvider
from agents.tracing.spans import NoOpSpan
from agents.tracing.traces import (
    NO_OP_TRACE,
    NoOpTrace,
    ReattachedTrace,
    Trace,
    TraceImpl,
    TraceState,
    has_started,
    reattach_trace,
    remember_started,
)
from tracing.trace_recorder import Recorder

STATES = st.builds(
    TraceState,
    trace_id=st.none() | st.text(),
    workflow_name=st.none() | st.text(),
    group_id=st.none() | st.text(),
    metadata=st.none() | st.dictionaries(st.text(), st.integers()),
    tracing_api_key_hash=st.none() | st.text(min_size=1),
    object_type=st.none() | st.text(),
    extra=st.dictionaries(st.text().map("x_{}".format), st.integers()),
)


def test_the_export_has_the_shape_of_the_traces_api(provider: DefaultTraceProvider) -> None:
    workflow = trace(
        "workflow", trace_id="trace_1", group_id="g", metadata={"a": 1}, tracing={"api_key": "key"}
    )
    exported = {
        "object": "trace",
        "id": "trace_1",
        "workflow_name": "workflow",
        "group_id": "g",
        "metadata": {"a": 1},
    }
    assert (workflow.name, workflow.trace_id) == ("workflow", "trace_1")
    assert workflow.export() == exported
    assert workflow.to_json() == exported
    assert workflow.to_json(include_tracing_api_key=True) == {**exported, "tracing_api_key": "key"}


def test_a_trace_without_key_writes_none(provider: DefaultTraceProvider) -> None:
    assert "tracing_api_key" not in (trace("workflow").to_json(include_tracing_api_key=True) or {})


def test_a_trace_starts_and_ends_once(recorder: Recorder) -> None:
    workflow = trace("workflow")
    workflow.finish()
    workflow.start(mark_as_current=True)
    workflow.start()
    with workflow:
        assert get_current_trace() is workflow
    workflow.finish(reset_current=True)
    assert recorder.calls == ["start workflow", "end workflow"]
    assert get_current_trace() is None


def test_a_started_trace_that_is_not_current_cannot_be_entered_and_the_log_says_so(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    workflow = trace("workflow")
    workflow.start()
    with workflow:
        assert get_current_trace() is None
    assert "Trace already started but no context token set" in caplog.text
    assert recorder.calls == ["start workflow", "end workflow"]


@pytest.mark.parametrize("disabled", [False, True])
def test_leaving_a_trace_in_a_foreign_context(recorder: Recorder, disabled: bool) -> None:
    workflow = trace("workflow", disabled=disabled)
    contextvars.copy_context().run(workflow.__enter__)
    workflow.__exit__(None, None, None)
    explicit = trace("explicit", disabled=disabled)
    contextvars.copy_context().run(explicit.start, mark_as_current=True)
    with pytest.raises(ValueError, match="different Context"):
        explicit.finish(reset_current=True)
    ended = [call for call in recorder.calls if call.startswith("end")]
    assert ended == ([] if disabled else ["end workflow", "end explicit"])


def test_a_disabled_trace_is_current_and_hides_its_spans(recorder: Recorder) -> None:
    with trace("workflow", disabled=True) as workflow:
        assert get_current_trace() is workflow
        with agent_span("agent") as span:
            assert isinstance(span, NoOpSpan)
    assert isinstance(workflow, NoOpTrace)
    assert (workflow.trace_id, workflow.name, workflow.export(), workflow.to_json()) == (
        "no-op",
        "no-op",
        None,
        None,
    )
    assert isinstance(agent_span("agent", parent=workflow), NoOpSpan)
    assert recorder.calls == []


def test_a_state_keeps_the_key_only_where_asked_and_its_hash_always(provider: DefaultTraceProvider) -> None:
    state = TraceState.from_trace(trace("workflow", tracing={"api_key": "the key"}))
    assert state is not None
    assert state.tracing_api_key == "the key"
    assert "the key" not in str(state.to_json())
    assert "the key" not in repr(state)
    assert (state.to_json(include_tracing_api_key=True) or {})["tracing_api_key"] == "the key"
    stripped = TraceState.from_json(state.to_json())
    assert stripped is not None
    assert (stripped.tracing_api_key, stripped.tracing_api_key_hash) == (None, state.tracing_api_key_hash)
    assert state.tracing_api_key_hash == hashlib.sha256(b"the key").hexdigest()


@given(STATES)
def test_a_state_survives_a_round_trip(state: TraceState) -> None:
    written = state.to_json()
    read = TraceState.from_json(written)
    if written is None:
        assert read is None
    else:
        assert read == state


def test_a_state_with_its_key_survives_a_round_trip(provider: DefaultTraceProvider) -> None:
    state = TraceState.from_trace(
        trace("workflow", group_id="g", metadata={"a": 1}, tracing={"api_key": "key"})
    )
    assert state is not None
    assert TraceState.from_json(state.to_json(include_tracing_api_key=True)) == state


@pytest.mark.parametrize("nothing", [None, NO_OP_TRACE])
def test_there_is_no_state_of_no_trace(nothing: Trace | None) -> None:
    assert TraceState.from_trace(nothing) is None


def test_values_of_the_wrong_type_count_as_absent() -> None:
    state = TraceState.from_json({"trace_id": "trace_3", "metadata": 3, "group_id": 4, "object": 8, "new": 1})
    assert state == TraceState(trace_id="trace_3", extra={"new": 1})
    assert TraceState.from_json({}) is None


def test_spans_of_a_reattached_trace_join_it_and_nobody_hears_of_another_start(recorder: Recorder) -> None:
    state = TraceState("trace_9", "workflow", "g", {"a": 1}, tracing_api_key="key")
    again = reattach_trace(state)
    assert isinstance(again, ReattachedTrace)
    with again:
        assert get_current_trace() is again
        with agent_span("agent") as span:
            pass
    assert (span.trace_id, span.parent_id) == ("trace_9", None)
    assert (span.trace_metadata, span.tracing_api_key) == ({"a": 1}, "key")
    assert recorder.calls == ["start agent", "end agent"]
    assert get_current_trace() is None


def test_reattaching_needs_an_id_and_takes_another_key() -> None:
    assert reattach_trace(TraceState(workflow_name="workflow")) is None
    again = reattach_trace(TraceState(trace_id="trace_9", tracing_api_key="key"), tracing_api_key="other")
    assert again is not None
    assert (again.name, again.tracing_api_key) == ("Agent workflow", "other")


RUN: dict[str, Any] = {
    "workflow_name": "workflow",
    "trace_id": "trace_resumed",
    "group_id": "g",
    "metadata": {"a": 1},
    "tracing": {"api_key": "key"},
    "disabled": False,
}


def _suspended(strip: bool) -> TraceState:
    """The state of a trace that this process has started with the settings of `RUN`."""
    with trace("workflow", "trace_resumed", "g", {"a": 1}, {"api_key": "key"}) as first:
        state = TraceState.from_trace(first)
    state = TraceState.from_json(None if state is None else state.to_json(include_tracing_api_key=not strip))
    assert state is not None
    return state


@pytest.mark.parametrize("strip", [False, True])
def test_a_run_resumed_with_the_same_settings_goes_on_with_its_trace(
    provider: DefaultTraceProvider, strip: bool
) -> None:
    state = _suspended(strip)
    recorder = Recorder()
    provider.set_processors([recorder])
    resumed = create_trace_for_run(**RUN, trace_state=state, reattach_resumed_trace=True)
    assert isinstance(resumed, ReattachedTrace)
    assert (resumed.trace_id, resumed.tracing_api_key) == ("trace_resumed", "key")
    with resumed, agent_span("agent"):
        pass
    assert recorder.calls == ["start agent", "end agent"]


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {"workflow_name": "other"},
        {"group_id": None},
        {"metadata": None},
        {"tracing": None},
        {"tracing": {}},
        {"tracing": {"api_key": "other"}},
    ],
    ids=str,
)
def test_a_run_resumed_with_another_setting_starts_a_new_trace_with_the_same_id(
    provider: DefaultTraceProvider, change: dict[str, Any], strip: bool
) -> None:
    state = _suspended(strip)
    resumed = create_trace_for_run(**{**RUN, **change}, trace_state=state, reattach_resumed_trace=True)
    assert isinstance(resumed, TraceImpl)
    assert resumed.trace_id == "trace_resumed"


def test_a_trace_that_this_process_never_started_is_started(provider: DefaultTraceProvider) -> None:
    state = TraceState("trace_elsewhere", "workflow")
    settings: dict[str, Any] = {
        **RUN,
        "trace_id": "trace_elsewhere",
        "group_id": None,
        "metadata": None,
        "tracing": None,
    }
    resumed = create_trace_for_run(**settings, trace_state=state, reattach_resumed_trace=True)
    assert isinstance(resumed, TraceImpl)
    assert not has_started("trace_elsewhere")


def test_a_run_that_may_not_reattach_starts_its_own_trace(provider: DefaultTraceProvider) -> None:
    assert isinstance(create_trace_for_run(**RUN, trace_state=_suspended(strip=False)), TraceImpl)


def test_a_run_inside_a_trace_uses_it(recorder: Recorder) -> None:
    with trace("mine") as mine:
        assert create_trace_for_run(**RUN) is None
        with TraceCtxManager(**RUN) as manager:
            assert manager.trace is None
            assert get_current_trace() is mine
        assert get_current_trace() is mine
    assert recorder.calls == ["start mine", "end mine"]


def test_a_run_outside_any_trace_has_its_own(recorder: Recorder) -> None:
    with TraceCtxManager(**RUN) as manager:
        assert get_current_trace() is manager.trace
    assert get_current_trace() is None
    assert recorder.calls == ["start workflow", "end workflow"]


def _run_manager(*, disabled: bool) -> TraceCtxManager:
    settings: dict[str, Any] = {**RUN, "disabled": disabled}
    return TraceCtxManager(**settings)


@pytest.mark.parametrize("error", [None, ValueError("v")])
def test_a_disabled_run_hides_the_callers_trace_and_span_and_puts_both_back(
    recorder: Recorder, error: Exception | None
) -> None:
    with trace("mine") as mine, agent_span("agent") as span:
        manager = _run_manager(disabled=True)
        manager.__enter__()
        assert isinstance(get_current_trace(), NoOpTrace)
        assert isinstance(get_current_span(), NoOpSpan)
        assert isinstance(agent_span("inner"), NoOpSpan)
        manager.__exit__(None if error is None else type(error), error, None)
        assert (get_current_trace(), get_current_span()) == (mine, span)
    assert recorder.calls == ["start mine", "start agent", "end agent", "end mine"]


def test_a_run_left_in_a_foreign_context_does_not_raise(recorder: Recorder) -> None:
    for disabled in (False, True):
        manager = _run_manager(disabled=disabled)
        contextvars.copy_context().run(manager.__enter__)
        manager.__exit__(None, None, None)
    assert recorder.calls == ["start workflow", "end workflow"]


def test_the_memory_of_started_traces_is_bounded() -> None:
    remember_started("trace_oldest")
    assert has_started("trace_oldest")
    for number in range(5000):
        remember_started(f"trace_number_{number}")
    assert not has_started("trace_oldest")
    assert has_started("trace_number_4999")
