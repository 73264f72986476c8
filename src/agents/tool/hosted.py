"""Tools that the model's server runs: request parameters here, output items there.

Rule 1: a hosted tool holds what its author said and nothing else; how it is sent is a row of the request's table.
Rule 2: nothing of it is called in this process, so none needs an executor. Only the Responses API has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Required, TypeAlias

from typing_extensions import TypedDict

from .._lazy import lazy_module
from ..exceptions import UserError
from ..run_context import RunContextWrapper
from .traits import MaybeAwaitable

if TYPE_CHECKING:
    from openai.types.responses import file_search_tool_param as _file_search
    from openai.types.responses import response_output_item as _output_item
    from openai.types.responses import tool_param as _tool_param
    from openai.types.responses import web_search_tool_param as _web_search
else:
    _output_item = lazy_module("openai.types.responses.response_output_item")
    _file_search = lazy_module("openai.types.responses.file_search_tool_param")
    _tool_param = lazy_module("openai.types.responses.tool_param")
    _web_search = lazy_module("openai.types.responses.web_search_tool_param")

_MAX_RESULTS = 50


class WebSearchToolImageSettings(TypedDict, total=False):
    """What a web search returns of images."""

    max_results: int
    caption: bool


@dataclass
class WebSearchTool:
    """The server's web search."""

    user_location: _web_search.UserLocation | None = None
    """Where the user is, for results that depend on it."""

    filters: _web_search.Filters | None = None
    """Which pages may be found."""

    search_context_size: Literal["low", "medium", "high"] = "medium"
    """How much of the pages the model gets to see."""

    external_web_access: bool | None = None
    """Whether live pages are read; False searches only what the server has. None leaves it to the server."""

    search_content_types: list[Literal["text", "image"]] | None = None
    """What to search for. With "image" the results are included in the response."""

    image_settings: WebSearchToolImageSettings | None = None

    @property
    def name(self) -> str:
        """What tool choices and traces call it."""
        return "web_search"


@dataclass
class FileSearchTool:
    """The server's search in vector stores."""

    vector_store_ids: list[str]
    """The stores that are searched."""

    max_num_results: int | None = None
    """At most so many results, 1 to 50; None and 0 leave it to the server. Checked when it is sent."""

    include_search_results: bool = False
    """Whether the call's item holds the results, which count as output."""

    ranking_options: _file_search.RankingOptions | None = None
    filters: _file_search.Filters | None = None
    """Which files may be found, by their attributes."""

    @property
    def name(self) -> str:
        """What tool choices and traces call it."""
        return "file_search"

    def result_limit(self) -> int | None:
        """The limit to send; None for none.

        Raises:
            UserError: `max_num_results` is none of the numbers that the server takes.
        """
        limit: object = self.max_num_results
        if limit is None:
            return None
        # True is an integer for Python, and no number of results.
        if type(limit) is not int or not 0 <= limit <= _MAX_RESULTS:
            raise UserError(
                f"FileSearchTool max_num_results must be zero, an integer between 1 and {_MAX_RESULTS}, or None."
                f" It is {limit!r}."
            )
        return limit or None


@dataclass
class CodeInterpreterTool:
    """Python in a container of the server's."""

    tool_config: _tool_param.CodeInterpreter
    """The parameter as the API takes it, the container among it."""

    @property
    def name(self) -> str:
        """What tool choices and traces call it."""
        return "code_interpreter"


class ImageGenerationToolConfig(TypedDict, total=False):
    """The parameter for image generation; fields that are not set are the server's choice."""

    type: Required[Literal["image_generation"]]
    action: Literal["generate", "edit", "auto"]
    background: Literal["transparent", "opaque", "auto"]
    input_fidelity: Literal["high", "low"] | None
    input_image_mask: _tool_param.ImageGenerationInputImageMask
    model: str
    moderation: Literal["auto", "low"]
    output_compression: int
    """Percent, for formats that lose quality."""

    output_format: Literal["png", "webp", "jpeg"]
    partial_images: int
    """How many unfinished pictures are streamed, 0 to 3."""

    quality: Literal["low", "medium", "high", "auto"]
    size: str
    """`1024x1024` and the like, or `auto`."""


@dataclass
class ImageGenerationTool:
    """The server's image generation. The picture comes in the call's item, as base64."""

    tool_config: ImageGenerationToolConfig

    @property
    def name(self) -> str:
        """What tool choices and traces call it."""
        return "image_generation"


@dataclass
class MCPToolApprovalRequest:
    """What an `on_approval_request` function gets."""

    ctx_wrapper: RunContextWrapper[Any]
    data: _output_item.McpApprovalRequest
    """The request as the model's response holds it: server, tool and arguments."""


class MCPToolApprovalFunctionResult(TypedDict):
    """What an `on_approval_request` function decides."""

    approve: bool
    reason: NotRequired[str]
    """What the model is told of a rejection."""


MCPToolApprovalFunction: TypeAlias = Callable[
    [MCPToolApprovalRequest], MaybeAwaitable[MCPToolApprovalFunctionResult]
]
"""Decides about a call in the program's place, so that the run does not pause."""


@dataclass
class HostedMCPTool:
    """An MCP server that the model's server talks to: it lists the tools, and calls them, some after approval."""

    tool_config: _tool_param.Mcp
    """The parameter as the API takes it: label, address or connector, and which tools need approval."""

    on_approval_request: MCPToolApprovalFunction | None = None
    """Decides about the calls that need approval; without one they pause the run."""

    @property
    def name(self) -> str:
        """What traces call it; its tools have names of their own."""
        return "hosted_mcp"


@dataclass
class ToolSearchTool:
    """Lets the model search for tools that it is not shown: deferred ones, namespaces, deferred MCP servers."""

    description: str | None = None
    """Tells the model what can be found; for searches that the client runs."""

    execution: Literal["server", "client"] | None = None
    """Who searches; None is the server."""

    parameters: object | None = None
    """JSON schema of a search that the client runs."""

    @property
    def name(self) -> str:
        """What traces call it."""
        return "tool_search"


@dataclass
class ProgrammaticToolCallingTool:
    """Lets the model write programs that call tools; those whose `allowed_callers` say so."""

    @property
    def name(self) -> str:
        """What tool choices and traces call it."""
        return "programmatic_tool_calling"


HostedTool: TypeAlias = (
    WebSearchTool
    | FileSearchTool
    | CodeInterpreterTool
    | ImageGenerationTool
    | HostedMCPTool
    | ToolSearchTool
    | ProgrammaticToolCallingTool
)
"""Any tool of the server's."""
