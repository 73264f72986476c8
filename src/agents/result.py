"""Results: what a run gave, at its end or while it goes on.

Neither result holds progress of its own: both show the view of a run, and a
streamed one adds a position in the run's log and the task that drives it.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from ._lazy import lazy_module
from .approvals import Approve, Decision, Reject, RuleScope
from .exceptions import UserError
from .items import ItemHelpers
from .items.run_items import is_sent
from .log import LogStatistics, Record
from .run_internal.decisions import ApprovalDesk
from .run_internal.model_input import without_reasoning_id
from .run_internal.reading import EventReading
from .run_state import RunState
from .stream_events import RawResponsesStreamEvent, StreamEvent
from .tool_context import ToolContext

if TYPE_CHECKING:
    from . import agent as _agent
    from . import guardrail as _guardrail
    from . import items as _items
    from . import run_config as _run_config
    from . import run_context as _run_context
    from . import tool_guardrails as _tool_guardrails
    from . import tracing as _tracing
    from .run_internal import run_loop as _run_loop
else:
    _agent = lazy_module("agents.agent")
    _guardrail = lazy_module("agents.guardrail")
    _items = lazy_module("agents.items")
    _run_config = lazy_module("agents.run_config")
    _run_context = lazy_module("agents.run_context")
    _run_loop = lazy_module("agents.run_internal.run_loop")
    _tool_guardrails = lazy_module("agents.tool_guardrails")
    _tracing = lazy_module("agents.tracing")

T = TypeVar("T")
ToInputListMode: TypeAlias = Literal["preserve_all", "normalized"]


@dataclass(frozen=True)
class AgentToolInvocation:
    """Which tool call a nested run answers."""

    tool_name: str
    tool_call_id: str
    tool_arguments: str


@dataclass
class RunResultBase(abc.ABC):
    """What both kinds of result have."""

    input: str | list[_items.TResponseInputItem]
    """The input of the run; where a handoff's filter replaced it, what it was replaced with."""

    new_items: list[_items.RunItem]
    """What the run added: each turn's items in model order, then its outputs in call order."""

    raw_responses: list[_items.ModelResponse]
    final_output: Any
    input_guardrail_results: list[_guardrail.InputGuardrailResult]
    output_guardrail_results: list[_guardrail.OutputGuardrailResult]
    tool_input_guardrail_results: list[_tool_guardrails.ToolInputGuardrailResult]
    tool_output_guardrail_results: list[_tool_guardrails.ToolOutputGuardrailResult]
    context_wrapper: _run_context.RunContextWrapper[Any]
    """The context of the run; its `usage` counts what the run took."""

    @property
    @abc.abstractmethod
    def last_agent(self) -> _agent.Agent[Any]:
        """The agent that was at work last."""

    @property
    @abc.abstractmethod
    def _run_config(self) -> _run_config.RunConfig | None:
        """The settings of the run, where they are known."""

    @abc.abstractmethod
    def _model_history(self) -> list[Any]:
        """What the next model call would see."""

    @property
    def agent_tool_invocation(self) -> AgentToolInvocation | None:
        """The tool call that this run answers, when it is an agent used as a tool; else None."""
        context = self.context_wrapper
        if not isinstance(context, ToolContext):
            return None
        return AgentToolInvocation(context.tool_name, context.tool_call_id, context.tool_arguments)

    @property
    def last_response_id(self) -> str | None:
        """The id of the last model response, to go on from; None when there is none."""
        responses = self.raw_responses
        return responses[-1].response_id if responses else None

    def final_output_as(self, cls: type[T], raise_if_incorrect_type: bool = False) -> T:
        """The final output, typed for the type checker.

        Raises:
            TypeError: it is not a `cls`, and `raise_if_incorrect_type` is set.
        """
        if raise_if_incorrect_type and not isinstance(self.final_output, cls):
            raise TypeError(f"Final output is not of type {cls.__name__}")
        return cast("T", self.final_output)

    def to_input_list(self, *, mode: ToInputListMode = "preserve_all") -> list[_items.TResponseInputItem]:
        """Input and new items as the input of a next run.

        Args:
            mode: `preserve_all` gives everything that happened; `normalized`
                what the next model call of this run would have seen, which
                differs where a handoff's filter or nesting replaced the history.
        """
        config = self._run_config
        omits_ids = config is not None and config.reasoning_item_id_policy == "omit"
        if mode == "normalized":
            history = self._model_history()
            return [without_reasoning_id(item) for item in history] if omits_ids else list(history)
        given: list[Any] = ItemHelpers.input_to_new_input_list(self.input)
        made = [item.to_input_item() for item in self.new_items if is_sent(item)]
        return [*given, *(map(without_reasoning_id, made) if omits_ids else made)]

    def release_agents(self, *, release_new_items: bool = True) -> None:
        """Hold agents only weakly from now on, so that keeping the result keeps none of them alive."""
        if release_new_items:
            for item in self.new_items:
                item.release_agent()


@dataclass
class RunResult(RunResultBase):
    """What a finished, or paused, run gave."""

    _last_agent: _agent.Agent[Any]
    max_turns: int | None = 10
    interruptions: list[_items.ToolApprovalItem] = field(default_factory=list["_items.ToolApprovalItem"])
    """Calls that wait for a decision; the run is paused while there are any."""

    _history: list[Any] = field(default_factory=list[Any], repr=False)
    _config: _run_config.RunConfig | None = field(default=None, repr=False)
    _run: _run_loop.Run | None = field(default=None, repr=False)

    @property
    def last_agent(self) -> _agent.Agent[Any]:
        """The agent that gave the final output, or was at work when the run paused."""
        return self._last_agent

    @property
    def _run_config(self) -> _run_config.RunConfig | None:
        return self._config

    def _model_history(self) -> list[Any]:
        return self._history

    def to_state(self) -> RunState[Any]:
        """The state to decide about `interruptions` in, to keep, and to go on from.

        Raises:
            UserError: the result was not made by a run, or by one nested in a tool.
        """
        if self._run is None:
            raise UserError("this result was not made by a run: it has no state")
        return RunState.of(self._run)

    @classmethod
    def of(cls, run: _run_loop.Run) -> RunResult:
        """The result of a run that has come to its end or to a pause."""
        view = run.view
        start = run.state.start
        return cls(
            input=view.input,
            new_items=view.new_items,
            raw_responses=view.raw_responses,
            final_output=view.final_output,
            input_guardrail_results=view.input_guardrail_results,
            output_guardrail_results=view.output_guardrail_results,
            tool_input_guardrail_results=view.tool_input_guardrail_results,
            tool_output_guardrail_results=view.tool_output_guardrail_results,
            context_wrapper=run.environment.context,
            _last_agent=view.agent,
            max_turns=None if start is None else start.max_turns,
            interruptions=run.interruptions,
            _history=run.state.history,
            _config=run.environment.config,
            _run=run,
        )


class RunResultStreaming(RunResultBase):
    """A run that is going on: watch it with `stream_events()`, or just wait for `run_loop_task`.

    All attributes show the run as it is at the moment they are read. A reader
    that goes away, is slow, or is one of many changes nothing: only `cancel`
    stops the run.
    """

    trace: _tracing.Trace | None = None
    """The trace that this run started; None when tracing is off or somebody else started it."""

    def __init__(self, run: _run_loop.Run, trace: _tracing.Trace | None) -> None:
        self._run = run
        self._reading = EventReading(run)
        self.trace = trace

    def __repr__(self) -> str:
        state = "complete" if self.is_complete else "running"
        return f"RunResultStreaming({state}, agent={self.current_agent.name!r}, turn={self.current_turn})"

    # --- what the run shows

    if not TYPE_CHECKING:
        input = property(lambda self: self._run.view.input)
        new_items = property(lambda self: self._run.view.new_items)
        raw_responses = property(lambda self: self._run.view.raw_responses)
        final_output = property(lambda self: self._run.view.final_output)
        input_guardrail_results = property(lambda self: self._run.view.input_guardrail_results)
        output_guardrail_results = property(lambda self: self._run.view.output_guardrail_results)
        tool_input_guardrail_results = property(lambda self: self._run.view.tool_input_guardrail_results)
        tool_output_guardrail_results = property(lambda self: self._run.view.tool_output_guardrail_results)
        context_wrapper = property(lambda self: self._run.environment.context)

    @property
    def run_loop_task(self) -> asyncio.Task[Any] | None:
        """The task that drives the run. Awaiting it gives the run's exception, if there is one."""
        return self._reading.task

    @run_loop_task.setter
    def run_loop_task(self, task: asyncio.Task[Any] | None) -> None:
        self._reading.task = task

    @property
    def current_agent(self) -> _agent.Agent[Any]:
        """The agent at work."""
        return self._run.view.agent

    @property
    def last_agent(self) -> _agent.Agent[Any]:
        """The agent at work; after the end, the one that gave the final output."""
        return self._run.view.agent

    @property
    def current_turn(self) -> int:
        """The turn that the run is in, from 1; 0 before the first."""
        return self._run.state.turn

    @property
    def max_turns(self) -> int | None:
        """Model calls that the run may make; None is no limit."""
        start = self._run.state.start
        return None if start is None else start.max_turns

    @property
    def is_complete(self) -> bool:
        """Whether nothing more will come: the run ended, was cancelled, or waits for decisions."""
        return self._run.is_idle or self._reading.is_cut_off

    @property
    def interruptions(self) -> list[_items.ToolApprovalItem]:
        """Calls that wait for a decision; complete once the stream has ended."""
        return self._run.interruptions

    @property
    def run_loop_exception(self) -> BaseException | None:
        """What ended the run, if it failed; the same object that `stream_events()` raises."""
        return self._reading.exception

    def to_state(self) -> RunState[Any]:
        """The state of the run as it stands now, while it goes on or after it has ended.

        A call that is running now is in doubt in it, never dropped.

        Raises:
            UserError: this is a run nested in a tool: take the state of the outermost one.
        """
        return RunState.of(self._run)

    def statistics(self) -> LogStatistics:
        """How much the run's log holds."""
        return self._run.log.statistics()

    @property
    def _run_config(self) -> _run_config.RunConfig | None:
        return self._run.environment.config

    def _model_history(self) -> list[Any]:
        return self._run.state.history

    # --- watching

    def stream_events(self) -> AsyncIterator[StreamEvent]:
        """The events of the run, from where the last reader left off.

        The iterator ends when the run has ended, was cut off by `cancel()`, or
        waits for decisions. Giving up on `anext` loses nothing, and closing the
        iterator stops nothing: a next one goes on.

        Raises:
            AgentsException: what ended the run, after the events that came before it.
            RecordsExpired: the reader is so late that the log's retention has passed it by.
        """
        return self._reading.open()

    async def stream_text(self) -> AsyncIterator[str]:
        """The text of the agent's messages as it comes, piece by piece.

        Raises:
            AgentsException: what ended the run, after the text that came before it.
        """
        async for event in self.stream_events():
            if isinstance(event, RawResponsesStreamEvent) and event.data.type == "response.output_text.delta":
                yield event.data.delta

    async def records(self, after: int = 0) -> AsyncIterator[Record]:
        """Every record of the run and of the runs nested in it, after number `after`, past and to come.

        Ends when nothing more will come. Does not raise the run's own error:
        that it failed is a record.

        Raises:
            RecordsExpired: some of the records asked for are gone; read from its `first_seq`.
        """
        run = self._run
        cursor = run.log.cursor(after)
        depth = len(run.path)
        while True:
            entry = cursor.take()
            if entry is not None:
                if entry.path[:depth] == run.path:
                    yield Record.of(entry, run.log.run_id)
            elif run.is_idle:
                return
            else:
                await run.log.wait()

    def approve(
        self,
        approval_item: _items.ToolApprovalItem,
        always_approve: bool = False,
        *,
        where: Mapping[str, Any] | None = None,
        uses: int | None = None,
        until: datetime | None = None,
    ) -> None:
        """Let a call run while the run goes on (`RunConfig(wait_for_decisions=True)`); as `RunState.approve`.

        Raises:
            DecisionError: the run does not ask about this call, or has paused: decide in its state then.
        """
        scope = RuleScope.of(always=always_approve, where=where, uses=uses, until=until)
        ApprovalDesk(self._run).decide(approval_item, Approve(), scope)

    def reject(
        self,
        approval_item: _items.ToolApprovalItem,
        always_reject: bool = False,
        *,
        rejection_message: str | None = None,
        where: Mapping[str, Any] | None = None,
        uses: int | None = None,
        until: datetime | None = None,
    ) -> None:
        """Keep a call from running while the run goes on; as `RunState.reject`.

        Raises:
            DecisionError: the run does not ask about this call, or has paused: decide in its state then.
        """
        scope = RuleScope.of(always=always_reject, where=where, uses=uses, until=until)
        ApprovalDesk(self._run).decide(approval_item, Reject(reason=rejection_message), scope)

    def decide(self, approval_item: _items.ToolApprovalItem, decision: Decision) -> None:
        """Decide about a call while the run goes on: `Approve`, also with edited arguments, `Reject`, or `Supply`.

        Raises:
            DecisionError: the run does not ask about this call, or has paused: decide in its state then.
        """
        ApprovalDesk(self._run).decide(approval_item, decision)

    def cancel(self, mode: Literal["immediate", "after_turn"] = "immediate") -> None:
        """Stop the run; idempotent.

        Args:
            mode: `immediate` ends the stream at once and gives up what is in
                flight; `after_turn` lets the turn finish, and starts no other.
        """
        if mode not in {"immediate", "after_turn"}:
            raise ValueError(f"cancel mode must be 'immediate' or 'after_turn', got {mode!r}")
        self._run.request_cancel(mode)
        if mode == "immediate":
            self._reading.cut_off()
