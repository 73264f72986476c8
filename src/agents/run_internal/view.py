"""The live view of a run: facts projected to the objects that programs hold.

Rule 1: a view changes only by absorbing an entry of its own run, in order.
Rule 2: decisions never read it; what it holds is the log's live values, arranged.
Rule 3: absorbing is O(1) amortised: items of a settled turn are appended once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._lazy import lazy_module

if TYPE_CHECKING:
    from agents import agent as _agent
    from agents import guardrail as _guardrail
    from agents import items as _items
    from agents import tool_guardrails as _tool_guardrails
else:
    _agent = lazy_module("agents.agent")
    _guardrail = lazy_module("agents.guardrail")
    _items = lazy_module("agents.items")
    _tool_guardrails = lazy_module("agents.tool_guardrails")


@dataclass(slots=True)
class LiveResponse:
    """Beside `ModelResponded`: the response as the model gave it, and its run items in model order."""

    response: _items.ModelResponse
    items: list[_items.RunItem]
    calls: dict[str, _items.RunItem]
    """The items of the calls that are ours to settle, by call id."""


@dataclass(slots=True)
class LiveOutput:
    """Beside a fact that settles a call: the output item, and what the tool itself returned."""

    item: _items.RunItem | None
    """None when the call failed the run: nothing was answered."""

    value: Any = None
    tool: Any = None
    tool_context: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class LiveHandoff:
    """Beside `HandedOff`: the output item, the agents, and the input where a filter replaced it."""

    item: _items.HandoffOutputItem
    source: _agent.Agent[Any]
    target: _agent.Agent[Any]
    input: str | list[_items.TResponseInputItem] | None = None
    visible: list[_items.RunItem] | None = None
    """The items that the next agent sees, where a filter chose them."""


@dataclass(slots=True)
class LiveProposal:
    """Beside `OutputProposed`: the typed output, and the message made for it, if one was."""

    value: Any
    item: _items.RunItem | None = None


@dataclass(slots=True)
class LiveResumption:
    """Beside `RunResumed`: the agent at work, and whether its model's response is still to come."""

    agent: _agent.Agent[Any]
    is_in_response: bool


@dataclass(slots=True)
class RunView:
    """What a result shows of a run, at any moment of it."""

    input: str | list[_items.TResponseInputItem]
    agent: _agent.Agent[Any]
    """The agent that is at work, or that ended the run."""

    prepared: list[Any] | None = None
    """What the model sees as the run's input, where a session's history stands before it."""

    raw_responses: list[_items.ModelResponse] = field(default_factory=list["_items.ModelResponse"])
    input_guardrail_results: list[_guardrail.InputGuardrailResult] = field(
        default_factory=list["_guardrail.InputGuardrailResult"]
    )
    output_guardrail_results: list[_guardrail.OutputGuardrailResult] = field(
        default_factory=list["_guardrail.OutputGuardrailResult"]
    )
    tool_input_guardrail_results: list[_tool_guardrails.ToolInputGuardrailResult] = field(
        default_factory=list["_tool_guardrails.ToolInputGuardrailResult"]
    )
    tool_output_guardrail_results: list[_tool_guardrails.ToolOutputGuardrailResult] = field(
        default_factory=list["_tool_guardrails.ToolOutputGuardrailResult"]
    )
    tool_checks_before: tuple[int, int] = (0, 0)
    """How many of these results came before the current turn, of inputs and of outputs."""

    settled_items: list[_items.RunItem] = field(default_factory=list["_items.RunItem"])
    """Items of the turns that are over."""

    filtered_items: list[_items.RunItem] = field(default_factory=list["_items.RunItem"])
    """What a handoff's filter left of the items before `filtered_count`."""

    filtered_count: int = 0
    turn: LiveResponse | None = None
    outputs: dict[str, LiveOutput | LiveHandoff] = field(default_factory=dict[str, LiveOutput | LiveHandoff])
    """Outputs of the current turn's calls, by call id, in the order in which they came."""

    approvals: dict[str, _items.ToolApprovalItem] = field(
        default_factory=dict[str, "_items.ToolApprovalItem"]
    )
    """Questions about the current turn's calls, by call id."""

    questions: dict[str, _items.ToolApprovalItem] = field(
        default_factory=dict[str, "_items.ToolApprovalItem"]
    )
    """The same, decided or not, for as long as the turn lasts."""

    nested_approvals: dict[str, list[_items.ToolApprovalItem]] = field(
        default_factory=dict[str, "list[_items.ToolApprovalItem]"]
    )
    """Questions about calls in runs that the current turn's calls have started, by call id."""

    added_items: list[_items.RunItem] = field(default_factory=list["_items.RunItem"])
    """Input that the caller added and that no model has seen yet."""

    proposal: LiveProposal | None = None
    partial_items: list[_items.RunItem] = field(default_factory=list["_items.RunItem"])
    failure: BaseException | None = None
    """The first error of the run; the one that is raised, unless a handler takes it away."""

    final_output: Any = None
    is_finished: bool = False
    has_stopped: bool = False
    """Whether the run failed or was cancelled: calls without an output will never have one."""

    def absorb(self, fact: f.Fact, live: Any) -> None:
        """Take in one fact of this run with its live value."""
        absorb_one = _ABSORBERS.get(type(fact))
        if absorb_one is not None:
            absorb_one(self, fact, live)

    @property
    def seen_input(self) -> str | list[_items.TResponseInputItem]:
        """The input as the model sees it."""
        return self.input if self.prepared is None else self.prepared

    @property
    def new_items(self) -> list[_items.RunItem]:
        """All items of the run so far: each turn's in model order, what was asked, then its outputs in call order.

        Once the run has stopped early, calls that were not answered are left out: a model refuses half a pair.
        """
        if self.has_stopped:
            return self.answered_items
        return [*self.settled_items, *self.turn_items(), *self.partial_items]

    @property
    def answered_items(self) -> list[_items.RunItem]:
        """All items of the run so far, without the calls that have no output."""
        called = {} if self.turn is None else self.turn.calls
        waiting = {id(item) for call_id, item in called.items() if call_id not in self.outputs}
        waiting.update(id(item) for call_id, item in self.questions.items() if call_id not in self.outputs)
        made = (item for item in self.turn_items() if id(item) not in waiting)
        return [*self.settled_items, *made, *self.partial_items]

    @property
    def visible_items(self) -> list[_items.RunItem]:
        """Items of the turns that are over, as later agents see them."""
        return [*self.filtered_items, *self.settled_items[self.filtered_count :]]

    @property
    def interruptions(self) -> list[_items.ToolApprovalItem]:
        """Every question that waits for a decision, here or below."""
        return [
            *self.approvals.values(),
            *(item for items in self.nested_approvals.values() for item in items),
        ]

    def turn_items(self) -> list[_items.RunItem]:
        """The items of the current turn, in that order."""
        turn = self.turn
        if turn is None:
            return []
        made = [self.outputs[call_id].item for call_id in turn.calls if call_id in self.outputs]
        if self.proposal is not None:
            made.append(self.proposal.item)
        return [*turn.items, *self.questions.values(), *(item for item in made if item is not None)]


def _session_loaded(view: RunView, fact: f.SessionLoaded, _live: object) -> None:
    view.prepared = fact.history


def _input_added(view: RunView, fact: f.InputAdded, _live: object) -> None:
    view.added_items.extend(_items.InputItem(view.agent, item) for item in fact.items)


def _turn_started(view: RunView, _fact: f.TurnStarted, _live: object) -> None:
    view.settled_items.extend(view.turn_items())
    view.settled_items.extend(view.added_items)
    view.added_items = []
    view.tool_checks_before = (
        len(view.tool_input_guardrail_results),
        len(view.tool_output_guardrail_results),
    )
    view.turn = None
    view.outputs = {}
    view.approvals = {}
    view.questions = {}
    view.nested_approvals = {}
    view.partial_items = []


def _attempt_reset(view: RunView, _fact: f.AttemptReset, _live: object) -> None:
    view.outputs = {}


def _model_responded(view: RunView, _fact: f.ModelResponded, live: LiveResponse) -> None:
    view.turn = live
    view.raw_responses.append(live.response)


def _model_interrupted(view: RunView, _fact: f.ModelInterrupted, live: list[_items.RunItem]) -> None:
    view.partial_items = live


def _answered(view: RunView, fact: f.ToolReturned | f.ToolFailed | f.CallAnswered, live: LiveOutput) -> None:
    if isinstance(fact, f.ToolFailed) and fact.output is None:
        _failed(view, fact, live.error)
        return
    view.outputs[fact.call] = live
    view.approvals.pop(fact.call, None)


def _handed_off(view: RunView, fact: f.HandedOff, live: LiveHandoff) -> None:
    view.outputs[fact.call] = live
    view.agent = live.target
    if live.visible is not None and live.input is not None:
        view.input = live.input
        view.prepared = None
        view.filtered_items = live.visible
        view.filtered_count = len(view.settled_items) + len(view.turn_items())


def _guardrail_checked(view: RunView, fact: f.GuardrailChecked, live: Any) -> None:
    results: list[Any] = (
        view.input_guardrail_results if fact.stage == "input" else view.output_guardrail_results
    )
    if live is not None:
        results.append(live)


def _tool_guardrail_checked(view: RunView, fact: f.ToolGuardrailChecked, live: Any) -> None:
    is_input = fact.stage == "input"
    results: list[Any] = view.tool_input_guardrail_results if is_input else view.tool_output_guardrail_results
    if live is not None:
        results.append(live)


def _approval_requested(view: RunView, fact: f.ApprovalRequested, live: _items.ToolApprovalItem) -> None:
    view.approvals[fact.call] = live
    view.questions[fact.call] = live


def _tool_paused(view: RunView, fact: f.ToolPaused, live: list[_items.ToolApprovalItem]) -> None:
    view.nested_approvals[fact.call] = live


def _tool_claimed(view: RunView, fact: f.ToolClaimed, _live: object) -> None:
    view.nested_approvals.pop(fact.call, None)


def _approval_decided(view: RunView, fact: f.ApprovalDecided, _live: object) -> None:
    view.approvals.pop(fact.call, None)


def _failed(view: RunView, _fact: object, live: BaseException | None) -> None:
    if view.failure is None:
        view.failure = live


def _effect_failed(view: RunView, fact: f.EffectFailed, live: BaseException | None) -> None:
    if fact.effect.startswith("failure/"):
        view.failure = live
    else:
        _failed(view, fact, live)


def _output_proposed(view: RunView, _fact: f.OutputProposed, live: LiveProposal) -> None:
    view.proposal = live
    view.failure = None
    if view.turn is None and live.item is not None:
        view.settled_items.append(live.item)


def _run_finished(view: RunView, _fact: f.RunFinished, _live: object) -> None:
    view.final_output = None if view.proposal is None else view.proposal.value
    view.is_finished = True


def _run_failed(view: RunView, _fact: f.RunFailed, live: BaseException) -> None:
    view.failure = live
    view.has_stopped = True


def _run_cancelled(view: RunView, _fact: f.RunCancelled, _live: object) -> None:
    view.has_stopped = True


_ABSORBERS: dict[type, Any] = {
    f.SessionLoaded: _session_loaded,
    f.InputAdded: _input_added,
    f.TurnStarted: _turn_started,
    f.AttemptReset: _attempt_reset,
    f.ModelResponded: _model_responded,
    f.ModelInterrupted: _model_interrupted,
    f.ToolReturned: _answered,
    f.ToolFailed: _answered,
    f.CallAnswered: _answered,
    f.HandedOff: _handed_off,
    f.GuardrailChecked: _guardrail_checked,
    f.ToolGuardrailChecked: _tool_guardrail_checked,
    f.ApprovalRequested: _approval_requested,
    f.ApprovalDecided: _approval_decided,
    f.ToolClaimed: _tool_claimed,
    f.ToolPaused: _tool_paused,
    f.EffectFailed: _effect_failed,
    f.OutputProposed: _output_proposed,
    f.RunFinished: _run_finished,
    f.RunFailed: _run_failed,
    f.RunCancelled: _run_cancelled,
}
