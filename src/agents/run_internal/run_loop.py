"""The one loop: ask what is due, have it in flight, record what comes of it.

Rule 1: `run` and `run_streamed`, fresh and resumed, at the top and nested, all are `Run.drive`.
Rule 2: only `Run.record` appends to the log, and it folds before it appends.
Rule 3: every effect's task is owned by the flight; leaving the flight cancels and awaits each of them.
Rule 4: a delta neither folds nor decides.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

from agents._core import facts as f
from agents._core.decide import Close, Perform, Record, Suspend, decide
from agents._core.effects import CallModel, Effect, RunTool
from agents._core.evolve import evolve
from agents._core.state import Phase, State
from agents.tracing import CustomSpanData
from agents.tracing.scope import Scope
from agents.tracing.spans import NoOpSpan

from . import approvals, failures, recipients, sessions
from .performers import PERFORMERS
from .state_facts import Unread
from .view import LiveOutput, RunView

if TYPE_CHECKING:
    from agents.items import ToolApprovalItem
    from agents.log import Path, RunLog
    from agents.tracing import Trace

    from .environment import Environment
    from .restore import Moment
    from .spans import RunSpans

Work: TypeAlias = Coroutine[Any, Any, None]

_MAY_END = frozenset({f.GuardrailChecked, f.EffectFailed})
"""Facts after which whatever else is in flight may have become pointless."""

GRACE_S = 1.0
"""How long a cancelled effect may take to stop before the run ends without it."""


class Run:
    """One run: its state, its view, its place in a log, and what it has in flight."""

    __slots__ = (
        "__weakref__",
        "_abandoned",
        "_changed",
        "_context",
        "_flight",
        "_is_landing",
        "_waiter",
        "environment",
        "first_seq",
        "is_idle",
        "log",
        "open_runs",
        "parent",
        "path",
        "restored",
        "rule_uses",
        "spans",
        "state",
        "trace",
        "unread",
        "view",
    )

    def __init__(
        self,
        environment: Environment,
        log: RunLog,
        path: Path,
        view: RunView,
        *,
        parent: Run | None = None,
        state: State | None = None,
        spans: RunSpans | None = None,
    ) -> None:
        self.environment = environment
        self.log = log
        self.path = path
        self.parent = parent
        self.trace: Trace | None = None
        """The trace that this run started, kept for its state."""

        self.first_seq = 1
        """The first record that is this run's own doing, and not taken over from one that it resumes."""

        self.open_runs: dict[Path, Run] = {} if parent is not None else {path: self}
        """Of the outermost run: itself and the runs nested in it that have not come to rest, by path."""

        if parent is not None:
            self.root.open_runs[path] = self
        self.restored: dict[Path, list[Moment]] = {}
        """What is known of nested runs that have not been taken up again, by path."""

        self.unread = Unread()
        """What a newer version wrote into the state that this run resumes, and this one passes over."""

        self.rule_uses: Counter[str] = Counter()
        """How many calls each standing rule has decided, here and in nested runs."""

        self.view = view
        self.state = State() if state is None else state
        self.spans = spans
        self.is_idle = False
        """Whether the loop has returned: nothing more will come."""

        self._context = contextvars.copy_context()
        self._flight: dict[str, tuple[Effect, asyncio.Task[None]]] = {}
        self._abandoned: set[str] = set()
        self._is_landing = False
        self._changed = False
        self._waiter: asyncio.Future[None] | None = None

    def hide_trace(self, trace: Trace) -> None:
        """Have a no-op trace current in whatever this run calls: it is not to be traced, nor its caller's to grow."""
        self._context.run(Scope.set_current_trace, trace)
        self._context.run(Scope.set_current_span, NoOpSpan(CustomSpanData("untraced run", {})))

    @property
    def root(self) -> Run:
        """The outermost run."""
        return self if self.parent is None else self.parent.root

    @property
    def interruptions(self) -> list[ToolApprovalItem]:
        """Every question that waits for a decision, in this run and in those nested in it, paused or going on."""
        depth = len(self.path)
        below = [
            item
            for path, run in self.root.open_runs.items()
            if path != self.path and path[:depth] == self.path
            for item in run.view.approvals.values()
        ]
        return [*self.view.interruptions, *below]

    # --- recording

    def record(self, fact: f.Fact, live: Any = None) -> None:
        """Fold a fact, append it, and let the loop decide anew.

        Raises:
            IllegalFact: the run does not accept it where it stands; nothing was changed.
        """
        evolve(self.state, fact)
        self.log.append(fact, live, self.path)
        self.view.absorb(fact, live)
        if self.spans is not None:
            self.spans.absorb(fact, live)
        self.count_rule(fact)
        self._changed = True
        if self._flight and type(fact) in _MAY_END and isinstance(decide(self.state), Close):
            # Not when the loop comes to it: what is ready to go on would get ahead of it.
            self._cancel_flight()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def count_rule(self, fact: f.Fact) -> None:
        """Note that a standing rule was used, if that is what happened."""
        if type(fact) is f.ApprovalDecided and fact.rule is not None:
            self.root.rule_uses[fact.rule] += 1

    def observe(self, fact: f.ToolProgressed) -> None:
        """Append an ephemeral fact: readers see it, the state does not."""
        if not self.state.is_closed:
            self.log.append(fact, None, self.path)

    def request_cancel(self, mode: f.CancelMode) -> None:
        """Ask the run to stop; idempotent, and nothing once it has ended."""
        state = self.state
        if self.is_idle or state.is_closed or state.start is None or state.cancel in {mode, "immediate"}:
            return
        self.record(f.CancelRequested(mode))

    def is_wanted(self, effect_id: str) -> bool:
        """Whether what an effect has to say is still asked for."""
        return effect_id not in self._abandoned and not self.state.is_closed

    # --- the loop

    async def drive(self) -> None:
        """Advance the run until it has ended, or waits for decisions from outside.

        Raises:
            BaseException: what ended the run, with its `run_data`, after it was recorded.
        """
        try:
            if self.state.epoch and self.state.phase is Phase.CALLS:
                await self._find_recipients()
            while True:
                decision = decide(self.state)
                if isinstance(decision, Record):
                    self.record(decision.fact, self._live_for(decision.fact))
                elif isinstance(decision, Perform):
                    self._changed = False
                    for effect in decision.effects:
                        self._launch(effect)
                    if not self._changed:
                        await self._wait()
                elif isinstance(decision, Close):
                    await self._close(decision.fact)
                elif isinstance(decision, Suspend) and self.environment.config.wait_for_decisions:
                    self._changed = False
                    await self._wait()
                else:
                    break
        except asyncio.CancelledError:
            await self._cancelled_from_outside()
            raise
        finally:
            try:
                await self._land()
            finally:
                self._come_to_rest()
        failures.raise_if_failed(self)

    async def _find_recipients(self) -> None:
        """A resumed run fails for what has gone before it does anything."""
        try:
            await recipients.find(self)
        except Exception as error:  # noqa: BLE001 (the flight's rim, before anything flies)
            self.record(f.EffectFailed("resume/recipients", failures.error_data(error)), error)

    def _live_for(self, fact: f.Fact) -> Any:
        """What belongs to a fact about a call in doubt: it is decided here, without an effect that would make it."""
        if isinstance(fact, f.ApprovalRequested):
            return approvals.approval_item(self, self.state.calls[fact.call].call)
        return LiveOutput(None) if isinstance(fact, f.ToolFailed) else None

    def abandon(self) -> None:
        """End a run whose loop never began: the task that was to drive it was cancelled before its first step."""
        self._record_cancelled()
        self._come_to_rest()

    def _come_to_rest(self) -> None:
        """Tell the readers that nothing more comes."""
        self.is_idle = True
        if self.parent is not None:
            self.root.open_runs.pop(self.path, None)
        if not self.path:
            self.log.close()
        else:
            self.log.nudge()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _launch(self, effect: Effect) -> None:
        if effect.id in self._flight:
            return
        try:
            work = PERFORMERS[type(effect)](self, effect)
        except Exception as error:  # noqa: BLE001 (the flight's rim: an effect that raises becomes a fact)
            self._effect_failed(effect, error)
            return
        if work is None:
            return
        context = self._context.copy() if self.spans is None else self.spans.context_for(effect)
        task = asyncio.get_running_loop().create_task(self._fly(effect, work), context=context)
        # A task that is cancelled before its first step never awaits its work.
        task.add_done_callback(lambda _: work.close())
        self._flight[effect.id] = (effect, task)

    async def _fly(self, effect: Effect, work: Work) -> None:
        """Await one effect. What it raises becomes a fact, unless nobody asks for it any more."""
        try:
            await work
        except asyncio.CancelledError as error:
            if self._is_landing or effect.id in self._abandoned:
                raise
            self._effect_failed(effect, error)
        except (GeneratorExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 (the flight's rim: an effect that raises becomes a fact)
            if not self._is_landing and effect.id not in self._abandoned:
                self._effect_failed(effect, error)
        finally:
            self._flight.pop(effect.id, None)
            self._abandoned.discard(effect.id)
            self._drop_stale(effect)

    def _effect_failed(self, effect: Effect, error: BaseException) -> None:
        if not self.state.is_closed:
            self.record(failures.effect_failed(effect, error), error)

    def _drop_stale(self, effect: Effect) -> None:
        """Cancel early tools of a response that took their calls back."""
        if not isinstance(effect, CallModel):
            return
        for other, task in list(self._flight.values()):
            if isinstance(other, RunTool) and other.call.id not in self.state.calls:
                self._abandoned.add(other.id)
                task.cancel()

    # --- the end

    async def _close(self, fact: f.RunFinished | f.RunFailed | f.RunCancelled) -> None:
        await self._land()
        # What settled while the flight was left may say better how the run ends.
        again = decide(self.state)
        closing = again.fact if isinstance(again, Close) else fact
        live = failures.exception_of(self) if isinstance(closing, f.RunFailed) else None
        unsaved = await sessions.save_last(self, closing)
        if unsaved is not None and live is not None and self.state.phase is Phase.FINISHING:
            # Losing the conversation is worse than what a guardrail says of its last words.
            unsaved.__context__ = live
            closing, live = f.RunFailed(failures.error_data(unsaved)), unsaved
        self.record(closing, live)

    async def _cancelled_from_outside(self) -> None:
        """The task that drives the run was cancelled: say so in the log before letting go."""
        try:
            await self._land()
        finally:
            self._record_cancelled()

    def _record_cancelled(self) -> None:
        if not self.state.is_closed and self.state.start is not None:
            self.record(f.RunCancelled("immediate"))

    async def _land(self) -> None:
        """Cancel what is in flight and await its end, for a grace time.

        What settles while it is being cancelled is recorded; what does not stop
        in time stays claimed, and its late result is dropped. Being cancelled
        meanwhile shortens nothing: it is raised at the end.
        """
        if not self._flight:
            return
        self._cancel_flight()
        tasks: set[asyncio.Task[None]] = {task for _, task in self._flight.values()}
        loop = asyncio.get_running_loop()
        # A nested run lands within the grace of its parent, so that its end is told first.
        deadline = loop.time() + GRACE_S / (1 + len(self.path))
        interrupted: asyncio.CancelledError | None = None
        while tasks and (left := deadline - loop.time()) > 0:
            try:
                _, tasks = await asyncio.wait(tasks, timeout=left)
            except asyncio.CancelledError as error:
                interrupted = error
                tasks = {task for task in tasks if not task.done()}
        if tasks:
            self._abandoned.update(self._flight)
        self._flight.clear()
        self._is_landing = False
        if interrupted is not None:
            raise interrupted

    def _cancel_flight(self) -> None:
        """Cancel what is in flight, once each, but for the effect that is speaking."""
        self._is_landing = True
        current = asyncio.current_task()
        for _, task in self._flight.values():
            if task is not current and not task.cancelling():
                task.cancel()
