"""Effects: what a run asks of the world. Each has an id that is stable over restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .facts import AgentKey, AnswerReason, Call, FailureKind, Guard

HookMoment: TypeAlias = Literal["agent_start", "llm_end", "tool_end", "handoff", "agent_end"]


@dataclass(frozen=True, slots=True)
class RunHook:
    """Await the hooks of one moment."""

    id: str
    moment: HookMoment
    agent: AgentKey
    subject: str = ""
    """The call of a tool's end or of a handoff."""


@dataclass(frozen=True, slots=True)
class CheckGuardrail:
    """Ask one guardrail about the run's input or its final output."""

    id: str
    guard: Guard
    stage: Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model for the turn's response."""

    id: str
    turn: int
    attempt: int


@dataclass(frozen=True, slots=True)
class CheckApproval:
    """Find out whether a call needs a decision from outside."""

    id: str
    call: Call


@dataclass(frozen=True, slots=True)
class ConfirmDecision:
    """Claim a call whose approval holds for a time only; ask anew when that time is over."""

    id: str
    call: Call


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a claimed tool."""

    id: str
    call: Call


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Settle a call without running anything."""

    id: str
    call: Call
    reason: AnswerReason


@dataclass(frozen=True, slots=True)
class TakeHandoff:
    """Let the handoff's own code run and find the next agent."""

    id: str
    call: Call


@dataclass(frozen=True, slots=True)
class ProposeOutput:
    """Find the final output in the turn's response or in its tools' outputs, if there is one."""

    id: str
    turn: int
    source: Literal["message", "tool"]


@dataclass(frozen=True, slots=True)
class HandleFailure:
    """Ask the caller's error handler for an output instead of the failure."""

    id: str
    kind: FailureKind


@dataclass(frozen=True, slots=True)
class LoadSession:
    """Read the session's history, and put the input behind it."""

    id: str


@dataclass(frozen=True, slots=True)
class SaveSession:
    """Add what the session does not have yet, in one call."""

    id: str
    batch: int


@dataclass(frozen=True, slots=True)
class CompactSession:
    """Have the session compact its history, if it is worth it."""

    id: str
    response_id: str | None
    """The response that ends where the session ends."""


Effect: TypeAlias = (
    RunHook
    | CheckGuardrail
    | CallModel
    | CheckApproval
    | ConfirmDecision
    | RunTool
    | AnswerCall
    | TakeHandoff
    | ProposeOutput
    | HandleFailure
    | LoadSession
    | SaveSession
    | CompactSession
)
