"""What a run needs next, as a pure function of where it stands.

Level-triggered: the answer depends on the state, never on how the run got there. A fresh run, a resumed run and a
retried run ask the same question, so resuming needs no code of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from . import facts as f
from .effects import (
    AnswerCall,
    CallModel,
    CheckApproval,
    CheckGuardrail,
    ConfirmDecision,
    Effect,
    HandleFailure,
    LoadSession,
    ProposeOutput,
    RunHook,
    RunTool,
    TakeHandoff,
)
from .policy import max_turns_message
from .session import due_work
from .state import CallPhase, CallState, Failure, Phase, State


@dataclass(frozen=True, slots=True)
class Record:
    """Append this fact at once; nothing has to be waited for."""

    fact: f.Fact


@dataclass(frozen=True, slots=True)
class Close:
    """Cancel and await whatever is in flight, then append this terminal fact."""

    fact: f.RunFinished | f.RunFailed | f.RunCancelled


@dataclass(frozen=True, slots=True)
class Perform:
    """Have these effects in flight; the next fact comes from one of them."""

    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Suspend:
    """Nothing can be done without decisions from outside about these calls."""

    calls: tuple[f.CallId, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """The run has ended."""


Decision: TypeAlias = Record | Close | Perform | Suspend | Stop

_STOP = Stop()


def decide(state: State) -> Decision:
    """The next step of a run. Answers every state that folding can reach.

    Raises:
        ValueError: the run has not been started: fold a `RunStarted` first.
    """
    if state.is_closed:
        return _STOP
    start = state.start
    if start is None:
        raise ValueError("a run without RunStarted has nothing to decide")
    if state.cancel == "immediate":
        return Close(f.RunCancelled("immediate"))
    if state.tripped is not None:
        return Close(f.RunFailed(_tripwire(state)))
    if state.failure is not None:
        return _decide_failure(state.failure, state)
    match state.phase:
        case Phase.MODEL:
            return _decide_model(state, start)
        case Phase.CALLS:
            return _decide_calls(state)
        case Phase.FINISHING:
            return _decide_finish(state)
        case _:
            return _decide_turn_end(state, start)


def _tripwire(state: State) -> f.ErrorData:
    stage = "Input" if state.tripped_stage == "input" else "Output"
    return f.ErrorData(
        f"{stage}GuardrailTripwireTriggered", f"guardrail {state.tripped} triggered its tripwire"
    )


def _decide_failure(failure: Failure, state: State) -> Decision:
    if failure.kind in state.handlers and not failure.declined:
        return Perform((HandleFailure(f"failure/{failure.kind}", failure.kind),))
    return Close(f.RunFailed(failure.error))


def _decide_model(state: State, start: f.RunStarted) -> Decision:
    """Blocking guardrails, then the start hooks, then the model; parallel guardrails beside the latter two."""
    blocking = tuple(
        CheckGuardrail(guard.id, guard, "input") for guard in state.guards.values() if guard.blocking
    )
    if blocking:
        return Perform(blocking)
    parallel: tuple[Effect, ...] = _pending_guards(state, "input")
    hooks = tuple(hook for hook in state.hooks.values() if hook.moment != "tool_end")
    if hooks:
        # One moment after the other, in the order in which they came.
        return Perform((*parallel, hooks[0]))
    model = CallModel(f"t{state.turn}/model", state.turn, state.attempt + 1)
    if not state.calls:
        return Perform((*parallel, model))
    ready = [call for call in state.calls.values() if call.call.read_only]
    claimable = _next_claim(ready, state)
    if claimable is not None and start.start_tools_early:
        return _claim(state, claimable)
    running = tuple(_run_tool(state, call) for call in ready if call.phase is CallPhase.CLAIMED)
    return Perform((*parallel, model, *running, *_tool_hooks(state)))


def _decide_calls(state: State) -> Decision:
    llm_end = next((hook for hook in state.hooks.values() if hook.moment == "llm_end"), None)
    if llm_end is not None:
        return Perform((*_pending_guards(state, "input"), llm_end))
    tools = [call for call in state.calls.values() if call.call.kind != "handoff"]
    unknown = tuple(
        AnswerCall(f"t{state.turn}/answer/{call.call.id}", call.call, "unknown_tool")
        for call in tools
        if call.call.kind == "unknown" and call.phase is CallPhase.ALLOWED
    )
    if unknown:
        # Before any tool is claimed: an unknown one may fail the run.
        return Perform(unknown)
    doubtful = next((call for call in tools if call.phase is CallPhase.IN_DOUBT), None)
    if doubtful is not None:
        return Record(_settle_doubt(doubtful.call))
    claimable = _next_claim(tools, state)
    if claimable is not None:
        return _claim(state, claimable)
    effects: list[Effect] = [*_pending_guards(state, "input"), *_tool_hooks(state)]
    asked: list[f.CallId] = []
    for call in tools:
        match call.phase:
            case CallPhase.PROPOSED:
                effects.append(CheckApproval(f"t{state.turn}/approval/{call.call.id}", call.call))
            case CallPhase.CLAIMED:
                effects.append(_run_tool(state, call))
            case CallPhase.DENIED:
                effects.append(_answer_denied(state, call))
            case CallPhase.ALLOWED if call.call.kind == "hosted":
                # The server makes the call, once it is told that it may.
                effects.append(AnswerCall(f"t{state.turn}/answer/{call.call.id}", call.call, "approved"))
            case CallPhase.ASKED | CallPhase.PAUSED:
                asked.append(call.call.id)
            case _:
                pass
    if effects:
        return Perform(tuple(effects))
    if asked:
        return Suspend(tuple(asked))
    return _decide_handoff(state)


def _answer_denied(state: State, call: CallState) -> AnswerCall:
    """A decision that keeps the tool from running answers the call: with its reason, or with a result made outside."""
    is_supplied = call.decision is not None and call.decision.approved
    return AnswerCall(
        f"t{state.turn}/answer/{call.call.id}", call.call, "supplied" if is_supplied else "rejected"
    )


def _decide_handoff(state: State) -> Decision:
    """One handoff a turn, the first, when all tools are settled and nothing speaks against the input."""
    handoffs = [call for call in state.calls.values() if call.call.kind == "handoff"]
    for second in handoffs[1:]:
        if second.phase is CallPhase.ALLOWED:
            return Perform(
                (AnswerCall(f"t{state.turn}/answer/{second.call.id}", second.call, "second_handoff"),)
            )
    return Perform((TakeHandoff(f"t{state.turn}/take_handoff/{handoffs[0].call.id}", handoffs[0].call),))


def _decide_turn_end(state: State, start: f.RunStarted) -> Decision:
    """The turn is settled, or none has begun: hooks, then a final output or the next turn."""
    if state.is_load_due and state.has_session:
        return Perform((LoadSession("session/load"),))
    if state.turn:
        ending = tuple(hook for hook in state.hooks.values() if hook.moment != "agent_start")
        if ending:
            return Perform((*_pending_guards(state, "input"), *ending))
        guards = _pending_guards(state, "input")
        if guards:
            return Perform(guards)
    if state.phase is Phase.SETTLED and state.judge is not None:
        return Perform((ProposeOutput(f"t{state.turn}/output", state.turn, state.judge),))
    work = due_work(state)
    if work is not None:
        return Perform((work,))
    if state.cancel == "after_turn":
        return Close(f.RunCancelled("after_turn"))
    if start.max_turns is not None and state.turn >= start.max_turns:
        return _decide_max_turns(state, start)
    return Record(f.TurnStarted(state.turn + 1, state.agent))


def _decide_max_turns(state: State, start: f.RunStarted) -> Decision:
    guards = _pending_guards(state, "input")
    if guards:
        return Perform(guards)
    message = max_turns_message(start.max_turns)
    return _decide_failure(Failure("max_turns", f.ErrorData("MaxTurnsExceeded", message)), state)


def _decide_finish(state: State) -> Decision:
    # An agent that was handed to in the last turn, and will not run, has not started.
    hooks = tuple(hook for hook in state.hooks.values() if hook.moment != "agent_start")
    if hooks:
        return Perform(hooks)
    guards = _pending_guards(state, "output")
    if guards:
        return Perform(guards)
    work = due_work(state)
    if work is not None:
        return Perform((work,))
    assert state.proposed is not None, "FINISHING is entered by OutputProposed alone"
    return Close(f.RunFinished(state.proposed.output))


def _pending_guards(state: State, stage: str) -> tuple[CheckGuardrail, ...]:
    if not state.guards:
        return ()
    kind = "input" if stage == "input" else "output"
    return tuple(CheckGuardrail(guard.id, guard, kind) for guard in state.guards.values())


def _tool_hooks(state: State) -> tuple[RunHook, ...]:
    if not state.hooks:
        return ()
    return tuple(hook for hook in state.hooks.values() if hook.moment == "tool_end")


def _next_claim(calls: list[CallState], state: State) -> CallState | None:
    """The next tool to claim, in call order, while fewer than the limit are running.

    One that acts on a machine waits until those before it are settled, also those that somebody has to decide about.
    """
    limit = state.max_concurrent_tools
    if limit is not None and sum(call.phase is CallPhase.CLAIMED for call in calls) >= limit:
        return None
    has_to_wait = False
    for call in calls:
        is_in_sequence = call.call.form in f.IN_SEQUENCE
        if is_in_sequence and has_to_wait:
            continue
        if call.phase is CallPhase.ALLOWED and call.call.kind == "function":
            return call
        has_to_wait = has_to_wait or (is_in_sequence and call.phase is not CallPhase.SETTLED)
    return None


def _claim(state: State, call: CallState) -> Decision:
    """Claim a call; where its approval holds for a time only, somebody with a clock has to."""
    if not call.is_consumed and call.decision is not None and call.decision.expires_at_ms is not None:
        return Perform((ConfirmDecision(f"t{state.turn}/confirm/{call.call.id}", call.call),))
    return Record(f.ToolClaimed(call.call.id, call.call.name))


def _settle_doubt(call: f.Call) -> f.Fact:
    """What becomes of a call that was claimed by a process that is gone."""
    match call.on_in_doubt:
        case "retry":
            return f.ToolClaimed(call.id, call.name)
        case "ask":
            return f.ApprovalRequested(call.id)
        case "fail":
            message = (
                f"Tool {call.name} was running when its process ended; whether call {call.id} took effect is unknown. "
                "Declare side_effects='idempotent' to have it retried, or on_in_doubt='ask' to decide."
            )
            return f.ToolFailed(call.id, call.name, f.ErrorData("ToolInDoubt", message))


def _run_tool(state: State, call: CallState) -> RunTool:
    return RunTool(f"t{state.turn}/tool/{call.call.id}", call.call)
