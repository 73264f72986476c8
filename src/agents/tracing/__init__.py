"""Tracing: what a run did and when, as a tree of spans under a trace.

A run creates its trace and spans by itself. Where there is an `OPENAI_API_KEY` they are
exported to OpenAI, in the background; `set_trace_processors` replaces that,
`add_trace_processor` adds to it, `set_tracing_disabled` ends it. Add spans of your own with `custom_span`, and join several runs in one
trace with `trace`.

Importing this package loads none of its modules; each loads when one of its names is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .config import TracingConfig
    from .context import TraceCtxManager
    from .create import (
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
    from .processor_interface import TracingProcessor
    from .provider import TraceProvider
    from .setup import (
        add_trace_processor,
        flush_traces,
        get_trace_provider,
        set_trace_processors,
        set_trace_provider,
        set_tracing_disabled,
        set_tracing_export_api_key,
    )
    from .span_data import (
        AgentSpanData,
        CustomSpanData,
        FunctionSpanData,
        GenerationSpanData,
        GuardrailSpanData,
        HandoffSpanData,
        MCPListToolsSpanData,
        ResponseSpanData,
        SpanData,
        SpeechGroupSpanData,
        SpeechSpanData,
        TaskSpanData,
        TranscriptionSpanData,
        TurnSpanData,
    )
    from .spans import Span, SpanError
    from .traces import Trace
    from .util import gen_span_id, gen_trace_id

__all__ = [
    "AgentSpanData",
    "CustomSpanData",
    "FunctionSpanData",
    "GenerationSpanData",
    "GuardrailSpanData",
    "HandoffSpanData",
    "MCPListToolsSpanData",
    "ResponseSpanData",
    "Span",
    "SpanData",
    "SpanError",
    "SpeechGroupSpanData",
    "SpeechSpanData",
    "TaskSpanData",
    "Trace",
    "TraceCtxManager",
    "TraceProvider",
    "TracingConfig",
    "TracingProcessor",
    "TranscriptionSpanData",
    "TurnSpanData",
    "add_trace_processor",
    "agent_span",
    "custom_span",
    "flush_traces",
    "function_span",
    "gen_span_id",
    "gen_trace_id",
    "generation_span",
    "get_current_span",
    "get_current_trace",
    "get_trace_provider",
    "guardrail_span",
    "handoff_span",
    "mcp_tools_span",
    "response_span",
    "set_trace_processors",
    "set_trace_provider",
    "set_tracing_disabled",
    "set_tracing_export_api_key",
    "speech_group_span",
    "speech_span",
    "task_span",
    "trace",
    "transcription_span",
    "turn_span",
]

_NAMES_OF_MODULE = {
    "config": "TracingConfig",
    "context": "TraceCtxManager",
    "create": "agent_span custom_span function_span generation_span get_current_span get_current_trace"
    " guardrail_span handoff_span mcp_tools_span response_span speech_group_span speech_span task_span trace"
    " transcription_span turn_span",
    "processor_interface": "TracingProcessor",
    "provider": "TraceProvider",
    "setup": "add_trace_processor flush_traces get_trace_provider set_trace_processors set_trace_provider"
    " set_tracing_disabled set_tracing_export_api_key",
    "span_data": "AgentSpanData CustomSpanData FunctionSpanData GenerationSpanData GuardrailSpanData"
    " HandoffSpanData MCPListToolsSpanData ResponseSpanData SpanData SpeechGroupSpanData SpeechSpanData"
    " TaskSpanData TranscriptionSpanData TurnSpanData",
    "spans": "Span SpanError",
    "traces": "Trace",
    "util": "gen_span_id gen_trace_id",
}

__getattr__ = lazy_exports(__name__, globals(), _NAMES_OF_MODULE)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
