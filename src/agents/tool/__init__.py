"""Tools: what a model may call.

A kind of tool is one class in a file of its own and one row in the tables below.
Nothing is imported before it is asked for: a program that makes tools by hand
does not wait for the schema machinery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .custom_data import extract_custom_data, json_mapping
    from .execute import execute_function_tool, invoke_function_tool, run_failure
    from .failures import (
        ToolOutcome,
        default_tool_error_function,
        default_tool_timeout_error_message,
        maybe_invoke_function_tool_failure_error_function,
        resolve_function_tool_failure_error_function,
        set_function_tool_failure_error_function,
    )
    from .features import (
        ensure_function_tool_supports_responses_only_features,
        ensure_tool_choice_supports_backend,
        get_function_tool_responses_only_features,
    )
    from .from_callable import ToolFunction, ToolParams, function_tool
    from .function import (
        FunctionTool,
        FunctionToolCustomDataContext,
        FunctionToolCustomDataExtractor,
        FunctionToolResult,
        InDoubtPolicy,
        SideEffects,
        Tool,
        ToolTimeoutBehavior,
        approval_rule,
        get_function_tool_origin,
    )
    from .invoker import with_function_tool_failure_error_handler
    from .namespace import tool_namespace
    from .origin import ToolOrigin, ToolOriginType
    from .outputs import (
        ToolOutputFileContent,
        ToolOutputFileContentDict,
        ToolOutputImage,
        ToolOutputImageDict,
        ToolOutputText,
        ToolOutputTextDict,
    )
    from .programmatic import ToolCaller
    from .traits import MaybeAwaitable, ToolErrorFunction, ToolTraits

__all__ = [
    "FunctionTool",
    "FunctionToolCustomDataContext",
    "FunctionToolCustomDataExtractor",
    "FunctionToolResult",
    "InDoubtPolicy",
    "MaybeAwaitable",
    "SideEffects",
    "Tool",
    "ToolCaller",
    "ToolErrorFunction",
    "ToolFunction",
    "ToolOrigin",
    "ToolOriginType",
    "ToolOutcome",
    "ToolOutputFileContent",
    "ToolOutputFileContentDict",
    "ToolOutputImage",
    "ToolOutputImageDict",
    "ToolOutputText",
    "ToolOutputTextDict",
    "ToolParams",
    "ToolTimeoutBehavior",
    "ToolTraits",
    "approval_rule",
    "default_tool_error_function",
    "default_tool_timeout_error_message",
    "ensure_function_tool_supports_responses_only_features",
    "ensure_tool_choice_supports_backend",
    "execute_function_tool",
    "extract_custom_data",
    "function_tool",
    "get_function_tool_origin",
    "get_function_tool_responses_only_features",
    "invoke_function_tool",
    "json_mapping",
    "maybe_invoke_function_tool_failure_error_function",
    "resolve_function_tool_failure_error_function",
    "run_failure",
    "set_function_tool_failure_error_function",
    "tool_namespace",
    "with_function_tool_failure_error_handler",
]

__getattr__ = lazy_exports(
    __name__,
    globals(),
    {
        "custom_data": "extract_custom_data json_mapping",
        "execute": "execute_function_tool invoke_function_tool run_failure",
        "failures": "ToolOutcome default_tool_error_function default_tool_timeout_error_message"
        " maybe_invoke_function_tool_failure_error_function"
        " resolve_function_tool_failure_error_function"
        " set_function_tool_failure_error_function",
        "features": "ensure_function_tool_supports_responses_only_features"
        " ensure_tool_choice_supports_backend get_function_tool_responses_only_features",
        "from_callable": "ToolFunction ToolParams function_tool",
        "function": "FunctionTool FunctionToolCustomDataContext FunctionToolCustomDataExtractor"
        " FunctionToolResult InDoubtPolicy SideEffects Tool ToolTimeoutBehavior approval_rule"
        " get_function_tool_origin",
        "invoker": "with_function_tool_failure_error_handler",
        "namespace": "tool_namespace",
        "origin": "ToolOrigin ToolOriginType",
        "outputs": "ToolOutputFileContent ToolOutputFileContentDict ToolOutputImage ToolOutputImageDict"
        " ToolOutputText ToolOutputTextDict",
        "programmatic": "ToolCaller",
        "traits": "MaybeAwaitable ToolErrorFunction ToolTraits",
    },
)
