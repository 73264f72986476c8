"""What of a run belongs into a session, and when.

Rule 1: a call and its output go there together, in one batch; half a pair never.
Rule 2: what a guardrail refused does not go there.
Rule 3: a session is compacted only while it ends where a response of the model ends, and only on the run's way on.
"""

from __future__ import annotations

from . import facts as f
from . import history as h
from .effects import CompactSession, SaveSession
from .state import CallPhase, Phase, State


def due_work(state: State) -> SaveSession | CompactSession | None:
    """What the session has to do where a run stands still between two steps: an addition, then its compaction."""
    if not state.has_session or state.is_load_due:
        return None
    if state.is_compaction_due:
        return CompactSession(f"t{state.turn}/session/{state.batches}/compact", state.response_id)
    if not state.unsaved:
        return None
    # The same effect until the session has acknowledged it.
    batch = state.batches if state.is_saving else state.batches + 1
    return SaveSession(f"t{state.turn}/session/{batch}", batch)


def ends_with_response(state: State) -> bool:
    """Whether a session that has all of the run ends with a response: nothing was answered to it, or put behind it.

    The server knows such a response with all that it was shown. Outputs of its calls it knows with the next one.
    """
    is_followed = state.proposed is not None and state.proposed.item is not None
    return state.turn > 0 and not state.calls and not is_followed


def last_batch(state: State, closing: f.RunFinished | f.RunFailed | f.RunCancelled) -> list[f.Json]:
    """What a run that is about to end otherwise than by its output still owes to its session."""
    if not state.has_session or state.is_saving or state.is_load_due or not isinstance(closing, f.RunFailed):
        return []
    if state.tripped is not None:
        return _kept_of_refused(state) if state.tripped_stage == "output" else []
    if state.phase is Phase.CALLS and not state.guards:
        return [*state.unsaved, *_settled_pairs(state)]
    if state.phase is Phase.FINISHING:
        return list(state.unsaved)
    return []


def _settled_pairs(state: State) -> list[f.Json]:
    """Of a turn that failed: the calls that were answered, each with its output behind all of them."""
    settled = {call_id: call for call_id, call in state.calls.items() if call.phase is CallPhase.SETTLED}
    if not settled:
        return []
    made = [item for item in state.turn_output if h.made_call(item) in settled]
    return [*made, *(call.output for call in settled.values())]


def _kept_of_refused(state: State) -> list[f.Json]:
    """Of a final turn whose output a guardrail refused: calls that were carried out, unless they belong to reasoning."""
    refused = {id(item) for item in state.turn_output}
    if any(item.get("type") == "reasoning" for item in state.turn_output):
        outputs = {id(call.output) for call in state.calls.values()}
        return [item for item in state.unsaved if id(item) not in refused and id(item) not in outputs]
    return [item for item in state.unsaved if id(item) not in refused or h.made_call(item) in state.calls]
