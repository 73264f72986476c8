"""Custom tools: the model writes text, in a format of the tool's own, and a function in this process takes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .._lazy import lazy_module
from ..run_context import RunContextWrapper
from ..tool_context import ToolContext
from .machine import OnApprovalFunction, OnApprovalResult
from .programmatic import ToolCaller, check_allowed_callers
from .traits import MaybeAwaitable

if TYPE_CHECKING:
    from openai.types import responses as _responses
else:
    _responses = lazy_module("openai.types.responses")

CustomToolExecutor: TypeAlias = Callable[[ToolContext[Any], str], Awaitable[Any] | Any]
"""Performs a call, given its context and the model's text. Returns the output; a sync one runs in a thread."""

CustomToolApprovalFunction: TypeAlias = Callable[[RunContextWrapper[Any], str, str], MaybeAwaitable[bool]]
"""Whether a call waits for a decision: given the context, the model's text and the call's id."""


CustomToolOnApprovalFunction: TypeAlias = OnApprovalFunction
CustomToolOnApprovalFunctionResult: TypeAlias = OnApprovalResult


@dataclass
class CustomTool:
    """A tool whose input is text that the model writes freely, or by a grammar. Only the Responses API has them.

    An exception of `on_invoke_tool` becomes the call's output: its text, unless `RunConfig.tool_error_formatter`
    makes another.

    Raises:
        UserError: `allowed_callers` is wrong.
    """

    name: str
    """The name that the model calls it by."""

    description: str
    """What the model is told it is for."""

    on_invoke_tool: CustomToolExecutor
    """Performs a call. What it returns goes to the model as text."""

    format: object | None = None
    """The form of the input as the API takes it, a grammar for instance; free text when None."""

    needs_approval: bool | CustomToolApprovalFunction = False
    """Whether a call waits for a decision, or a function that says so."""

    on_approval: CustomToolOnApprovalFunction | None = None
    """Decides about the calls that need it; without one they pause the run."""

    defer_loading: bool = False
    """Whether the model must search for the tool before it sees it."""

    custom_data_extractor: CustomToolCustomDataExtractor | None = field(default=None, kw_only=True)
    """Gives data to keep beside the output item."""

    allowed_callers: list[ToolCaller] | None = field(default=None, kw_only=True)
    """Who may call it: the model itself, programs that it writes, or both."""

    tool_config: _responses.CustomToolParam = field(init=False, repr=False)
    """The parameter as the API takes it, made of the fields above."""

    def __post_init__(self) -> None:
        check_allowed_callers(self.name, self.allowed_callers)
        config: dict[str, Any] = {"type": "custom", "name": self.name, "description": self.description}
        if self.format is not None:
            config["format"] = self.format
        if self.defer_loading:
            config["defer_loading"] = True
        if self.allowed_callers is not None:
            config["allowed_callers"] = self.allowed_callers
        self.tool_config = cast("_responses.CustomToolParam", cast("object", config))

    @property
    def type(self) -> str:
        """The kind of tool, as the API has it."""
        return "custom"

    @property
    def qualified_name(self) -> str:
        """The name: custom tools are in no namespace."""
        return self.name

    def runtime_needs_approval(self) -> bool | CustomToolApprovalFunction:
        """What a run asks before a call."""
        return self.needs_approval

    def runtime_on_approval(self) -> CustomToolOnApprovalFunction | None:
        """Who decides about the calls that need it."""
        return self.on_approval


@dataclass
class CustomToolCustomDataContext:
    """What a `custom_data_extractor` gets."""

    tool_context: ToolContext[Any]
    """The call."""

    tool: CustomTool
    """The tool that was called."""

    input: str
    """The model's text."""

    output: str
    """What goes to the model."""

    raw_item: Mapping[str, Any]
    """The output item that goes to the model."""


CustomToolCustomDataExtractor: TypeAlias = Callable[
    [CustomToolCustomDataContext], MaybeAwaitable[Mapping[str, Any] | None]
]
"""Gives data to keep beside a tool's output item; the model never sees it."""
