"""Runs of the core alone: facts, `decide` and scripted performers, without asyncio.

What is in flight finishes in an order that a schedule chooses. Every effect is deterministic: what it says follows
from its plan, and, so that results can be told apart, from the life (the process) in which it was performed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from agents._core import effects as e
from agents._core import facts as f
from agents._core.decide import Close, Perform, Record, Stop, decide
from agents._core.evolve import evolve, fold
from agents._core.session import ends_with_response, last_batch
from agents._core.state import CallPhase, Phase
from agents.log import Record as LogRecord
from agents.log import RunLog, decode_record, encode_record

Question: TypeAlias = Literal["none", "waived", "approved", "rejected"]


@dataclass(frozen=True, slots=True)
class CallPlan:
    kind: f.CallKind = "function"
    question: Question = "none"
    ends: Literal["returned", "told", "failed"] = "returned"
    in_doubt: f.InDoubt = "ask"
    reads_only: bool = False
    is_guarded: bool = False
    acts: bool = False
    """Whether a function's call acts on a machine, which one call does at a time."""

    pauses: bool = False
    """Whether it waits, once, for decisions about calls nested in it."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run: the calls of each turn; a last turn answers with text."""

    turns: tuple[tuple[CallPlan, ...], ...] = ()
    guards: tuple[tuple[bool, bool], ...] = ()
    """Input guardrails: whether each blocks, and whether it trips."""

    output_guards: int = 0
    has_hooks: bool = False
    starts_early: bool = False
    tools_at_once: int | None = None
    max_turns: int = 10
    handles_max_turns: bool = False
    tools_may_end: bool = False
    has_session: bool = False
    compacts: bool = False
    """Whether the session compacts what it holds, each time it may."""


OLD: f.Json = {"role": "user", "content": "before"}
"""What a session holds before the run."""


class Core:
    """One life of a run: a log, the state that it folds to, and what is in flight."""

    def __init__(
        self,
        plan: RunPlan,
        schedule: Iterable[int],
        facts: Iterable[f.Fact] = (),
        life: int = 1,
        cancel: tuple[int, f.CancelMode] | None = None,
        notebook: list[f.Json] | None = None,
    ) -> None:
        self.plan = plan
        self.notebook: list[f.Json] = [OLD] if notebook is None else notebook
        """What the session holds."""

        self._batch: list[f.Json] = []
        self.cancel = cancel
        """Cancel once there are so many facts."""

        self.life = life
        self.facts = list(facts)
        self.begun = len(self.facts)
        """How many facts there were when this life began."""

        self.state = fold(self.facts)
        self.performed: list[str] = []
        """Tools that ran and hooks, guardrails and handoffs that were asked, by effect id."""

        self._schedule = deque(schedule)
        self._flight: dict[str, tuple[e.Effect, deque[f.Fact]]] = {}

    def drive(self) -> None:
        """Go on to the end, or until it was cancelled, deciding about calls as the plan says."""
        if self.state.phase is Phase.NEW:
            self._commit(start_of(self.plan))
        elif not self.state.is_closed or self.state.phase is Phase.CANCELLED:
            self._resume()
        while True:
            if self.cancel is not None and len(self.facts) >= self.cancel[0] and not self.state.is_closed:
                self._commit(f.CancelRequested(self.cancel[1]))
                self.cancel = None
            decision = decide(self.state)
            match decision:
                case Record(fact):
                    self._commit(fact)
                case Perform(effects):
                    self._perform(effects)
                case Close(fact):
                    self._flight.clear()
                    batch = last_batch(self.state, fact)
                    if batch:
                        self._save(batch)
                    self._commit(fact)
                case Stop():
                    return
                case _:
                    self._go_on(decision.calls)

    def _resume(self) -> None:
        plan = self.plan
        self._commit(f.RunResumed(self.state.epoch + 1, None, plan.tools_at_once, plan.has_session))

    def _save(self, batch: list[f.Json]) -> None:
        number = self.state.batches + 1
        self._commit(f.SessionSaveBegun(number))
        self._batch = batch
        self._commit(f.SessionSaved(number, len(batch)))

    def _go_on(self, waiting: tuple[f.CallId, ...]) -> None:
        """Decide about what waits; what waits for others below is taken up again by resuming."""
        asked = [call_id for call_id in waiting if self.state.calls[call_id].phase is CallPhase.ASKED]
        for call_id in asked:
            rejects = plan_of(self.plan, call_id).question == "rejected"
            self._commit(f.ApprovalDecided(call_id, not rejects))
        if not asked:
            self._resume()

    def _commit(self, fact: f.Fact) -> None:
        if isinstance(fact, f.SessionSaveBegun):
            self._batch = list(self.state.unsaved)
        elif isinstance(fact, f.SessionSaved):
            size = len(self._batch)
            if not (self.state.is_save_in_doubt and self.notebook[-size:] == self._batch):
                self.notebook.extend(self._batch)
        evolve(self.state, fact)
        self.facts.append(fact)
        if isinstance(fact, f.AttemptReset | f.ModelResponded):
            for key, (effect, _) in list(self._flight.items()):
                if isinstance(effect, e.RunTool) and effect.call.id not in self.state.calls:
                    del self._flight[key]

    def _perform(self, effects: tuple[e.Effect, ...]) -> None:
        assert effects, "there is something to wait for"
        for effect in effects:
            if effect.id not in self._flight:
                self.performed.append(effect.id)
                self._flight[effect.id] = (effect, deque(self._says(effect)))
        keys = list(self._flight)
        chosen = keys[(self._schedule.popleft() if self._schedule else 0) % len(keys)]
        says = self._flight[chosen][1]
        fact = says.popleft()
        if not says:
            del self._flight[chosen]
        self._commit(fact)

    # --- what effects say

    def _says(self, effect: e.Effect) -> Iterator[f.Fact]:
        match effect:
            case e.RunHook():
                yield f.HookSettled(effect.id)
            case e.CheckGuardrail():
                trips = effect.stage == "input" and self.plan.guards[int(effect.guard.id[-1])][1]
                yield f.GuardrailChecked(effect.guard.id, effect.guard.name, effect.stage, trips)
            case e.CallModel():
                yield from self._response(effect)
            case e.CheckApproval():
                waived = plan_of(self.plan, effect.call.id).question == "waived"
                yield f.ApprovalWaived(effect.call.id) if waived else f.ApprovalRequested(effect.call.id)
            case e.ConfirmDecision():
                yield f.ToolClaimed(effect.call.id, effect.call.name)
            case e.RunTool():
                yield from self._tool(effect.call)
            case e.AnswerCall():
                yield f.CallAnswered(
                    effect.call.id, effect.call.name, output_of(effect.call, 0), effect.reason
                )
            case e.TakeHandoff():
                agent = f.AgentKey("b" if self.state.agent == "a" else "a")
                hook = self.plan.has_hooks
                output = output_of(effect.call, 0)
                yield f.HandedOff(effect.call.id, self.state.agent, agent, output, hook=hook, start_hook=hook)
            case e.ProposeOutput():
                yield self._output(effect)
            case e.LoadSession():
                new = [{"role": "user", "content": "hi"}]
                yield f.SessionLoaded([OLD, *new], new)
            case e.SaveSession():
                yield f.SessionSaveBegun(effect.batch)
                may_compact = self.plan.compacts and ends_with_response(self.state)
                yield f.SessionSaved(effect.batch, len(self.state.unsaved), may_compact)
            case e.CompactSession():
                yield f.SessionCompacted(f.UsageData(1, 1, 1, 2))
            case e.HandleFailure():
                yield f.OutputProposed("handler", "handled", self._output_guards(), self.plan.has_hooks)
            case _:
                assert_never(effect)

    def _response(self, effect: e.CallModel) -> Iterator[f.Fact]:
        turn = effect.turn
        if effect.attempt > 1:
            yield f.AttemptReset(turn, effect.attempt, "the process is gone")
        yield f.ModelRequested(turn, effect.attempt)
        calls = calls_of(self.plan, turn)
        yield f.ModelDelta(turn, {"type": "response.created"})
        for call in calls:
            yield f.CallProposed(turn, call)
        items: list[f.Json] = [{"type": "message", "id": f"m{turn}"}]
        items += [{"type": "function_call", "call_id": call.id} for call in calls]
        yield f.ModelResponded(
            turn,
            items,
            tuple(calls),
            f.UsageData(1, 2, 3, 5),
            f"resp{turn}",
            end_hook=self.plan.has_hooks,
            tools_may_end=self.plan.tools_may_end,
        )

    def _tool(self, call: f.Call) -> Iterator[f.Fact]:
        plan = plan_of(self.plan, call.id)
        if plan.pauses and not any(
            isinstance(fact, f.ToolPaused) and fact.call == call.id for fact in self.facts
        ):
            yield f.ToolPaused(call.id, (f.Waiting((call.id, "inner"), "child", "t", "{}"),))
            return
        yield f.ToolProgressed(call.id, "half")
        if plan.is_guarded:
            yield f.ToolGuardrailChecked(call.id, "g", "input", "allow")
        error = f.ErrorData("Broken", call.id)
        output = output_of(call, self.life)
        if plan.ends == "returned":
            yield f.ToolReturned(call.id, call.name, output, end_hook=self.plan.has_hooks)
        elif plan.ends == "told":
            yield f.ToolFailed(call.id, call.name, error, output, end_hook=self.plan.has_hooks)
        else:
            yield f.ToolFailed(call.id, call.name, error)

    def _output(self, effect: e.ProposeOutput) -> f.Fact:
        ends = effect.source == "message" or any(
            call.call.kind == "function" and call.phase is CallPhase.SETTLED
            for call in self.state.calls.values()
        )
        if not ends:
            return f.OutputDeferred(effect.turn)
        return f.OutputProposed(
            effect.source, f"of turn {effect.turn}", self._output_guards(), self.plan.has_hooks
        )

    def _output_guards(self) -> tuple[f.Guard, ...]:
        return tuple(f.Guard(f"guard/output/{index}", "g") for index in range(self.plan.output_guards))


# --- plans


def start_of(plan: RunPlan) -> f.RunStarted:
    guards = tuple(
        f.Guard(f"guard/input/{index}", "g", blocks) for index, (blocks, _) in enumerate(plan.guards)
    )
    return f.RunStarted(
        f.AgentKey("a"),
        "hi",
        plan.max_turns,
        guards,
        start_hook=plan.has_hooks,
        handlers=("max_turns",) if plan.handles_max_turns else (),
        max_concurrent_tools=plan.tools_at_once,
        start_tools_early=plan.starts_early,
        session=plan.has_session,
    )


def calls_of(plan: RunPlan, turn: int) -> list[f.Call]:
    plans = plan.turns[turn - 1] if turn <= len(plan.turns) else ()
    return [
        f.Call(
            f.CallId(f"{turn}.{index}"),
            each.kind,
            each.kind,
            "{}",
            needs_approval=each.kind == "hosted" or (each.kind == "function" and each.question != "none"),
            read_only=each.kind == "function" and each.reads_only and not each.acts,
            on_in_doubt=each.in_doubt,
            form=_form_of(each),
        )
        for index, each in enumerate(plans)
    ]


def _form_of(plan: CallPlan) -> f.CallForm:
    if plan.kind == "hosted":
        return "mcp"
    return "shell" if plan.kind == "function" and plan.acts else "function"


def plan_of(plan: RunPlan, call_id: str) -> CallPlan:
    turn, _, index = call_id.partition(".")
    return plan.turns[int(turn) - 1][int(index)]


def output_of(call: f.Call, life: int) -> f.Json:
    return {"type": "function_call_output", "call_id": call.id, "output": f"life {life}"}


# --- logs


def through_log(facts: Iterable[f.Fact]) -> list[f.Fact]:
    """The facts, as another process reads them: written to a log, encoded, decoded."""
    log = RunLog("run_law", clock=lambda: 0.0)
    return [decode_record(encode_record(LogRecord.of(log.append(fact), "run_law"))).fact for fact in facts]
