"""Tools: what a model may call.

A kind of tool is one class in a file of its own and one row in the tables below.
Nothing is imported before it is asked for: a program that makes tools by hand
does not wait for the schema machinery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .apply_patch import (
        ApplyPatchApprovalFunction,
        ApplyPatchOnApprovalFunction,
        ApplyPatchOnApprovalFunctionResult,
        ApplyPatchTool,
    )
    from .computer import (
        ComputerApprovalFunction,
        ComputerConfig,
        ComputerCreate,
        ComputerProvider,
        ComputerTool,
        ComputerToolSafetyCheckData,
    )
    from .custom import (
        CustomTool,
        CustomToolApprovalFunction,
        CustomToolCustomDataContext,
        CustomToolCustomDataExtractor,
        CustomToolExecutor,
        CustomToolOnApprovalFunction,
        CustomToolOnApprovalFunctionResult,
    )
    from .custom_data import extract_custom_data, json_mapping
    from .execute import execute_function_tool, invoke_function_tool, run_failure
    from .execute_apply_patch import execute_apply_patch_tool, read_operation
    from .execute_computer import ComputerActions, execute_computer_tool
    from .execute_custom import execute_custom_tool
    from .execute_shell import execute_local_shell_tool, execute_shell_tool, local_shell_call
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
        ToolTimeoutBehavior,
        approval_rule,
        get_function_tool_origin,
    )
    from .hosted import (
        CodeInterpreterTool,
        FileSearchTool,
        HostedMCPTool,
        HostedTool,
        ImageGenerationTool,
        ImageGenerationToolConfig,
        MCPToolApprovalFunction,
        MCPToolApprovalFunctionResult,
        MCPToolApprovalRequest,
        ProgrammaticToolCallingTool,
        ToolSearchTool,
        WebSearchTool,
        WebSearchToolImageSettings,
    )
    from .invoker import with_function_tool_failure_error_handler
    from .kinds import MachineTool, Tool
    from .machine import read_action
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
    from .search import (
        has_required_tool_search_surface,
        has_responses_tool_search_surface,
        is_required_tool_search_surface,
        is_responses_tool_search_surface,
        prune_orphaned_tool_search_tools,
        validate_responses_programmatic_tool_calling_configuration,
        validate_responses_tool_search_configuration,
    )
    from .shell import (
        LocalShellApprovalFunction,
        LocalShellCommandRequest,
        LocalShellExecutor,
        LocalShellTool,
        ShellActionRequest,
        ShellApprovalFunction,
        ShellCallData,
        ShellCallOutcome,
        ShellCommandOutput,
        ShellCommandRequest,
        ShellExecutor,
        ShellOnApprovalFunction,
        ShellOnApprovalFunctionResult,
        ShellResult,
        ShellTool,
        ShellToolEnvironment,
    )
    from .traits import MaybeAwaitable, ToolErrorFunction, ToolTraits

__all__ = [
    "ApplyPatchApprovalFunction",
    "ApplyPatchOnApprovalFunction",
    "ApplyPatchOnApprovalFunctionResult",
    "ApplyPatchTool",
    "CodeInterpreterTool",
    "ComputerActions",
    "ComputerApprovalFunction",
    "ComputerConfig",
    "ComputerCreate",
    "ComputerProvider",
    "ComputerTool",
    "ComputerToolSafetyCheckData",
    "CustomTool",
    "CustomToolApprovalFunction",
    "CustomToolCustomDataContext",
    "CustomToolCustomDataExtractor",
    "CustomToolExecutor",
    "CustomToolOnApprovalFunction",
    "CustomToolOnApprovalFunctionResult",
    "FileSearchTool",
    "FunctionTool",
    "FunctionToolCustomDataContext",
    "FunctionToolCustomDataExtractor",
    "FunctionToolResult",
    "HostedMCPTool",
    "HostedTool",
    "ImageGenerationTool",
    "ImageGenerationToolConfig",
    "InDoubtPolicy",
    "LocalShellApprovalFunction",
    "LocalShellCommandRequest",
    "LocalShellExecutor",
    "LocalShellTool",
    "MCPToolApprovalFunction",
    "MCPToolApprovalFunctionResult",
    "MCPToolApprovalRequest",
    "MachineTool",
    "MaybeAwaitable",
    "ProgrammaticToolCallingTool",
    "ShellActionRequest",
    "ShellApprovalFunction",
    "ShellCallData",
    "ShellCallOutcome",
    "ShellCommandOutput",
    "ShellCommandRequest",
    "ShellExecutor",
    "ShellOnApprovalFunction",
    "ShellOnApprovalFunctionResult",
    "ShellResult",
    "ShellTool",
    "ShellToolEnvironment",
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
    "ToolSearchTool",
    "ToolTimeoutBehavior",
    "ToolTraits",
    "WebSearchTool",
    "WebSearchToolImageSettings",
    "approval_rule",
    "default_tool_error_function",
    "default_tool_timeout_error_message",
    "ensure_function_tool_supports_responses_only_features",
    "ensure_tool_choice_supports_backend",
    "execute_apply_patch_tool",
    "execute_computer_tool",
    "execute_custom_tool",
    "execute_function_tool",
    "execute_local_shell_tool",
    "execute_shell_tool",
    "extract_custom_data",
    "function_tool",
    "get_function_tool_origin",
    "get_function_tool_responses_only_features",
    "has_required_tool_search_surface",
    "has_responses_tool_search_surface",
    "invoke_function_tool",
    "is_required_tool_search_surface",
    "is_responses_tool_search_surface",
    "json_mapping",
    "local_shell_call",
    "maybe_invoke_function_tool_failure_error_function",
    "prune_orphaned_tool_search_tools",
    "read_action",
    "read_operation",
    "resolve_function_tool_failure_error_function",
    "run_failure",
    "set_function_tool_failure_error_function",
    "tool_namespace",
    "validate_responses_programmatic_tool_calling_configuration",
    "validate_responses_tool_search_configuration",
    "with_function_tool_failure_error_handler",
]

__getattr__ = lazy_exports(
    __name__,
    globals(),
    {
        "apply_patch": "ApplyPatchApprovalFunction ApplyPatchOnApprovalFunction ApplyPatchOnApprovalFunctionResult"
        " ApplyPatchTool",
        "computer": "ComputerApprovalFunction ComputerConfig ComputerCreate ComputerProvider ComputerTool"
        " ComputerToolSafetyCheckData",
        "custom": "CustomTool CustomToolApprovalFunction CustomToolCustomDataContext CustomToolCustomDataExtractor"
        " CustomToolExecutor CustomToolOnApprovalFunction CustomToolOnApprovalFunctionResult",
        "custom_data": "extract_custom_data json_mapping",
        "execute": "execute_function_tool invoke_function_tool run_failure",
        "execute_apply_patch": "execute_apply_patch_tool read_operation",
        "execute_computer": "ComputerActions execute_computer_tool",
        "execute_custom": "execute_custom_tool",
        "execute_shell": "execute_local_shell_tool execute_shell_tool local_shell_call",
        "failures": "ToolOutcome default_tool_error_function default_tool_timeout_error_message"
        " maybe_invoke_function_tool_failure_error_function"
        " resolve_function_tool_failure_error_function"
        " set_function_tool_failure_error_function",
        "features": "ensure_function_tool_supports_responses_only_features"
        " ensure_tool_choice_supports_backend get_function_tool_responses_only_features",
        "from_callable": "ToolFunction ToolParams function_tool",
        "function": "FunctionTool FunctionToolCustomDataContext FunctionToolCustomDataExtractor"
        " FunctionToolResult InDoubtPolicy SideEffects ToolTimeoutBehavior approval_rule"
        " get_function_tool_origin",
        "hosted": "CodeInterpreterTool FileSearchTool HostedMCPTool HostedTool ImageGenerationTool"
        " ImageGenerationToolConfig MCPToolApprovalFunction MCPToolApprovalFunctionResult MCPToolApprovalRequest"
        " ProgrammaticToolCallingTool ToolSearchTool WebSearchTool"
        " WebSearchToolImageSettings",
        "invoker": "with_function_tool_failure_error_handler",
        "kinds": "MachineTool Tool",
        "machine": "read_action",
        "namespace": "tool_namespace",
        "origin": "ToolOrigin ToolOriginType",
        "outputs": "ToolOutputFileContent ToolOutputFileContentDict ToolOutputImage ToolOutputImageDict"
        " ToolOutputText ToolOutputTextDict",
        "programmatic": "ToolCaller",
        "search": "has_required_tool_search_surface has_responses_tool_search_surface"
        " is_required_tool_search_surface is_responses_tool_search_surface prune_orphaned_tool_search_tools"
        " validate_responses_programmatic_tool_calling_configuration"
        " validate_responses_tool_search_configuration",
        "shell": "LocalShellApprovalFunction LocalShellCommandRequest LocalShellExecutor LocalShellTool ShellActionRequest"
        " ShellApprovalFunction ShellCallData ShellCallOutcome ShellCommandOutput ShellCommandRequest ShellExecutor"
        " ShellOnApprovalFunction ShellOnApprovalFunctionResult ShellResult ShellTool ShellToolEnvironment",
        "traits": "MaybeAwaitable ToolErrorFunction ToolTraits",
    },
)
