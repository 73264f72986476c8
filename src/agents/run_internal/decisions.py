"""Decisions as facts, for states and for runs that go on; and the desk at which a run that goes on is decided."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core.history import call_output
from agents._core.state import CallPhase, CallState, IllegalFact, State
from agents.approvals import (
    Approve,
    Decision,
    DecisionError,
    Reject,
    RuleScope,
    Supply,
    check_conditions,
    matches,
)
from agents.exceptions import ModelBehaviorError, UserError

from .executors import READERS
from .interpret import has_safety_checks

if TYPE_CHECKING:
    from agents.items import ToolApprovalItem
    from agents.log import Path

    from .run_loop import Run


def milliseconds(at: datetime) -> int:
    """A time as records have it; one without a zone is taken as local."""
    return round(at.timestamp() * 1000)


def now_ms() -> int:
    """Now, as records have it."""
    return milliseconds(datetime.now(UTC))


def decided(call: f.Call, decision: Decision) -> f.ApprovalDecided:
    """The fact that somebody decides about a call, now.

    Raises:
        DecisionError: the decision holds something that no record can hold, or calls of this form take none like it.
    """
    _check(decision)
    _check_form(call, decision)
    call_id = call.id
    edited: Mapping[str, Any] | None = decision.arguments if isinstance(decision, Approve) else None
    return f.ApprovalDecided(
        call_id,
        approved=not isinstance(decision, Reject),
        message=decision.reason if isinstance(decision, Reject) else None,
        arguments=None if edited is None else json.dumps(dict(edited)),
        output=call_output(call_id, decision.output, call.form) if isinstance(decision, Supply) else None,
        by=decision.by,
        at_ms=now_ms(),
        expires_at_ms=None if decision.expires_at is None else milliseconds(decision.expires_at),
    )


_HELD: tuple[tuple[type[Any], str, tuple[type, ...], str], ...] = (
    (Approve, "arguments", (Mapping, type(None)), "a mapping"),
    (Reject, "reason", (str, type(None)), "a text"),
    (Supply, "output", (str,), "a text, as the model is to read it"),
)
"""What each kind of decision may hold."""


def _check(decision: Any) -> None:
    kind, name, kinds, wanted = next(
        (row for row in _HELD if isinstance(decision, row[0])), (None, "", (object,), "")
    )
    if kind is None:
        raise DecisionError(
            f"a decision is an Approve, a Reject or a Supply, got {type(decision).__name__}: decide anew"
        )
    value = getattr(decision, name)
    if not isinstance(value, kinds):
        raise DecisionError(f"{kind.__name__}: {name} must be {wanted}, got {type(value).__name__}")
    if not isinstance(decision.expires_at, datetime | None):
        raise DecisionError(f"expires_at must be a datetime, got {type(decision.expires_at).__name__}")


def is_named(call: f.Call) -> bool:
    """Whether it is known what a call is for; a model's server may leave label or name of an MCP tool empty."""
    return call.form != "mcp" or all(call.name.partition("."))


def _check_form(call: f.Call, decision: Decision) -> None:
    if isinstance(decision, Supply) and call.form == "mcp":
        raise DecisionError(
            f"call {call.id!r} of {call.name!r} is made by the model's server, which takes no result from outside: "
            "approve or reject it"
        )
    if not isinstance(decision, Approve) or decision.arguments is None:
        return
    if call.form in ("mcp", "custom"):
        raise DecisionError(
            f"call {call.id!r} of {call.name!r} has no arguments that can be edited here: approve it as it is, or "
            "reject it with a reason"
        )
    read = READERS.get(call.form)
    try:
        if read is not None:
            read(None, call.id, json.dumps(dict(decision.arguments)), None)
    except ModelBehaviorError as error:
        raise DecisionError(
            f"the edited arguments of call {call.id!r} are none of {call.name!r}: {error}"
        ) from error


def has_expired(decision: f.ApprovalDecided | None) -> bool:
    """Whether a decision held for a time only, and that is over."""
    return decision is not None and decision.expires_at_ms is not None and decision.expires_at_ms < now_ms()


def stated(state: State, call_id: f.CallId, decision: Approve | Reject, scope: RuleScope) -> f.RuleStated:
    """The fact that calls like this one are decided so from now on.

    Raises:
        UserError: what the call is for has no complete name.
    """
    where = scope.where
    call = state.calls[call_id].call
    if not is_named(call):
        raise UserError(
            f"a standing decision about call {call_id!r} of an MCP server needs a non-empty server_label and tool "
            "name, and the model gave none: decide about this one call"
        )
    rule = f.Rule(
        f"rule_{uuid.uuid4().hex}",
        str(state.agent).partition("#")[0],
        call.name,
        isinstance(decision, Approve),
        decision.reason if isinstance(decision, Reject) else None,
        where=None if where is None else check_conditions(where),
        uses=scope.uses,
        until_ms=None if scope.until is None else milliseconds(scope.until),
        form=call.form,
    )
    return f.RuleStated(rule)


def plain_arguments(text: str) -> dict[str, Any] | None:
    """A call's arguments when they are a JSON object of finite values, else None."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    def finite(number: str) -> float:
        value = float(number)
        return value if math.isfinite(value) else refuse(number)

    try:
        arguments: object = json.loads(text or "{}", parse_constant=refuse, parse_float=finite)
    except ValueError:
        return None
    return cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else None


def covers(rule: f.Rule, agent: str, call: f.Call, used: int) -> bool:
    """Whether a standing rule that has been used so often decides about a call of an agent."""
    if rule.agent != agent or rule.tool != call.name or rule.form != call.form:
        return False
    if rule.uses is not None and used >= rule.uses:
        return False
    if rule.until_ms is not None and now_ms() > rule.until_ms:
        return False
    if rule.where is None:
        return True
    arguments = plain_arguments(call.arguments)
    return arguments is not None and matches(rule.where, arguments)


def covered(rule: f.Rule, state: State, used: int) -> list[f.ApprovalDecided]:
    """What a new rule that has been used so often decides of the calls that wait.

    Those in doubt aside; and an approval that has not seen a call acknowledges none of its safety checks.
    """
    agent = str(state.agent).partition("#")[0]
    facts: list[f.ApprovalDecided] = []
    for each in state.calls.values():
        # What may have been done is for a person to judge, each time.
        is_open = each.phase is CallPhase.ASKED and each.call.needs_approval and not each.is_in_doubt
        if rule.approved and each.call.form == "computer" and has_safety_checks(each.call.arguments):
            continue
        if is_open and covers(rule, agent, each.call, used + len(facts)):
            facts.append(
                f.ApprovalDecided(each.call.id, rule.approved, rule.message, at_ms=now_ms(), rule=rule.id)
            )
    return facts


class ApprovalDesk:
    """Where the calls of a run that goes on, and of the runs nested in it, are decided and asked about."""

    __slots__ = ("_root",)

    def __init__(self, root: Run) -> None:
        self._root = root

    def decide(self, item: ToolApprovalItem, decision: Decision, scope: RuleScope | None = None) -> None:
        """Decide about a call that waits; the run goes on at once.

        Raises:
            DecisionError: no run that goes on asks about this call.
        """
        run, call_id = self._asking(item)
        fact = decided(run.state.calls[call_id].call, decision)
        rule = None
        if scope is not None and not isinstance(decision, Supply):
            rule = stated(run.state, call_id, decision, scope)
        try:
            run.record(fact)
        except IllegalFact as error:
            raise DecisionError(f"call {call_id!r} cannot be decided any more: {error}") from error
        if rule is not None:
            self._root.record(rule)
            for waiting in list(self._root.open_runs.values()):
                for each in covered(rule.rule, waiting.state, self._root.rule_uses[rule.rule.id]):
                    waiting.record(each)

    def status(self, call_id: str) -> bool | None:
        """Whether a call was approved; None when it is not known or not decided."""
        call = self._call(call_id)
        if call is None or call.decision is None or call.phase is CallPhase.ASKED:
            return None
        return call.decision.approved

    def rejection_message(self, call_id: str) -> str | None:
        """What the model is told of a rejected call, where somebody said so."""
        call = self._call(call_id)
        return None if call is None or call.decision is None else call.decision.message

    def _call(self, call_id: str) -> CallState | None:
        for run in self._root.open_runs.values():
            call = run.state.calls.get(f.CallId(call_id))
            if call is not None:
                return call
        return None

    def _asking(self, item: ToolApprovalItem) -> tuple[Run, f.CallId]:
        path: Path = item.call_path
        run = self._root.open_runs.get(path[:-1]) if path else None
        if run is None or run.is_idle or f.CallId(path[-1]) not in run.state.calls:
            raise DecisionError(
                f"no run that goes on asks about call {item.call_id!r}: "
                "a run that has paused is decided in its state, result.to_state()"
            )
        return run, f.CallId(path[-1])
