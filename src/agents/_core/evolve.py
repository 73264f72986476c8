"""Folding: how each fact changes the state. Total over legal facts, and O(1) amortised.

Rule 1: a fact is checked whole before anything is changed; `IllegalFact` leaves the state as it was.
Rule 2: lists are appended to, never rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from . import facts as f
from . import history as h
from .effects import HookMoment, RunHook
from .policy import max_turns_message
from .state import (
    CALL_DECISIONS,
    CALL_FAILURES,
    CALL_MOVES,
    CALL_RESUMPTIONS,
    CALL_STARTS,
    LEGAL,
    CallPhase,
    CallState,
    Failure,
    IllegalFact,
    Phase,
    State,
)


def evolve(state: State, fact: f.Fact) -> None:
    """Fold one fact into the state, in place.

    Raises:
        IllegalFact: the run, or the call the fact is about, does not accept it. Nothing was changed.
    """
    kind = type(fact)
    if kind not in LEGAL[state.phase]:
        raise IllegalFact(state.phase, fact)
    fold_one = _FOLDS.get(kind)
    if fold_one is not None:
        fold_one(state, fact)


def fold(facts: Iterable[f.Fact], state: State | None = None) -> State:
    """The state that a log's facts add up to.

    Raises:
        IllegalFact: the facts are not those of one run.
    """
    folded = State() if state is None else state
    for fact in facts:
        evolve(folded, fact)
    return folded


def call_signature(call: f.Call) -> str:
    """What an id stands for: the same id with another signature is another call."""
    kind = call.kind if call.form == "function" else f"{call.kind} {call.form}"
    return f"{kind}:{call.name}({call.arguments})"


def hook_id(turn: int, moment: HookMoment, subject: str = "") -> str:
    """The stable id of a hook moment's effect."""
    return f"t{turn}/{moment}/{subject}" if subject else f"t{turn}/{moment}"


# --- the run ---------------------------------------------------------------------------------------------


def _run_started(state: State, fact: f.RunStarted) -> None:
    state.phase = Phase.READY
    state.start = fact
    state.agent = fact.agent
    state.handlers = fact.handlers
    state.max_concurrent_tools = fact.max_concurrent_tools
    state.previous_response_id = fact.previous_response_id
    state.history.extend(h.input_items(fact.input))
    state.unsaved.extend(state.history)
    state.has_session = state.is_load_due = fact.session
    state.guards = {guard.id: guard for guard in fact.guards}
    if fact.start_hook:
        _due(state, "agent_start")


def _run_resumed(state: State, fact: f.RunResumed) -> None:
    if fact.epoch != state.epoch + 1:
        raise IllegalFact(f"epoch {state.epoch}", fact)
    state.epoch = fact.epoch
    if fact.handlers is not None:
        state.handlers = fact.handlers
    state.max_concurrent_tools = fact.max_concurrent_tools
    state.has_session = fact.session
    # In doubt until a batch is acknowledged: the life before may have ended before it looked.
    state.is_save_in_doubt = state.is_save_in_doubt or state.is_saving
    state.is_saving = False
    state.is_compaction_due = state.is_compaction_due and fact.session
    _reopen(state)
    if state.phase is Phase.MODEL:
        _void_response(state)
    for call in state.calls.values():
        call.phase = CALL_RESUMPTIONS.get(call.phase, call.phase)


def _reopen(state: State) -> None:
    """Take up a run that was cancelled where it stood."""
    state.cancel = None
    if state.stopped_in is not None:
        state.phase = state.stopped_in
        state.stopped_in = None


def _cancel_requested(state: State, fact: f.CancelRequested) -> None:
    if state.cancel != "immediate":
        state.cancel = fact.mode


def _input_added(state: State, fact: f.InputAdded) -> None:
    state.pending_input.extend(fact.items)


def _tool_use_stated(state: State, fact: f.ToolUseStated) -> None:
    state.used_tools = {f.AgentKey(agent) for agent, tools in fact.tools.items() if tools}


def _session_loaded(state: State, fact: f.SessionLoaded) -> None:
    if not state.is_load_due:
        raise IllegalFact("a run whose history is there", fact)
    state.is_load_due = False
    state.history = list(fact.history)
    state.unsaved = list(fact.new)
    state.hides_history = fact.hides


def _session_save_begun(state: State, fact: f.SessionSaveBegun) -> None:
    if fact.batch != state.batches + 1 or state.is_saving:
        raise IllegalFact(f"batch {state.batches} of the session", fact)
    state.batches = fact.batch
    state.is_saving = True


def _session_saved(state: State, fact: f.SessionSaved) -> None:
    if fact.batch != state.batches or not state.is_saving:
        raise IllegalFact("a run that is saving no such batch", fact)
    state.is_saving = state.is_save_in_doubt = False
    state.unsaved = []
    state.is_compaction_due = fact.may_compact


def _session_compacted(state: State, fact: f.SessionCompacted) -> None:
    if not state.is_compaction_due:
        raise IllegalFact("a run whose session was not to be compacted", fact)
    state.is_compaction_due = False
    state.usage = h.add_usage(state.usage, fact.usage)


def _effect_failed(state: State, fact: f.EffectFailed) -> None:
    # The first failure is the one that the caller is told.
    if state.failure is None:
        state.failure = Failure(fact.kind, fact.error)
    elif fact.effect.startswith("failure/"):
        # The handler itself failed: its error takes the place of the one it was asked about.
        state.failure = Failure("error", fact.error, declined=True)


def _handler_declined(state: State, fact: f.HandlerDeclined) -> None:
    if state.failure is None:
        # Nothing was recorded for running out of turns: standing at the limit is a matter of the state.
        message = max_turns_message(None if state.start is None else state.start.max_turns)
        state.failure = Failure(fact.kind, f.ErrorData("MaxTurnsExceeded", message))
    state.failure.declined = True


def _hook_settled(state: State, fact: f.HookSettled) -> None:
    if fact.moment not in state.hooks:
        raise IllegalFact("a run without this hook due", fact)
    del state.hooks[fact.moment]


def _guardrail_checked(state: State, fact: f.GuardrailChecked) -> None:
    if fact.guard not in state.guards:
        raise IllegalFact("a run without this guardrail due", fact)
    del state.guards[fact.guard]
    if fact.tripped and state.tripped is None:
        state.tripped = fact.guard
        state.tripped_stage = fact.stage


def _run_finished(state: State, fact: f.RunFinished) -> None:
    state.phase = Phase.FINISHED
    state.output = fact.output


def _run_failed(state: State, fact: f.RunFailed) -> None:
    state.phase = Phase.FAILED
    state.error = fact.error


def _run_cancelled(state: State, _: f.RunCancelled) -> None:
    state.stopped_in = state.phase
    state.phase = Phase.CANCELLED


def _rule_stated(state: State, fact: f.RuleStated) -> None:
    state.rules[fact.rule.id] = fact.rule


# --- a turn ----------------------------------------------------------------------------------------------


def _turn_started(state: State, fact: f.TurnStarted) -> None:
    if fact.turn != state.turn + 1 or fact.agent != state.agent:
        raise IllegalFact(f"turn {state.turn}", fact)
    if any(hook.moment != "agent_start" for hook in state.hooks.values()):
        raise IllegalFact("a turn whose hooks are due", fact)
    for call_id, call in state.calls.items():
        state.past_calls[call_id] = call_signature(call.call)
    state.calls = {}
    state.history.extend(state.pending_input)
    state.unsaved.extend(state.pending_input)
    state.pending_input = []
    state.phase = Phase.MODEL
    state.turn = fact.turn
    # A history that was not there when the first turn began stays out; all of the run is still to be saved.
    state.is_load_due = False
    state.attempt = 0
    state.judge = None
    state.partial = []


def _model_requested(state: State, fact: f.ModelRequested) -> None:
    if fact.turn != state.turn or fact.attempt != state.attempt + 1:
        raise IllegalFact(f"turn {state.turn}, attempt {state.attempt}", fact)
    state.attempt = fact.attempt
    state.hides_input = fact.hides


def _attempt_reset(state: State, fact: f.AttemptReset) -> None:
    if fact.turn != state.turn:
        raise IllegalFact(f"turn {state.turn}", fact)
    _void_response(state)


def _void_response(state: State) -> None:
    """Forget the calls of a response that was cut off: only read-only ones can have started."""
    state.calls = {}
    state.hooks = {key: hook for key, hook in state.hooks.items() if hook.moment != "tool_end"}


def _call_proposed(state: State, fact: f.CallProposed) -> None:
    call = fact.call
    if fact.turn != state.turn or call.id in state.calls or call.id in state.past_calls:
        raise IllegalFact("a run that knows this call", fact)
    state.calls[call.id] = _new_call(call)


def _new_call(call: f.Call) -> CallState:
    return CallState(call, CALL_STARTS[call.needs_approval])


def _model_responded(state: State, fact: f.ModelResponded) -> None:
    ids = {call.id for call in fact.calls}
    if fact.turn != state.turn or len(ids) != len(fact.calls) or not ids.isdisjoint(state.past_calls):
        raise IllegalFact(f"turn {state.turn}", fact)
    early = state.calls
    calls: dict[f.CallId, CallState] = {}
    for call in fact.calls:
        started = early.get(call.id)
        calls[call.id] = started if started is not None and started.call == call else _new_call(call)
    state.calls = calls
    state.history.extend(fact.output)
    state.turn_output = fact.output
    state.sent = len(state.history)
    state.usage = h.add_usage(state.usage, fact.usage)
    state.response_id = fact.response_id
    if state.start is not None and state.start.chained:
        state.previous_response_id = fact.response_id
    if fact.calls:
        if any(call.kind != "handoff" for call in fact.calls):
            state.used_tools.add(state.agent)
            has_outputs = any(call.kind not in {"handoff", "hosted"} for call in fact.calls)
            state.judge = "tool" if fact.tools_may_end and has_outputs else None
        state.phase = Phase.CALLS
    else:
        state.judge = "message"
        state.phase = Phase.SETTLED
        state.unsaved.extend(fact.output)
    if fact.end_hook:
        _due(state, "llm_end")
    _settle(state)


def _model_interrupted(state: State, fact: f.ModelInterrupted) -> None:
    if fact.turn != state.turn:
        raise IllegalFact(f"turn {state.turn}", fact)
    state.partial = fact.output
    state.usage = h.add_usage(state.usage, fact.usage)


def _output_proposed(state: State, fact: f.OutputProposed) -> None:
    state.phase = Phase.FINISHING
    state.proposed = fact
    state.failure = None
    if fact.item is not None:
        state.history.append(fact.item)
        state.unsaved.append(fact.item)
    for guard in fact.guards:
        state.guards[guard.id] = guard
    if fact.end_hook:
        _due(state, "agent_end")


def _output_deferred(state: State, _: f.OutputDeferred) -> None:
    state.phase = Phase.READY
    state.judge = None


# --- a call ----------------------------------------------------------------------------------------------


def _moved(
    state: State, call_id: f.CallId, fact: f.Fact, moves: Mapping[CallPhase, CallPhase] | None = None
) -> tuple[CallState, CallPhase]:
    call = state.calls.get(call_id)
    if call is None:
        raise IllegalFact("a turn without this call", fact)
    to = (CALL_MOVES[type(fact)] if moves is None else moves).get(call.phase)
    if to is None:
        raise IllegalFact(call.phase, fact)
    return call, to


def _call_moved(
    state: State,
    fact: f.ApprovalWaived | f.ToolPaused | f.ToolGuardrailChecked,
) -> None:
    call, to = _moved(state, fact.call, fact)
    call.phase = to


def _tool_claimed(state: State, fact: f.ToolClaimed) -> None:
    call, to = _moved(state, fact.call, fact)
    call.phase = to
    call.is_consumed = True


def _approval_requested(state: State, fact: f.ApprovalRequested) -> None:
    call, to = _moved(state, fact.call, fact)
    call.is_in_doubt = call.phase is CallPhase.IN_DOUBT
    call.phase = to
    call.is_consumed = False
    call.asked_schema = fact.schema


def _approval_decided(state: State, fact: f.ApprovalDecided) -> None:
    call, to = _moved(state, fact.call, fact, CALL_DECISIONS[fact.approved and fact.output is None])
    if not call.call.needs_approval and call.phase is not CallPhase.ASKED:
        raise IllegalFact("a turn without this question", fact)
    if call.is_consumed and call.phase is not CallPhase.ASKED:
        raise IllegalFact("a turn in which the call was claimed on an earlier decision", fact)
    call.phase = to
    call.decision = fact


def _tool_returned(state: State, fact: f.ToolReturned) -> None:
    call, to = _moved(state, fact.call, fact)
    call.phase = to
    call.output = fact.output
    if fact.end_hook:
        _due(state, "tool_end", fact.call)
    _settle(state)


def _tool_failed(state: State, fact: f.ToolFailed) -> None:
    call, to = _moved(state, fact.call, fact, CALL_FAILURES if fact.output is None else None)
    if fact.output is None:
        call.phase = to
        if state.failure is None:
            state.failure = Failure("error", fact.error)
        return
    call.phase = to
    call.output = fact.output
    if fact.end_hook:
        _due(state, "tool_end", fact.call)
    _settle(state)


def _call_answered(state: State, fact: f.CallAnswered) -> None:
    call, to = _moved(state, fact.call, fact)
    call.phase = to
    call.output = fact.output
    _settle(state)


def _handed_off(state: State, fact: f.HandedOff) -> None:
    call, to = _moved(state, fact.call, fact)
    if fact.source != state.agent:
        raise IllegalFact(f"agent {state.agent}", fact)
    call.phase = to
    call.output = fact.output
    state.judge = None
    if fact.hook:
        _due(state, "handoff", fact.call)
    state.agent = fact.agent
    if fact.start_hook:
        _due(state, "agent_start")
    _settle(state)
    if fact.history is not None:
        state.history = list(fact.history)
        state.sent = 0
        state.hides_history = True


def _settle(state: State) -> None:
    """Leave CALLS once every call is settled; only then do outputs join the history, in call order."""
    if state.phase is not Phase.CALLS:
        return
    if all(call.phase is CallPhase.SETTLED for call in state.calls.values()):
        state.phase = Phase.SETTLED
        outputs = [call.output for call in state.calls.values()]
        state.history.extend(outputs)
        state.unsaved.extend(state.turn_output)
        state.unsaved.extend(outputs)


def _due(state: State, moment: HookMoment, subject: str = "") -> None:
    # A start belongs to the turn that is coming: nothing of it has been recorded yet.
    turn = state.turn + 1 if moment == "agent_start" else state.turn
    key = hook_id(turn, moment, subject)
    state.hooks[key] = RunHook(key, moment, state.agent, subject)


_FOLDS: Mapping[type, Callable[[State, Any], None]] = MappingProxyType(
    {
        f.RunStarted: _run_started,
        f.RunResumed: _run_resumed,
        f.CancelRequested: _cancel_requested,
        f.InputAdded: _input_added,
        f.ToolUseStated: _tool_use_stated,
        f.SessionLoaded: _session_loaded,
        f.SessionSaveBegun: _session_save_begun,
        f.SessionSaved: _session_saved,
        f.SessionCompacted: _session_compacted,
        f.EffectFailed: _effect_failed,
        f.HandlerDeclined: _handler_declined,
        f.RuleStated: _rule_stated,
        f.HookSettled: _hook_settled,
        f.GuardrailChecked: _guardrail_checked,
        f.RunFinished: _run_finished,
        f.RunFailed: _run_failed,
        f.RunCancelled: _run_cancelled,
        f.TurnStarted: _turn_started,
        f.ModelRequested: _model_requested,
        f.AttemptReset: _attempt_reset,
        f.CallProposed: _call_proposed,
        f.ModelResponded: _model_responded,
        f.ModelInterrupted: _model_interrupted,
        f.OutputProposed: _output_proposed,
        f.OutputDeferred: _output_deferred,
        f.ApprovalRequested: _approval_requested,
        f.ApprovalWaived: _call_moved,
        f.ApprovalDecided: _approval_decided,
        f.ToolClaimed: _tool_claimed,
        f.ToolPaused: _call_moved,
        f.ToolGuardrailChecked: _call_moved,
        f.ToolReturned: _tool_returned,
        f.ToolFailed: _tool_failed,
        f.CallAnswered: _call_answered,
        f.HandedOff: _handed_off,
    }
)
assert set(_FOLDS) == set(f.KINDS.by_type) - f.EPHEMERAL, "every fact that is not ephemeral has a fold"

__all__ = ["call_signature", "evolve", "fold", "hook_id"]
