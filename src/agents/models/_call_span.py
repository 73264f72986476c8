"""The span of one model call, with as much in it as the run allows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from agents._ports.model import ModelTracing
from agents.tracing import (
    GenerationSpanData,
    ResponseSpanData,
    Span,
    SpanError,
    generation_span,
    response_span,
)
from agents.usage import model_usage_to_span_usage, usage_of_response

if TYPE_CHECKING:
    from openai.types import responses as _responses

_Data = TypeVar("_Data", GenerationSpanData, ResponseSpanData)


class _CallSpan(Generic[_Data]):
    """Opens a span around a call, under whatever span is current.

    Errors are noted in it, without their text unless the run's data may be traced.
    """

    def __init__(self, tracing: ModelTracing, span: Span[_Data]) -> None:
        self._tracing = tracing
        self._span = span
        self._began_s = 0.0
        self.awaits_output = not tracing.is_disabled()
        """Whether the next event of a stream may be the first with output in it: tell it to `hear`."""

    def __enter__(self) -> Self:
        self._began_s = time.perf_counter()
        self._span.__enter__()
        return self

    def hear(self, event_type: str) -> None:
        """Note the time of the first text, arguments or reasoning."""
        if event_type.endswith(".delta"):
            self.awaits_output = False
            self._span.span_data.first_output_s = time.perf_counter() - self._began_s

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            shown = str(error) if self._tracing.include_data() else type(error).__name__
            self._span.set_error(SpanError(message="Error getting response", data={"error": shown}))
        self._span.__exit__(kind, error, traceback)


class traced_call(_CallSpan[ResponseSpanData]):  # noqa: N801 (a context manager, named like one)
    """The span of a call of the Responses API, to `model` with `input`."""

    def __init__(self, tracing: ModelTracing, input: object, *, model: str) -> None:
        super().__init__(tracing, response_span(disabled=tracing.is_disabled()))
        self._span.span_data.model = model
        self._input = input

    def __enter__(self) -> Self:
        super().__enter__()
        if self._tracing.include_data():
            self._span.span_data.input = cast("Any", self._input)
        return self

    def answer(self, response: _responses.Response | None) -> None:
        """Note the response; its id and usage always, the whole of it when data may be traced."""
        if response is None or self._tracing.is_disabled():
            return
        if self._tracing.include_data():
            self._span.span_data.response = response
        if response.usage is not None:
            self._span.span_data.usage = model_usage_to_span_usage(usage_of_response(response))


class traced_generation(_CallSpan[GenerationSpanData]):  # noqa: N801 (as above)
    """The span of a call that sends messages and gets one back.

    Args:
        tracing: How much may be traced.
        model: The model's name.
        model_config: Its settings.
    """

    def __init__(self, tracing: ModelTracing, *, model: str, model_config: Mapping[str, Any]) -> None:
        span = generation_span(model=model, model_config=model_config, disabled=tracing.is_disabled())
        super().__init__(tracing, span)

    def ask(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Note what is sent, when data may be traced."""
        if self._tracing.include_data():
            self._span.span_data.input = messages

    def answer(self, response: _responses.Response, message: Mapping[str, Any] | None = None) -> None:
        """Note the usage, and what came back, when data may be traced: the message, else the response."""
        if self._tracing.is_disabled():
            return
        if self._tracing.include_data():
            self._span.span_data.output = [response.model_dump() if message is None else message]
        self._span.span_data.usage = model_usage_to_span_usage(usage_of_response(response))
