"""Facts: what has happened in a run, in order. The log holds nothing else.

Rule 1: a fact is frozen, JSON-shaped and named in the past tense.
Rule 2: a fact carries no Python object of a user, a model or a provider.
Rule 3: an ephemeral fact is for readers only: folding ignores it and it may be dropped.
Rule 4: a new kind of fact is a class here, a row in `_core.state.LEGAL` and a fold in `_core.evolve`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NewType, TypeAlias

Json: TypeAlias = Any
"""None, bool, int, float, str, or lists and string-keyed dicts of these."""

CallId = NewType("CallId", str)
AgentKey = NewType("AgentKey", str)
"""An agent's name, with `#2`, `#3` … behind it where several agents of a run share one."""

CallKind: TypeAlias = Literal["function", "handoff", "hosted", "unknown"]
"""What settles a call: a tool of ours, another agent, an answer that lets the model's server make it, or nothing."""

CallForm: TypeAlias = Literal["function", "custom", "mcp", "computer", "local_shell", "shell", "apply_patch"]
"""Which kind of item a call is, and so which kind of item answers it."""

IN_SEQUENCE: frozenset[CallForm] = frozenset({"computer", "local_shell", "shell", "apply_patch"})
"""The forms whose calls act on one machine: each builds on what those before it in the response have done."""

InDoubt: TypeAlias = Literal["retry", "ask", "fail"]
CancelMode: TypeAlias = Literal["immediate", "after_turn"]
OutputSource: TypeAlias = Literal["message", "tool", "handler"]
AnswerReason: TypeAlias = Literal["approved", "rejected", "supplied", "unknown_tool", "second_handoff"]
FailureKind: TypeAlias = Literal["max_turns", "model_refusal", "invalid_final_output", "error"]


@dataclass(frozen=True, slots=True)
class ErrorData:
    """An exception in a form that survives a process: its class and its text."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class UsageData:
    """Requests and tokens of one model response."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Guard:
    """One guardrail that a run has to pass. `id` is unique in the run."""

    id: str
    name: str
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the model asked for and that is ours to settle."""

    id: CallId
    kind: CallKind
    name: str
    arguments: str
    needs_approval: bool = False
    """Whether somebody has to be asked; who that is, and whether at all, is an effect's business."""

    read_only: bool = False
    on_in_doubt: InDoubt = "ask"
    schema: str = ""
    """The fingerprint of the schema of arguments that the model was shown; empty where there was none."""

    form: CallForm = "function"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call somewhere below, about which somebody has to decide."""

    path: tuple[str, ...]
    agent: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A standing decision: which calls it covers, and what becomes of them."""

    id: str
    agent: str
    """The name of the agent that owns the calls."""

    tool: str
    approved: bool
    message: str | None = None
    where: dict[str, Json] | None = None
    """Conditions on arguments, by name; None covers all. See `agents.approvals.matches`."""

    uses: int | None = None
    """How many calls it covers in all; None is no limit."""

    until_ms: int | None = None

    form: CallForm = "function"
    """The form of the calls that it covers: tools of several forms may share a name."""


# --- the run ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Opens a log. Whatever decisions depend on is named here, so that the log alone suffices."""

    agent: AgentKey
    input: Json
    max_turns: int | None = 10
    guards: tuple[Guard, ...] = ()
    start_hook: bool = False
    handlers: tuple[FailureKind, ...] = ()
    max_concurrent_tools: int | None = None
    start_tools_early: bool = False
    server_managed: bool = False
    chained: bool = False
    """Whether each model call names the response before it (`previous_response_id`)."""

    previous_response_id: str | None = None
    conversation_id: str | None = None
    session: bool = False
    """Whether a session keeps the conversation: its history is due before anything else."""


@dataclass(frozen=True, slots=True)
class RunResumed:
    """Another process, or another call, took the run up again. What was in flight is in doubt."""

    epoch: int
    handlers: tuple[FailureKind, ...] | None = None
    """The error handlers of the caller who resumed it, in the place of the earlier ones; None keeps those."""

    max_concurrent_tools: int | None = None
    """The limit of the caller who resumed it."""

    session: bool = False
    """Whether that caller gave a session: what it does not have yet goes there from here on."""


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody asked the run to stop, now or at the end of the turn."""

    mode: CancelMode


@dataclass(frozen=True, slots=True)
class InputAdded:
    """The caller added input while the run stood still; the next model call sees it, after what was pending."""

    items: list[Json]


@dataclass(frozen=True, slots=True)
class ToolUseStated:
    """Somebody said which agents have used which tools, instead of what the calls say."""

    tools: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class SessionLoaded:
    """A session's history was read. `history` is what the model sees of it and of the input, `new` is to be saved."""

    history: list[Json]
    new: list[Json]
    hides: bool = False
    """Whether the session holds more than the model sees: a limit or a call-back left something out."""


@dataclass(frozen=True, slots=True)
class SessionSaveBegun:
    """What a session does not have yet is about to be added, in one call. Unacknowledged is in doubt after a crash."""

    batch: int
    """Counts from 1 in the run."""


@dataclass(frozen=True, slots=True)
class SessionSaved:
    """The session has a batch of items."""

    batch: int
    items: int
    may_compact: bool = False
    """Whether the session is now to be asked to compact its history."""


@dataclass(frozen=True, slots=True)
class SessionCompacted:
    """The session was asked to compact its history, and has done so, or seen that it is not worth it."""

    usage: UsageData = UsageData()
    error: ErrorData | None = None
    """Why it could not; it has the history that it had."""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run has its final output."""

    output: Json


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run ended with an error."""

    error: ErrorData


@dataclass(frozen=True, slots=True)
class RunCancelled:
    """The run was stopped on request. What had been settled stays."""

    mode: CancelMode


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """An effect raised. Nothing of it is settled."""

    effect: str
    error: ErrorData
    kind: FailureKind = "error"


@dataclass(frozen=True, slots=True)
class HandlerDeclined:
    """The error handler for this kind of failure gave no output."""

    kind: FailureKind


@dataclass(frozen=True, slots=True)
class HookSettled:
    """The hooks of a moment have run. `moment` is the id of its effect."""

    moment: str


@dataclass(frozen=True, slots=True)
class GuardrailChecked:
    """A guardrail of the run's input or final output gave its verdict."""

    guard: str
    name: str
    stage: Literal["input", "output"]
    tripped: bool
    info: Json = None


# --- a turn ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A model call is due. Turns count from 1."""

    turn: int
    agent: AgentKey


@dataclass(frozen=True, slots=True)
class ModelRequested:
    """The model is being asked. `attempt` counts from 1 in each turn."""

    turn: int
    attempt: int
    hides: bool = False
    """Whether it is not shown all of the history: a filter left something out. Told where a session may compact."""


@dataclass(frozen=True, slots=True)
class ModelDelta:
    """Ephemeral: one event of the model's stream."""

    turn: int
    event: Json


@dataclass(frozen=True, slots=True)
class AttemptReset:
    """What was streamed in this turn so far is void: the model is asked anew."""

    turn: int
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class CallProposed:
    """A call's arguments are complete, while the response still streams."""

    turn: int
    call: Call


@dataclass(frozen=True, slots=True)
class ModelResponded:
    """The model's whole answer, in its own order, as it will be replayed to a model."""

    turn: int
    output: list[Json]
    calls: tuple[Call, ...] = ()
    usage: UsageData = UsageData()
    response_id: str | None = None
    end_hook: bool = False
    tools_may_end: bool = False
    """Whether the outputs of this turn's tools may be the final output."""


@dataclass(frozen=True, slots=True)
class ModelInterrupted:
    """The model call was cut short: what it had given. Neither replayed to a model nor saved."""

    turn: int
    output: list[Json]
    usage: UsageData = UsageData()


@dataclass(frozen=True, slots=True)
class OutputProposed:
    """There is a candidate for the final output; its guardrails and hooks are due."""

    source: OutputSource
    output: Json
    guards: tuple[Guard, ...] = ()
    end_hook: bool = False
    item: Json = None
    """A message made for the output of an error handler, when it belongs to the history."""


@dataclass(frozen=True, slots=True)
class OutputDeferred:
    """What the turn gave is no final output: another turn is due."""

    turn: int


# --- a call ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """A call waits for a decision from outside."""

    call: CallId
    schema: str = ""
    """The fingerprint of the schema that the arguments are judged by, where it is not that of the call."""


@dataclass(frozen=True, slots=True)
class ApprovalWaived:
    """A call that might have needed a decision needs none."""

    call: CallId


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """Somebody, or a standing rule, decided about a call. May be replaced until the call is claimed."""

    call: CallId
    approved: bool
    message: str | None = None
    """What the model is told of a rejection; None for the default text."""

    arguments: str | None = None
    """What the tool runs with instead of the model's arguments, which history keeps."""

    output: Json = None
    """The input item that answers the call, when its result was made outside; the tool does not run."""

    by: str | None = None
    """Who decided, in the caller's own terms."""

    at_ms: int | None = None
    expires_at_ms: int | None = None
    rule: str | None = None
    """The id of the standing rule that decided, if one did."""


@dataclass(frozen=True, slots=True)
class RuleStated:
    """From now on, calls like this are decided without asking."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class ToolPaused:
    """A tool waits for decisions about calls nested in it; it is claimed anew when the run is resumed."""

    call: CallId
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolClaimed:
    """A tool is about to run. Claimed and not settled is in doubt after a crash."""

    call: CallId
    name: str


@dataclass(frozen=True, slots=True)
class ToolProgressed:
    """Ephemeral: a running tool told how far it is."""

    call: CallId
    progress: Json


@dataclass(frozen=True, slots=True)
class ToolGuardrailChecked:
    """A guardrail of one tool call gave its verdict."""

    call: CallId
    name: str
    stage: Literal["input", "output"]
    behavior: Literal["allow", "reject_content", "raise_exception"]
    info: Json = None


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool is done. `output` is the input item that answers the call."""

    call: CallId
    name: str
    output: Json
    duration_ms: float = 0.0
    end_hook: bool = False


@dataclass(frozen=True, slots=True)
class ToolFailed:
    """A tool raised. With an `output` the model is told; without, the run fails."""

    call: CallId
    name: str
    error: ErrorData
    output: Json = None
    duration_ms: float = 0.0
    end_hook: bool = False


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """A call was settled without running anything: rejected, unknown, a second handoff, or left to the server."""

    call: CallId
    name: str
    output: Json
    reason: AnswerReason


@dataclass(frozen=True, slots=True)
class HandedOff:
    """Another agent takes over from the next turn on."""

    call: CallId
    source: AgentKey
    agent: AgentKey
    output: Json
    history: list[Json] | None = None
    """What the next model call sees instead of the history so far, where a filter said so."""

    hook: bool = False
    start_hook: bool = False


Fact: TypeAlias = (
    RunStarted
    | RunResumed
    | CancelRequested
    | InputAdded
    | ToolUseStated
    | SessionLoaded
    | SessionSaveBegun
    | SessionSaved
    | SessionCompacted
    | RunFinished
    | RunFailed
    | RunCancelled
    | EffectFailed
    | HandlerDeclined
    | HookSettled
    | GuardrailChecked
    | TurnStarted
    | ModelRequested
    | ModelDelta
    | AttemptReset
    | CallProposed
    | ModelResponded
    | ModelInterrupted
    | OutputProposed
    | OutputDeferred
    | ApprovalRequested
    | ApprovalWaived
    | ApprovalDecided
    | RuleStated
    | ToolClaimed
    | ToolProgressed
    | ToolPaused
    | ToolGuardrailChecked
    | ToolReturned
    | ToolFailed
    | CallAnswered
    | HandedOff
)

EPHEMERAL: frozenset[type] = frozenset({ModelDelta, ToolProgressed})
TERMINAL: frozenset[type] = frozenset({RunFinished, RunFailed, RunCancelled})


def _kind_of(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The names under which facts stand in a serialized log."""

    by_kind: dict[str, type[Any]] = field(default_factory=dict[str, type[Any]])
    by_type: dict[type[Any], str] = field(default_factory=dict[type[Any], str])


def _kinds() -> _Kinds:
    kinds = _Kinds()
    for fact_type in Fact.__args__:
        kind = _kind_of(fact_type.__name__)
        kinds.by_kind[kind] = fact_type
        kinds.by_type[fact_type] = kind
    return kinds


KINDS = _kinds()
