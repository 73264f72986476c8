"""Agents: instructions, tools, handoffs and guardrails under a name."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, cast

from typing_extensions import NotRequired, TypedDict

from ._default_models import get_default_model_settings, gpt_5_reasoning_settings_required
from ._lazy import lazy_module
from .lifecycle import AgentHooksBase
from .model_settings import ModelSettings, model_settings_from
from .run_context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from openai.types.responses import response_prompt_param as _prompt_param

    from . import agent_output as _agent_output
    from . import guardrail as _guardrail
    from . import handoffs as _handoffs
    from . import lifecycle as _lifecycle
    from . import prompts as _prompts
    from . import stream_events as _stream_events
    from . import tool as _tool
    from ._ports import model as _model
else:
    _agent_output = lazy_module("agents.agent_output")
    _guardrail = lazy_module("agents.guardrail")
    _handoffs = lazy_module("agents.handoffs")
    _lifecycle = lazy_module("agents.lifecycle")
    _model = lazy_module("agents._ports.model")
    _prompt_param = lazy_module("openai.types.responses.response_prompt_param")
    _prompts = lazy_module("agents.prompts")
    _stream_events = lazy_module("agents.stream_events")
    _tool = lazy_module("agents.tool")


@dataclass
class ToolsToFinalOutputResult:
    """What a `tool_use_behavior` function returns: whether the tools' outputs end the run, and with what."""

    is_final_output: bool
    final_output: Any | None = None


ToolsToFinalOutputFunction: TypeAlias = Callable[
    [RunContextWrapper[TContext], "list[_tool.FunctionToolResult]"],
    "ToolsToFinalOutputResult | Awaitable[ToolsToFinalOutputResult]",
]


class StopAtTools(TypedDict):
    """Ends the run with the output of the first of these tools that was called."""

    stop_at_tool_names: list[str]


class AgentToolStreamEvent(TypedDict):
    """What `on_stream` of `Agent.as_tool` gets for each event of the nested run."""

    event: _stream_events.StreamEvent
    agent: Agent[Any]
    tool_call: NotRequired[Any]


class MCPConfig(TypedDict):
    """Settings for the tools of MCP servers."""

    convert_schemas_to_strict: NotRequired[bool]
    failure_error_function: NotRequired[Any]
    include_server_in_tool_names: NotRequired[bool]


Instructions: TypeAlias = (
    "str | Callable[[RunContextWrapper[TContext], Agent[TContext]], str | Awaitable[str]] | None"
)


@dataclass
class AgentBase(Generic[TContext]):
    """What every kind of agent has: a name and tools."""

    name: str
    """Unique among the agents of a run, or told apart by the order in which they are met."""

    handoff_description: str | None = None
    """Tells other agents' models what this one is for."""

    tools: list[_tool.Tool] = field(default_factory=list["_tool.Tool"])
    """Tools that the model may call. Read at every turn: a tool added by a tool is offered on the next."""

    async def get_all_tools(self, run_context: RunContextWrapper[Any]) -> list[_tool.Tool]:
        """The tools that are enabled now, in order.

        All enablement checks run at once; the first that fails cancels the others and is raised.
        """
        tools = list(self.tools)
        if all(tool.is_enabled is True for tool in tools):
            return tools
        verdicts = await _all_or_cancel([_is_enabled(tool, run_context, self) for tool in tools])
        return [tool for tool, enabled in zip(tools, verdicts, strict=True) if enabled]


async def _is_enabled(tool: _tool.Tool, run_context: RunContextWrapper[Any], agent: AgentBase[Any]) -> bool:
    enabled = tool.is_enabled
    if isinstance(enabled, bool):
        return enabled
    verdict = enabled(run_context, agent)
    return bool(await verdict) if inspect.isawaitable(verdict) else bool(verdict)


async def _all_or_cancel(checks: list[Any]) -> list[Any]:
    tasks = [asyncio.ensure_future(check) for check in checks]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _implicit_settings() -> ModelSettings:
    return cast("ModelSettings", _IMPLICIT)


_IMPLICIT = object()


@dataclass
class Agent(AgentBase[TContext], Generic[TContext]):
    """An agent: a model with instructions, tools, and other agents that it may hand over to.

    Raises:
        TypeError: a field of the wrong kind, named in the message.
    """

    instructions: Instructions[TContext] = None
    """The system prompt, or a function `(context, agent)` that makes it at each turn."""

    prompt: _prompts.Prompt | _prompts.DynamicPromptFunction | None = None
    """A prompt kept at the provider, or a function that names one."""

    handoffs: list[Agent[Any] | _handoffs.Handoff[TContext, Any]] = field(
        default_factory=list["Agent[Any] | _handoffs.Handoff[TContext, Any]"]
    )
    model: str | _model.Model | None = None
    model_settings: ModelSettings = field(default_factory=_implicit_settings)
    """Settings for its model; when not given, those that suit the model."""

    input_guardrails: list[_guardrail.InputGuardrail[TContext]] = field(
        default_factory=list["_guardrail.InputGuardrail[TContext]"]
    )
    """Asked about the run's input when this agent is the first of a run."""

    output_guardrails: list[_guardrail.OutputGuardrail[TContext]] = field(
        default_factory=list["_guardrail.OutputGuardrail[TContext]"]
    )
    """Asked about the final output when this agent gives it."""

    output_type: type[Any] | _agent_output.AgentOutputSchemaBase | None = None
    """The type of the final output; plain text when not given."""

    hooks: _lifecycle.AgentHooksBase[TContext, Agent[TContext]] | None = None
    tool_use_behavior: (
        Literal["run_llm_again", "stop_on_first_tool"] | StopAtTools | ToolsToFinalOutputFunction[TContext]
    ) = "run_llm_again"
    """Whether tools' outputs go back to the model, or end the run."""

    reset_tool_choice: bool = True
    """Whether a forced tool choice ends once a tool was used, so that the model is not made to call for ever."""

    def __post_init__(self) -> None:
        _check(self)
        if cast("object", self.model_settings) is _IMPLICIT:
            # Resolved at first access: some models' settings need types that are slow to import.
            del self.model_settings
            self.__dict__["_settings_are_implicit"] = True
        elif isinstance(cast("object", self.model_settings), dict):
            self.model_settings = model_settings_from(cast("dict[str, Any]", self.model_settings))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name != "model_settings":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            settings = implicit_model_settings(self.model)
            self.__dict__["model_settings"] = settings
            return settings

    @property
    def has_implicit_model_settings(self) -> bool:
        """Whether nobody gave model settings, so that they follow from the model."""
        return "_settings_are_implicit" in self.__dict__ and (
            "model_settings" not in self.__dict__
            or self.model_settings == implicit_model_settings(self.model)
        )

    def clone(self, **kwargs: Any) -> Agent[TContext]:
        """A new agent with these fields changed. Lists that are not given are shared with this one."""
        given = {
            each.name: self.__dict__[each.name]
            for each in dataclasses.fields(self)
            if each.name in self.__dict__
        }
        if self.has_implicit_model_settings:
            given.pop("model_settings", None)
        return type(self)(**{**given, **kwargs})

    async def get_system_prompt(self, run_context: RunContextWrapper[TContext]) -> str | None:
        """The instructions for this turn; None when there are none.

        Raises:
            TypeError: the instructions function does not take exactly 2 arguments.
        """
        instructions = self.instructions
        if instructions is None or isinstance(instructions, str):
            return instructions
        _check_instructions_signature(instructions)
        made = instructions(run_context, self)
        return await made if inspect.isawaitable(made) else made

    async def get_prompt(
        self, run_context: RunContextWrapper[TContext]
    ) -> _prompt_param.ResponsePromptParam | None:
        """The prompt for this turn, as the provider wants it; None when there is none."""
        if self.prompt is None:
            return None
        return await _prompts.PromptUtil.to_model_input(self.prompt, run_context, self)


def implicit_model_settings(model: str | _model.Model | None) -> ModelSettings:
    """The settings that suit a model when nobody gave any."""
    if model is None:
        return get_default_model_settings()
    if isinstance(model, str) and gpt_5_reasoning_settings_required(model):
        return get_default_model_settings(model)
    return ModelSettings()


def _check_instructions_signature(instructions: Callable[..., Any]) -> None:
    parameters = list(inspect.signature(instructions).parameters.values())
    starred = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    if len(parameters) != 2 or any(parameter.kind in starred for parameter in parameters):
        raise TypeError(
            f"'instructions' callable must accept exactly 2 arguments (context, agent), "
            f"but got {len(parameters)}: {[parameter.name for parameter in parameters]}"
        )


def _kind(value: object) -> str:
    return type(value).__name__


def _check(agent: Agent[Any]) -> None:
    """Refuse fields of the wrong kind, before they fail somewhere in the middle of a run."""
    fields: dict[str, Any] = agent.__dict__
    if not isinstance(fields["name"], str):
        raise TypeError(f"Agent name must be a string, got {_kind(fields['name'])}")
    for name in ("tools", "handoffs", "input_guardrails", "output_guardrails"):
        if not isinstance(fields[name], list):
            raise TypeError(f"Agent {name} must be a list, got {_kind(fields[name])}")
    description = fields["handoff_description"]
    if description is not None and not isinstance(description, str):
        raise TypeError(f"Agent handoff_description must be a string or None, got {_kind(description)}")
    instructions = fields["instructions"]
    if instructions is not None and not isinstance(instructions, str) and not callable(instructions):
        raise TypeError(f"Agent instructions must be a string, callable, or None, got {_kind(instructions)}")
    settings = fields["model_settings"]
    if settings is not _IMPLICIT and not isinstance(settings, ModelSettings | dict):
        raise TypeError(
            f"Agent model_settings must be a ModelSettings instance or a dict, got {_kind(settings)}"
        )
    hooks = fields["hooks"]
    if hooks is not None and not isinstance(hooks, AgentHooksBase):
        raise TypeError(f"Agent hooks must be an AgentHooks instance or None, got {_kind(hooks)}")
    behavior = fields["tool_use_behavior"]
    is_stop = isinstance(behavior, dict) and "stop_at_tool_names" in behavior
    if behavior not in ("run_llm_again", "stop_on_first_tool") and not is_stop and not callable(behavior):
        raise TypeError(
            "Agent tool_use_behavior must be 'run_llm_again', 'stop_on_first_tool', a StopAtTools dict or a "
            f"callable, got {behavior!r}"
        )
    if not isinstance(fields["reset_tool_choice"], bool):
        raise TypeError(
            f"Agent reset_tool_choice must be a boolean, got {_kind(fields['reset_tool_choice'])}"
        )
