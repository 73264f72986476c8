"""Reading a run state that the `openai-agents` package wrote: its payload as facts of ours.

Rule 1: pure: a payload in, facts out. The agents are not needed, but for their names.
Rule 2: what cannot be read is refused before anything of it is used, with where it stands and what to do.
Rule 3: nothing runs again: a call is taken as run when its output is there, as in doubt when it had begun.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from agents._core import facts as f
from agents._core import history
from agents._core.evolve import call_signature
from agents.exceptions import UserError
from agents.log import Path

from . import foreign_shape as shape
from .environment import hosted_call_name
from .foreign_calls import is_call, read_call, sent_output

NOT_APPROVED = "Tool execution was not approved."
SECOND_HANDOFF = "Multiple handoffs detected, ignoring this one."
FILTERED = "(taken out by the input filter of a handoff)"

_ANSWERS = frozenset(
    {"tool_approval_item", "tool_call_output_item", "handoff_output_item", "mcp_approval_response_item"}
)
"""The items that no model made."""

#: From this schema on a state may say that it cannot be gone on from.
_TERMINAL_MARKER_SINCE = 17


@dataclass(frozen=True, slots=True)
class ForeignFacts:
    """What a payload holds, in our terms: the facts of the run and of those nested in it, and decisions since."""

    run_id: str
    """Made of the run's content: the same state read twice is the same run."""

    facts: list[tuple[Path, f.Fact]]
    decisions: list[tuple[Path, f.Fact]]


def read_foreign(payload: Mapping[str, Any]) -> ForeignFacts:
    """Read a state that another package wrote.

    The facts are not folded here: ones that do not belong together show when the state is made of them.

    Raises:
        UserError: it is damaged, or holds what cannot be taken over.
    """
    run = _ForeignRun(_convert(payload, ()), ())
    facts = list(run.facts())
    decisions = list(run.decisions())
    content = [payload.get("original_input"), payload.get("model_responses"), payload.get("current_agent")]
    digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()
    return ForeignFacts(f"run_{digest[:32]}", facts, decisions)


def _convert(payload: Mapping[str, Any], path: Path) -> shape.ForeignState:
    where = f"the run in call {'/'.join(path)} of the run state" if path else "the run state"
    try:
        state = msgspec.convert(payload, shape.ForeignState)
    except msgspec.ValidationError as error:
        raise UserError(f"{where} is damaged: {error}") from None
    if state.terminal_unrecoverable:
        if int(state.schema_version.partition(".")[2] or 0) < _TERMINAL_MARKER_SINCE:
            raise UserError(
                f"{where} is damaged: its terminal marker is invalid in schema {state.schema_version}"
            )
        raise UserError(f"{where} cannot be resumed: its final output was made, and saving it failed")
    return state


def _texts(message: Mapping[str, Any]) -> str:
    """The text of a message; what is no text is left out."""
    parts = cast("object", message.get("content"))
    if not isinstance(parts, list):
        return ""
    texts = [
        cast("Mapping[str, object]", part).get("text")
        for part in cast("list[object]", parts)
        if isinstance(part, Mapping)
    ]
    return "".join(text for text in texts if isinstance(text, str))


def _key(agent: shape.AgentName) -> f.AgentKey:
    return f.AgentKey(agent.name if agent.identity is None else agent.identity)


@dataclass(slots=True)
class _Verdict:
    """What a payload says about one call."""

    approved: bool
    message: str | None = None


@dataclass(slots=True)
class _ForeignRun:
    """One run of a payload, and those nested in it."""

    state: shape.ForeignState
    path: Path
    outer: list[shape.Context] = field(default_factory=list[shape.Context])
    """The contexts of the runs around it, the nearest first: older schemas keep decisions there."""

    nested: dict[str, _ForeignRun] = field(default_factory=dict[str, "_ForeignRun"])
    pending: dict[str, shape.AgentName] = field(default_factory=dict[str, shape.AgentName])
    """The run's own calls that wait for a decision, and who owns them."""

    calls: dict[str, f.Call] = field(default_factory=dict[str, f.Call])
    items: list[shape.Item] = field(default_factory=list[shape.Item])
    """Every item of the run that is left, those that its agents do not see any more too."""

    outputs: dict[str, shape.Item] = field(default_factory=dict[str, shape.Item])
    handoffs: set[str] = field(default_factory=set[str])
    asked: set[str] = field(default_factory=set[str])
    """Calls that somebody was asked about, at any time."""

    tool_names: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    """What the tools of those calls are called."""

    # --- what the payload says

    def __post_init__(self) -> None:
        self.items = self.state.session_items or self.state.generated_items
        self._check_raws()
        for item in (*self.state.generated_items, *self.items):
            call_id = item.call_id
            if call_id is None:
                continue
            match item.type:
                case "tool_call_output_item" | "handoff_output_item" | "mcp_approval_response_item":
                    self.outputs[call_id] = item
                case "handoff_call_item":
                    self.handoffs.add(call_id)
                case "tool_approval_item":
                    self.asked.add(call_id)
                    self.tool_names[call_id] = item.tool_name
                case _:
                    pass
        self._find_nested()
        self._find_pending()

    def _check_raws(self) -> None:
        """Whatever is looked up by its type or call id has them as texts."""
        raws = [raw for response in self.state.model_responses for raw in response.output]
        raws.extend(item.raw_item for item in (*self.state.generated_items, *self.items, *self.questions()))
        for raw in raws:
            kind = raw.get("type")
            call_id = history.made_call(raw) if isinstance(kind, str | None) else None
            if not isinstance(kind, str | None) or not isinstance(call_id, str | None):
                raise UserError(
                    f"the run state is damaged: an item has type {kind!r} and call_id {call_id!r}; both are texts"
                )

    def _own_calls(self) -> set[str]:
        """The calls of the last response."""
        last = self.state.model_responses[-1].output if self.state.model_responses else []
        return {str(history.made_call(raw)) for raw in last if self._is_call(raw)}

    def _is_call(self, raw: Mapping[str, Any]) -> bool:
        """Whether an item of a response is a call that was, or is to be, settled by the run."""
        invoked = self.state.context.tool_invocations
        waiting = {str(item.call_id) for item in self.questions()}
        return is_call(raw, self.outputs.keys() | self.asked | waiting | invoked.keys())

    def _find_nested(self) -> None:
        processed = self.state.last_processed_response
        for function in () if processed is None else processed.functions:
            call_id = function.tool_call.get("call_id")
            if function.agent_run_state is None or not isinstance(call_id, str):
                continue
            if call_id in self._own_calls() and call_id not in self.outputs:
                path = (*self.path, call_id)
                inner = _convert(function.agent_run_state, path)
                self.nested[call_id] = _ForeignRun(inner, path, [self.state.context, *self.outer])

    def _find_pending(self) -> None:
        below = {item.call_id for run in self.nested.values() for item in run.questions()}
        own = self._own_calls()
        for item in self.questions():
            if item.call_id in own:
                self.pending[str(item.call_id)] = item.agent or self.state.current_agent
                self.tool_names[str(item.call_id)] = item.tool_name
            elif item.call_id not in below:
                raise UserError(
                    f"the run state waits for a decision about call {item.call_id} of a run within another, and does "
                    f"not hold that run (schema {self.state.schema_version} may leave it out): decide about it and "
                    "resume the run with the package that wrote the state"
                )

    def questions(self) -> list[shape.Item]:
        """The items that the run, or one below, asks about."""
        step = self.state.current_step
        return [] if step is None else step.data.interruptions

    def agent_names(self) -> list[str]:
        """The names of the agents that have been at work, each once."""
        names = [item.agent.name for item in self.items if item.agent is not None]
        return list(dict.fromkeys([*names, self.state.current_agent.name]))

    # --- facts

    def facts(self) -> Iterator[tuple[Path, f.Fact]]:
        """The facts of this run, each run nested in it before the fact that it waits."""
        state = self.state
        agent = self._agent_of(0)
        yield self.path, self._started(agent)
        added = self._added_input()
        for turn, response in enumerate(state.model_responses, 1):
            if turn in added:
                yield self.path, f.InputAdded(added[turn])
            yield self.path, f.TurnStarted(turn, agent)
            yield self.path, f.ModelRequested(turn, 1)
            handoff = self._handoff_of(turn, response, agent)
            if handoff is not None:
                self.handoffs.add(str(handoff.call_id))
            responded = self._responded(turn, response)
            yield self.path, responded
            for call in responded.calls:
                if handoff is None or call.id != handoff.call_id:
                    yield from self._called(turn, call, agent, has_filter=handoff is not None)
            if handoff is not None:
                handed = self._handed_off(handoff, agent, turn)
                yield self.path, handed
                agent = handed.agent
        pending = [*added.get(0, ()), *state.pending_input]
        if pending:
            yield self.path, f.InputAdded(pending)
        yield from self._finished()

    def _added_input(self) -> dict[int, list[f.Json]]:
        """Input that was added while the run stood still, by the turn that saw it; under 0 what none has seen."""
        turns = {
            str(history.made_call(raw) or raw.get("id")): turn
            for turn, response in enumerate(self.state.model_responses, 1)
            for raw in response.output
        }
        added: dict[int, list[f.Json]] = {}
        turn = 0
        for item in reversed(self.items):
            if item.type == "input_item":
                added.setdefault(turn, []).insert(0, item.raw_item)
            elif item.type not in _ANSWERS:
                turn = turns.get(str(item.call_id or item.raw_item.get("id")), turn)
        return added

    def _agent_of(self, index: int) -> f.AgentKey:
        """The agent whose model gave a response, by its index; past the last one, the agent at work."""
        responses = self.state.model_responses
        if index < len(responses):
            raws = responses[index].output
            calls = {history.made_call(raw) for raw in raws} - {None}
            for item in self.items:
                is_of_it = item.call_id in calls if item.call_id is not None else item.raw_item in raws
                if item.agent is not None and is_of_it:
                    return _key(item.agent)
        return _key(self.state.current_agent)

    def _started(self, agent: f.AgentKey) -> f.RunStarted:
        state = self.state
        is_chained = state.previous_response_id is not None or state.auto_previous_response_id
        return f.RunStarted(
            agent,
            state.original_input,
            state.max_turns,
            server_managed=is_chained or state.conversation_id is not None,
            chained=is_chained,
            previous_response_id=state.previous_response_id,
            conversation_id=state.conversation_id,
        )

    def _responded(self, turn: int, response: shape.Response) -> f.ModelResponded:
        output: list[f.Json] = []
        calls: list[f.Call] = []
        for raw in response.output:
            if not self._is_call(raw):
                output.append(raw)
                continue
            call = self._call(raw)
            known = self.calls.get(call.id)
            if known is not None and call_signature(known) == call_signature(call):
                # A replay by the server: it was not run again there either.
                continue
            self.calls[call.id] = call
            output.append(raw)
            calls.append(call)
        tokens = response.usage
        used = f.UsageData(tokens.requests, tokens.input_tokens, tokens.output_tokens, tokens.total_tokens)
        is_last = turn == len(self.state.model_responses)
        return f.ModelResponded(turn, output, tuple(calls), used, response.response_id, tools_may_end=is_last)

    def _call(self, raw: Mapping[str, Any]) -> f.Call:
        call_id = str(history.made_call(raw))
        # A call that had not begun is asked about like any other, once its tool is at hand.
        is_open = call_id not in self.outputs and not self._has_begun(call_id)
        needs = call_id in self.asked or call_id in self.pending or is_open
        call = read_call(raw, tool_name=self.tool_names.get(call_id), needs_approval=needs)
        if call_id in self.handoffs:
            return f.Call(call.id, "handoff", call.name, call.arguments)
        return call

    def _has_begun(self, call_id: str) -> bool:
        invocation = self.state.context.tool_invocations.get(call_id)
        return call_id in self.nested or (invocation is not None and invocation.executed)

    def _called(
        self, turn: int, call: f.Call, agent: f.AgentKey, *, has_filter: bool
    ) -> Iterator[tuple[Path, f.Fact]]:
        """What became of a call that is no handoff taken."""
        item = self.outputs.get(call.id)
        if item is None and has_filter:
            # A filter takes calls and their outputs out of the history that it passes on.
            item = shape.Item("tool_call_output_item", history.call_output(call.id, FILTERED))
        if item is not None:
            yield from self._settled(call, agent, item)
        elif turn < len(self.state.model_responses):
            raise UserError(
                f"the run state is damaged: call {call.id} of tool {call.name}, in turn {turn}, has no output"
            )
        elif call.kind != "handoff":
            yield from self._open(call)

    def _settled(self, call: f.Call, agent: f.AgentKey, item: shape.Item) -> Iterator[tuple[Path, f.Fact]]:
        raw = sent_output(item.raw_item)
        if call.kind == "handoff":
            yield self.path, f.CallAnswered(call.id, call.name, raw, "second_handoff")
            return
        if call.needs_approval:
            verdict = self._verdict(call, str(agent).partition("#")[0])
            message = None if verdict is None or verdict.approved else verdict.message
            if call.kind == "hosted":
                yield from self._answered(call, raw, message)
                return
            texts = (NOT_APPROVED, *(() if message is None else (message,)))
            refusals = [history.refusal(call.id, text, call.form).get("output") for text in texts]
            is_told = raw.get("output") in refusals
            is_rejected = verdict is not None and not verdict.approved and is_told
            yield self.path, f.ApprovalRequested(call.id)
            yield self.path, f.ApprovalDecided(call.id, approved=not is_rejected, message=message)
            if is_rejected:
                yield self.path, f.CallAnswered(call.id, call.name, raw, "rejected")
                return
        yield self.path, f.ToolClaimed(call.id, call.name)
        yield self.path, f.ToolReturned(call.id, call.name, raw)

    def _answered(self, call: f.Call, raw: f.Json, message: str | None) -> Iterator[tuple[Path, f.Fact]]:
        """What the model's server was told about a call of its own."""
        is_approved = raw.get("approve") is True
        yield self.path, f.ApprovalRequested(call.id)
        yield self.path, f.ApprovalDecided(call.id, approved=is_approved, message=message)
        reason: f.AnswerReason = "approved" if is_approved else "rejected"
        yield self.path, f.CallAnswered(call.id, call.name, raw, reason)

    def _open(self, call: f.Call) -> Iterator[tuple[Path, f.Fact]]:
        """A call of the last turn that has no output yet."""
        inner = self.nested.get(call.id)
        if call.id in self.pending:
            yield self.path, f.ApprovalRequested(call.id)
        elif inner is not None:
            if call.needs_approval:
                yield self.path, f.ApprovalRequested(call.id)
                yield self.path, f.ApprovalDecided(call.id, approved=True)
            yield self.path, f.ToolClaimed(call.id, call.name)
            yield from inner.facts()
            yield self.path, f.ToolPaused(call.id, tuple(inner.waiting()))
        elif self._has_begun(call.id):
            if call.needs_approval:
                yield self.path, f.ApprovalRequested(call.id)
                yield self.path, f.ApprovalDecided(call.id, approved=True)
            yield self.path, f.ToolClaimed(call.id, call.name)

    def waiting(self) -> Iterator[f.Waiting]:
        """What this run, and those below, wait for."""
        for call_id, agent in self.pending.items():
            call = self.calls[call_id]
            yield f.Waiting((*self.path, call_id), agent.name, call.name.rpartition(".")[2], call.arguments)
        for run in self.nested.values():
            yield from run.waiting()

    def _handoff_of(self, turn: int, response: shape.Response, agent: f.AgentKey) -> shape.Item | None:
        """The item of the handoff that was taken in a turn; one made up where a filter left none."""
        ids = [str(raw.get("call_id")) for raw in response.output if raw.get("type") == "function_call"]
        for call_id in ids:
            item = self.outputs.get(call_id)
            if item is not None and item.type == "handoff_output_item":
                return item
        to = self._agent_of(turn)
        if to == agent or turn == len(self.state.model_responses):
            return None
        lost = [
            raw for raw in response.output if raw.get("call_id") in ids and raw["call_id"] not in self.outputs
        ]
        if not lost:
            raise UserError(
                f"the run state is damaged: nothing in turn {turn} hands over from {agent} to {to}"
            )
        # Where several are lost, the usual name of a handoff tells.
        lost.sort(key=lambda raw: not str(raw.get("name")).startswith("transfer_to_"))
        name = str(to).partition("#")[0]
        raw = history.call_output(lost[0]["call_id"], json.dumps({"assistant": name}))
        target = shape.AgentName(name, None if name == to else str(to))
        return shape.Item("handoff_output_item", raw, target_agent=target)

    def _handed_off(self, item: shape.Item, agent: f.AgentKey, turn: int) -> f.HandedOff:
        target = item.target_agent
        if target is None:
            raise UserError(
                f"the run state is damaged: the handoff of call {item.call_id} does not say to which agent"
            )
        if _key(target) == agent:
            raise UserError(
                f"the run state hands over from agent {agent} to another of this name, and does not tell them apart "
                f"(schema {self.state.schema_version}): resume it with the package that wrote it"
            )
        call_id = f.CallId(str(item.call_id))
        return f.HandedOff(call_id, agent, _key(target), item.raw_item, self._filtered(turn))

    def _filtered(self, turn: int) -> list[f.Json] | None:
        """What a filter made of the history in this turn; None when none did."""
        responses = self.state.model_responses
        later = [raw for response in responses[turn:] for raw in response.output]
        calls = {history.made_call(raw) for raw in later} - {None}
        earlier = [
            item.raw_item
            for item in self.state.generated_items
            if item.type != "tool_approval_item" and item.raw_item not in later and item.call_id not in calls
        ]
        count = sum(len(response.output) for response in responses[:turn]) + len(self.calls)
        count += sum(len(items) for seen, items in self._added_input().items() if 0 < seen <= turn)
        if len(earlier) == count:
            return None
        return [*history.input_items(self.state.original_input), *earlier]

    def _finished(self) -> Iterator[tuple[Path, f.Fact]]:
        """A run without a next step whose last response asks for nothing has ended."""
        state = self.state
        if state.current_step is not None or not state.model_responses:
            return
        last = state.model_responses[-1].output
        if any(self._is_call(raw) for raw in last):
            return
        text = "".join(_texts(raw) for raw in last if raw.get("type") == "message")
        yield self.path, f.OutputProposed("message", text)
        yield self.path, f.RunFinished(text)

    # --- decisions

    def decisions(self) -> Iterator[tuple[Path, f.Fact]]:
        """What was decided and not acted on, and the standing rules."""
        for number, rule in enumerate(self._rules(), 1):
            prefix = "/".join(self.path)
            agent, tool, approved, message, form = rule
            yield (
                (),
                f.RuleStated(f.Rule(f"rule_{prefix}{number}", agent, tool, approved, message, form=form)),
            )
        for call_id, agent in self.pending.items():
            verdict = self._verdict(self.calls[call_id], agent.name)
            if verdict is not None:
                decided = f.ApprovalDecided(
                    f.CallId(call_id), approved=verdict.approved, message=verdict.message
                )
                yield self.path, decided
        for run in self.nested.values():
            yield from run.decisions()

    def _rules(self) -> Iterator[tuple[str, str, bool, str | None, f.CallForm]]:
        """Agent, tool, whether it is approved, the message, and the form of the calls."""
        context = self.state.context
        scoped = [(each.agent.name, each.tool_key, each.decision) for each in context.function_tool_approvals]
        everywhere = [
            (agent, tool, decision)
            for tool, decision in context.approvals.items()
            for agent in self.agent_names()
        ]
        hosted = [
            (agent, hosted_call_name(each.identity.server_label, each.identity.tool_name), each.decision)
            for each in context.hosted_mcp_approvals
            if each.identity.request_id is None
            for agent in self.agent_names()
        ]
        for agent, tool, decision in (*scoped, *everywhere, *hosted):
            for form in self._forms_of(tool):
                if decision.approved is True:
                    yield agent, tool, True, None, form
                elif decision.rejected is True:
                    yield agent, tool, False, decision.sticky_rejection_message, form

    def _forms_of(self, tool: str) -> list[f.CallForm]:
        """The forms of the calls of a name in this run: decisions there go by name alone."""
        forms: set[f.CallForm] = {call.form for call in self.calls.values() if call.name == tool}
        return sorted(forms) if forms else ["function"]

    def _verdict(self, call: f.Call, agent: str) -> _Verdict | None:
        """The decision about a call: one about it alone before a standing one."""
        own = self._about(self.state.context, call, agent)
        inherited = [decision for context in self.outer for decision in self._about(context, call, agent)]
        for decision in (*own, *inherited):
            if isinstance(decision.approved, list) and call.id in decision.approved:
                return _Verdict(approved=True)
            if isinstance(decision.rejected, list) and call.id in decision.rejected:
                return _Verdict(approved=False, message=decision.rejection_messages.get(call.id))
        for decision in own:
            if decision.approved is True:
                return _Verdict(approved=True)
            if decision.rejected is True:
                message = decision.rejection_messages.get(call.id, decision.sticky_rejection_message)
                return _Verdict(approved=False, message=message)
        return None

    def _about(self, context: shape.Context, call: f.Call, agent: str) -> list[shape.Approvals]:
        if call.form == "mcp":
            return [
                each.decision
                for each in context.hosted_mcp_approvals
                if each.identity.request_id == call.id
                or hosted_call_name(each.identity.server_label, each.identity.tool_name) == call.name
            ]
        scoped = [
            each.decision
            for each in context.function_tool_approvals
            if each.tool_key == call.name and each.agent.name == agent
        ]
        everywhere = context.approvals.get(call.name)
        return [*scoped, *([] if everywhere is None else [everywhere])]
