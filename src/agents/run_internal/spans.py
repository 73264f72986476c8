"""The spans of a run: its facts, projected to traces.

Rule 1: a span starts when a fact, or the launch of the effect that a fact made due, says so; it ends with the fact
    that settles it, or with the run.
Rule 2: nothing here can fail a run: processors' errors are logged by the provider.
Rule 3: no current span of the caller is touched; effects start with theirs current in a context of their own.
Rule 4: a span starts and ends in the context of what it is about, the last to start ending first: what processors,
    and providers of others, make current there (an OpenTelemetry span, say) is current in a tool's code, and they
    can take it back.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core.effects import CheckGuardrail, Effect, RunTool, TakeHandoff
from agents.exceptions import ModelBehaviorError
from agents.models.multi_provider import agent_registration_of
from agents.models.openai_agent_registration import with_harness_id
from agents.run_config import DEFAULT_WORKFLOW_NAME
from agents.tracing import (
    AgentSpanData,
    FunctionSpanData,
    GuardrailSpanData,
    HandoffSpanData,
    Span,
    SpanError,
    TaskSpanData,
    Trace,
    TurnSpanData,
    get_trace_provider,
)
from agents.tracing.config import TracingConfig
from agents.tracing.context import create_trace_for_run
from agents.tracing.scope import Scope
from agents.tracing.traces import TraceState
from agents.usage import Usage, task_usage_to_span_data, turn_usage_to_span_data

from .view import LiveHandoff, LiveOutput

if TYPE_CHECKING:
    from agents.agent import Agent
    from agents.run_config import RunConfig

    from .run_loop import Run

REDACTED = "Error details are redacted."


def start_trace(config: RunConfig, resumed: TraceState | None = None) -> tuple[Trace | None, bool]:
    """The trace that a run has to start, if any, and whether the run is traced at all.

    A resumed run goes on with the trace that it had, but for what its caller sets anew.
    """
    had = TraceState() if resumed is None else resumed
    name = config.workflow_name
    metadata = had.metadata if config.trace_metadata is None else config.trace_metadata
    key = None if had.tracing_api_key is None else TracingConfig(api_key=had.tracing_api_key)
    trace = create_trace_for_run(
        workflow_name=had.workflow_name or name if name == DEFAULT_WORKFLOW_NAME else name,
        trace_id=had.trace_id if config.trace_id is None else config.trace_id,
        group_id=had.group_id if config.group_id is None else config.group_id,
        metadata=with_harness_id(metadata, agent_registration_of(config.model_provider)),
        tracing=key if config.tracing is None else config.tracing,
        disabled=config.tracing_disabled,
        trace_state=resumed,
        reattach_resumed_trace=resumed is not None,
    )
    if trace is None:
        return None, Scope.get_current_trace() is not None and not config.tracing_disabled
    return trace, trace.trace_id != "no-op"


def _within(context: contextvars.Context, tell: Callable[[], None]) -> None:
    """Tell of a span in a context, which may be that of the caller."""
    try:
        context.run(_nothing)
    except RuntimeError:
        # Entered already: an effect tells how it went.
        tell()
    else:
        context.run(tell)


def _nothing() -> None:
    """Shows whether a context can be entered."""


def _finish(ended: Trace | Span[Any], context: contextvars.Context) -> None:
    _within(context, lambda: ended.finish(reset_current=True))


class RunSpans:
    """The open spans of one run, which is made in the present context."""

    __slots__ = (
        "_agent",
        "_config",
        "_context",
        "_effects",
        "_parent",
        "_run",
        "_shows_turns",
        "_spent_before",
        "_task",
        "_trace",
        "_turn",
        "_usage",
    )

    def __init__(self, run: Run, config: RunConfig, trace: Trace | None) -> None:
        self._run = run
        self._config = config
        self._trace = trace
        # Where the run's own spans are told of; effects begin with copies of it.
        self._context = contextvars.copy_context()
        # Within a caller's trace, or nested in a tool, the run hangs under what is current there.
        self._parent: Trace | Span[Any] | None = trace if trace is not None else Scope.get_current_span()
        tracing = config.tracing
        self._shows_turns = tracing is None or tracing.get("include_task_and_turn_spans", True)
        self._task: Span[TaskSpanData] | None = None
        self._agent: Span[AgentSpanData] | None = None
        self._turn: Span[TurnSpanData] | None = None
        self._effects: dict[str, tuple[Span[Any], contextvars.Context]] = {}
        self._usage = Usage()
        # A resumed run goes on with the usage that it had, and its task spent what came after.
        self._spent_before: dict[str, int] = {}

    # --- contexts

    def context_for(self, effect: Effect) -> contextvars.Context:
        """A context of the effect's own, in which its span is current."""
        match effect:
            case RunTool():
                claimed = self._effects.get(f"tool/{effect.call.id}")
                if claimed is not None:
                    return claimed[1]
            case CheckGuardrail():
                data = GuardrailSpanData(effect.guard.name)
                return self._open(f"guard/{effect.guard.id}", data, self._agent)
            case TakeHandoff():
                data = HandoffSpanData(from_agent=self._run.view.agent.name, to_agent=None)
                return self._open(f"handoff/{effect.call.id}", data, self._innermost())
            case _:
                pass
        return self._context.copy()

    def _innermost(self) -> Span[Any] | None:
        return self._turn or self._agent or self._task

    def _start(
        self, data: Any, parent: Trace | Span[Any] | None, context: contextvars.Context | None = None
    ) -> Span[Any]:
        span = get_trace_provider().create_span(data, parent=parent)
        _within(self._context if context is None else context, lambda: span.start(mark_as_current=True))
        return span

    def _open(self, key: str, data: Any, parent: Trace | Span[Any] | None) -> contextvars.Context:
        """The context of an effect, in which its span has started."""
        opened = self._effects.get(key)
        if opened is not None:
            return opened[1]
        context = self._context.copy()
        self._effects[key] = (self._start(data, parent, context), context)
        return context

    def _span_of(self, key: str) -> Span[Any] | None:
        opened = self._effects.get(key)
        return None if opened is None else opened[0]

    def _close(self, key: str) -> None:
        span, context = self._effects.pop(key)
        _finish(span, context)

    # --- facts

    def absorb(self, fact: f.Fact, live: Any) -> None:
        """Start or end the spans that a fact is about."""
        match fact:
            case f.RunStarted():
                self._start_run()
            case f.RunResumed():
                self._start_run()
                self._start_agent(self._run.view.agent)
            case f.TurnStarted():
                self._start_turn(fact)
            case f.ModelRequested():
                self._name_tools()
            case f.SessionCompacted() if self._run.path:
                self._usage.add(live)
            case f.ModelResponded():
                if self._run.path:
                    self._usage.add(live.response.usage)
                if self._turn is not None:
                    self._turn.span_data.usage = turn_usage_to_span_data(live.response.usage)
            case f.ToolClaimed():
                self._open(
                    f"tool/{fact.call}",
                    FunctionSpanData(fact.name, self._tool_input(fact), None),
                    self._innermost(),
                )
            case f.ToolReturned() | f.ToolFailed():
                self._end_tool(fact, live)
            case f.GuardrailChecked():
                self._end_guardrail(fact)
            case f.HandedOff():
                self._end_handoff(fact, live)
            case f.OutputProposed():
                # Its guardrails and hooks are the agent's, not the turn's.
                self._end_turn()
            case f.RunFinished() | f.RunFailed() | f.RunCancelled():
                self._end(fact, live)
            case _:
                pass

    def finish(self) -> None:
        """End everything: the run has come to its end, or to a pause."""
        for key in list(self._effects):
            self._close(key)
        self._end_turn()
        self._end_agent()
        if self._task is not None:
            # A nested run shares its parent's usage: its own is what its own models told.
            usage = self._usage if self._run.path else self._run.environment.context.usage
            self._task.span_data.usage = {
                name: count - self._spent_before.get(name, 0)
                for name, count in task_usage_to_span_data(usage).items()
            }
            _finish(self._task, self._context)
            self._task = None
        if self._trace is not None:
            _finish(self._trace, self._context)
            self._trace = None

    def _start_run(self) -> None:
        if self._trace is not None:
            started = self._trace
            _within(self._context, lambda: started.start(mark_as_current=True))
        if self._shows_turns:
            self._task = self._start(TaskSpanData(self._config.workflow_name), self._parent)
            if not self._run.path:
                self._spent_before = task_usage_to_span_data(self._run.environment.context.usage)

    def _start_agent(self, agent: Agent[Any]) -> None:
        output_type = agent.output_type
        name = "str" if output_type is None else getattr(output_type, "__name__", str(output_type))
        data = AgentSpanData(agent.name, output_type=name)
        self._agent = self._start(data, self._task if self._task is not None else self._parent)

    def _start_turn(self, fact: f.TurnStarted) -> None:
        self._end_turn()
        agent = self._run.view.agent
        if self._agent is None:
            self._start_agent(agent)
        if self._shows_turns:
            self._turn = self._start(TurnSpanData(fact.turn, agent.name), self._agent)

    def _name_tools(self) -> None:
        toolset = self._run.environment.toolset
        if self._agent is not None and toolset is not None:
            self._agent.span_data.tools = [tool.name for tool in toolset.tools]
            self._agent.span_data.handoffs = [handoff.agent_name for handoff in toolset.handoffs]

    def _tool_input(self, fact: f.ToolClaimed) -> str | None:
        if not self._config.trace_include_sensitive_data:
            return None
        return self._run.state.calls[fact.call].call.arguments

    def _end_tool(self, fact: f.ToolReturned | f.ToolFailed, live: LiveOutput) -> None:
        span = self._span_of(f"tool/{fact.call}")
        if span is None:
            return
        shows = self._config.trace_include_sensitive_data
        if shows:
            span.span_data.output = live.value
        if isinstance(fact, f.ToolFailed):
            detail = fact.error.message if shows and fact.output is None else REDACTED
            span.set_error(
                SpanError(message="Error running tool", data={"tool_name": fact.name, "error": detail})
            )
        self._close(f"tool/{fact.call}")

    def _end_guardrail(self, fact: f.GuardrailChecked) -> None:
        span = self._span_of(f"guard/{fact.guard}")
        if span is not None:
            span.span_data.triggered = fact.tripped
            self._close(f"guard/{fact.guard}")

    def _end_handoff(self, fact: f.HandedOff, live: LiveHandoff) -> None:
        span = self._span_of(f"handoff/{fact.call}")
        if span is not None:
            span.span_data.to_agent = live.target.name
            asked = self._requested_agents()
            if len(asked) > 1:
                error = SpanError(message="Multiple handoffs requested", data={"requested_agents": asked})
                span.set_error(error)
            self._close(f"handoff/{fact.call}")
        self._end_turn()
        self._end_agent()

    def _requested_agents(self) -> list[str]:
        toolset = self._run.environment.toolset
        offered = {} if toolset is None else toolset.handoffs_by_name
        asked = [call.call.name for call in self._run.state.calls.values() if call.call.kind == "handoff"]
        return [offered[name].agent_name if name in offered else name for name in asked]

    def _end_turn(self) -> None:
        if self._turn is not None:
            _finish(self._turn, self._context)
            self._turn = None

    def _end_agent(self) -> None:
        if self._agent is not None:
            _finish(self._agent, self._context)
            self._agent = None

    def _end(self, fact: f.RunFinished | f.RunFailed | f.RunCancelled, live: Any) -> None:
        if isinstance(fact, f.RunFailed) and self._agent is not None:
            error = self._agent_error(fact, live)
            if error is not None:
                self._agent.set_error(error)
        self.finish()

    def _agent_error(self, fact: f.RunFailed, live: Any) -> SpanError | None:
        if isinstance(live, ModelBehaviorError):
            return None
        state = self._run.state
        if state.tripped is not None:
            name = live.guardrail_result.guardrail.get_name()
            return SpanError(message="Guardrail tripwire triggered", data={"guardrail": name})
        if fact.error.type == "MaxTurnsExceeded":
            limit = None if state.start is None else state.start.max_turns
            return SpanError(message="Max turns exceeded", data={"max_turns": limit})
        shows = self._config.trace_include_sensitive_data
        return SpanError(
            message="Error in agent run", data={"error": fact.error.message if shows else REDACTED}
        )
