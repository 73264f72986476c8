"""What a trace tells of a call of the Chat Completions API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from agents import set_trace_processors, trace
from agents.model_settings import ModelSettings
from agents.models.interface import ModelTracing
from agents.tracing import GenerationSpanData, Span, TracingProcessor
from models.asking import respond, stream
from models.chat_server import chat_model, document, failing, streaming
from models.chats import HELLO, answer


class Notes(TracingProcessor):
    def __init__(self) -> None:
        self.spans: list[Span[Any]] = []

    def on_trace_start(self, trace: Any) -> None: ...

    def on_trace_end(self, trace: Any) -> None: ...

    def on_span_start(self, span: Span[Any]) -> None: ...

    def on_span_end(self, span: Span[Any]) -> None:
        self.spans.append(span)

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


@pytest.fixture
def notes() -> Iterator[Notes]:
    kept = Notes()
    set_trace_processors([kept])
    yield kept
    set_trace_processors([])


async def test_a_generation_span_tells_messages_settings_and_usage(notes: Notes) -> None:
    settings = ModelSettings(temperature=0.5)
    async with chat_model(document(answer({"content": "Hello."})), streaming(HELLO)) as (model, _):
        with trace("t"):
            await respond(model, tracing=ModelTracing.ENABLED, model_settings=settings)
            await stream(model, tracing=ModelTracing.ENABLED)
    first, second = (span.span_data for span in notes.spans)
    assert isinstance(first, GenerationSpanData)
    assert isinstance(second, GenerationSpanData)
    assert first.model == "m"
    assert first.model_config is not None
    assert (first.model_config["temperature"], "127.0.0.1" in first.model_config["base_url"]) == (0.5, True)
    assert first.input == second.input == [{"role": "user", "content": "Hi"}]
    assert first.output is not None
    assert first.output[0]["content"] == "Hello."
    assert second.output is not None
    assert second.output[0]["output"][0]["content"][0]["text"] == "Hello."
    assert first.usage == second.usage
    assert first.usage is not None
    assert first.usage["input_tokens"] == 3


async def test_a_span_without_data_tells_neither_messages_nor_errors(notes: Notes) -> None:
    async with chat_model(document(answer({"content": "Hello."})), failing(400, "secret")) as (model, _):
        with trace("t"):
            await respond(model, tracing=ModelTracing.ENABLED_WITHOUT_DATA)
            with pytest.raises(openai.BadRequestError):
                await respond(model, tracing=ModelTracing.ENABLED_WITHOUT_DATA)
    first, second = notes.spans
    assert (first.span_data.input, first.span_data.output) == (None, None)
    assert second.error == {"message": "Error getting response", "data": {"error": "BadRequestError"}}
