"""Generated programs: agents, tools, guardrails and hooks made of a `Case`, and what a run of them came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from agents import Agent, RunContextWrapper, RunHooks, Runner, ToolContext, function_tool
from agents.guardrail import GuardrailFunctionOutput, InputGuardrail, OutputGuardrail
from agents.lifecycle import AgentHooks
from agents.models.interface import Model
from agents.run_config import RunConfig, ToolExecutionConfig
from agents.tool import FunctionTool
from agents.tool_guardrails import ToolGuardrailFunctionOutput, ToolInputGuardrail, ToolOutputGuardrail
from laws import scripted
from laws.scripted import Answer, ConversationModel

ToolDeed: TypeAlias = Literal[
    "return",
    "progress",
    "tell",
    "raise",
    "cancel itself",
    "linger",
    "refuse to stop",
    "nest",
    "nest streamed",
]
ToolCheck: TypeAlias = Literal["none", "allow", "reject input", "trip input", "reject output", "trip output"]
Verdict: TypeAlias = Literal["pass", "trip", "raise"]
HandlerDeed: TypeAlias = Literal["give", "decline", "raise"]
Text: TypeAlias = Literal["plain", "fits", "refusal", "none"]


@dataclass(frozen=True, slots=True)
class ToolPlan:
    does: ToolDeed = "return"
    takes: int = 1
    check: ToolCheck = "none"
    reads_only: bool = False


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """One response: text, and calls by what they name: `tool0`, `agent1` (a handoff), `nowhere`."""

    text: Text = "plain"
    calls: tuple[str, ...] = ()
    takes: int = 1
    thinks: bool = False
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class AgentPlan:
    turns: tuple[TurnPlan, ...] = ()
    is_structured: bool = False
    tools_end: Literal["never", "first", "tool0", "ask"] = "never"
    output_guards: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardPlan:
    verdict: Verdict = "pass"
    takes: int = 1
    is_blocking: bool = False


RUN_HOOKS = (
    "on_agent_start",
    "on_llm_start",
    "on_llm_end",
    "on_tool_start",
    "on_tool_end",
    "on_handoff",
    "on_agent_end",
)
AGENT_HOOKS = (
    "on_start",
    "on_llm_start",
    "on_llm_end",
    "on_tool_start",
    "on_tool_end",
    "on_handoff",
    "on_end",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A whole program. The first agent starts."""

    agents: tuple[AgentPlan, ...] = (AgentPlan(),)
    tools: tuple[ToolPlan, ...] = ()
    guards: tuple[GuardPlan, ...] = ()
    run_hooks: frozenset[str] = frozenset()
    agent_hooks: frozenset[str] = frozenset()
    raising_hook: str | None = None
    max_turns: int = 6
    tools_at_once: int | None = None
    starts_early: bool = False
    tells_unknown: bool = False
    handlers: tuple[tuple[str, HandlerDeed], ...] = ()
    retention: int = 20_000


@dataclass(slots=True)
class Seen:
    """What the program itself noticed, in order."""

    asked: list[str] = field(default_factory=list[str])
    """Model calls that reached the model, by response id."""

    hooks: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Hook calls: name, agent, call id where there is one."""

    tools: list[str] = field(default_factory=list[str])
    """Tool bodies that began, by idempotency key."""


class Broken(Exception):
    """What tools, guardrails and hooks raise that are to fail."""


class Structured(BaseModel):
    """The output type of structured agents."""

    value: int


class World:
    """The live objects of one playing of a case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.seen = Seen()
        self.tools = [self._tool(index, plan) for index, plan in enumerate(case.tools)]
        self.agents = [self._agent(index, plan) for index, plan in enumerate(case.agents)]
        for agent in self.agents:
            agent.handoffs.extend(self.agents)

    def _time(self, units: int, offset: int) -> float:
        # No two things take equally long: who is first must follow from the case alone.
        return units + offset / 1009

    # --- models

    def _answer(self, name: str, index: int, plan: AgentPlan, given: list[Any]) -> Answer:
        mark = f"{name}."
        turns = {_turn_of(item, mark) for item in given} - {None}
        turn = len(turns)
        key = f"{name}.{turn}"
        # Children of one turn are told their position, so that they are not equally fast.
        told = given[0].get("content")
        offset = 3 + 2 * index + (29 * (1 + int(told)) if isinstance(told, str) and told.isdigit() else 0)
        if turn >= len(plan.turns):
            text = '{"value": 3}' if plan.is_structured else f"{name} is done"
            return Answer((scripted.message(f"{key}.text", text),), key, self._time(1, offset))
        plans = plan.turns[turn]
        items: list[Any] = [scripted.reasoning(f"{key}.thought")] if plans.thinks else []
        if plans.text == "refusal":
            items.append(scripted.refusal(f"{key}.text", "I would rather not"))
        elif plans.text != "none":
            text = '{"value": 1}' if plans.text == "fits" else f"{key} says so"
            items.append(scripted.message(f"{key}.text", text))
        for position, what in enumerate(plans.calls):
            called = f"transfer_to_{what}" if what.startswith("agent") else what
            arguments = f'{{"input": "{position}"}}' if self._is_agent(what) else "{}"
            items.append(scripted.call(f"{key}.{position}", called, arguments))
        takes = self._time(plans.takes, offset)
        return Answer(tuple(items), key, takes, "the model broke" if plans.breaks else None)

    def _is_agent(self, what: str) -> bool:
        plans = self.case.tools
        return what.startswith("tool") and plans[int(what[4:])].does in {"nest", "nest streamed"}

    def _model(self, name: str, index: int, plan: AgentPlan) -> Model:
        def answer(given: list[Any]) -> Answer:
            return self._answer(name, index, plan, given)

        return ConversationModel(answer, self.seen.asked)

    # --- tools

    def _tool(self, index: int, plan: ToolPlan) -> FunctionTool:
        name = f"tool{index}"
        if plan.does in {"nest", "nest streamed"}:
            return self._nested(name, index, plan)
        settings: dict[str, Any] = {
            "name_override": name,
            "side_effects": "none" if plan.reads_only else None,
        }
        if plan.does == "raise":
            settings["failure_error_function"] = None
        checks = _tool_checks(plan.check)
        body = self._progressing if plan.does == "progress" else self._body

        make: Any = function_tool
        tool: FunctionTool = make(body(name, index, plan), **settings, **checks)
        return tool

    def _body(self, name: str, index: int, plan: ToolPlan) -> Any:
        async def body(context: ToolContext[Any]) -> str:
            self.seen.tools.append(context.idempotency_key)
            position = int(context.tool_call_id.rpartition(".")[2])
            try:
                await asyncio.sleep(self._time(plan.takes, 11 + 17 * index + 3 * position))
            finally:
                if plan.does == "linger":
                    await asyncio.sleep(0.5)
                elif plan.does == "refuse to stop":
                    await asyncio.sleep(5)
            if plan.does in {"tell", "raise"}:
                raise Broken(f"{name} broke")
            if plan.does == "cancel itself":
                raise asyncio.CancelledError
            return f"{name} did {context.tool_call_id}"

        return body

    def _progressing(self, name: str, index: int, plan: ToolPlan) -> Any:
        async def body(context: ToolContext[Any]) -> AsyncIterator[str]:
            self.seen.tools.append(context.idempotency_key)
            position = int(context.tool_call_id.rpartition(".")[2])
            for step in range(plan.takes):
                await asyncio.sleep(self._time(1, 11 + 17 * index + 3 * position))
                yield f"step {step}"
            yield f"{name} did {context.tool_call_id}"

        return body

    def _nested(self, name: str, index: int, plan: ToolPlan) -> FunctionTool:
        turns = (TurnPlan("plain", ("inner", "inner"), plan.takes),)
        inner = AgentPlan(turns)

        @function_tool(name_override="inner")
        async def look(context: ToolContext[Any]) -> str:
            self.seen.tools.append(context.idempotency_key)
            await asyncio.sleep(self._time(1, int(context.tool_call_id.rpartition(".")[2]) + 1))
            return "seen"

        child: Agent[Any] = Agent(name=f"child{index}", model=self._model(f"child{index}", index, inner))
        child.tools.append(look)
        on_stream = _ignore if plan.does == "nest streamed" else None
        return child.as_tool(name, "asks a child", on_stream=on_stream)

    # --- agents

    def _agent(self, index: int, plan: AgentPlan) -> Agent[Any]:
        name = f"agent{index}"
        behavior: Any = {
            "never": "run_llm_again",
            "first": "stop_on_first_tool",
            "tool0": {"stop_at_tool_names": ["tool0"]},
            "ask": _ends_with_tool0,
        }[plan.tools_end]
        return Agent(
            name=name,
            model=self._model(name, index, plan),
            tools=list(self.tools),
            output_type=Structured if plan.is_structured else None,
            tool_use_behavior=behavior,
            output_guardrails=[
                OutputGuardrail(self._guard(GuardPlan(verdict, position), 300 + position), f"out{position}")
                for position, verdict in enumerate(plan.output_guards)
            ],
            input_guardrails=[
                InputGuardrail(self._guard(guard, 200 + position), f"in{position}", not guard.is_blocking)
                for position, guard in enumerate(self.case.guards)
            ],
            hooks=self._hooks(AgentHooks(), self.case.agent_hooks, "agent:"),
        )

    def _guard(self, plan: GuardPlan, offset: int) -> Any:
        async def check(_context: Any, _agent: Any, _given: Any) -> GuardrailFunctionOutput:
            await asyncio.sleep(self._time(plan.takes, offset))
            if plan.verdict == "raise":
                raise Broken("a guardrail broke")
            return GuardrailFunctionOutput({"of": offset}, plan.verdict == "trip")

        return check

    def _hooks(self, hooks: Any, names: frozenset[str], prefix: str) -> Any:
        if not names:
            return None

        def hook(name: str) -> Any:
            async def told(context: RunContextWrapper[Any], agent: Any, *others: Any) -> None:
                if f"{prefix}{name}" == "agent:on_handoff":
                    # An agent's own hook is told the new agent first, then itself.
                    (agent,) = others
                subject = context.tool_call_id if isinstance(context, ToolContext) else ""
                self.seen.hooks.append((f"{prefix}{name}", agent.name, subject))
                await asyncio.sleep(self._time(0, 7))
                if self.case.raising_hook == f"{prefix}{name}":
                    raise Broken(f"{prefix}{name} broke")

            return told

        for name in sorted(names):
            setattr(hooks, name, hook(name))
        return hooks

    # --- the run

    def arguments(self) -> dict[str, Any]:
        """What `Runner.run` and `Runner.run_streamed` are given beside agent and input."""
        case = self.case
        return {
            "max_turns": case.max_turns,
            "hooks": self._hooks(RunHooks[Any](), case.run_hooks, "run:"),
            "error_handlers": {kind: _handler(deed, case) for kind, deed in case.handlers},
            "run_config": RunConfig(
                tool_execution=ToolExecutionConfig(max_function_tool_concurrency=case.tools_at_once),
                tool_not_found_behavior="return_error_to_model" if case.tells_unknown else "raise_error",
                start_read_only_tools_early=case.starts_early,
                log_retention=case.retention,
            ),
        }

    async def run(self) -> Any:
        return await Runner.run(self.agents[0], "go", **self.arguments())

    def run_streamed(self) -> Any:
        return Runner.run_streamed(self.agents[0], "go", **self.arguments())


def _ignore(_event: object) -> None:
    """Having somebody who listens makes the nested run a streamed one."""


def _turn_of(item: Any, mark: str) -> str | None:
    """The response that an item of the input came from, if it was this agent's."""
    for name in ("call_id", "id"):
        value = item.get(name)
        if isinstance(value, str) and value.startswith(mark):
            return value.split(".")[1]
    return None


def _ends_with_tool0(_context: Any, results: list[Any]) -> Any:
    from agents.agent import ToolsToFinalOutputResult

    ending = [result.output for result in results if result.tool.name == "tool0"]
    return ToolsToFinalOutputResult(bool(ending), ending[0] if ending else None)


def _handler(deed: str, case: Case) -> Any:
    async def handle(_given: Any) -> Any:
        await asyncio.sleep(0.25)
        if deed == "raise":
            raise Broken("a handler broke")
        if deed == "decline":
            return None
        return {"value": 2} if any(plan.is_structured for plan in case.agents) else "handled"

    return handle


def _tool_checks(check: ToolCheck) -> dict[str, Any]:
    if check == "none":
        return {}
    verdicts = {
        "allow": ToolGuardrailFunctionOutput.allow("fine"),
        "reject": ToolGuardrailFunctionOutput.reject_content("rejected"),
        "trip": ToolGuardrailFunctionOutput.raise_exception("tripped"),
    }
    deed, _, stage = check.partition(" ")

    async def judge(_data: Any) -> ToolGuardrailFunctionOutput:
        await asyncio.sleep(1 / 1013)
        return verdicts[deed]

    if stage == "output":
        return {"tool_output_guardrails": [ToolOutputGuardrail[Any](judge, "tool out")]}
    return {"tool_input_guardrails": [ToolInputGuardrail[Any](judge, "tool in")]}
