"""Decisions about calls that wait for one, and standing rules that decide without asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from ._lazy import lazy_module
from .exceptions import UserError

if TYPE_CHECKING:
    from . import items as _items
else:
    _items = lazy_module("agents.items")


class DecisionError(UserError):
    """A decision that cannot be taken: about a call that is unknown or settled, or one that has expired."""


class RunAlreadyResumed(UserError):
    """Somebody else has resumed this state over the same log; nothing was done here. Read that run's log instead."""

    def __init__(self, run_id: str, epoch: int) -> None:
        self.run_id = run_id
        self.epoch = epoch
        super().__init__(
            f"run {run_id} was resumed already as epoch {epoch}: read its log, or load its newest state"
        )


class StateTampered(UserError):
    """A signed state was changed on its way, or signed with another key. Do not resume it."""


class NestedPause(BaseException):
    """A run that a tool started waits for decisions: the tool is to be taken up again when they are there.

    No exception of the tool's: whatever handles a tool's failures must not see it.
    """

    def __init__(self, items: list[Any]) -> None:
        super().__init__("a nested run waits for decisions")
        self.items = items


@dataclass(frozen=True)
class Approve:
    """Let the call run; with `arguments`, run it with these instead of the model's, which history keeps."""

    arguments: Mapping[str, Any] | None = None
    by: str | None = field(default=None, kw_only=True)
    expires_at: datetime | None = field(default=None, kw_only=True)
    """After this time the decision is not taken any more: the call must be decided anew."""


@dataclass(frozen=True)
class Reject:
    """Do not run the call; the model is told `reason`, or a default text."""

    reason: str | None = None
    by: str | None = field(default=None, kw_only=True)
    expires_at: datetime | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Supply:
    """Do not run the call: it was done outside, and this is what came of it."""

    output: str
    by: str | None = field(default=None, kw_only=True)
    expires_at: datetime | None = field(default=None, kw_only=True)


Decision: TypeAlias = Approve | Reject | Supply


@dataclass(frozen=True, kw_only=True)
class RuleScope:
    """Which further calls of the same agent to the same tool a standing decision covers; by default all."""

    where: Mapping[str, Any] | None = None
    """Conditions that their arguments must fulfil; see `matches`."""

    uses: int | None = None
    until: datetime | None = None

    @classmethod
    def of(
        cls, *, always: bool, where: Mapping[str, Any] | None, uses: int | None, until: datetime | None
    ) -> RuleScope | None:
        """The scope that arguments of `approve` and `reject` mean; None when they mean this one call."""
        if not always and where is None and uses is None and until is None:
            return None
        if uses is not None and uses < 1:
            raise UserError(f"uses must be at least 1, got {uses}")
        if until is not None and not isinstance(cast("object", until), datetime):
            raise UserError(f"until must be a datetime, got {type(until).__name__}")
        return cls(where=where, uses=uses, until=until)


class Desk(Protocol):
    """Where a run that goes on is decided about."""

    def decide(
        self, item: _items.ToolApprovalItem, decision: Decision, scope: RuleScope | None = None
    ) -> None:
        """Decide about a call that waits."""
        ...

    def status(self, call_id: str) -> bool | None:
        """Whether a call was approved; None when that is open."""
        ...

    def rejection_message(self, call_id: str) -> str | None:
        """What the model is told of a rejected call, where somebody said so."""
        ...


_CONDITIONS = frozenset({"min", "max", "in", "equals"})


def check_conditions(where: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of a standing rule, once they are sure to be understood.

    Raises:
        UserError: a condition that does not exist.
    """
    for name, condition in where.items():
        if isinstance(condition, Mapping):
            _check_limits(name, cast("Mapping[str, Any]", condition))
            unknown = set(cast("Mapping[str, Any]", condition)) - _CONDITIONS
            if unknown:
                raise UserError(
                    f"Unknown condition on argument {name!r}: {', '.join(sorted(unknown))}. There are "
                    f"{', '.join(sorted(_CONDITIONS))}; a plain value must be equal."
                )
    return dict(where)


def _check_limits(name: str, condition: Mapping[str, Any]) -> None:
    for limit in ("min", "max"):
        if limit in condition and not _is_number(condition[limit]):
            raise UserError(f"{limit} on argument {name!r} must be a number, got {condition[limit]!r}")
    if "in" in condition and not isinstance(condition["in"], list | tuple | set | frozenset):
        raise UserError(f"in on argument {name!r} must be a list of values, got {condition['in']!r}")


def matches(where: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether arguments fulfil every condition.

    A condition is a plain value, which must be equal, or a mapping with `min`,
    `max` (both included), `in` or `equals`. An argument that is not there, or
    that cannot be compared, fulfils none.
    """
    return all(
        name in arguments and _fulfils(arguments[name], condition) for name, condition in where.items()
    )


def _fulfils(value: Any, condition: Any) -> bool:
    if not isinstance(condition, Mapping):
        return _equal(value, condition)
    tests = cast("Mapping[str, Any]", condition)
    try:
        return (
            ("min" not in tests or (_is_number(value) and value >= tests["min"]))
            and ("max" not in tests or (_is_number(value) and value <= tests["max"]))
            and ("in" not in tests or any(_equal(value, one) for one in tests["in"]))
            and ("equals" not in tests or _equal(value, tests["equals"]))
        )
    except TypeError:
        return False


def _equal(left: Any, right: Any) -> bool:
    # JSON knows booleans from numbers; Python's == does not.
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
