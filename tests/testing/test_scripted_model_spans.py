from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agents.model_settings import ModelSettings
from agents.models.interface import ModelTracing
from agents.testing import ScriptedModel, assistant_message
from agents.tracing import Span, Trace, TracingProcessor, trace
from agents.tracing.provider import DefaultTraceProvider
from agents.tracing.setup import get_trace_provider, set_trace_provider


class Record(TracingProcessor):
    def __init__(self) -> None:
        self.ended: list[Span[Any]] = []

    def on_trace_start(self, trace: Trace) -> None:
        pass

    def on_trace_end(self, trace: Trace) -> None:
        pass

    def on_span_start(self, span: Span[Any]) -> None:
        pass

    def on_span_end(self, span: Span[Any]) -> None:
        self.ended.append(span)

    def shutdown(self) -> None:
        pass

    def force_flush(self) -> None:
        pass


@pytest.fixture
def record() -> Iterator[Record]:
    before = get_trace_provider()
    provider = DefaultTraceProvider()
    kept = Record()
    provider.set_processors([kept])
    provider.set_disabled(False)
    set_trace_provider(provider)
    yield kept
    set_trace_provider(before)


async def call(model: ScriptedModel, tracing: ModelTracing, *, streamed: bool) -> None:
    arguments: dict[str, Any] = {
        "system_instructions": None,
        "input": "Hi",
        "model_settings": ModelSettings(),
        "tools": [],
        "output_schema": None,
        "handoffs": [],
        "tracing": tracing,
        "previous_response_id": None,
        "conversation_id": None,
        "prompt": None,
    }
    if streamed:
        async for _ in model.stream_response(**arguments):
            pass
    else:
        await model.get_response(**arguments)


@pytest.mark.parametrize("streamed", [False, True])
async def test_every_call_has_a_generation_span_marked_with_its_error(record: Record, streamed: bool):
    model = ScriptedModel([[assistant_message("a")], ValueError("boom")], emit_traces=True)
    with trace("test"):
        await call(model, ModelTracing.ENABLED, streamed=streamed)
        with pytest.raises(ValueError, match="boom"):
            await call(model, ModelTracing.ENABLED, streamed=streamed)
    assert [span.span_data.type for span in record.ended] == ["generation", "generation"]
    error = {"message": "Error", "data": {"name": "ValueError", "message": "boom"}}
    assert [span.error for span in record.ended] == [None, error]


async def test_an_error_is_redacted_unless_data_may_be_traced(record: Record):
    model = ScriptedModel([ValueError("secret")], emit_traces=True)
    with trace("test"), pytest.raises(ValueError, match="secret"):
        await call(model, ModelTracing.ENABLED_WITHOUT_DATA, streamed=False)
    error = record.ended[0].error
    assert error is not None
    assert error["data"] == {"name": "ValueError", "message": "Error details are redacted."}


async def test_without_emit_traces_there_are_no_spans(record: Record):
    with trace("test"):
        await call(ScriptedModel([[]]), ModelTracing.ENABLED, streamed=True)
    assert record.ended == []
