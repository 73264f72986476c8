"""The span of one model call, with as much in it as the run allows."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from agents._ports.model import ModelTracing
from agents.tracing import ResponseSpanData, Span, SpanError, response_span
from agents.usage import model_usage_to_span_usage, usage_of_response

if TYPE_CHECKING:
    from openai.types import responses as _responses


class traced_call:  # noqa: N801 (a context manager, named like one)
    """Opens a response span around a call, under whatever span is current.

    Errors are noted in it, without their text unless the run's data may be traced.
    """

    def __init__(self, tracing: ModelTracing, input: object) -> None:
        self._tracing = tracing
        self._input = input
        self._span: Span[ResponseSpanData] = response_span(disabled=tracing.is_disabled())

    def __enter__(self) -> Self:
        self._span.__enter__()
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            shown = str(error) if self._tracing.include_data() else type(error).__name__
            self._span.set_error(SpanError(message="Error getting response", data={"error": shown}))
        self._span.__exit__(kind, error, traceback)
