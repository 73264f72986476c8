"""The folded state of a run, and the small machines inside it.

Rule 1: every legal transition stands in the tables of this file; the diagrams in the docs are drawn from them.
Rule 2: this file knows nothing of models, tools, sessions or asyncio.
Rule 3: a `State` has one owner, who folds facts into it. Nobody else changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Literal

from . import facts as f
from .effects import RunHook


class Phase(Enum):
    """Where a run stands."""

    # Members are compared by identity; the name's hash would be computed in Python, for every fact.
    __hash__ = object.__hash__

    NEW = "new"
    READY = "ready"
    MODEL = "model"
    CALLS = "calls"
    SETTLED = "settled"
    FINISHING = "finishing"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CallPhase(Enum):
    """Where one call stands."""

    __hash__ = object.__hash__

    PROPOSED = "proposed"
    ASKED = "asked"
    ALLOWED = "allowed"
    DENIED = "denied"
    CLAIMED = "claimed"
    PAUSED = "paused"
    IN_DOUBT = "in doubt"
    SETTLED = "settled"
    FAILED = "failed"


class IllegalFact(Exception):  # the name of the concept, as in the docs
    """A fact that the run does not accept where it stands: a bug of ours, or a foreign log."""

    def __init__(self, where: Enum | str, fact: f.Fact) -> None:
        name = where.name if isinstance(where, Enum) else where
        super().__init__(f"{type(fact).__name__} is not legal in {name}")
        self.where = where
        self.fact = fact


_ANYWHERE = frozenset(
    {
        f.RunResumed,
        f.CancelRequested,
        f.EffectFailed,
        f.HandlerDeclined,
        f.HookSettled,
        f.GuardrailChecked,
        f.InputAdded,
        f.RuleStated,
        f.ToolUseStated,
        f.SessionSaveBegun,
        f.SessionSaved,
        f.SessionCompacted,
        f.ToolProgressed,
        f.RunFailed,
        f.RunCancelled,
    }
)
_CALL_MOVES = frozenset(
    {
        f.ApprovalRequested,
        f.ApprovalWaived,
        f.ApprovalDecided,
        f.ToolClaimed,
        f.ToolPaused,
        f.ToolGuardrailChecked,
        f.ToolReturned,
        f.ToolFailed,
    }
)

#: Which facts each phase of the run accepts.
LEGAL: Mapping[Phase, frozenset[type]] = MappingProxyType(
    {
        Phase.NEW: frozenset({f.RunStarted}),
        Phase.READY: _ANYWHERE | {f.TurnStarted, f.OutputProposed, f.SessionLoaded},
        Phase.MODEL: _ANYWHERE
        | _CALL_MOVES
        | {
            f.ModelRequested,
            f.ModelDelta,
            f.AttemptReset,
            f.CallProposed,
            f.ModelResponded,
            f.ModelInterrupted,
        },
        Phase.CALLS: _ANYWHERE | _CALL_MOVES | {f.CallAnswered, f.HandedOff},
        Phase.SETTLED: _ANYWHERE | {f.TurnStarted, f.OutputProposed, f.OutputDeferred},
        Phase.FINISHING: _ANYWHERE | {f.RunFinished},
        Phase.FINISHED: frozenset(),
        Phase.FAILED: frozenset(),
        # What a cancelled run asked about can be decided before it is resumed.
        Phase.CANCELLED: frozenset({f.RunResumed, f.ApprovalDecided, f.RuleStated}),
    }
)

#: The facts that move the run, from where to where. A run ends in FAILED or CANCELLED from anywhere.
RUN_MOVES: Mapping[type, Mapping[Phase, frozenset[Phase]]] = MappingProxyType(
    {
        f.RunStarted: {Phase.NEW: frozenset({Phase.READY})},
        f.TurnStarted: {
            Phase.READY: frozenset({Phase.MODEL}),
            Phase.SETTLED: frozenset({Phase.MODEL}),
        },
        f.ModelResponded: {Phase.MODEL: frozenset({Phase.CALLS, Phase.SETTLED})},
        # The last call that is settled settles the turn.
        f.ToolReturned: {Phase.CALLS: frozenset({Phase.SETTLED})},
        f.ToolFailed: {Phase.CALLS: frozenset({Phase.SETTLED})},
        f.CallAnswered: {Phase.CALLS: frozenset({Phase.SETTLED})},
        f.HandedOff: {Phase.CALLS: frozenset({Phase.SETTLED})},
        f.OutputDeferred: {Phase.SETTLED: frozenset({Phase.READY})},
        f.OutputProposed: {
            Phase.READY: frozenset({Phase.FINISHING}),
            Phase.SETTLED: frozenset({Phase.FINISHING}),
        },
        f.RunFinished: {Phase.FINISHING: frozenset({Phase.FINISHED})},
        # A cancelled run is taken up where it stood.
        f.RunResumed: {
            Phase.CANCELLED: frozenset(
                {Phase.READY, Phase.MODEL, Phase.CALLS, Phase.SETTLED, Phase.FINISHING}
            )
        },
    }
)

#: How a fact about a call moves it. A fact that is not here for the call's phase is illegal.
CALL_MOVES: Mapping[type, Mapping[CallPhase, CallPhase]] = MappingProxyType(
    {
        f.ApprovalRequested: {
            CallPhase.PROPOSED: CallPhase.ASKED,
            CallPhase.IN_DOUBT: CallPhase.ASKED,
            # A decision that does not hold any more.
            CallPhase.ALLOWED: CallPhase.ASKED,
            CallPhase.DENIED: CallPhase.ASKED,
        },
        f.ApprovalWaived: {CallPhase.PROPOSED: CallPhase.ALLOWED},
        f.ToolClaimed: {CallPhase.ALLOWED: CallPhase.CLAIMED, CallPhase.IN_DOUBT: CallPhase.CLAIMED},
        f.ToolPaused: {CallPhase.CLAIMED: CallPhase.PAUSED},
        f.ToolGuardrailChecked: {CallPhase.CLAIMED: CallPhase.CLAIMED},
        f.ToolReturned: {CallPhase.CLAIMED: CallPhase.SETTLED},
        f.ToolFailed: {CallPhase.CLAIMED: CallPhase.SETTLED, CallPhase.IN_DOUBT: CallPhase.SETTLED},
        f.CallAnswered: {CallPhase.ALLOWED: CallPhase.SETTLED, CallPhase.DENIED: CallPhase.SETTLED},
        f.HandedOff: {CallPhase.ALLOWED: CallPhase.SETTLED},
    }
)

#: How a `ToolFailed` without an output moves a call: the model is not told, the run fails.
CALL_FAILURES: Mapping[CallPhase, CallPhase] = MappingProxyType(
    {CallPhase.CLAIMED: CallPhase.FAILED, CallPhase.IN_DOUBT: CallPhase.FAILED}
)

#: How a decision moves a call, by whether the tool is to run. It may be replaced until the call is claimed.
CALL_DECISIONS: Mapping[bool, Mapping[CallPhase, CallPhase]] = MappingProxyType(
    {
        True: dict.fromkeys((CallPhase.ASKED, CallPhase.ALLOWED, CallPhase.DENIED), CallPhase.ALLOWED),
        False: dict.fromkeys((CallPhase.ASKED, CallPhase.ALLOWED, CallPhase.DENIED), CallPhase.DENIED),
    }
)

#: How `RunResumed` moves a call: whether what was running took effect is not known. Of a call that stood waiting for
#: calls nested in it, nothing was done: it is taken up again.
CALL_RESUMPTIONS: Mapping[CallPhase, CallPhase] = MappingProxyType(
    {CallPhase.CLAIMED: CallPhase.IN_DOUBT, CallPhase.PAUSED: CallPhase.ALLOWED}
)

#: Where a call begins: by whether somebody may have to be asked. What needs no question costs no fact.
CALL_STARTS: Mapping[bool, CallPhase] = MappingProxyType({True: CallPhase.PROPOSED, False: CallPhase.ALLOWED})

#: Phases from which a run does not move any more.
CLOSED: frozenset[Phase] = frozenset({Phase.FINISHED, Phase.FAILED, Phase.CANCELLED})


@dataclass(slots=True)
class CallState:
    """One call of the current turn."""

    call: f.Call
    phase: CallPhase = CallPhase.PROPOSED
    output: f.Json = None
    decision: f.ApprovalDecided | None = None
    """The latest decision about the call."""

    is_consumed: bool = False
    """Whether the call has been claimed on that decision; another one counts only once somebody is asked anew."""

    is_in_doubt: bool = False
    """Whether somebody was asked because it is not known what became of the call."""

    asked_schema: str = ""
    """The schema by which somebody was asked, where it was another than the model's."""

    @property
    def is_asked_about(self) -> bool:
        """Whether a decision about the call would count: nobody has decided yet, or the decision is not consumed."""
        if self.phase is CallPhase.ASKED:
            return True
        is_open = self.phase is CallPhase.ALLOWED or self.phase is CallPhase.DENIED
        return is_open and self.decision is not None and not self.is_consumed

    @property
    def schema(self) -> str:
        """The fingerprint of the schema by which the arguments have been judged."""
        return self.asked_schema or self.call.schema

    @property
    def arguments(self) -> str:
        """What the tool runs with: the model's arguments, or those that somebody put in their place."""
        decided = self.decision
        return self.call.arguments if decided is None or decided.arguments is None else decided.arguments


@dataclass(slots=True)
class Failure:
    """What stands between the run and its end."""

    kind: f.FailureKind
    error: f.ErrorData
    declined: bool = False


@dataclass(slots=True)
class State:
    """Everything that decisions depend on; the fold of a run's facts.

    `history` is what the next model call sees: JSON-shaped input items, in model order, an output never before
    its call. It only grows, but for a handoff whose filter replaces it.
    """

    phase: Phase = Phase.NEW
    start: f.RunStarted | None = None
    agent: f.AgentKey = field(default_factory=lambda: f.AgentKey(""))
    turn: int = 0
    attempt: int = 0
    epoch: int = 0
    handlers: tuple[f.FailureKind, ...] = ()
    max_concurrent_tools: int | None = None
    cancel: f.CancelMode | None = None
    history: list[f.Json] = field(default_factory=list[f.Json])
    pending_input: list[f.Json] = field(default_factory=list[f.Json])
    """Input that joins the history with the next turn."""

    has_session: bool = False
    is_load_due: bool = False
    """Whether the session's history has still to be read."""

    turn_output: list[f.Json] = field(default_factory=list[f.Json])
    """The current turn's response."""

    unsaved: list[f.Json] = field(default_factory=list[f.Json])
    """What belongs into a session and is not there: input, and turns that are settled. In the order of the run."""

    batches: int = 0
    """How many additions to the session were begun."""

    is_saving: bool = False
    """Whether the last of them has not been acknowledged."""

    is_save_in_doubt: bool = False
    """Whether nobody knows what became of it: its process is gone."""

    is_compaction_due: bool = False
    """Whether the session has to be asked to compact its history, now that it has a batch."""

    hides_history: bool = False
    """Whether the session holds more than the run: what was read of it, or handed over, leaves something out."""

    hides_input: bool = False
    """Whether the latest model call was not shown all of the history."""

    response_id: str | None = None
    """The latest response, by the id that its server gave it."""

    sent: int = 0
    """How much of `history` the server keeps, when it manages the conversation."""

    previous_response_id: str | None = None
    calls: dict[f.CallId, CallState] = field(default_factory=dict[f.CallId, CallState])
    past_calls: dict[f.CallId, str] = field(default_factory=dict[f.CallId, str])
    """Calls of earlier turns, by id, as `name(arguments)`: an id stands for one call in the whole run."""

    hooks: dict[str, RunHook] = field(default_factory=dict[str, RunHook])
    """Moments whose hooks have not been awaited yet, by effect id, in the order they came."""

    guards: dict[str, f.Guard] = field(default_factory=dict[str, f.Guard])
    """Guardrails without a verdict, by id."""

    rules: dict[str, f.Rule] = field(default_factory=dict[str, f.Rule])
    """Standing decisions, by id, in the order in which they were made."""

    stopped_in: Phase | None = None
    """Where the run stood when it was cancelled."""

    tripped: str | None = None
    tripped_stage: str = ""
    failure: Failure | None = None
    proposed: f.OutputProposed | None = None
    judge: Literal["message", "tool"] | None = None
    """Where a final output may be found once the turn is settled; None when another turn is due anyway."""

    used_tools: set[f.AgentKey] = field(default_factory=set[f.AgentKey])
    partial: list[f.Json] = field(default_factory=list[f.Json])
    usage: f.UsageData = field(default_factory=f.UsageData)
    output: f.Json = None
    error: f.ErrorData | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the run has ended, one way or another."""
        return self.phase in CLOSED
