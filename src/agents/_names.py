"""Which module of the package each public name of `agents` comes from."""

from __future__ import annotations

NAMES_OF_MODULE = {
    "_openai_defaults": "set_default_openai_api set_default_openai_client set_default_openai_key"
    " set_default_openai_responses_transport",
    "agent": "Agent AgentBase AgentToolStreamEvent StopAtTools ToolsToFinalOutputFunction"
    " ToolsToFinalOutputResult",
    "apply_diff": "apply_diff",
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
    "computer": "AsyncComputer Button Computer Environment",
    "editor": "ApplyPatchEditor ApplyPatchOperation ApplyPatchResult",
    "tool": "ApplyPatchTool ComputerProvider ComputerTool ComputerToolSafetyCheckData LocalShellCommandRequest"
    " LocalShellExecutor LocalShellTool ShellActionRequest ShellCallData ShellCallOutcome ShellCommandOutput"
    " ShellCommandRequest ShellExecutor ShellResult ShellTool"
    " CodeInterpreterTool CustomTool CustomToolCustomDataContext CustomToolCustomDataExtractor"
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
    " HandoffSpanData MCPListToolsSpanData ResponseSpanData Span SpanData SpanError SpeechGroupSpanData"
    " SpeechSpanData TaskSpanData Trace TracingProcessor TranscriptionSpanData TurnSpanData"
    " add_trace_processor agent_span custom_span flush_traces function_span gen_span_id gen_trace_id"
    " generation_span get_current_span get_current_trace guardrail_span handoff_span mcp_tools_span"
    " response_span set_trace_processors set_trace_provider set_tracing_disabled"
    " set_tracing_export_api_key speech_group_span speech_span task_span trace transcription_span turn_span",
    "usage": "RequestUsage Usage",
    "verbose": "enable_verbose_stdout_logging",
}
