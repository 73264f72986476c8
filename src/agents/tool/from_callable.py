"""`function_tool`: makes a tool of a Python callable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, TypeAlias, cast, overload

from typing_extensions import ParamSpec

from .._lazy import lazy_module
from ..function_schema import DocstringStyle, function_schema
from ..run_context import RunContextWrapper
from ..tool_context import ToolContext
from .body import CANCELLABLE, body_of, kind_of
from .function import (
    FunctionTool,
    FunctionToolCustomDataExtractor,
    InDoubtPolicy,
    SideEffects,
    ToolTimeoutBehavior,
)
from .invoker import ToolInvoker
from .output_types import declared_output
from .programmatic import ToolCaller
from .traits import UNSET, MaybeAwaitable, ToolErrorFunction, ToolTraits, Unset

if TYPE_CHECKING:
    from .. import agent as _agent
    from .. import tool_guardrails as _tool_guardrails
else:
    _agent = lazy_module("agents.agent")
    _tool_guardrails = lazy_module("agents.tool_guardrails")

ToolParams = ParamSpec("ToolParams")
"""The parameters of a tool's function, the context aside."""

ToolFunction: TypeAlias = (
    Callable[ToolParams, Any]
    | Callable[Concatenate[RunContextWrapper[Any], ToolParams], Any]
    | Callable[Concatenate[ToolContext[Any], ToolParams], Any]
)
"""What `function_tool` takes: any callable, with or without the context as its first parameter."""

_IsEnabled: TypeAlias = "bool | Callable[[RunContextWrapper[Any], _agent.AgentBase], MaybeAwaitable[bool]]"
_NeedsApproval: TypeAlias = bool | Callable[[RunContextWrapper[Any], dict[str, Any], str], Awaitable[bool]]


@overload
def function_tool(
    func: ToolFunction[...],
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    docstring_style: DocstringStyle | None = None,
    use_docstring_info: bool = True,
    failure_error_function: ToolErrorFunction | object | None = UNSET,
    strict_mode: bool = True,
    is_enabled: _IsEnabled = True,
    needs_approval: _NeedsApproval = False,
    tool_input_guardrails: list[_tool_guardrails.ToolInputGuardrail[Any]] | None = None,
    tool_output_guardrails: list[_tool_guardrails.ToolOutputGuardrail[Any]] | None = None,
    timeout: float | None = None,
    timeout_behavior: ToolTimeoutBehavior = "error_as_result",
    timeout_error_function: ToolErrorFunction | None = None,
    defer_loading: bool = False,
    custom_data_extractor: FunctionToolCustomDataExtractor | None = None,
    allowed_callers: list[ToolCaller] | None = None,
    output_type: Any | None = None,
    output_json_schema: dict[str, Any] | None = None,
    side_effects: SideEffects | None = None,
    on_in_doubt: InDoubtPolicy | None = None,
) -> FunctionTool: ...
@overload
def function_tool(
    func: None = None,
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    docstring_style: DocstringStyle | None = None,
    use_docstring_info: bool = True,
    failure_error_function: ToolErrorFunction | object | None = UNSET,
    strict_mode: bool = True,
    is_enabled: _IsEnabled = True,
    needs_approval: _NeedsApproval = False,
    tool_input_guardrails: list[_tool_guardrails.ToolInputGuardrail[Any]] | None = None,
    tool_output_guardrails: list[_tool_guardrails.ToolOutputGuardrail[Any]] | None = None,
    timeout: float | None = None,
    timeout_behavior: ToolTimeoutBehavior = "error_as_result",
    timeout_error_function: ToolErrorFunction | None = None,
    defer_loading: bool = False,
    custom_data_extractor: FunctionToolCustomDataExtractor | None = None,
    allowed_callers: list[ToolCaller] | None = None,
    output_type: Any | None = None,
    output_json_schema: dict[str, Any] | None = None,
    side_effects: SideEffects | None = None,
    on_in_doubt: InDoubtPolicy | None = None,
) -> Callable[[ToolFunction[...]], FunctionTool]: ...
def function_tool(
    func: ToolFunction[...] | None = None,
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    docstring_style: DocstringStyle | None = None,
    use_docstring_info: bool = True,
    failure_error_function: ToolErrorFunction | object | None = UNSET,
    strict_mode: bool = True,
    is_enabled: _IsEnabled = True,
    needs_approval: _NeedsApproval = False,
    tool_input_guardrails: list[_tool_guardrails.ToolInputGuardrail[Any]] | None = None,
    tool_output_guardrails: list[_tool_guardrails.ToolOutputGuardrail[Any]] | None = None,
    timeout: float | None = None,
    timeout_behavior: ToolTimeoutBehavior = "error_as_result",
    timeout_error_function: ToolErrorFunction | None = None,
    defer_loading: bool = False,
    custom_data_extractor: FunctionToolCustomDataExtractor | None = None,
    allowed_callers: list[ToolCaller] | None = None,
    output_type: Any | None = None,
    output_json_schema: dict[str, Any] | None = None,
    side_effects: SideEffects | None = None,
    on_in_doubt: InDoubtPolicy | None = None,
) -> FunctionTool | Callable[[ToolFunction[...]], FunctionTool]:
    """Make a tool of a function, for `Agent(tools=[...])`. Works bare and with arguments.

    Name, description and schema come from the function's name, docstring and
    annotations. Its first parameter may be a `ToolContext` or `RunContextWrapper`;
    the model does not see that one. A sync function runs in a thread. A generator
    function reports what it yields as progress, and its last value is the output.

    Args:
        func: A function, a method, or an instance with a plain `__call__`.
        name_override: The name for the model; the function's own by default.
        description_override: What the model is told; from the docstring by default.
        docstring_style: How to read the docstring; found out by default.
        use_docstring_info: Whether to read the docstring at all.
        failure_error_function: Gives the model's text for an exception. None raises it;
            left out, the run's `tool_error_formatter` and a fixed text apply.
        strict_mode: Whether the schema is strict; recommended.
        is_enabled: Whether the model is offered the tool; a bool, or decided per run and agent.
        needs_approval: Whether a call waits for a person; a bool, or decided per call.
        tool_input_guardrails: Checked before a call is performed.
        tool_output_guardrails: Checked before an output goes to the model.
        timeout: Seconds that a call may take; async functions only.
        timeout_behavior: Whether a time-out becomes text for the model or ends the run.
        timeout_error_function: Gives the model's text for a time-out.
        defer_loading: Whether the model must search for the tool before it sees it.
        custom_data_extractor: Gives data to keep beside the output item.
        allowed_callers: Who may call it: the model ("direct"), its programs ("programmatic"), or both.
        output_type: The type of the output, an object, for programs.
        output_json_schema: The same as a JSON schema.
        side_effects: What performing a call twice does: "none", "idempotent" (the same as
            once) or "once" (harm).
        on_in_doubt: What to do with a call that a crash left without a result: "retry",
            "ask" or "fail". By default `side_effects` decides; undeclared means "ask".

    Raises:
        UserError: no contract can be read from `func`, or it cannot be a strict schema.
        TypeError: a setting is of the wrong type.
        ValueError: a setting has a value that does not exist, or `timeout` is set for a sync function.
    """

    def make(target: ToolFunction[...]) -> FunctionTool:
        schema = function_schema(
            target,
            docstring_style=docstring_style,
            name_override=name_override,
            description_override=description_override,
            use_docstring_info=use_docstring_info,
            strict_json_schema=strict_mode,
        )
        adapter, output_schema = declared_output(
            output_type=output_type,
            output_json_schema=output_json_schema,
            return_annotation=schema.return_annotation,
            is_programmatic="programmatic" in (allowed_callers or ()),
        )
        return FunctionTool(
            name=schema.name,
            description=schema.description or "",
            params_json_schema=schema.params_json_schema,
            on_invoke_tool=ToolInvoker(
                body_of(target, schema, adapter),
                prepare=schema.prepared,
                wrapped=target,
                supports_timeout=kind_of(target) in CANCELLABLE,
            ),
            strict_json_schema=strict_mode,
            is_enabled=is_enabled,
            tool_input_guardrails=tool_input_guardrails,
            tool_output_guardrails=tool_output_guardrails,
            needs_approval=needs_approval,
            timeout_seconds=timeout,
            timeout_behavior=timeout_behavior,
            timeout_error_function=timeout_error_function,
            defer_loading=defer_loading,
            custom_data_extractor=custom_data_extractor,
            allowed_callers=allowed_callers,
            output_json_schema=output_schema,
            side_effects=side_effects,
            on_in_doubt=on_in_doubt,
            traits=ToolTraits(
                failure_error_function=cast("ToolErrorFunction | Unset | None", failure_error_function),
                output_adapter=adapter,
            ),
        )

    return make if func is None else make(func)
