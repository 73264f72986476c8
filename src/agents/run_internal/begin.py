"""Beginning a run, fresh, nested or resumed: everything that can be refused is refused here.

Rule 1: a resumed run is a fresh one whose facts so far are known: they are taken over, and the same loop goes on.
Rule 2: a nested run that was begun before its parent was stopped is found by its path, and taken up.
"""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core.policy import HANDLED_KINDS
from agents._core.state import IllegalFact, Phase
from agents.agent import Agent
from agents.approvals import RunAlreadyResumed
from agents.exceptions import UserError
from agents.items import ItemHelpers
from agents.lifecycle import RunHooksBase
from agents.log import Path, RunLog
from agents.run_config import DEFAULT_MAX_TURNS, ReasoningItemIdPolicy, RunConfig, coerce_run_config
from agents.run_context import RunContextWrapper
from agents.tool_context import link_of
from agents.tracing.traces import TraceState

from . import guardrails, hooks
from .decisions import ApprovalDesk
from .environment import AgentBook, Environment
from .nesting import RunLink
from .restore import Moment, restore
from .run_loop import Run
from .spans import RunSpans, start_trace
from .state_facts import Unread
from .view import LiveResumption, RunView

if TYPE_CHECKING:
    from agents.tracing import Trace


@dataclass(slots=True)
class Carried:
    """What a state carries of a run beside its facts."""

    trace: TraceState | None = None
    reasoning_item_id_policy: ReasoningItemIdPolicy | None = None
    unread: Unread = field(default_factory=Unread)
    """What a newer version wrote and this one passes over."""


@dataclass(slots=True)
class Resumption:
    """What a run is resumed from: who it is, what has happened, and what was decided since."""

    run_id: str
    epoch: int
    moments: list[Moment]
    decisions: list[tuple[Path, f.Fact]]
    carried: Carried


def begin(
    agent: Agent[Any], input: Any, options: dict[str, Any], *, is_streamed: bool
) -> tuple[Run, Trace | None]:
    """A run that has been started and not been driven yet; everything that can be refused is refused here."""
    if not isinstance(cast("object", agent), Agent):
        raise UserError(f"starting_agent must be an Agent, got {type(agent).__name__}")
    environment = _environment(options, is_streamed=is_streamed)
    if is_streamed:
        # Without a running loop there is no run: say so before anything is begun that would have to be ended.
        asyncio.get_running_loop()
    if isinstance(input, Resumption):
        return _resume(environment, agent, input)
    if not isinstance(input, str | list):
        raise UserError(f"input must be a string or a list of input items, got {type(input).__name__}")
    config = environment.config
    is_managed = _check_server_managed(environment, agent, options)
    if is_managed:
        _refuse_session(environment)
    given: Any = cast("object", input if isinstance(input, str) else list(cast("list[Any]", input)))
    link = link_of(environment.context)
    if isinstance(link, RunLink) and link.is_at_hand:
        parent, path = link.parent, link.next_path()
        environment.is_streamed = is_streamed or parent.environment.is_streamed
        run = Run(environment, parent.log, path, RunView(given, agent), parent=parent)
        known = run.root.restored.pop(path, None)
        if known is not None:
            trace = _trace(run, config)
            _take_over(run, agent, known)
            return run, trace
    else:
        log = RunLog(f"run_{uuid.uuid4().hex}", retention=config.log_retention)
        run = Run(environment, log, (), RunView(given, agent))
    trace = _trace(run, config)
    chained = options.get("previous_response_id") is not None or bool(
        options.get("auto_previous_response_id")
    )
    start = f.RunStarted(
        agent=environment.agents.key_of(agent),
        input=given if isinstance(given, str) else ItemHelpers.input_to_new_input_list(given),
        max_turns=options.get("max_turns", DEFAULT_MAX_TURNS),
        guards=guardrails.input_guards(environment, agent),
        start_hook=hooks.anybody_listens(environment, agent, "on_agent_start", "on_start"),
        handlers=_handlers(environment),
        max_concurrent_tools=_tool_limit(config),
        start_tools_early=config.start_read_only_tools_early,
        server_managed=is_managed,
        chained=chained,
        previous_response_id=options.get("previous_response_id"),
        conversation_id=options.get("conversation_id"),
        session=environment.session is not None,
    )
    run.record(start, agent)
    return run, trace


def _tool_limit(config: RunConfig) -> int | None:
    return None if config.tool_execution is None else config.tool_execution.max_function_tool_concurrency


def _handlers(environment: Environment) -> tuple[f.FailureKind, ...]:
    return tuple(kind for kind in HANDLED_KINDS if kind in environment.error_handlers)


def _trace(run: Run, config: RunConfig, resumed: TraceState | None = None) -> Trace | None:
    """Start the run's spans, or hide its caller's trace from it; give the trace that it has to start, if any."""
    run.environment.context.approval_desk = ApprovalDesk(run.root)
    trace, is_traced = start_trace(config, resumed)
    run.trace = trace if is_traced else None
    if is_traced:
        run.spans = RunSpans(run, config, trace)
    elif trace is not None:
        run.hide_trace(trace)
    return trace


def _resume(environment: Environment, agent: Agent[Any], known: Resumption) -> tuple[Run, Trace | None]:
    """A run that goes on from what is known of it, in a log of its own.

    Raises:
        RunAlreadyResumed: the log is shared, and somebody else has resumed this state over it.
        UserError: an agent of the run is not to be found; nothing was taken.
    """
    config = environment.config
    environment.agents.learn(agent)
    for moment in known.moments:
        if not moment.path and isinstance(moment.fact, f.RunStarted) and moment.fact.server_managed:
            _refuse_session(environment)
        if not moment.path and isinstance(moment.fact, f.RunStarted | f.HandedOff):
            # Whoever is missing is missed before the epoch is taken.
            _ = environment.agents[moment.fact.agent]
    epoch = known.epoch + 1
    if config.epochs is not None and not config.epochs.claim(known.run_id, epoch):
        raise RunAlreadyResumed(known.run_id, epoch)
    log = RunLog(known.run_id, retention=config.log_retention)
    run = Run(environment, log, (), RunView("", agent))
    run.unread = known.carried.unread
    policy = known.carried.reasoning_item_id_policy
    if config.reasoning_item_id_policy is None and policy is not None:
        environment.config = dataclasses.replace(config, reasoning_item_id_policy=policy)
    trace = _trace(run, config, known.carried.trace)
    own: list[Moment] = []
    for moment in known.moments:
        # States of other packages do not say when.
        log.append(moment.fact, moment.live, moment.path, at=moment.at or None)
        (own if not moment.path else run.restored.setdefault(moment.path, [])).append(moment)
        run.count_rule(moment.fact)
    try:
        _take_over(run, agent, own)
    except IllegalFact as error:
        raise UserError(f"the run state does not hold together: {error}") from error
    for path, fact in known.decisions:
        if not path:
            _record_decision(run, fact)
        else:
            log.append(fact, None, path)
            run.restored.setdefault(path, []).append(Moment(path, fact))
            run.count_rule(fact)
    return run, trace


def _record_decision(run: Run, fact: f.Fact) -> None:
    """Record what was decided since the run was stopped.

    Raises:
        UserError: resuming it has made the call void.
    """
    try:
        run.record(fact)
    except IllegalFact as error:
        raise UserError(f"the run state does not hold together: {error}") from error


def _take_over(run: Run, agent: Agent[Any], moments: list[Moment]) -> None:
    """Fold what has happened, and say that the run goes on."""
    run.environment.agents.learn(agent)
    restore(run, moments)
    if not run.state.is_closed or run.state.stopped_in is not None:
        run.first_seq = run.log.last_seq + 1
        live = LiveResumption(run.view.agent, run.state.phase is Phase.MODEL)
        environment = run.environment
        epoch, limit = run.state.epoch + 1, _tool_limit(environment.config)
        has_session = environment.session is not None
        run.record(f.RunResumed(epoch, _handlers(environment), limit, has_session), live)


def _environment(options: dict[str, Any], *, is_streamed: bool) -> Environment:
    run_hooks = options.get("hooks")
    if run_hooks is not None and not isinstance(run_hooks, RunHooksBase):
        raise TypeError(f"Run hooks must be instances of RunHooks, got {type(run_hooks).__name__}")
    given = options.get("run_config")
    config = coerce_run_config(given)
    is_own = given is None or (isinstance(given, dict) and "model_provider" not in given)
    context: Any = options.get("context")
    is_wrapped = isinstance(context, RunContextWrapper)
    wrapper = cast("RunContextWrapper[Any]", context if is_wrapped else RunContextWrapper(context))
    handlers = cast("Mapping[str, Any]", options.get("error_handlers") or {})
    unknown = sorted(set(handlers) - HANDLED_KINDS)
    if unknown:
        raise UserError(
            f"Unknown error handlers: {', '.join(unknown)}. There are {', '.join(sorted(HANDLED_KINDS))}."
        )
    return Environment(
        agents=AgentBook(),
        context=wrapper,
        config=config,
        hooks=cast("RunHooksBase[Any, Any] | None", run_hooks),
        error_handlers={kind: handler for kind, handler in handlers.items() if handler is not None},
        session=options.get("session"),
        is_streamed=is_streamed,
        owned_provider=config.model_provider if is_own else None,
    )


def _refuse_session(environment: Environment) -> None:
    if environment.session is not None:
        raise UserError(
            "Session persistence cannot be combined with conversation_id, previous_response_id or "
            "auto_previous_response_id: the server keeps the conversation already. Leave one of them out."
        )


def _check_server_managed(environment: Environment, agent: Agent[Any], options: dict[str, Any]) -> bool:
    is_managed = (
        options.get("conversation_id") is not None
        or options.get("previous_response_id") is not None
        or bool(options.get("auto_previous_response_id"))
    )
    if is_managed:
        guardrails.refuse_managed_output(environment, agent)
    return is_managed
