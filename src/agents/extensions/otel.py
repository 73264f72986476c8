"""Traces and spans as OpenTelemetry spans, by its semantic conventions for generative AI.

Needs `pip install 'headrace[otel]'`, and an SDK that the program sets up:

    set_trace_processors([OpenTelemetryProcessor()])

1. A trace is a span too, under the OpenTelemetry span that is current where the run begins.
2. Every other span is a child of the one that it has as its parent; of its trace where that is the trace, or unknown.
   What joins a trace that has ended, as a resumed run does, is a child of that trace's span all the same.
3. Usage is on model calls alone: backends add up what they find.
4. Content (messages, arguments, results, texts of errors) is added only if it is asked for, and is in the run's spans.
"""
# ruff: noqa: D102  (overrides: the abstract class says what each does)

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

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
    TaskSpanData,
    Trace,
    TracingProcessor,
    TurnSpanData,
)
from agents.tracing.spans import SpanImpl

from ._otel_messages import messages_json, output_json

try:
    from opentelemetry import context as _context
    from opentelemetry import trace as _otel
    from opentelemetry.context import Context
except ImportError as error:
    raise ImportError(
        "opentelemetry-api is not installed, and OpenTelemetryProcessor needs it. "
        "Run: pip install 'headrace[otel]'"
    ) from error

__all__ = ["OpenTelemetryProcessor"]

_Attributes: TypeAlias = dict[str, str | int | float | bool | list[str]]

# As many as the runtime remembers for resuming them.
_REMEMBERED_TRACES = 4096

_SETTINGS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}

# The runtime's own messages are few and tell no data: they are kinds of errors.
_ERROR_TYPES = {
    "Error getting response": "model_error",
    "Error in agent run": "run_error",
    "Error running tool": "tool_error",
    "Guardrail tripwire triggered": "guardrail_tripwire",
    "Max turns exceeded": "max_turns_exceeded",
    "Multiple handoffs requested": "multiple_handoffs",
}


class OpenTelemetryProcessor(TracingProcessor):
    """Makes an OpenTelemetry span of each trace and each span.

    The span of a call is current in the tool's code, so that spans which that code makes are its children.

    Flushing and shutting down exporters is left to the tracer provider's owner.

    Args:
        tracer_provider: None for the global one, as it is when the processor is made.
        include_sensitive_data: Whether messages, arguments, results and texts of errors are added where the run's
            spans have them (`RunConfig.trace_include_sensitive_data`).
    """

    def __init__(
        self,
        tracer_provider: _otel.TracerProvider | None = None,
        *,
        include_sensitive_data: bool = False,
    ) -> None:
        self._tracer = _otel.get_tracer("headrace", tracer_provider=tracer_provider)
        self._shows_content = include_sensitive_data
        self._open: dict[str, _otel.Span] = {}
        self._before: dict[str, Context] = {}
        """What was current where each span that is current itself started."""
        self._traces: OrderedDict[str, _otel.Span] = OrderedDict()

    def on_trace_start(self, trace: Trace) -> None:
        exported = trace.export() or {}
        attributes: _Attributes = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": trace.name,
            "headrace.trace_id": trace.trace_id,
        }
        group_id = exported.get("group_id")
        if group_id is not None:
            attributes["gen_ai.conversation.id"] = str(group_id)
        span = self._tracer.start_span(f"invoke_workflow {trace.name}", attributes=attributes)
        self._traces[trace.trace_id] = span
        if len(self._traces) > _REMEMBERED_TRACES:
            self._traces.popitem(last=False)

    def on_trace_end(self, trace: Trace) -> None:
        span = self._traces.get(trace.trace_id)
        if span is not None:
            span.end()

    def on_span_start(self, span: Span[Any]) -> None:
        data = span.span_data
        attributes = _attributes_at_start(data)
        if isinstance(data, GenerationSpanData | ResponseSpanData):
            kind = _otel.SpanKind.CLIENT
        else:
            kind = _otel.SpanKind.INTERNAL
        made = self._open[span.span_id] = self._tracer.start_span(
            _name_of(data), context=self._parent_of(span), kind=kind, attributes=attributes
        )
        if isinstance(span, SpanImpl) and span.is_marked:
            self._before[span.span_id] = _context.get_current()
            _context.attach(_otel.set_span_in_context(made))

    def on_span_end(self, span: Span[Any]) -> None:
        made = self._open.pop(span.span_id, None)
        before = self._before.pop(span.span_id, None)
        if made is None:
            return
        if before is not None and _otel.get_current_span() is made:
            # Not by the token of the attachment: that fits only the very context in which it was given.
            _context.attach(before)
        if made.is_recording():
            # Much is known only now: the model's name, whom it was handed to.
            made.update_name(_name_of(span.span_data))
            made.set_attributes(_attributes_at_end(span.span_data))
            if self._shows_content:
                made.set_attributes(_content(span.span_data))
            self._set_error(made, span)
        made.end()

    def shutdown(self) -> None:
        """End what is still open, so that it is exported."""
        for span in [*self._open.values(), *self._traces.values()]:
            if span.is_recording():
                span.end()
        self._open.clear()
        self._before.clear()
        self._traces.clear()

    def force_flush(self) -> None:
        """Nothing: the tracer provider has the queue."""

    def _parent_of(self, span: Span[Any]) -> Context | None:
        parent = self._open.get(span.parent_id or "") or self._traces.get(span.trace_id)
        return None if parent is None else _otel.set_span_in_context(parent)

    def _set_error(self, made: _otel.Span, span: Span[Any]) -> None:
        error = span.error
        if error is None:
            return
        message = error["message"]
        kind = _ERROR_TYPES.get(message)
        made.set_attribute("error.type", kind or "_OTHER")
        detail = (error.get("data") or {}).get("error")
        if self._shows_content and detail is not None:
            message = f"{message}: {detail}"
        # A message of the program's own may quote anything.
        shown = message if kind is not None or self._shows_content else None
        made.set_status(_otel.StatusCode.ERROR, shown)


def _name_of(data: SpanData) -> str:
    match data:
        case AgentSpanData():
            return f"invoke_agent {data.name}"
        case GenerationSpanData() | ResponseSpanData():
            return f"chat {data.model}" if data.model else "chat"
        case FunctionSpanData():
            return f"execute_tool {data.name}"
        case HandoffSpanData():
            return f"handoff {data.to_agent}" if data.to_agent else "handoff"
        case GuardrailSpanData():
            return f"guardrail {data.name}"
        case TaskSpanData():
            return f"task {data.name}"
        case TurnSpanData():
            return f"turn {data.turn}"
        case MCPListToolsSpanData():
            return "tools/list"
        case CustomSpanData():
            return data.name
        case _:
            return data.type


def _attributes_at_start(data: SpanData) -> _Attributes:
    """What samplers may want to see."""
    match data:
        case AgentSpanData():
            return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": data.name}
        case GenerationSpanData() | ResponseSpanData():
            return {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
        case FunctionSpanData():
            return {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": data.name,
                "gen_ai.tool.type": "function",
            }
        case MCPListToolsSpanData():
            return {"mcp.method.name": "tools/list"}
        case TurnSpanData():
            return {"gen_ai.agent.name": data.agent_name, "headrace.turn": data.turn}
        case GuardrailSpanData():
            return {"headrace.guardrail.name": data.name}
        case _:
            return {}


def _attributes_at_end(data: SpanData) -> _Attributes:
    match data:
        case GenerationSpanData() | ResponseSpanData():
            return _call_attributes(data)
        case HandoffSpanData():
            names = {"headrace.handoff.from": data.from_agent, "headrace.handoff.to": data.to_agent}
            return {key: name for key, name in names.items() if name is not None}
        case GuardrailSpanData():
            return {"headrace.guardrail.triggered": data.triggered}
        case _:
            return {}


def _call_attributes(data: GenerationSpanData | ResponseSpanData) -> _Attributes:
    found: _Attributes = {}
    if data.model:
        found["gen_ai.request.model"] = data.model
    if data.first_output_s is not None:
        found["gen_ai.request.stream"] = True
        found["gen_ai.response.time_to_first_chunk"] = data.first_output_s
    if isinstance(data, GenerationSpanData):
        settings = data.model_config or {}
        for name, key in _SETTINGS.items():
            if isinstance(value := settings.get(name), int | float):
                found[key] = value
    elif data.response is not None:
        found["gen_ai.response.id"] = data.response.id
        found["gen_ai.response.model"] = data.response.model
    return found | _usage_attributes(data.usage or {})


def _usage_attributes(usage: Mapping[str, Any]) -> _Attributes:
    read: Any = usage.get("input_tokens_details") or {}
    written: Any = usage.get("output_tokens_details") or {}
    counts = {
        "gen_ai.usage.input_tokens": usage.get("input_tokens"),
        "gen_ai.usage.output_tokens": usage.get("output_tokens"),
        "gen_ai.usage.cache_read.input_tokens": read.get("cached_tokens"),
        "gen_ai.usage.cache_creation.input_tokens": read.get("cache_write_tokens"),
        "gen_ai.usage.reasoning.output_tokens": written.get("reasoning_tokens"),
    }
    return {key: count for key, count in counts.items() if isinstance(count, int)}


def _content(data: SpanData) -> _Attributes:
    content: dict[str, str | None] = {}
    match data:
        case GenerationSpanData():
            content["gen_ai.input.messages"] = messages_json(data.input)
            content["gen_ai.output.messages"] = output_json(data.output)
        case ResponseSpanData():
            content["gen_ai.input.messages"] = messages_json(data.input)
            if data.response is not None:
                content["gen_ai.output.messages"] = output_json([{"output": data.response.output}])
        case FunctionSpanData():
            content["gen_ai.tool.call.arguments"] = data.input
            content["gen_ai.tool.call.result"] = None if data.output is None else str(data.output)
        case CustomSpanData():
            # The program's own data, under its own names.
            return {name: _plain(value) for name, value in data.data.items() if value is not None}
        case _:
            pass
    return {key: value for key, value in content.items() if value is not None}


def _plain(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(cast("Any", value))
