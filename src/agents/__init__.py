"""Headrace: agent runs as streams of typed events.

Importing this package loads next to nothing: each name loads its module when it is
asked for. See `docs/architecture.md` for how it is built.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ._installation import warn_of_rivals
from ._lazy import lazy_exports, lazy_module
from ._ports.mcp_tools import provide_mcp_tools
from ._ports.runner import provide_runner

if TYPE_CHECKING:
    from ._openai_defaults import (
        set_default_openai_api,
        set_default_openai_client,
        set_default_openai_key,
        set_default_openai_responses_transport,
    )
    from .agent import (
        Agent,
        AgentBase,
        AgentToolStreamEvent,
        StopAtTools,
        ToolsToFinalOutputFunction,
        ToolsToFinalOutputResult,
    )
    from .agent_output import AgentOutputSchema, AgentOutputSchemaBase
    from .approvals import Approve, Decision, DecisionError, Reject, RunAlreadyResumed, StateTampered, Supply
    from .exceptions import (
        AgentsException,
        InputGuardrailTripwireTriggered,
        MaxTurnsExceeded,
        MCPToolCancellationError,
        ModelBehaviorError,
        ModelRefusalError,
        ModelTimeoutError,
        OutputGuardrailTripwireTriggered,
        RunErrorDetails,
        ToolInputGuardrailTripwireTriggered,
        ToolOutputGuardrailTripwireTriggered,
        ToolTimeoutError,
        UserError,
    )
    from .guardrail import (
        GuardrailFunctionOutput,
        InputGuardrail,
        InputGuardrailResult,
        OutputGuardrail,
        OutputGuardrailResult,
        input_guardrail,
        output_guardrail,
    )
    from .handoffs import (
        Handoff,
        HandoffInputData,
        HandoffInputFilter,
        default_handoff_history_mapper,
        get_conversation_history_wrappers,
        handoff,
        nest_handoff_history,
        reset_conversation_history_wrappers,
        set_conversation_history_wrappers,
    )
    from .items import (
        CompactionItem,
        HandoffCallItem,
        HandoffOutputItem,
        InputItem,
        ItemHelpers,
        MCPApprovalRequestItem,
        MCPApprovalResponseItem,
        MCPListToolsItem,
        MessageOutputItem,
        ModelResponse,
        ReasoningItem,
        RunItem,
        ToolApprovalItem,
        ToolCallItem,
        ToolCallOutputItem,
        ToolSearchCallItem,
        ToolSearchOutputItem,
        TResponseInputItem,
    )
    from .lifecycle import AgentHooks, RunHooks
    from .log import LogStatistics, Record, RecordsExpired
    from .memory import (
        OpenAIConversationsSession,
        OpenAIResponsesCompactionArgs,
        OpenAIResponsesCompactionAwareSession,
        OpenAIResponsesCompactionSession,
        Session,
        SessionABC,
        SessionSettings,
        SQLiteSession,
        is_openai_responses_compaction_aware_session,
    )
    from .model_settings import ModelSettings
    from .models.interface import Model, ModelProvider, ModelTracing
    from .models.multi_provider import MultiProvider
    from .models.openai_agent_registration import (
        OpenAIAgentRegistrationConfig,
        set_default_openai_agent_registration,
    )
    from .models.openai_chatcompletions import OpenAIChatCompletionsModel
    from .models.openai_provider import OpenAIProvider
    from .models.openai_responses import (
        OpenAIResponsesModel,
        OpenAIResponsesWebSocketOptions,
        OpenAIResponsesWSModel,
    )
    from .prompts import DynamicPromptFunction, GenerateDynamicPromptData, Prompt
    from .repl import run_demo_loop
    from .responses_websocket_session import ResponsesWebSocketSession, responses_websocket_session
    from .result import AgentToolInvocation, RunResult, RunResultStreaming
    from .retry import (
        ModelRetryAdvice,
        ModelRetryAdviceRequest,
        ModelRetryBackoffSettings,
        ModelRetryNormalizedError,
        ModelRetrySettings,
        RetryDecision,
        RetryPolicy,
        RetryPolicyContext,
        retry_policies,
    )
    from .run import AgentRunner, Runner
    from .run_config import (
        CallModelData,
        CallModelInputFilter,
        ModelInputData,
        OutputGuardrailBlockedMessageArgs,
        OutputGuardrailBlockedMessageFormatter,
        ReasoningItemIdPolicy,
        RunConfig,
        ToolErrorFormatter,
        ToolErrorFormatterArgs,
        ToolExecutionConfig,
        ToolNameCollisionPolicy,
        ToolNotFoundBehavior,
    )
    from .run_context import AgentHookContext, RunContextWrapper, TContext
    from .run_error_handlers import (
        RunErrorData,
        RunErrorHandler,
        RunErrorHandlerInput,
        RunErrorHandlerResult,
        RunErrorHandlers,
    )
    from .run_state import RunState
    from .stream_events import (
        AgentUpdatedStreamEvent,
        RawResponsesStreamEvent,
        RunItemStreamEvent,
        StreamEvent,
    )
    from .tool import (
        CodeInterpreterTool,
        CustomTool,
        CustomToolCustomDataContext,
        CustomToolCustomDataExtractor,
        FileSearchTool,
        FunctionTool,
        FunctionToolCustomDataContext,
        FunctionToolCustomDataExtractor,
        FunctionToolResult,
        HostedMCPTool,
        ImageGenerationTool,
        ImageGenerationToolConfig,
        MCPToolApprovalFunction,
        MCPToolApprovalFunctionResult,
        MCPToolApprovalRequest,
        ProgrammaticToolCallingTool,
        Tool,
        ToolCaller,
        ToolOrigin,
        ToolOriginType,
        ToolOutputFileContent,
        ToolOutputFileContentDict,
        ToolOutputImage,
        ToolOutputImageDict,
        ToolOutputText,
        ToolOutputTextDict,
        ToolSearchTool,
        WebSearchTool,
        WebSearchToolImageSettings,
        default_tool_error_function,
        function_tool,
        tool_namespace,
    )
    from .tool_context import ToolContext
    from .tool_guardrails import (
        ToolGuardrailFunctionOutput,
        ToolInputGuardrail,
        ToolInputGuardrailData,
        ToolInputGuardrailResult,
        ToolOutputGuardrail,
        ToolOutputGuardrailData,
        ToolOutputGuardrailResult,
        tool_input_guardrail,
        tool_output_guardrail,
    )
    from .tracing import (
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
        SpanError,
        TaskSpanData,
        Trace,
        TracingProcessor,
        TurnSpanData,
        add_trace_processor,
        agent_span,
        custom_span,
        flush_traces,
        function_span,
        gen_span_id,
        gen_trace_id,
        generation_span,
        get_current_span,
        get_current_trace,
        guardrail_span,
        handoff_span,
        mcp_tools_span,
        response_span,
        set_trace_processors,
        set_trace_provider,
        set_tracing_disabled,
        set_tracing_export_api_key,
        task_span,
        trace,
        turn_span,
    )
    from .usage import RequestUsage, Usage
    from .verbose import enable_verbose_stdout_logging

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "AgentBase",
    "AgentHookContext",
    "AgentHooks",
    "AgentOutputSchema",
    "AgentOutputSchemaBase",
    "AgentRunner",
    "AgentSpanData",
    "AgentToolInvocation",
    "AgentToolStreamEvent",
    "AgentUpdatedStreamEvent",
    "AgentsException",
    "Approve",
    "CallModelData",
    "CallModelInputFilter",
    "CodeInterpreterTool",
    "CompactionItem",
    "CustomSpanData",
    "CustomTool",
    "CustomToolCustomDataContext",
    "CustomToolCustomDataExtractor",
    "Decision",
    "DecisionError",
    "DynamicPromptFunction",
    "FileSearchTool",
    "FunctionSpanData",
    "FunctionTool",
    "FunctionToolCustomDataContext",
    "FunctionToolCustomDataExtractor",
    "FunctionToolResult",
    "GenerateDynamicPromptData",
    "GenerationSpanData",
    "GuardrailFunctionOutput",
    "GuardrailSpanData",
    "Handoff",
    "HandoffCallItem",
    "HandoffInputData",
    "HandoffInputFilter",
    "HandoffOutputItem",
    "HandoffSpanData",
    "HostedMCPTool",
    "ImageGenerationTool",
    "ImageGenerationToolConfig",
    "InputGuardrail",
    "InputGuardrailResult",
    "InputGuardrailTripwireTriggered",
    "InputItem",
    "ItemHelpers",
    "LogStatistics",
    "MCPApprovalRequestItem",
    "MCPApprovalResponseItem",
    "MCPListToolsItem",
    "MCPListToolsSpanData",
    "MCPToolApprovalFunction",
    "MCPToolApprovalFunctionResult",
    "MCPToolApprovalRequest",
    "MCPToolCancellationError",
    "MaxTurnsExceeded",
    "MessageOutputItem",
    "Model",
    "ModelBehaviorError",
    "ModelInputData",
    "ModelProvider",
    "ModelRefusalError",
    "ModelResponse",
    "ModelRetryAdvice",
    "ModelRetryAdviceRequest",
    "ModelRetryBackoffSettings",
    "ModelRetryNormalizedError",
    "ModelRetrySettings",
    "ModelSettings",
    "ModelTimeoutError",
    "ModelTracing",
    "MultiProvider",
    "OpenAIAgentRegistrationConfig",
    "OpenAIChatCompletionsModel",
    "OpenAIConversationsSession",
    "OpenAIProvider",
    "OpenAIResponsesCompactionArgs",
    "OpenAIResponsesCompactionAwareSession",
    "OpenAIResponsesCompactionSession",
    "OpenAIResponsesModel",
    "OpenAIResponsesWSModel",
    "OpenAIResponsesWebSocketOptions",
    "OutputGuardrail",
    "OutputGuardrailBlockedMessageArgs",
    "OutputGuardrailBlockedMessageFormatter",
    "OutputGuardrailResult",
    "OutputGuardrailTripwireTriggered",
    "ProgrammaticToolCallingTool",
    "Prompt",
    "RawResponsesStreamEvent",
    "ReasoningItem",
    "ReasoningItemIdPolicy",
    "Record",
    "RecordsExpired",
    "Reject",
    "RequestUsage",
    "ResponseSpanData",
    "ResponsesWebSocketSession",
    "RetryDecision",
    "RetryPolicy",
    "RetryPolicyContext",
    "RunAlreadyResumed",
    "RunConfig",
    "RunContextWrapper",
    "RunErrorData",
    "RunErrorDetails",
    "RunErrorHandler",
    "RunErrorHandlerInput",
    "RunErrorHandlerResult",
    "RunErrorHandlers",
    "RunHooks",
    "RunItem",
    "RunItemStreamEvent",
    "RunResult",
    "RunResultStreaming",
    "RunState",
    "Runner",
    "SQLiteSession",
    "Session",
    "SessionABC",
    "SessionSettings",
    "Span",
    "SpanData",
    "SpanError",
    "StateTampered",
    "StopAtTools",
    "StreamEvent",
    "Supply",
    "TContext",
    "TResponseInputItem",
    "TaskSpanData",
    "Tool",
    "ToolApprovalItem",
    "ToolCallItem",
    "ToolCallOutputItem",
    "ToolCaller",
    "ToolContext",
    "ToolErrorFormatter",
    "ToolErrorFormatterArgs",
    "ToolExecutionConfig",
    "ToolGuardrailFunctionOutput",
    "ToolInputGuardrail",
    "ToolInputGuardrailData",
    "ToolInputGuardrailResult",
    "ToolInputGuardrailTripwireTriggered",
    "ToolNameCollisionPolicy",
    "ToolNotFoundBehavior",
    "ToolOrigin",
    "ToolOriginType",
    "ToolOutputFileContent",
    "ToolOutputFileContentDict",
    "ToolOutputGuardrail",
    "ToolOutputGuardrailData",
    "ToolOutputGuardrailResult",
    "ToolOutputGuardrailTripwireTriggered",
    "ToolOutputImage",
    "ToolOutputImageDict",
    "ToolOutputText",
    "ToolOutputTextDict",
    "ToolSearchCallItem",
    "ToolSearchOutputItem",
    "ToolSearchTool",
    "ToolTimeoutError",
    "ToolsToFinalOutputFunction",
    "ToolsToFinalOutputResult",
    "Trace",
    "TracingProcessor",
    "TurnSpanData",
    "Usage",
    "UserError",
    "WebSearchTool",
    "WebSearchToolImageSettings",
    "__version__",
    "add_trace_processor",
    "agent_span",
    "custom_span",
    "default_handoff_history_mapper",
    "default_tool_error_function",
    "enable_verbose_stdout_logging",
    "flush_traces",
    "function_span",
    "function_tool",
    "gen_span_id",
    "gen_trace_id",
    "generation_span",
    "get_conversation_history_wrappers",
    "get_current_span",
    "get_current_trace",
    "guardrail_span",
    "handoff",
    "handoff_span",
    "input_guardrail",
    "is_openai_responses_compaction_aware_session",
    "mcp_tools_span",
    "nest_handoff_history",
    "output_guardrail",
    "reset_conversation_history_wrappers",
    "response_span",
    "responses_websocket_session",
    "retry_policies",
    "run_demo_loop",
    "set_conversation_history_wrappers",
    "set_default_openai_agent_registration",
    "set_default_openai_api",
    "set_default_openai_client",
    "set_default_openai_key",
    "set_default_openai_responses_transport",
    "set_trace_processors",
    "set_trace_provider",
    "set_tracing_disabled",
    "set_tracing_export_api_key",
    "task_span",
    "tool_input_guardrail",
    "tool_namespace",
    "tool_output_guardrail",
    "trace",
    "turn_span",
]

_NAMES_OF_MODULE = {
    "_openai_defaults": "set_default_openai_api set_default_openai_client set_default_openai_key"
    " set_default_openai_responses_transport",
    "agent": "Agent AgentBase AgentToolStreamEvent StopAtTools ToolsToFinalOutputFunction"
    " ToolsToFinalOutputResult",
    "approvals": "Approve Decision DecisionError Reject RunAlreadyResumed StateTampered Supply",
    "agent_output": "AgentOutputSchema AgentOutputSchemaBase",
    "exceptions": "AgentsException InputGuardrailTripwireTriggered MaxTurnsExceeded"
    " MCPToolCancellationError ModelBehaviorError ModelRefusalError ModelTimeoutError"
    " OutputGuardrailTripwireTriggered RunErrorDetails ToolInputGuardrailTripwireTriggered"
    " ToolOutputGuardrailTripwireTriggered ToolTimeoutError UserError",
    "guardrail": "GuardrailFunctionOutput InputGuardrail InputGuardrailResult OutputGuardrail"
    " OutputGuardrailResult input_guardrail output_guardrail",
    "handoffs": "Handoff HandoffInputData HandoffInputFilter default_handoff_history_mapper"
    " get_conversation_history_wrappers handoff nest_handoff_history"
    " reset_conversation_history_wrappers set_conversation_history_wrappers",
    "items": "CompactionItem HandoffCallItem HandoffOutputItem InputItem ItemHelpers"
    " MCPApprovalRequestItem MCPApprovalResponseItem MCPListToolsItem MessageOutputItem"
    " ModelResponse ReasoningItem RunItem TResponseInputItem ToolApprovalItem ToolCallItem"
    " ToolCallOutputItem ToolSearchCallItem ToolSearchOutputItem",
    "lifecycle": "AgentHooks RunHooks",
    "log": "LogStatistics Record RecordsExpired",
    "memory": "OpenAIConversationsSession OpenAIResponsesCompactionArgs OpenAIResponsesCompactionAwareSession"
    " OpenAIResponsesCompactionSession SQLiteSession Session SessionABC SessionSettings"
    " is_openai_responses_compaction_aware_session",
    "model_settings": "ModelSettings",
    "models.interface": "Model ModelProvider ModelTracing",
    "models.multi_provider": "MultiProvider",
    "models.openai_agent_registration": "OpenAIAgentRegistrationConfig set_default_openai_agent_registration",
    "models.openai_provider": "OpenAIProvider",
    "models.openai_chatcompletions": "OpenAIChatCompletionsModel",
    "models.openai_responses": "OpenAIResponsesModel OpenAIResponsesWSModel OpenAIResponsesWebSocketOptions",
    "prompts": "DynamicPromptFunction GenerateDynamicPromptData Prompt",
    "repl": "run_demo_loop",
    "responses_websocket_session": "ResponsesWebSocketSession responses_websocket_session",
    "result": "AgentToolInvocation RunResult RunResultStreaming",
    "retry": "ModelRetryAdvice ModelRetryAdviceRequest ModelRetryBackoffSettings"
    " ModelRetryNormalizedError ModelRetrySettings RetryDecision RetryPolicy"
    " RetryPolicyContext retry_policies",
    "run": "AgentRunner Runner",
    "run_state": "RunState",
    "run_config": "CallModelData CallModelInputFilter ModelInputData OutputGuardrailBlockedMessageArgs"
    " OutputGuardrailBlockedMessageFormatter ReasoningItemIdPolicy RunConfig"
    " ToolErrorFormatter ToolErrorFormatterArgs ToolExecutionConfig ToolNameCollisionPolicy"
    " ToolNotFoundBehavior",
    "run_context": "AgentHookContext RunContextWrapper TContext",
    "run_error_handlers": "RunErrorData RunErrorHandler RunErrorHandlerInput RunErrorHandlerResult"
    " RunErrorHandlers",
    "stream_events": "AgentUpdatedStreamEvent RawResponsesStreamEvent RunItemStreamEvent StreamEvent",
    "tool": "CodeInterpreterTool CustomTool CustomToolCustomDataContext CustomToolCustomDataExtractor"
    " FileSearchTool FunctionTool FunctionToolCustomDataContext FunctionToolCustomDataExtractor"
    " FunctionToolResult HostedMCPTool ImageGenerationTool ImageGenerationToolConfig"
    " MCPToolApprovalFunction MCPToolApprovalFunctionResult MCPToolApprovalRequest"
    " ProgrammaticToolCallingTool Tool ToolCaller ToolOrigin ToolOriginType ToolOutputFileContent"
    " ToolOutputFileContentDict ToolOutputImage ToolOutputImageDict ToolOutputText ToolOutputTextDict"
    " ToolSearchTool WebSearchTool WebSearchToolImageSettings default_tool_error_function"
    " function_tool tool_namespace",
    "tool_context": "ToolContext",
    "tool_guardrails": "ToolGuardrailFunctionOutput ToolInputGuardrail ToolInputGuardrailData"
    " ToolInputGuardrailResult ToolOutputGuardrail ToolOutputGuardrailData"
    " ToolOutputGuardrailResult tool_input_guardrail tool_output_guardrail",
    "tracing": "AgentSpanData CustomSpanData FunctionSpanData GenerationSpanData GuardrailSpanData"
    " HandoffSpanData MCPListToolsSpanData ResponseSpanData Span SpanData SpanError"
    " TaskSpanData Trace TracingProcessor TurnSpanData add_trace_processor agent_span"
    " custom_span flush_traces function_span gen_span_id gen_trace_id generation_span"
    " get_current_span get_current_trace guardrail_span handoff_span mcp_tools_span"
    " response_span set_trace_processors set_trace_provider set_tracing_disabled"
    " set_tracing_export_api_key task_span trace turn_span",
    "usage": "RequestUsage Usage",
    "verbose": "enable_verbose_stdout_logging",
}

__getattr__ = lazy_exports(__name__, globals(), _NAMES_OF_MODULE)


class _Package(ModuleType):
    """This package: one of its names is that of a function and of the function's module, and stays the function's."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import machinery sets a module in its package once it is loaded.
        if name == "responses_websocket_session" and isinstance(value, ModuleType):
            value = value.responses_websocket_session
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

warn_of_rivals()

# Agents that are used as tools find the runner through this port, when they are called.
provide_runner(lambda: __getattr__("Runner"))

# Agents find the tools of their MCP servers through this one.
provide_mcp_tools(lambda: lazy_module("agents.mcp._agent_tools").tools_of_agent)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
