"""`Handoff`: a tool by whose call a model passes the conversation on to another agent."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, cast, overload

from typing_extensions import TypeVar

from agents._lazy import lazy_module
from agents.exceptions import ModelBehaviorError, UserError
from agents.lifecycle import TAgent
from agents.run_context import RunContextWrapper, TContext
from agents.util.function_name import function_name

from .input_data import HandoffInputFilter

if TYPE_CHECKING:
    import pydantic as _pydantic

    from agents import agent as _agent
    from agents import strict_schema as _strict_schema
else:
    _pydantic = lazy_module("pydantic")
    _agent = lazy_module("agents.agent")
    _strict_schema = lazy_module("agents.strict_schema")

THandoffInput = TypeVar("THandoffInput", default=Any)

OnHandoffWithInput: TypeAlias = Callable[[RunContextWrapper[Any], THandoffInput], Any]
"""Called at a handoff with the context and the model's input; may be async."""

OnHandoffWithoutInput: TypeAlias = Callable[[RunContextWrapper[Any]], Any]
"""Called at a handoff with the context; may be async."""


@dataclass
class Handoff(Generic[TContext, TAgent]):
    """A handoff that an agent offers to its model as a tool; usually made with `handoff()`."""

    tool_name: str
    """The name that the model calls."""

    tool_description: str
    """Tells the model when to call it."""

    input_json_schema: dict[str, Any]
    """The JSON schema of the input; an object without properties when there is none."""

    on_invoke_handoff: Callable[[RunContextWrapper[Any], str], Awaitable[TAgent]]
    """Gets the context and the input as JSON text ("" for none); gives the agent to go on with."""

    agent_name: str
    """The name of the agent handed to."""

    input_filter: HandoffInputFilter | None = None
    """Changes what the next agent sees; wins over the run's own filter and over nesting."""

    nest_handoff_history: bool | None = None
    """Whether the next agent gets the history as a summary; None: as the run's configuration says."""

    strict_json_schema: bool = True
    """Whether the input schema is a strict one. Keep it so: models then keep to it."""

    is_enabled: bool | Callable[[RunContextWrapper[Any], _agent.AgentBase[Any]], Awaitable[bool] | bool] = (
        True
    )
    """Whether the handoff is offered, asked on each turn; may be async. A disabled one is invisible."""

    def get_transfer_message(self, agent: _agent.AgentBase[Any]) -> str:
        """Give the output of the handoff call: JSON that names the agent that took over."""
        return json.dumps({"assistant": agent.name})

    @classmethod
    def default_tool_name(cls, agent: _agent.AgentBase[Any]) -> str:
        """Give `transfer_to_<agent name>` in the letters, digits and underscores that models accept.

        Logs a warning when more than spaces had to be replaced: two agents could
        end up with the same tool name.
        """
        advice = f"Pass tool_name_override to the handoff() to agent {agent.name!r} to choose another."
        return function_name(f"transfer_to_{agent.name}", advice=advice)

    @classmethod
    def default_tool_description(cls, agent: _agent.AgentBase[Any]) -> str:
        """Give a description made of the agent's name and its `handoff_description`."""
        return f"Handoff to the {agent.name} agent to handle the request. {agent.handoff_description or ''}"

    @property
    def target_agent(self) -> TAgent | None:
        """The agent that `handoff()` was given; None when `on_invoke_handoff` was written by hand."""
        invocation = self.on_invoke_handoff
        return cast("TAgent", invocation.agent) if isinstance(invocation, _Invocation) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Invocation:
    """What `handoff()` puts into `on_invoke_handoff`: calls `on_handoff` and gives the agent."""

    agent: _agent.Agent[Any]
    tool_name: str
    on_handoff: Callable[..., Any] | None
    input_adapter: _pydantic.TypeAdapter[Any] | None

    async def __call__(self, context: RunContextWrapper[Any], input_json: str | None = None) -> Any:
        if self.on_handoff is not None:
            if self.input_adapter is None:
                outcome = self.on_handoff(context)
            else:
                outcome = self.on_handoff(context, self._validated(self.input_adapter, input_json))
            if inspect.isawaitable(outcome):
                await outcome
        return self.agent

    def _validated(self, adapter: _pydantic.TypeAdapter[Any], input_json: str | None) -> Any:
        if input_json is None:
            raise ModelBehaviorError(
                f"Invalid JSON input for handoff {self.tool_name}: the model gave none where one is required"
            )
        try:
            return adapter.validate_json(input_json, strict=True)
        except _pydantic.ValidationError as error:
            # Where and why, without the input itself: messages end up in logs.
            reasons = "; ".join(
                ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))
                for problem in error.errors(include_input=False, include_url=False)
            )
            raise ModelBehaviorError(f"Invalid JSON input for handoff {self.tool_name}: {reasons}") from error


@overload
def handoff(
    agent: _agent.Agent[TContext],
    *,
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    input_filter: HandoffInputFilter | None = None,
    nest_handoff_history: bool | None = None,
    is_enabled: (bool | Callable[[RunContextWrapper[Any], _agent.Agent[Any]], Awaitable[bool] | bool]) = True,
) -> Handoff[TContext, _agent.Agent[TContext]]: ...


@overload
def handoff(
    agent: _agent.Agent[TContext],
    *,
    on_handoff: OnHandoffWithInput[THandoffInput],
    input_type: type[THandoffInput],
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    input_filter: HandoffInputFilter | None = None,
    nest_handoff_history: bool | None = None,
    is_enabled: (bool | Callable[[RunContextWrapper[Any], _agent.Agent[Any]], Awaitable[bool] | bool]) = True,
) -> Handoff[TContext, _agent.Agent[TContext]]: ...


@overload
def handoff(
    agent: _agent.Agent[TContext],
    *,
    on_handoff: OnHandoffWithoutInput,
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    input_filter: HandoffInputFilter | None = None,
    nest_handoff_history: bool | None = None,
    is_enabled: (bool | Callable[[RunContextWrapper[Any], _agent.Agent[Any]], Awaitable[bool] | bool]) = True,
) -> Handoff[TContext, _agent.Agent[TContext]]: ...


def handoff(
    agent: _agent.Agent[TContext],
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    on_handoff: OnHandoffWithInput[THandoffInput] | OnHandoffWithoutInput | None = None,
    input_type: type[THandoffInput] | None = None,
    input_filter: HandoffInputFilter | None = None,
    nest_handoff_history: bool | None = None,
    is_enabled: (
        bool | Callable[[RunContextWrapper[Any], _agent.Agent[TContext]], Awaitable[bool] | bool]
    ) = True,
) -> Handoff[TContext, _agent.Agent[TContext]]:
    """Make a handoff to `agent`; put it into another agent's `handoffs`.

    Args:
        agent: The agent to hand to.
        tool_name_override: The tool's name, instead of `transfer_to_<agent name>`.
        tool_description_override: The tool's description, instead of one made from the agent.
        on_handoff: Called when the handoff happens, with the context, and with the
            model's input when there is an `input_type`. May be async.
        input_type: What the model has to give with the call. Its JSON is validated strictly.
        input_filter: Changes what the next agent sees; see `HandoffInputData`. May be async.
        nest_handoff_history: Whether the next agent gets the history as a summary;
            None: as `RunConfig.nest_handoff_history` says.
        is_enabled: Whether to offer the handoff, or a function of context and agent that
            says so on each turn. May be async.

    Raises:
        UserError: `input_type` comes without `on_handoff`, `on_handoff` cannot be called
            with the right number of arguments, or the type has no strict JSON schema.
    """
    _check_on_handoff(on_handoff, has_input=input_type is not None)
    adapter = None if input_type is None else _pydantic.TypeAdapter[Any](input_type)
    schema = {} if adapter is None else adapter.json_schema()
    tool_name = tool_name_override or Handoff.default_tool_name(agent)
    return Handoff(
        tool_name=tool_name,
        tool_description=tool_description_override or Handoff.default_tool_description(agent),
        input_json_schema=_strict_schema.ensure_strict_json_schema(schema),
        on_invoke_handoff=_Invocation(agent, tool_name, on_handoff, adapter),
        agent_name=agent.name,
        input_filter=input_filter,
        nest_handoff_history=nest_handoff_history,
        is_enabled=_enablement(is_enabled) if callable(is_enabled) else is_enabled,
    )


def _check_on_handoff(on_handoff: object, *, has_input: bool) -> None:
    if on_handoff is None:
        if has_input:
            raise UserError("You must provide on_handoff when input_type is provided")
        return
    if not callable(on_handoff):
        raise UserError(f"on_handoff must be callable, got {type(on_handoff).__name__}")
    try:
        count = len(inspect.signature(on_handoff).parameters)
    except ValueError:
        return  # Some built-in functions do not say: then the call itself will.
    if has_input and count != 2:
        raise UserError("on_handoff must take two arguments: context and input")
    if not has_input and count != 1:
        raise UserError("on_handoff must take one argument: context")


def _enablement(
    is_enabled: Callable[[RunContextWrapper[Any], Any], Awaitable[bool] | bool],
) -> Callable[[RunContextWrapper[Any], _agent.AgentBase[Any]], Awaitable[bool]]:
    async def enabled(context: RunContextWrapper[Any], agent: _agent.AgentBase[Any]) -> bool:
        answer = is_enabled(context, agent)
        return bool(await answer if inspect.isawaitable(answer) else answer)

    return enabled
