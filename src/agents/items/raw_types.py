"""Names for what run items carry: unions of `openai` types, and the item types themselves.

Importing this module imports `openai`. Nothing in this package does so at
import time: `agents.items` names it through `lazy_module`, and hands out its
aliases (`TResponseInputItem`, ...) at the first access.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from openai.types.responses import (
    Response,
    ResponseCodeInterpreterToolCall,
    ResponseCompactionItem,
    ResponseComputerToolCall,
    ResponseCustomToolCall,
    ResponseFileSearchToolCall,
    ResponseFunctionShellToolCall,
    ResponseFunctionShellToolCallOutput,
    ResponseFunctionToolCall,
    ResponseFunctionWebSearch,
    ResponseInputItemParam,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseReasoningItem,
    ResponseStreamEvent,
    ResponseToolSearchCall,
    ResponseToolSearchOutputItem,
)
from openai.types.responses.response_input_item_param import (
    ComputerCallOutput,
    FunctionCallOutput,
    LocalShellCallOutput,
)
from openai.types.responses.response_input_item_param import McpApprovalResponse as McpApprovalResponseParam
from openai.types.responses.response_output_item import (
    ImageGenerationCall,
    LocalShellCall,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    McpListTools,
    Program,
    ProgramOutput,
)

TResponse: TypeAlias = Response
TResponseInputItem: TypeAlias = ResponseInputItemParam
TResponseOutputItem: TypeAlias = ResponseOutputItem
TResponseStreamEvent: TypeAlias = ResponseStreamEvent

ToolCallItemTypes: TypeAlias = (
    ResponseFunctionToolCall
    | ResponseComputerToolCall
    | ResponseFileSearchToolCall
    | ResponseFunctionWebSearch
    | McpCall
    | ResponseCodeInterpreterToolCall
    | ImageGenerationCall
    | LocalShellCall
    | Program
    | dict[str, Any]
)

ToolCallOutputTypes: TypeAlias = (
    FunctionCallOutput
    | ComputerCallOutput
    | LocalShellCallOutput
    | ResponseFunctionShellToolCallOutput
    | ProgramOutput
    | dict[str, Any]
)

ToolApprovalRawItem: TypeAlias = (
    ResponseFunctionToolCall
    | ResponseCustomToolCall
    | ResponseFunctionShellToolCall
    | McpCall
    | McpApprovalRequest
    | LocalShellCall
    | dict[str, Any]
)

ToolSearchCallRawItem: TypeAlias = ResponseToolSearchCall | dict[str, Any]
ToolSearchOutputRawItem: TypeAlias = ResponseToolSearchOutputItem | dict[str, Any]
McpApprovalResponseRawItem: TypeAlias = McpApprovalResponse | McpApprovalResponseParam

__all__ = [
    "ComputerCallOutput",
    "FunctionCallOutput",
    "LocalShellCallOutput",
    "McpApprovalRequest",
    "McpApprovalResponseRawItem",
    "McpListTools",
    "ResponseCompactionItem",
    "ResponseFunctionToolCall",
    "ResponseOutputMessage",
    "ResponseReasoningItem",
    "TResponse",
    "TResponseInputItem",
    "TResponseOutputItem",
    "TResponseStreamEvent",
    "ToolApprovalRawItem",
    "ToolCallItemTypes",
    "ToolCallOutputTypes",
    "ToolSearchCallRawItem",
    "ToolSearchOutputRawItem",
]
