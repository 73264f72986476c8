"""Guardrails of a run's input and of its final output."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core.effects import CheckGuardrail
from agents.exceptions import UserError

from .json_form import json_form

if TYPE_CHECKING:
    from agents.agent import Agent
    from agents.guardrail import InputGuardrail, OutputGuardrail

    from .environment import Environment
    from .run_loop import Run


def input_guardrails(environment: Environment, agent: Agent[Any]) -> list[InputGuardrail[Any]]:
    """The guardrails that a run which starts with this agent has to pass, in order."""
    return [*agent.input_guardrails, *(environment.config.input_guardrails or ())]


def output_guardrails(environment: Environment, agent: Agent[Any]) -> list[OutputGuardrail[Any]]:
    """The guardrails that a final output of this agent has to pass, in order."""
    return [*agent.output_guardrails, *(environment.config.output_guardrails or ())]


def refuse_managed_output(environment: Environment, agent: Agent[Any]) -> None:
    """Refuse to check outputs of an agent where the server keeps the history.

    Raises:
        UserError: a final output of this agent would have to pass guardrails.
    """
    if output_guardrails(environment, agent):
        raise UserError(
            "Output guardrails cannot be used with server-managed conversation history: what a guardrail blocks "
            f"would stay in it. Leave out conversation_id and previous_response_id, or the guardrails of agent {agent.name}."
        )


def input_guards(environment: Environment, agent: Agent[Any]) -> tuple[f.Guard, ...]:
    """The same by id, as facts name them; kept for the length of the run."""
    environment.input_guardrails = input_guardrails(environment, agent)
    return tuple(
        f.Guard(f"guard/input/{index}", _name(guardrail, "input"), blocking=not guardrail.run_in_parallel)
        for index, guardrail in enumerate(environment.input_guardrails)
    )


def output_guards(environment: Environment, agent: Agent[Any]) -> tuple[f.Guard, ...]:
    """The same by id, as facts name them."""
    return tuple(
        f.Guard(f"guard/output/{index}", _name(guardrail, "output"))
        for index, guardrail in enumerate(output_guardrails(environment, agent))
    )


def _name(guardrail: InputGuardrail[Any] | OutputGuardrail[Any], stage: str) -> str:
    if inspect.isroutine(guardrail):
        raise UserError(
            f"the {stage} guardrails hold the function {guardrail.__name__}: decorate it with @{stage}_guardrail"
        )
    return guardrail.get_name()


async def check_guardrail(run: Run, effect: CheckGuardrail) -> None:
    """Ask one guardrail and record its verdict."""
    environment, view = run.environment, run.view
    index = int(effect.guard.id.rpartition("/")[2])
    if effect.stage == "input":
        start = run.state.start
        assert start is not None, "a guardrail is due in a started run only"
        agent = environment.agents[start.agent]
        # Those that the run was started with, whatever became of the agent's list since.
        checks = environment.input_guardrails
        guardrail = (input_guardrails(environment, agent) if checks is None else checks)[index]
        result: Any = await guardrail.run(agent, view.input, environment.context)
    else:
        proposal = view.proposal
        assert proposal is not None, "an output guardrail is due for a proposal only"
        agent = view.agent
        result = await output_guardrails(environment, agent)[index].run(
            environment.context, agent, proposal.value
        )
    if not run.is_wanted(effect.id):
        return
    verdict = result.output
    fact = f.GuardrailChecked(
        effect.guard.id,
        effect.guard.name,
        effect.stage,
        tripped=bool(verdict.tripwire_triggered),
        info=json_form(verdict.output_info),
    )
    run.record(fact, result)
