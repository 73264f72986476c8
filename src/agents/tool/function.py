"""Function tools: what a model is told of them, and how a call of one is performed."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from .._lazy import lazy_module
from ..exceptions import UserError
from ..run_context import RunContextWrapper
from ..strict_schema import ensure_strict_json_schema
from ..tool_context import ToolContext
from .custom import CustomTool
from .invoker import ToolInvoker
from .origin import ToolOrigin
from .programmatic import ToolCaller, check_allowed_callers, strict_output_schema
from .traits import MaybeAwaitable, ToolErrorFunction, ToolTraits

if TYPE_CHECKING:
    from .. import agent as _agent
    from .. import items as _items
    from .. import tool_guardrails as _tool_guardrails
    from . import kinds as _kinds
else:
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")
    _tool_guardrails = lazy_module("agents.tool_guardrails")

ToolTimeoutBehavior: TypeAlias = Literal["error_as_result", "raise_exception"]
"""Whether a time-out becomes text for the model or ends the run."""

SideEffects: TypeAlias = Literal["none", "idempotent", "once"]
"""What performing a call twice does: nothing, the same as once, or harm."""

InDoubtPolicy: TypeAlias = Literal["retry", "ask", "fail"]
"""What to do with a call that a crash left without a result."""


@dataclass
class FunctionTool:
    """A tool that runs in this process.

    Most are made with `function_tool`. Made by hand, `on_invoke_tool` does all:
    it reads the arguments, and its exceptions end the run.

    Raises:
        UserError: the schema cannot be strict, or `allowed_callers` or `output_json_schema` is wrong.
        TypeError: `timeout_seconds` is not a number, or `timeout_error_function` not callable.
        ValueError: `timeout_seconds` is not positive and finite, or set for a sync function,
            or one of the choices is none that exists.
    """

    name: str
    """The name that the model calls it by."""

    description: str
    """What the model is told it is for."""

    params_json_schema: dict[str, Any]
    """JSON schema of the arguments, an object. The dict that is given is not changed."""

    on_invoke_tool: Callable[[ToolContext[Any], str], Awaitable[Any]]
    """Performs a call, given its context and its arguments as JSON. Returns the output."""

    strict_json_schema: bool = True
    """Whether the model's server holds the model to the schema; recommended."""

    is_enabled: bool | Callable[[RunContextWrapper[Any], _agent.AgentBase], MaybeAwaitable[bool]] = True
    """Whether the model is offered the tool, or a function of context and agent that decides."""

    tool_input_guardrails: list[_tool_guardrails.ToolInputGuardrail[Any]] | None = None
    """Checked before a call is performed."""

    tool_output_guardrails: list[_tool_guardrails.ToolOutputGuardrail[Any]] | None = None
    """Checked before an output goes to the model."""

    needs_approval: bool | Callable[[RunContextWrapper[Any], dict[str, Any], str], Awaitable[bool]] = False
    """Whether a call waits for a person, or a function of context, arguments and call id that decides."""

    timeout_seconds: float | None = None
    """How long a call may take; async tools only."""

    timeout_behavior: ToolTimeoutBehavior = "error_as_result"
    """What a time-out does."""

    timeout_error_function: ToolErrorFunction | None = None
    """Gives the model's text for a time-out."""

    defer_loading: bool = False
    """Whether the model must search for the tool before it sees it."""

    custom_data_extractor: FunctionToolCustomDataExtractor | None = field(default=None, kw_only=True)
    """Gives data to keep beside the output item."""

    allowed_callers: list[ToolCaller] | None = field(default=None, kw_only=True)
    """Who may call it: the model itself, programs that it writes, or both."""

    output_json_schema: dict[str, Any] | None = field(default=None, kw_only=True)
    """JSON schema of the output, an object, for programs that call the tool."""

    side_effects: SideEffects | None = field(default=None, kw_only=True)
    """What performing a call twice does; None is not known."""

    on_in_doubt: InDoubtPolicy | None = field(default=None, kw_only=True)
    """What to do with a call that a crash left without a result; None follows `side_effects`."""

    traits: ToolTraits = field(default_factory=ToolTraits, kw_only=True, repr=False)
    """What the package knows beside these fields; `function_tool`, MCP and `as_tool` fill it."""

    def __post_init__(self) -> None:
        if isinstance(self.on_invoke_tool, ToolInvoker):
            self.on_invoke_tool = self.on_invoke_tool.bound_to(self)
        self._check_timeout()
        _check_choice("side_effects", self.side_effects, SideEffects)
        _check_choice("on_in_doubt", self.on_in_doubt, InDoubtPolicy)
        check_allowed_callers(self.name, self.allowed_callers)
        if self.output_json_schema is not None:
            self.output_json_schema = strict_output_schema(self.output_json_schema)
        if self.strict_json_schema:
            self.params_json_schema = ensure_strict_json_schema(self.params_json_schema)

    @property
    def qualified_name(self) -> str:
        """The name with its namespace, `namespace.name`; the bare name when it is in none."""
        namespace = self.traits.namespace
        return self.name if namespace is None or namespace == self.name else f"{namespace}.{self.name}"

    @property
    def mcp_annotations(self) -> Any:
        """The annotations of the MCP listing that the tool comes from, else None."""
        return self.traits.annotations

    def __setstate__(self, state: dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Take over the fields of a copied tool; `copy` and `deepcopy` end here."""
        values, slots = state if isinstance(state, tuple) else (state, {})
        for name, value in {**values, **slots}.items():
            object.__setattr__(self, name, value)
        if isinstance(self.on_invoke_tool, ToolInvoker):
            self.on_invoke_tool = self.on_invoke_tool.bound_to(self)

    def _check_timeout(self) -> None:
        seconds = cast("object", self.timeout_seconds)
        if seconds is not None:
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise TypeError("FunctionTool timeout_seconds must be a positive number in seconds or None.")
            if not math.isfinite(seconds):
                raise ValueError("FunctionTool timeout_seconds must be a finite number.")
            if seconds <= 0:
                raise ValueError("FunctionTool timeout_seconds must be greater than 0.")
            if isinstance(self.on_invoke_tool, ToolInvoker) and not self.on_invoke_tool.supports_timeout:
                raise ValueError(
                    "FunctionTool timeout_seconds is only supported for async @function_tool handlers."
                )
            self.timeout_seconds = float(seconds)
        _check_choice("timeout_behavior", self.timeout_behavior, ToolTimeoutBehavior)
        if self.timeout_error_function is not None and not callable(self.timeout_error_function):
            raise TypeError("FunctionTool timeout_error_function must be callable or None.")


class _WrappedCallable:
    """`tool.__wrapped__`: the callable that a tool was made of, for `inspect.unwrap` and tests.

    Classes have none, or `inspect` would take the class for a wrapper.
    """

    def __get__(self, tool: FunctionTool | None, owner: type[FunctionTool]) -> Callable[..., Any]:
        if tool is None:
            raise AttributeError(f"{owner.__name__} classes have no wrapped Python callable")
        invoker = tool.on_invoke_tool
        if not isinstance(invoker, ToolInvoker) or invoker.wrapped is None:
            raise AttributeError(f"{owner.__name__} has no wrapped Python callable")
        return invoker.wrapped

    def __set__(self, tool: FunctionTool, value: object) -> None:
        raise AttributeError(f"{type(tool).__name__}.__wrapped__ is read-only")

    def __delete__(self, tool: FunctionTool) -> None:
        raise AttributeError(f"{type(tool).__name__}.__wrapped__ is read-only")


# Not in the class body: it is no field, and a dataclass must not take it for one.
type.__setattr__(FunctionTool, "__wrapped__", _WrappedCallable())


@dataclass
class FunctionToolResult:
    """What one call of a function tool came to."""

    tool: FunctionTool
    """The tool that was called."""

    output: Any
    """What it returned, as it is."""

    run_item: _items.RunItem | None
    """The item of the output; None while the call waits for a decision."""

    interruptions: list[_items.ToolApprovalItem] = field(default_factory=list["_items.ToolApprovalItem"])
    """Decisions that calls nested in this one wait for."""

    agent_run_result: Any = None
    """The result of the nested run, when the tool is an agent."""


@dataclass
class FunctionToolCustomDataContext:
    """What a `custom_data_extractor` gets."""

    tool_context: ToolContext[Any]
    """The call."""

    tool: FunctionTool
    """The tool that was called."""

    output: Any
    """What it returned, or the text that stands for its failure."""

    raw_item: Mapping[str, Any]
    """The output item that goes to the model."""


FunctionToolCustomDataExtractor: TypeAlias = Callable[
    [FunctionToolCustomDataContext], MaybeAwaitable[Mapping[str, Any] | None]
]
"""Gives data to keep beside a tool's output item; the model never sees it."""


def get_function_tool_origin(function_tool: FunctionTool) -> ToolOrigin | None:
    """Where the tool comes from: a function, an MCP server, or another agent."""
    return function_tool.traits.origin


def approval_rule(
    tool: FunctionTool | CustomTool | _kinds.MachineTool,
) -> bool | Callable[..., Awaitable[bool] | bool]:
    """The tool's `needs_approval`, once it is sure to be something that can be obeyed.

    Raises:
        UserError: it is neither a bool nor callable. Checked when a call comes, not when the tool is made.
    """
    rule = cast("object", tool.needs_approval)
    if isinstance(rule, bool) or callable(rule):
        return tool.needs_approval
    raise UserError(f"Invalid needs_approval value: expected a bool or callable, got {type(rule).__name__}.")


def _check_choice(name: str, value: object, choices: Any) -> None:
    allowed = get_args(choices)
    if value not in allowed and not (value is None and name != "timeout_behavior"):
        raise ValueError(f"FunctionTool {name} must be one of: {', '.join(allowed)}")
