"""What can go wrong, by who must act.

    AgentsException                         everything this package raises on purpose
    ├── UserError                           the program that calls us: fix the call or the configuration
    ├── ModelBehaviorError                  the model or its server: it broke the protocol or invented a tool
    │   ├── ModelResponseFailed             the server said that the response failed, or is incomplete
    │   └── ModelStreamBroken               the response's stream ended before the response did
    ├── ModelRefusalError                   the model declined to give the structured output asked for
    ├── ModelTimeoutError                   the model call took longer than its settings allow
    ├── MaxTurnsExceeded                    the run needed more model calls than `max_turns`
    ├── ToolInDoubt                         a tool was running when its process ended, and must not be run again
    ├── ToolTimeoutError                    a tool whose time-outs are errors took too long
    ├── MCPConnectionError                  an MCP server cannot be reached, or went away during a call
    ├── MCPToolCancellationError            an MCP server cancelled a tool call
    ├── InputGuardrailTripwireTriggered     a guardrail refused the input
    ├── OutputGuardrailTripwireTriggered    a guardrail refused the final output
    ├── ToolInputGuardrailTripwireTriggered   a tool guardrail refused a call
    └── ToolOutputGuardrailTripwireTriggered  a tool guardrail refused a tool's output

An exception that ends a run carries `run_data`, a `RunErrorDetails` with all
that was done before it. Read it to keep the work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._lazy import lazy_module

if TYPE_CHECKING:
    from . import agent as _agent
    from . import guardrail as _guardrail
    from . import items as _items
    from . import run_context as _run_context
    from . import tool_guardrails as _tool_guardrails
else:
    _agent = lazy_module("agents.agent")
    _guardrail = lazy_module("agents.guardrail")
    _items = lazy_module("agents.items")
    _run_context = lazy_module("agents.run_context")
    _tool_guardrails = lazy_module("agents.tool_guardrails")


@dataclass
class RunErrorDetails:
    """What a run had done when it failed.

    The lists are copies: changing them changes nothing else. `new_items` never
    holds half of a call and its output.
    """

    input: str | list[_items.TResponseInputItem]
    new_items: list[_items.RunItem]
    raw_responses: list[_items.ModelResponse]
    last_agent: _agent.Agent[Any]
    context_wrapper: _run_context.RunContextWrapper[Any]
    input_guardrail_results: list[_guardrail.InputGuardrailResult]
    output_guardrail_results: list[_guardrail.OutputGuardrailResult]
    tool_input_guardrail_results: list[_tool_guardrails.ToolInputGuardrailResult] = field(
        default_factory=list["_tool_guardrails.ToolInputGuardrailResult"]
    )
    tool_output_guardrail_results: list[_tool_guardrails.ToolOutputGuardrailResult] = field(
        default_factory=list["_tool_guardrails.ToolOutputGuardrailResult"]
    )

    def __str__(self) -> str:
        """A few lines for a person: who ran, and how far."""
        return (
            f"RunErrorDetails: last agent {self.last_agent.name!r}, "
            f"{len(self.new_items)} new items, {len(self.raw_responses)} model responses"
        )


class AgentsException(Exception):
    """Base of every exception that this package raises on purpose.

    `run_data` is None until the exception ends a run.
    """

    run_data: RunErrorDetails | None

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.run_data = None


class UserError(AgentsException):
    """The calling program made a mistake: fix the call or the configuration it names."""

    message: str

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class ModelBehaviorError(AgentsException):
    """The model, or the server in front of it, did what it must not: an unknown tool, invalid JSON, a broken stream."""

    message: str

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class ModelResponseFailed(ModelBehaviorError):
    """The server ended a response with a failure, and said which: `code` is its own name for it, if it gave one.

    `server_error` and `rate_limit_exceeded` may pass; see `ModelSettings.retry`.
    """

    code: str | None

    def __init__(self, message: str, code: str | None = None) -> None:
        self.code = code
        super().__init__(message)


class ModelStreamBroken(ModelBehaviorError):
    """A model's stream ended before its response was complete. The events that came were handed on."""


class ModelRefusalError(AgentsException):
    """The model refused. `refusal` is its text."""

    refusal: str

    def __init__(self, refusal: str) -> None:
        self.refusal = refusal
        super().__init__(f"The model refused to answer: {refusal}")


class ModelTimeoutError(AgentsException):
    """One model call took longer than `ModelSettings.timeout`, or a part of it longer than `ModelSettings.timeouts`."""

    timeout_seconds: float
    waited_for: str | None
    """What did not come in time, `"first event"` for instance; None for the whole response."""

    def __init__(self, timeout_seconds: float, waited_for: str | None = None) -> None:
        self.timeout_seconds = timeout_seconds
        self.waited_for = waited_for
        what = "" if waited_for is None else f" waiting for the {waited_for}"
        super().__init__(f"Model call timed out after {timeout_seconds:g} seconds{what}.")


class MaxTurnsExceeded(AgentsException):
    """The run was not done after `max_turns` model calls: raise the limit, or handle `max_turns` in `error_handlers`."""

    message: str

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class ToolTimeoutError(AgentsException):
    """A tool with `timeout_behavior="raise_exception"` took longer than its time-out."""

    tool_name: str
    timeout_seconds: float

    def __init__(self, tool_name: str, timeout_seconds: float) -> None:
        self.tool_name = tool_name
        self.timeout_seconds = timeout_seconds
        super().__init__(f"Tool '{tool_name}' timed out after {timeout_seconds:g} seconds.")


class ToolInDoubt(AgentsException):
    """A tool with `on_in_doubt="fail"` was running when its process ended: nobody knows whether the call took effect.

    Find out before you begin anew. With `on_in_doubt="ask"` the run pauses instead, and somebody decides.
    """

    tool_name: str
    call_id: str

    def __init__(self, message: str, *, tool_name: str, call_id: str) -> None:
        self.tool_name = tool_name
        self.call_id = call_id
        super().__init__(message)


class MCPConnectionError(AgentsException):
    """An MCP server cannot be reached, or went away while it was asked: nobody knows whether a call took effect.

    The server is started, or reached, anew the next time that it is needed.
    """

    server_name: str

    def __init__(self, message: str, *, server_name: str) -> None:
        self.server_name = server_name
        super().__init__(message)


class MCPToolCancellationError(AgentsException):
    """An MCP server cancelled a tool call that nobody here cancelled."""

    message: str

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class InputGuardrailTripwireTriggered(AgentsException):
    """An input guardrail refused the run's input. `guardrail_result` tells which and why."""

    guardrail_result: _guardrail.InputGuardrailResult

    def __init__(self, guardrail_result: _guardrail.InputGuardrailResult) -> None:
        self.guardrail_result = guardrail_result
        name = guardrail_result.guardrail.get_name()
        super().__init__(f"Input guardrail {name!r} triggered its tripwire (InputGuardrail)")


class OutputGuardrailTripwireTriggered(AgentsException):
    """An output guardrail refused the final output. `guardrail_result` tells which and why."""

    guardrail_result: _guardrail.OutputGuardrailResult

    def __init__(self, guardrail_result: _guardrail.OutputGuardrailResult) -> None:
        self.guardrail_result = guardrail_result
        name = guardrail_result.guardrail.get_name()
        super().__init__(f"Output guardrail {name!r} triggered its tripwire (OutputGuardrail)")


class ToolInputGuardrailTripwireTriggered(AgentsException):
    """A tool input guardrail stopped the run before its tool ran."""

    guardrail: _tool_guardrails.ToolInputGuardrail[Any]
    output: _tool_guardrails.ToolGuardrailFunctionOutput

    def __init__(
        self,
        guardrail: _tool_guardrails.ToolInputGuardrail[Any],
        output: _tool_guardrails.ToolGuardrailFunctionOutput,
    ) -> None:
        self.guardrail = guardrail
        self.output = output
        super().__init__(f"Tool input guardrail {type(guardrail).__name__} triggered its tripwire")


class ToolOutputGuardrailTripwireTriggered(AgentsException):
    """A tool output guardrail stopped the run after its tool ran."""

    guardrail: _tool_guardrails.ToolOutputGuardrail[Any]
    output: _tool_guardrails.ToolGuardrailFunctionOutput

    def __init__(
        self,
        guardrail: _tool_guardrails.ToolOutputGuardrail[Any],
        output: _tool_guardrails.ToolGuardrailFunctionOutput,
    ) -> None:
        self.guardrail = guardrail
        self.output = output
        super().__init__(f"Tool output guardrail {type(guardrail).__name__} triggered its tripwire")
