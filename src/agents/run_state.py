"""The state of a run: its facts so far and the decisions taken since, to be kept, sent, and resumed from.

Rule 1: the facts are the truth. What `to_json()` shows beside them is for people and programs that look inside.
Rule 2: a state never changes the run that it was taken from, nor another state of it.
Rule 3: everything that a payload can be wrong about is a typed error, before anything of it is used.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from ._core import facts as f
from ._core.evolve import evolve
from ._core.state import IllegalFact, State
from ._lazy import lazy_module
from .approvals import Approve, Decision, DecisionError, Reject, RuleScope, Supply
from .exceptions import UserError
from .items import ItemHelpers, ToolApprovalItem
from .lifecycle import TAgent
from .log import Path
from .run_context import RunContextWrapper, TContext
from .run_internal.begin import Carried, Resumption
from .run_internal.decisions import covered, decided, has_expired, stated
from .run_internal.environment import AgentBook, reachable_agents
from .run_internal.restore import Moment
from .run_internal.signing import sign, verify_if_asked
from .run_internal.state_agreement import disagreeing_key
from .run_internal.state_facts import FORMAT, FactsPart, Unread
from .run_internal.state_json import (
    CURRENT_SCHEMA_VERSION,
    SCHEMA_VERSION_SUMMARIES,
    SUPPORTED_SCHEMA_VERSIONS,
    approval_item,
    as_text,
    detached,
    from_text,
    is_open,
    read_json,
    write_json,
)
from .tracing.traces import Trace, TraceState
from .usage import Usage, deserialize_usage, serialize_usage

if TYPE_CHECKING:
    from . import agent as _agent
    from . import items as _items
    from .run_internal import run_loop as _run_loop
    from .run_internal import state_json as _state_json
else:
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")
    _run_loop = lazy_module("agents.run_internal.run_loop")
    _state_json = lazy_module("agents.run_internal.state_json")

__all__ = [
    "CURRENT_SCHEMA_VERSION",
    "SCHEMA_VERSION_SUMMARIES",
    "SUPPORTED_SCHEMA_VERSIONS",
    "RunState",
    "TAction",
    "TAgent",
]

TAction = TypeVar("TAction")
"""Stands for an action in programs that import it from here, as `TAgent` does for an agent."""


class RunState(Generic[TContext]):
    """A run as it stood at one moment. Decide about its pending calls, then pass it to `Runner.run` as the input.

    Take one with `result.to_state()`, or read one with `from_json`. A call that
    was running at that moment is in doubt when the state is resumed: what
    happens then is up to its tool's `on_in_doubt`.
    """

    def __init__(
        self,
        agent: _agent.Agent[Any],
        run_id: str,
        moments: list[Moment],
        context: RunContextWrapper[TContext],
        carried: Carried | None = None,
    ) -> None:
        self._agent = agent
        self._run_id = run_id
        self._moments = moments
        self._context = context
        self._carried = Carried() if carried is None else carried
        self._decisions: list[tuple[Path, f.Fact]] = []
        self._states = _fold_paths(moments)
        self._items: dict[Path, ToolApprovalItem] = {}

    @classmethod
    def of(cls, run: _run_loop.Run) -> RunState[Any]:
        """The state of a run, at any time of it.

        Raises:
            UserError: the run is nested in a tool: take the state of the outermost one.
        """
        if run.path:
            raise UserError("to_state() belongs to the outermost run: nested runs are part of its state")
        moments = [
            Moment(entry.path, entry.fact, entry.live, entry.at)
            for entry in run.log.entries_after(0)
            if not entry.is_delta and type(entry.known_fact) not in f.EPHEMERAL
        ]
        source = run.environment.context
        context = RunContextWrapper(source.context, deserialize_usage(serialize_usage(source.usage)))
        start = run.state.start
        assert start is not None, "a run records its start before anybody can hold it"
        state: RunState[Any] = cls(run.environment.agents[start.agent], run.log.run_id, moments, context)
        state._carried = Carried(
            TraceState.from_trace(run.trace), run.environment.config.reasoning_item_id_policy, run.unread
        )
        for item in run.interruptions:
            state._items[item.call_path] = item
        return state

    # --- deciding

    def get_interruptions(self) -> list[ToolApprovalItem]:
        """The calls that the run asks about, decided here or not, outermost first."""
        return [self._item(path) for path in self._asked()]

    def approve(
        self,
        approval_item: ToolApprovalItem,
        always_approve: bool = False,
        *,
        where: Mapping[str, Any] | None = None,
        uses: int | None = None,
        until: datetime | None = None,
    ) -> None:
        """Let a call run. A decision may be replaced until the call runs.

        Args:
            approval_item: From `result.interruptions` or `get_interruptions()`.
            always_approve: Approve all further calls of this agent to this tool too.
            where: Only those whose arguments fulfil these conditions; see `agents.approvals.matches`.
            uses: Only so many.
            until: Only until then.

        Raises:
            DecisionError: the state does not ask about this call.
        """
        scope = RuleScope.of(always=always_approve, where=where, uses=uses, until=until)
        self._decide(approval_item, Approve(), scope)

    def reject(
        self,
        approval_item: ToolApprovalItem,
        always_reject: bool = False,
        *,
        rejection_message: str | None = None,
        where: Mapping[str, Any] | None = None,
        uses: int | None = None,
        until: datetime | None = None,
    ) -> None:
        """Keep a call from running; the model is told `rejection_message`, or a default text. As `approve` otherwise.

        Raises:
            DecisionError: the state does not ask about this call.
        """
        scope = RuleScope.of(always=always_reject, where=where, uses=uses, until=until)
        self._decide(approval_item, Reject(reason=rejection_message), scope)

    def decide(self, approval_item: ToolApprovalItem, decision: Decision) -> None:
        """Decide about a call: `Approve`, also with edited arguments, `Reject`, or `Supply` a result.

        Raises:
            DecisionError: the state does not ask about this call, or the decision has expired.
        """
        self._decide(approval_item, decision)

    def _decide(self, item: ToolApprovalItem, decision: Decision, scope: RuleScope | None = None) -> None:
        path = self._path_of(item)
        call_id = f.CallId(path[-1])
        rule = None
        if scope is not None and not isinstance(decision, Supply):
            # Before the decision: a scope that cannot be understood decides nothing.
            rule = stated(self._states[path[:-1]], call_id, decision, scope)
        self._add(path[:-1], decided(self._states[path[:-1]].calls[call_id].call, decision))
        if rule is not None:
            self._add((), rule)
            used = 0
            for run_path, state in self._states.items():
                for fact in covered(rule.rule, state, used):
                    self._add(run_path, fact)
                    used += 1

    def _add(self, path: Path, fact: f.Fact) -> None:
        try:
            evolve(self._states[path], fact)
        except IllegalFact as error:
            raise DecisionError(
                f"call {'/'.join((*path, getattr(fact, 'call', '')))} cannot be decided any more: {error}"
            ) from error
        if isinstance(fact, f.ApprovalDecided):
            # The latest decision is the decision.
            self._decisions = [
                (known, other)
                for known, other in self._decisions
                if known != path or not isinstance(other, f.ApprovalDecided) or other.call != fact.call
            ]
        self._decisions.append((path, fact))

    # --- adding input

    @property
    def pending_input(self) -> list[_items.TResponseInputItem]:
        """What was added here and no model has seen yet, as copies."""
        return copy.deepcopy(self._states[()].pending_input)

    def add_input(self, input: str | list[_items.TResponseInputItem]) -> None:
        """Add input that the next model call sees once, after the outputs that are pending.

        Raises:
            UserError: the run has ended, or a pending tool result may end it.
        """
        root = self._states[()]
        if root.is_closed and root.stopped_in is None:
            raise UserError("add_input() cannot be used on a terminal RunState: the run has ended")
        if root.judge == "tool":
            raise UserError("add_input() is refused while a pending tool result may end the run")
        self._add((), f.InputAdded(ItemHelpers.input_to_new_input_list(input)))

    def clear_pending_input(self) -> None:
        """Take back what `add_input` added to this state."""
        self._decisions = [each for each in self._decisions if not isinstance(each[1], f.InputAdded)]
        self._states[()].pending_input.clear()

    # --- what is carried along

    def set_trace(self, trace: Trace | None) -> None:
        """Have the resumed run go on in this trace; None: in one of its own."""
        self._carried.trace = TraceState.from_trace(trace)

    def set_reasoning_item_id_policy(self, policy: Literal["preserve", "omit"] | None) -> None:
        """Say whether reasoning items keep their ids in front of the model, where the run's settings do not."""
        self._carried.reasoning_item_id_policy = policy

    def get_tool_use_tracker_snapshot(self) -> dict[str, list[str]]:
        """By agent: the tools that it has used, in order."""
        used: dict[str, list[str]] = {}
        agent = ""
        decisions = [Moment(path, fact) for path, fact in self._decisions]
        for moment in (*self._moments, *decisions):
            match moment.fact:
                case _ if moment.path:
                    pass
                case f.TurnStarted() as fact:
                    agent = str(fact.agent)
                case f.ModelResponded() as fact:
                    names = [call.name for call in fact.calls if call.kind != "handoff"]
                    if names:
                        used.setdefault(agent, []).extend(names)
                case f.ToolUseStated() as fact:
                    used = {name: list(tools) for name, tools in fact.tools.items()}
                case _:
                    pass
        return used

    def set_tool_use_tracker_snapshot(self, snapshot: Mapping[str, Sequence[str]] | None) -> None:
        """Say which agents have used which tools: a forced tool choice is let go for those that have."""
        self._add((), f.ToolUseStated({name: list(tools) for name, tools in (snapshot or {}).items()}))

    # --- what is asked

    def _asked(self) -> list[Path]:
        """The paths of the calls that have been asked about and have not run."""
        return [
            (*path, call.call.id)
            for path, state in self._states.items()
            if is_open(self._states, path)
            for call in state.calls.values()
            if call.is_asked_about
        ]

    def _path_of(self, item: ToolApprovalItem) -> Path:
        if not isinstance(cast("object", item), ToolApprovalItem):
            raise DecisionError(
                f"decide about an item of get_interruptions() or result.interruptions, not a {type(item).__name__}"
            )
        asked = self._asked()
        if item.call_path in asked:
            return item.call_path
        # An item that was made elsewhere: the id of its call has to say it.
        found = [path for path in asked if path[-1] == item.call_id]
        if len(found) == 1:
            return found[0]
        known = ", ".join("/".join(path) for path in asked) or "none"
        raise DecisionError(
            f"this state does not ask about call {item.call_id!r} of tool {item.tool_name!r}: it asks about {known}"
        )

    def _item(self, path: Path) -> ToolApprovalItem:
        item = self._items.get(path)
        if item is None:
            state = self._states[path[:-1]]
            item = approval_item(self._agent, state, path)
            self._items[path] = item
        return item

    # --- resuming

    def resumption(self) -> Resumption:
        """What a run goes on from.

        Raises:
            DecisionError: a decision has expired; decide anew.
            UserError: the run has ended; there is nothing to go on with.
        """
        root = self._states.get(())
        if root is None or (root.is_closed and root.stopped_in is None):
            raise UserError("a terminal RunState cannot be resumed: the run has ended")
        for path, fact in self._decisions:
            if isinstance(fact, f.ApprovalDecided) and has_expired(fact):
                call = "/".join((*path, fact.call))
                raise DecisionError(f"the decision about call {call} has expired: decide anew")
        return Resumption(self._run_id, root.epoch, list(self._moments), list(self._decisions), self._carried)

    def first_agent(self, given: _agent.Agent[Any]) -> _agent.Agent[Any]:
        """The agent to look for the others from: the given one if it leads to all that were at work, else our own.

        Programs resume with the agent that they began with, or with the one that was at work last.
        """
        if not isinstance(cast("object", given), _agent.Agent):
            return given
        book = AgentBook()
        book.learn(given)
        at_work = (
            moment.fact.agent
            for moment in self._moments
            if not moment.path and isinstance(moment.fact, f.RunStarted | f.HandedOff)
        )
        return given if all(key in book for key in at_work) else self._agent

    @property
    def context(self) -> RunContextWrapper[TContext]:
        """A context for the next run: the same object of the caller's, and usage of its own."""
        usage = deserialize_usage(serialize_usage(self._context.usage))
        return RunContextWrapper(self._context.context, usage)

    # --- JSON

    def to_json(
        self,
        *,
        context_serializer: _state_json.ContextSerializer | None = None,
        strict_context: bool = False,
        include_tracing_api_key: bool = False,
        signing_key: bytes | str | None = None,
    ) -> dict[str, Any]:
        """The state as JSON-shaped data.

        Args:
            context_serializer: Makes a mapping of the caller's context object.
            strict_context: Refuse a context that would be left out.
            include_tracing_api_key: Store the key of the run's trace too, not only its hash.
            signing_key: Sign the payload, so that a state that comes back from a browser can be trusted.

        Raises:
            UserError: the context cannot be serialized, and `strict_context` is set; or something in the run is
                nothing that JSON has.
        """
        return detached(
            self._payload(
                context_serializer, strict_context, include_tracing_api_key, signing_key, is_plain=True
            )
        )

    def _payload(
        self,
        context_serializer: _state_json.ContextSerializer | None,
        strict_context: bool,
        include_tracing_api_key: bool,
        signing_key: bytes | str | None,
        *,
        is_plain: bool,
    ) -> dict[str, Any]:
        payload = write_json(
            part=FactsPart(self._run_id, self._moments, self._decisions, self._carried.unread),
            states=self._states,
            context=self._context,
            context_serializer=context_serializer,
            strict_context=strict_context,
            is_plain=is_plain,
        )
        trace = self._carried.trace
        payload["trace"] = (
            None if trace is None else trace.to_json(include_tracing_api_key=include_tracing_api_key)
        )
        payload["reasoning_item_id_policy"] = self._carried.reasoning_item_id_policy
        return payload if signing_key is None else sign(payload, signing_key)

    def to_string(
        self,
        *,
        context_serializer: _state_json.ContextSerializer | None = None,
        strict_context: bool = False,
        include_tracing_api_key: bool = False,
        signing_key: bytes | str | None = None,
    ) -> str:
        """The state as one line of JSON. Arguments as for `to_json`."""
        payload = self._payload(
            context_serializer, strict_context, include_tracing_api_key, signing_key, is_plain=False
        )
        return as_text(payload)

    @staticmethod
    async def from_json(
        initial_agent: _agent.Agent[Any],
        state_json: dict[str, Any],
        *,
        context_override: Any = None,
        context_deserializer: _state_json.ContextDeserializer | None = None,
        strict_context: bool = False,
        signing_key: bytes | str | None = None,
    ) -> RunState[Any]:
        """Read a state that `to_json` gave.

        Args:
            initial_agent: The agent that the run was started with, or one made alike.
            state_json: The payload.
            context_override: The context object to use instead of what the payload has.
            context_deserializer: Makes the context object of the payload's mapping.
            strict_context: Refuse a payload whose context was left out.
            signing_key: Refuse a payload that is not the one that was signed with this key.

        Raises:
            StateTampered: the signature is missing or wrong.
            UserError: the payload is of another format, or is not a state of this agent.
        """
        verify_if_asked(state_json, signing_key)
        return RunState._read(
            initial_agent, detached(state_json), context_override, context_deserializer, strict=strict_context
        )

    @staticmethod
    async def from_string(
        initial_agent: _agent.Agent[Any],
        state_string: str,
        *,
        context_override: Any = None,
        context_deserializer: _state_json.ContextDeserializer | None = None,
        strict_context: bool = False,
        signing_key: bytes | str | None = None,
    ) -> RunState[Any]:
        """Read a state that `to_string` gave. Arguments and errors as for `from_json`."""
        payload = from_text(state_string)
        verify_if_asked(payload, signing_key)
        return RunState._read(
            initial_agent, payload, context_override, context_deserializer, strict=strict_context
        )

    @classmethod
    def _read(
        cls, agent: _agent.Agent[Any], payload: object, override: Any, deserializer: Any, *, strict: bool
    ) -> RunState[Any]:
        read = read_json(payload, context_deserializer=deserializer, strict_context=strict)
        given: Any = read.context if override is None else override
        if isinstance(given, RunContextWrapper):
            context = cast("RunContextWrapper[Any]", given)
        else:
            context = RunContextWrapper(given, Usage() if read.usage is None else read.usage)
        try:
            part = read.part
            carried = _carried(payload, part.unread)
            state: RunState[Any] = cls(agent, part.run_id, part.moments, context, carried)
            for path, fact in part.decisions:
                state._add(path, fact)
        except (IllegalFact, KeyError) as error:
            raise UserError(f"the run state does not hold together: {error}") from error
        root = state._states.get((), State())
        names = {each.name for each in reachable_agents(agent, tools=True)}
        used = () if root.start is None else (root.start.agent, root.agent)
        if not used or not {str(key).partition("#")[0] for key in used} <= names:
            raise UserError("Run state agent not found in agent map: resume with the agents of the first run")
        state._check_agreement(cast("Mapping[str, Any]", payload), part.format)
        return state

    def _check_agreement(self, payload: Mapping[str, Any], written: int) -> None:
        # Other versions may show the same facts otherwise; states of other packages have no facts to agree with.
        if _state_json.KEY not in payload or written != FORMAT:
            return
        key = disagreeing_key(payload, self._moments, self._states)
        if key is not None:
            raise UserError(
                f"the run state contradicts itself: its {key!r} is not what its facts say. Change a state by its "
                "methods (approve, reject, add_input), and its context by context_override"
            )


def _carried(payload: object, unread: Unread) -> Carried:
    values = cast("Mapping[str, Any]", payload)
    trace, policy = values.get("trace"), values.get("reasoning_item_id_policy")
    if policy not in (None, "preserve", "omit"):
        raise UserError(f"the run state is damaged: reasoning_item_id_policy is {policy!r}")
    read = TraceState.from_json(trace) if isinstance(trace, Mapping) else None  # pyright: ignore[reportUnknownArgumentType]
    return Carried(read, policy, unread)


def _fold_paths(moments: list[Moment]) -> dict[Path, State]:
    states: dict[Path, State] = {}
    for moment in moments:
        state = states.get(moment.path)
        if state is None:
            state = states[moment.path] = State()
        evolve(state, moment.fact)
    return states
