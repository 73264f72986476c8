"""What a run hands to the code it calls: the caller's own context, and the usage so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from ._lazy import lazy_module
from .usage import Usage

if TYPE_CHECKING:
    from . import approvals as _approvals
    from . import items as _items
else:
    _approvals = lazy_module("agents.approvals")
    _items = lazy_module("agents.items")

TContext = TypeVar("TContext", default=Any)


@dataclass(eq=False)
class RunContextWrapper(Generic[TContext]):
    """Carries the object given as `context` to hooks, guardrails, tools and dynamic instructions.

    It is never sent to a model. `usage` grows while the run goes on and stays
    right when the run fails or is cancelled.
    """

    context: TContext
    """The object that the caller passed to `Runner.run(..., context=...)`, or None."""

    usage: Usage = field(default_factory=Usage)
    """Requests and tokens of the run so far; nested agents add to the same object."""

    turn_input: list[_items.TResponseInputItem] = field(default_factory=list["_items.TResponseInputItem"])
    """The items that the current turn adds to the model's input."""

    tool_input: Any | None = None
    """The structured input, when this run was started by an agent used as a tool."""

    approval_desk: _approvals.Desk | None = field(default=None, init=False, repr=False)
    """Where the run that this context belongs to is decided about; None outside a run."""

    def approve_tool(self, approval_item: _items.ToolApprovalItem, always_approve: bool = False) -> None:
        """Let a call run that waits in the run that this context belongs to; it must be going on.

        Raises:
            DecisionError: no run that goes on asks about this call.
        """
        scope = _approvals.RuleScope() if always_approve else None
        self._desk().decide(approval_item, _approvals.Approve(), scope)

    def reject_tool(
        self,
        approval_item: _items.ToolApprovalItem,
        always_reject: bool = False,
        rejection_message: str | None = None,
    ) -> None:
        """Keep a call from running that waits in the run that this context belongs to; it must be going on.

        Raises:
            DecisionError: no run that goes on asks about this call.
        """
        scope = _approvals.RuleScope() if always_reject else None
        self._desk().decide(approval_item, _approvals.Reject(reason=rejection_message), scope)

    def is_tool_approved(self, tool_name: str, call_id: str) -> bool | None:
        """Whether a call was approved; None when it was not decided, or is not known here."""
        return self.get_approval_status(tool_name, call_id)

    def get_approval_status(
        self,
        tool_name: str,
        call_id: str,
        *,
        tool_namespace: str | None = None,
        existing_pending: _items.ToolApprovalItem | None = None,
        tool_lookup_key: _items.FunctionToolLookupKey | None = None,
        current_invocation: _items.ToolApprovalItem | None = None,
    ) -> bool | None:
        """Whether a call was approved; None when it was not decided, or is not known here.

        An id stands for one call in a run: the tool's name and keys say nothing more.
        """
        del tool_name, tool_namespace, existing_pending, tool_lookup_key, current_invocation
        return None if self.approval_desk is None else self.approval_desk.status(call_id)

    def get_rejection_message(
        self,
        tool_name: str,
        call_id: str,
        *,
        tool_namespace: str | None = None,
        existing_pending: _items.ToolApprovalItem | None = None,
        tool_lookup_key: _items.FunctionToolLookupKey | None = None,
    ) -> str | None:
        """What the model is told of a rejected call; None when nobody said."""
        del tool_name, tool_namespace, existing_pending, tool_lookup_key
        return None if self.approval_desk is None else self.approval_desk.rejection_message(call_id)

    def _desk(self) -> _approvals.Desk:
        if self.approval_desk is None:
            raise _approvals.DecisionError(
                "this context belongs to no run: nothing waits for a decision here"
            )
        return self.approval_desk


@dataclass(eq=False)
class AgentHookContext(RunContextWrapper[TContext]):
    """The context given to agent start and end hooks; `turn_input` is always a list of items."""
