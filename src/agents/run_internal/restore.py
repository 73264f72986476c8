"""Taking over what is known of a run: facts are folded, and the live values that are not at hand are made of them.

What is made equals what the run had, as far as JSON can tell: openai objects by the client's own construction,
outputs as the text that the model was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core import history
from agents._core.evolve import evolve
from agents._lazy import lazy_module
from agents.exceptions import AgentsException
from agents.guardrail import GuardrailFunctionOutput, InputGuardrailResult, OutputGuardrailResult
from agents.items import (
    HandoffOutputItem,
    MCPApprovalResponseItem,
    MessageOutputItem,
    ModelResponse,
    ToolCallItem,
    ToolCallOutputItem,
)
from agents.usage import Usage

from . import approvals, guardrails
from .interpret import ITEM_KINDS, MACHINE_KINDS, call_id_of, call_item
from .view import LiveHandoff, LiveOutput, LiveProposal, LiveResponse

if TYPE_CHECKING:
    from openai.types import responses as _responses

    from agents.log import Path

    from .run_loop import Run
else:
    _responses = lazy_module("openai.types.responses")


@dataclass(frozen=True, slots=True)
class Moment:
    """A fact of a run, or of one nested in it, with the live value that belongs to it, if it is at hand."""

    path: Path
    fact: f.Fact
    live: Any = None
    at: float = 0.0


def restore(run: Run, moments: list[Moment]) -> None:
    """Fold moments into a run that has none yet.

    Raises:
        IllegalFact: they are not those of one run.
    """
    for moment in moments:
        live = moment.live if moment.live is not None else _live(run, moment.fact)
        evolve(run.state, moment.fact)
        run.view.absorb(moment.fact, live)
        if isinstance(moment.fact, f.RunStarted):
            run.view.input = moment.fact.input
            run.view.agent = run.environment.agents[moment.fact.agent]


def _live(run: Run, fact: f.Fact) -> Any:
    make = _MAKERS.get(type(fact))
    return None if make is None else make(run, fact)


def openai_items(output: list[Any]) -> list[Any]:
    """JSON-shaped output items as the objects that the client gives."""
    return _responses.Response.construct(output=output).output


def _response(run: Run, fact: f.ModelResponded) -> LiveResponse:
    agent = run.environment.agents[run.state.agent]
    raws = openai_items(fact.output)
    calls = {call.id: call for call in fact.calls}
    items: list[Any] = []
    by_call: dict[str, Any] = {}
    for raw in raws:
        call = calls.get(f.CallId(call_id_of(raw) or ""))
        if call is not None:
            by_call[call.id] = call_item(agent, call, raw)
            items.append(by_call[call.id])
            continue
        # As in a run: what the server's shell has done is a call, and what is of no known kind is passed through.
        item_class = ToolCallItem if raw.type in MACHINE_KINDS else ITEM_KINDS.get(raw.type)
        if item_class is not None:
            items.append(item_class(agent, raw))
    usage = fact.usage
    used = Usage(
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
    )
    return LiveResponse(ModelResponse(raws, used, fact.response_id), items, by_call)


def _interruption(run: Run, fact: f.ModelInterrupted) -> list[Any]:
    agent = run.environment.agents[run.state.agent]
    return [MessageOutputItem(agent, raw) for raw in openai_items(fact.output)]


def _output(run: Run, fact: f.ToolReturned | f.ToolFailed | f.CallAnswered) -> LiveOutput:
    if fact.output is None:
        return LiveOutput(None)
    agent = run.environment.agents[run.state.agent]
    if fact.output.get("type") == "mcp_approval_response":
        return LiveOutput(MCPApprovalResponseItem(agent, fact.output))
    value = history.shown_output(fact.output)
    return LiveOutput(ToolCallOutputItem(agent, fact.output, value), value)


def _handoff(run: Run, fact: f.HandedOff) -> LiveHandoff:
    source = run.environment.agents[fact.source]
    target = run.environment.agents[fact.agent]
    live = LiveHandoff(HandoffOutputItem(source, fact.output, source, target), source, target)
    if fact.history is not None:
        live.input = fact.history
        live.visible = []
    return live


def _verdict(run: Run, fact: f.GuardrailChecked) -> Any:
    index = int(fact.guard.rpartition("/")[2])
    output = GuardrailFunctionOutput(fact.info, fact.tripped)
    environment, view = run.environment, run.view
    if fact.stage == "input":
        checks = guardrails.input_guardrails(environment, view.agent)
        return InputGuardrailResult(checks[index], output) if index < len(checks) else None
    checks = guardrails.output_guardrails(environment, view.agent)
    value = None if view.proposal is None else view.proposal.value
    return OutputGuardrailResult(checks[index], value, view.agent, output) if index < len(checks) else None


def _question(run: Run, fact: f.ApprovalRequested) -> Any:
    return approvals.approval_item(run, run.state.calls[fact.call].call)


def _questions_below(run: Run, fact: f.ToolPaused) -> list[Any]:
    return [approvals.item_below(run, waiting) for waiting in fact.waiting]


def _proposal(run: Run, fact: f.OutputProposed) -> LiveProposal:
    item = None
    if fact.item is not None:
        item = MessageOutputItem(run.view.agent, openai_items([fact.item])[0])
    return LiveProposal(fact.output, item)


def _error(_run: Run, fact: f.RunFailed | f.EffectFailed) -> AgentsException:
    return AgentsException(f"{fact.error.type}: {fact.error.message}")


_MAKERS: dict[type, Any] = {
    f.ModelResponded: _response,
    f.ModelInterrupted: _interruption,
    f.ToolReturned: _output,
    f.ToolFailed: _output,
    f.CallAnswered: _output,
    f.HandedOff: _handoff,
    f.GuardrailChecked: _verdict,
    f.ApprovalRequested: _question,
    f.ToolPaused: _questions_below,
    f.OutputProposed: _proposal,
    f.EffectFailed: _error,
    f.RunFailed: _error,
}
