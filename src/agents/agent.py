"""Agents: instructions, tools, handoffs and guardrails under a name."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, NotRequired, TypeAlias, cast

from typing_extensions import TypedDict

from ._default_models import get_default_model_settings, gpt_5_reasoning_settings_required
from ._lazy import lazy_module
from ._ports.mcp_tools import find_mcp_tools
from ._ports.runner import find_runner
from .lifecycle import AgentHooksBase
from .model_settings import ModelSettings, model_settings_from
from .run_context import RunContextWrapper, TContext
from .tool.traits import UNSET, Unset
from .util.function_name import function_name
from .util.gathering import all_or_cancel

if TYPE_CHECKING:
    from openai.types.responses import response_prompt_param as _prompt_param

    from . import _agent_as_tool as _as_tool
    from . import agent_output as _agent_output
    from . import agent_tool_input as _agent_tool_input
    from . import guardrail as _guardrail
    from . import handoffs as _handoffs
    from . import items as _items
    from . import lifecycle as _lifecycle
    from . import prompts as _prompts
    from . import result as _result
    from . import run_config as _run_config
    from . import stream_events as _stream_events
    from . import tool as _tool
    from ._ports import mcp as _mcp
    from ._ports import model as _model
    from ._ports import session as _session
else:
    _agent_output = lazy_module("agents.agent_output")
    _agent_tool_input = lazy_module("agents.agent_tool_input")
    _as_tool = lazy_module("agents._agent_as_tool")
    _guardrail = lazy_module("agents.guardrail")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _lifecycle = lazy_module("agents.lifecycle")
    _mcp = lazy_module("agents._ports.mcp")
    _model = lazy_module("agents._ports.model")
    _session = lazy_module("agents._ports.session")
    _prompt_param = lazy_module("openai.types.responses.response_prompt_param")
    _prompts = lazy_module("agents.prompts")
    # Names of higher floors, for annotations alone: the package itself knows where they live.
    _result = _run_config = lazy_module("agents")
    _stream_events = lazy_module("agents.stream_events")
    _tool = lazy_module("agents.tool")


@dataclass
class ToolsToFinalOutputResult:
    """What a `tool_use_behavior` function returns: whether the tools' outputs end the run, and with what."""

    is_final_output: bool
    final_output: Any | None = None


ToolsToFinalOutputFunction: TypeAlias = Callable[
    [RunContextWrapper[TContext], list["_tool.FunctionToolResult"]],
    ToolsToFinalOutputResult | Awaitable[ToolsToFinalOutputResult],
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
    """Hold the model to the schemas of those tools whose schemas can be made strict."""

    failure_error_function: NotRequired[_tool.ToolErrorFunction | None]
    """Text for the model when a call fails, unless the server has its own; None raises."""

    include_server_in_tool_names: NotRequired[bool]
    """Name the tools `mcp_<server>__<tool>`, so that several servers may have tools of one name."""


@dataclass
class AgentBase(Generic[TContext]):
    """What every kind of agent has: a name and tools."""

    name: str
    """Unique among the agents of a run, or told apart by the order in which they are met."""

    handoff_description: str | None = None
    """Tells other agents' models what this one is for."""

    tools: list[_tool.Tool] = field(default_factory=list["_tool.Tool"])
    """Tools that the model may call. Read at every turn: a tool added by a tool is offered on the next."""

    mcp_servers: list[_mcp.MCPServer] = field(default_factory=list["_mcp.MCPServer"])
    """Servers whose tools the model may call, connected by whoever made them. Listed at every turn."""

    mcp_config: MCPConfig = field(default_factory=MCPConfig)
    """Settings for the tools of `mcp_servers`."""

    async def get_mcp_tools(self, run_context: RunContextWrapper[Any]) -> list[_tool.Tool]:
        """The tools of the agent's MCP servers, as they are now.

        Raises:
            UserError: a server is not connected, or two have a tool of one name.
            Exception: what a server raised.
        """
        if not self.mcp_servers:
            return []
        return list(await find_mcp_tools()(self, run_context))

    async def get_all_tools(self, run_context: RunContextWrapper[Any]) -> list[_tool.Tool]:
        """The tools of its MCP servers, then its own that are enabled now, in order.

        All enablement checks run at once; the first that fails cancels the others and is raised.
        """
        served = await self.get_mcp_tools(run_context)
        tools = list(self.tools)
        if all(not isinstance(tool, _tool.FunctionTool) or tool.is_enabled is True for tool in tools):
            return [*served, *tools]
        verdicts = await all_or_cancel([_is_enabled(tool, run_context, self) for tool in tools])
        return [*served, *(tool for tool, enabled in zip(tools, verdicts, strict=True) if enabled)]


async def _is_enabled(tool: _tool.Tool, run_context: RunContextWrapper[Any], agent: AgentBase[Any]) -> bool:
    # A tool that the server runs is there or not: whoever wants it to depend on something gives another list.
    enabled = tool.is_enabled if isinstance(tool, _tool.FunctionTool) else True
    if isinstance(enabled, bool):
        return enabled
    verdict = enabled(run_context, agent)
    return bool(await verdict) if inspect.isawaitable(verdict) else bool(verdict)


def _implicit_settings() -> ModelSettings:
    return cast("ModelSettings", _IMPLICIT)


_IMPLICIT = object()


@dataclass
class Agent(AgentBase[TContext], Generic[TContext]):
    """An agent: a model with instructions, tools, and other agents that it may hand over to.

    Raises:
        TypeError: a field of the wrong kind, named in the message.
    """

    instructions: (
        str | Callable[[RunContextWrapper[TContext], Agent[TContext]], str | Awaitable[str]] | None
    ) = None
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

    def as_tool(
        self,
        tool_name: str | None,
        tool_description: str | None,
        custom_output_extractor: Callable[[_result.RunResult | _result.RunResultStreaming], Awaitable[str]]
        | None = None,
        is_enabled: bool | Callable[[RunContextWrapper[Any], AgentBase[Any]], Awaitable[bool] | bool] = True,
        on_stream: Callable[[AgentToolStreamEvent], Awaitable[None] | None] | None = None,
        run_config: _run_config.RunConfig | dict[str, Any] | None = None,
        max_turns: int | None = None,
        hooks: _lifecycle.RunHooksBase[TContext, Any] | None = None,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        session: _session.Session | None = None,
        failure_error_function: _tool.ToolErrorFunction | Unset | None = UNSET,
        needs_approval: bool
        | Callable[[RunContextWrapper[Any], dict[str, Any], str], Awaitable[bool]] = False,
        parameters: type[Any] | None = None,
        input_builder: _agent_tool_input.StructuredToolInputBuilder | None = None,
        include_input_schema: bool = False,
        on_stream_max_pending_events: int | None = 1024,
    ) -> _tool.FunctionTool:
        """This agent as a tool of another: a call is a nested run, its output the run's.

        The nested run starts with the call's input alone, shares context and
        usage with the run that calls it, and shows in that run's records under
        the call's path.

        Args:
            tool_name: The tool's name; made from the agent's when None.
            tool_description: What the calling model is told; empty when None.
            custom_output_extractor: Makes the output of the nested run's result.
            is_enabled: Whether the tool is offered, or a function that decides.
            on_stream: Gets every event of the nested run as it happens.
            run_config: Settings of the nested run; those of the calling run when None.
            max_turns: Model calls of one nested run; 10 when None.
            hooks: Hooks of the nested run.
            previous_response_id: Go on from this response.
            conversation_id: Go on in this conversation.
            session: Keeps the conversation of the nested runs.
            failure_error_function: Text for the calling model when the run fails; None raises.
            needs_approval: Whether a call waits for a decision.
            parameters: Type of structured input; a text under `input` when None.
            input_builder: Makes the nested run's input of the arguments.
            include_input_schema: Whether the nested agent is shown the schema of its input.
            on_stream_max_pending_events: Events that may wait for a slow `on_stream`.

        Raises:
            UserError: `on_stream` is not callable, or its limit is not positive.
        """
        options = _as_tool.AgentToolOptions(
            custom_output_extractor,
            on_stream,
            on_stream_max_pending_events,
            run_config,
            max_turns,
            hooks,
            previous_response_id,
            conversation_id,
            session,
            input_builder,
        )
        return _as_tool.agent_as_tool(
            self,
            _tool_name(self) if tool_name is None else tool_name,
            tool_description or "",
            options,
            parameters=parameters,
            include_input_schema=include_input_schema,
            is_enabled=is_enabled,
            failure_error_function=failure_error_function,
            needs_approval=needs_approval,
        )

    def run_streamed(
        self, input: str | list[_items.TResponseInputItem], **options: Any
    ) -> _result.RunResultStreaming:
        """Start a run of this agent and return at once: `Runner.run_streamed(self, input, **options)`."""
        return find_runner().run_streamed(self, input, **options)

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


def _tool_name(agent: Agent[Any]) -> str:
    return function_name(agent.name, advice="Pass tool_name to as_tool() to choose another.")


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
    for name in ("tools", "mcp_servers", "handoffs", "input_guardrails", "output_guardrails"):
        if not isinstance(fields[name], list):
            raise TypeError(f"Agent {name} must be a list, got {_kind(fields[name])}")
    description = fields["handoff_description"]
    if description is not None and not isinstance(description, str):
        raise TypeError(f"Agent handoff_description must be a string or None, got {_kind(description)}")
    if not isinstance(fields["mcp_config"], dict):
        raise TypeError(f"Agent mcp_config must be a dict, got {_kind(fields['mcp_config'])}")
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
    is_known = is_stop or behavior in ("run_llm_again", "stop_on_first_tool")
    if not is_known and not callable(cast("object", behavior)):
        raise TypeError(
            "Agent tool_use_behavior must be 'run_llm_again', 'stop_on_first_tool', a StopAtTools dict or a "
            f"callable, got {behavior!r}"
        )
    if not isinstance(fields["reset_tool_choice"], bool):
        raise TypeError(
            f"Agent reset_tool_choice must be a boolean, got {_kind(fields['reset_tool_choice'])}"
        )
