"""What a run needs of the program around it: agents, configuration, hooks, and the tools of the moment."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents.agent import Agent
from agents.exceptions import UserError
from agents.handoffs import Handoff, handoff
from agents.tool import (
    ApplyPatchTool,
    ComputerTool,
    CustomTool,
    FunctionTool,
    HostedMCPTool,
    LocalShellTool,
    MachineTool,
    ShellTool,
)
from agents.tool.preparation import schema_fingerprint

if TYPE_CHECKING:
    from agents._ports.model import Model, ModelProvider
    from agents._ports.session import Session
    from agents.agent_output import AgentOutputSchemaBase
    from agents.guardrail import InputGuardrail
    from agents.lifecycle import RunHooksBase
    from agents.run_config import RunConfig
    from agents.run_context import RunContextWrapper
    from agents.tool import Tool

    from .computers import MadeComputer

logger = logging.getLogger("openai.agents")


class AgentBook:
    """The agents of a run by key: a name, or name and number where several share one.

    Numbers follow the order in which agents are met, walking breadth-first from
    the first agent of the run, so that another process gives the same ones.
    """

    def __init__(self) -> None:
        self._by_key: dict[f.AgentKey, Agent[Any]] = {}
        self._keys: dict[int, f.AgentKey] = {}
        self._first: Agent[Any] | None = None

    def key_of(self, agent: Agent[Any]) -> f.AgentKey:
        """The key of an agent, given now if it is met for the first time."""
        key = self._keys.get(id(agent))
        if key is not None:
            return key
        if self._first is None:
            self._first = agent
            return self._add(agent)
        self.learn(self._first)
        return self._keys.get(id(agent)) or self._add(agent)

    def learn(self, first: Agent[Any]) -> None:
        """Meet every agent that can be reached from the first one of a run."""
        if self._first is None:
            self._first = first
        for agent in reachable_agents(first):
            if id(agent) not in self._keys:
                self._add(agent)

    def named(self, name: str) -> Agent[Any] | None:
        """The first agent of this name, also one that is only used as a tool."""
        if self._first is None:
            return None
        return next(
            (agent for agent in reachable_agents(self._first, tools=True) if agent.name == name), None
        )

    def _add(self, agent: Agent[Any]) -> f.AgentKey:
        number, name = 1, agent.name
        while (key := f.AgentKey(name if number == 1 else f"{name}#{number}")) in self._by_key:
            number += 1
        self._by_key[key] = agent
        self._keys[id(agent)] = key
        return key

    def __contains__(self, key: f.AgentKey) -> bool:
        return key in self._by_key

    def __getitem__(self, key: f.AgentKey) -> Agent[Any]:
        agent = self._by_key.get(key)
        if agent is None:
            raise UserError(
                f"Run state agent not found in agent map: {key}. Resume with the agents of the first run."
            )
        return agent


def reachable_agents(first: Agent[Any], *, tools: bool = False) -> list[Agent[Any]]:
    """The first agent and those that it may hand over to, directly or not, breadth-first, each once.

    With `tools`, those that are used as tools too.
    """
    found = [first]
    seen = {id(first)}
    for agent in found:
        targets: list[Any] = [
            each.target_agent if isinstance(each, Handoff) else each for each in agent.handoffs
        ]
        if tools:
            targets.extend(tool.traits.agent for tool in agent.tools if isinstance(tool, FunctionTool))
        for target in targets:
            if target is not None and id(target) not in seen:
                seen.add(id(target))
                found.append(target)
    return found


@dataclass(slots=True)
class Toolset:
    """What the model of one turn may call."""

    agent: Agent[Any]
    tools: list[Tool]
    handoffs: list[Handoff[Any, Any]]
    tools_by_name: dict[str, FunctionTool]
    """Those that run in this process, by the names that calls have."""

    handoffs_by_name: dict[str, Handoff[Any, Any]]
    custom_tools: dict[str, CustomTool] = field(default_factory=dict[str, CustomTool])
    mcp_servers: dict[str, HostedMCPTool] = field(default_factory=dict[str, HostedMCPTool])
    """Those that the model's server talks to, by label as `hosted_call_name` writes it."""

    machine_tools: dict[f.CallForm, MachineTool] = field(default_factory=dict[f.CallForm, MachineTool])
    """Those that act on a machine, by the form of their calls: one of each, a shell of the server's among them."""

    _fingerprints: dict[int, str] = field(default_factory=dict[int, str])

    def tool_of(self, call: f.Call) -> FunctionTool | CustomTool | MachineTool | HostedMCPTool | None:
        """The tool that a call is for; None where it is not there."""
        match call.form:
            case "function":
                return self.tools_by_name.get(call.name)
            case "custom":
                return self.custom_tools.get(call.name)
            case "mcp":
                return self.mcp_servers.get(call.name.partition(".")[0])
            case "computer" | "local_shell" | "shell" | "apply_patch":
                tool = self.machine_tools.get(call.form)
                # A shell of the server's runs no call of ours: one that was, and has become it, is not there.
                return None if isinstance(tool, ShellTool) and not tool.is_local else tool

    def fingerprint_of(self, tool: FunctionTool) -> str:
        """The fingerprint of the schema that the model was shown for a tool of these; made once."""
        found = self._fingerprints.get(id(tool))
        if found is None:
            found = self._fingerprints[id(tool)] = schema_fingerprint(tool)
        return found


@dataclass(slots=True)
class Environment:
    """Everything live that the effects of one run use. It holds no progress: that is in the log."""

    agents: AgentBook
    context: RunContextWrapper[Any]
    config: RunConfig
    hooks: RunHooksBase[Any, Any] | None = None
    error_handlers: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Callable[..., Any]])
    session: Session | None = None
    """Keeps the conversation from run to run."""

    session_wrapper: dict[str, Any] | None = None
    """What calls of the session are given by name; None until somebody looked."""

    can_compact: bool | None = None
    """Whether the session can compact itself; None until somebody looked."""

    is_streamed: bool = False
    owned_provider: ModelProvider | None = None
    """A provider that nobody but this run knows of, to be closed when the run ends."""

    input_guardrails: list[InputGuardrail[Any]] | None = None
    """The guardrails that the run was started with, in the order of their ids."""

    computers: dict[int, MadeComputer] = field(default_factory=dict[int, "MadeComputer"])
    """Those that were made for this run, by the identity of their tools."""

    toolset: Toolset | None = None
    _handoffs: dict[int, Handoff[Any, Any]] = field(default_factory=dict[int, Handoff[Any, Any]])
    _schemas: dict[int, AgentOutputSchemaBase | None] = field(
        default_factory=dict[int, "AgentOutputSchemaBase | None"]
    )

    # --- agents

    def handoff_to(self, target: Agent[Any] | Handoff[Any, Any]) -> Handoff[Any, Any]:
        """The handoff that an entry of `Agent.handoffs` stands for; made once for an agent."""
        if isinstance(target, Handoff):
            return target
        made = self._handoffs.get(id(target))
        if made is None:
            _check_handoff(target)
            made = self._handoffs[id(target)] = handoff(target)
        return made

    def output_schema(self, agent: Agent[Any]) -> AgentOutputSchemaBase | None:
        """The schema of an agent's final output; None for plain text."""
        key = id(agent)
        if key not in self._schemas:
            self._schemas[key] = _output_schema(agent.output_type)
        return self._schemas[key]

    def model_of(self, agent: Agent[Any]) -> Model:
        """The model of an agent in this run: what the run says, else what the agent says."""
        chosen = self.config.model if self.config.model is not None else agent.model
        if chosen is None or isinstance(chosen, str):
            return self.config.model_provider.get_model(chosen)
        if not callable(getattr(cast("object", chosen), "get_response", None)):
            raise UserError(
                f"the model of agent {agent.name!r} is {chosen!r}: give the name of a model, or a Model"
            )
        return chosen

    # --- tools

    async def resolve_toolset(self, agent: Agent[Any]) -> Toolset:
        """What an agent's model may call now. Kept until it is resolved anew.

        Raises:
            UserError: two of them have one name, and the run refuses that.
        """
        tools = await agent.get_all_tools(self.context)
        handoffs = await self._enabled_handoffs(agent)
        known = self.toolset
        if (
            known is not None
            and known.agent is agent
            and _same(known.tools, tools)
            and _same(known.handoffs, handoffs)
        ):
            return known
        made = self.toolset = Toolset(agent, tools, handoffs, {}, {})
        for tool in tools:
            match tool:
                case FunctionTool(qualified_name=name):
                    self._put(agent, made.tools_by_name, name, name, tool)
                case CustomTool(name=name):
                    self._put(agent, made.custom_tools, name, name, tool)
                case ComputerTool() | LocalShellTool() | ShellTool() | ApplyPatchTool():
                    self._put(agent, made.machine_tools, _form_of(tool), tool.name, tool)
                case HostedMCPTool():
                    made.mcp_servers[hosted_label(tool.tool_config.get("server_label"))] = tool
                case _:
                    _refuse_function(tool, agent)
        for each in handoffs:
            if each.tool_name in made.tools_by_name:
                self._collision(each.tool_name, agent)
            self._put(agent, made.handoffs_by_name, each.tool_name, each.tool_name, each)
        return made

    def _put(self, agent: Agent[Any], found: dict[Any, Any], key: str, name: str, tool: object) -> None:
        if key in found:
            self._collision(name, agent)
        found[key] = tool

    async def toolset_for(self, agent: Agent[Any]) -> Toolset:
        """The toolset that the model of the current turn was offered; resolved again after a restart."""
        if self.toolset is not None and self.toolset.agent is agent:
            return self.toolset
        return await self.resolve_toolset(agent)

    async def _enabled_handoffs(self, agent: Agent[Any]) -> list[Handoff[Any, Any]]:
        enabled: list[Handoff[Any, Any]] = []
        for target in agent.handoffs:
            each = self.handoff_to(target)
            verdict: Any = each.is_enabled
            if not isinstance(verdict, bool):
                verdict = verdict(self.context, agent)
                if not isinstance(verdict, bool):
                    verdict = await verdict
            if verdict:
                enabled.append(each)
        return enabled

    def _collision(self, name: str, agent: Agent[Any]) -> None:
        message = f"In agent {agent.name}, the tool name `{name}` is used by multiple tools or handoffs"
        if self.config.tool_name_collision_policy == "error":
            raise UserError(
                f"{message}: the tool name `{name}` is used by multiple tools. Rename one with name_override."
            )
        logger.warning("%s; the last one is used", message)


def hosted_label(server_label: object) -> str:
    """A label as the first part of the names of its server's calls: the first dot of such a name ends it."""
    return str(server_label or "").replace("%", "%25").replace(".", "%2E")


def hosted_call_name(server_label: object, name: object) -> str:
    """The name of a call that the model's server makes at an MCP server: decisions hold for one server's tool."""
    return f"{hosted_label(server_label)}.{name or ''}"


def _refuse_function(tool: object, agent: Agent[Any]) -> None:
    """Say how a function becomes a tool; what else a tool may be, its model knows."""
    if inspect.isroutine(tool):
        raise UserError(
            f"the tools of agent {agent.name!r} hold the function {tool.__name__}: decorate it with @function_tool"
        )


def _check_handoff(target: object) -> None:
    if not isinstance(target, Agent):
        raise UserError(
            f"an agent hands over to agents, and to what handoff() makes of them, and its handoffs hold {target!r}"
        )


def _form_of(tool: MachineTool) -> f.CallForm:
    """The form of a tool's calls."""
    match tool:
        case ComputerTool():
            return "computer"
        case LocalShellTool():
            return "local_shell"
        case ShellTool():
            return "shell"
        case ApplyPatchTool():
            return "apply_patch"


def _same(left: list[Any], right: list[Any]) -> bool:
    # By identity: tools are dataclasses, and comparing their fields would cost more than resolving them.
    return len(left) == len(right) and all(one is other for one, other in zip(left, right, strict=True))


def _output_schema(output_type: Any) -> AgentOutputSchemaBase | None:
    if output_type is None or output_type is str:
        return None
    from agents.agent_output import AgentOutputSchema, AgentOutputSchemaBase

    if isinstance(output_type, AgentOutputSchemaBase):
        return output_type
    return AgentOutputSchema(output_type)
