"""Running agents: `Runner.run`, `Runner.run_sync`, `Runner.run_streamed`.

All three start the same loop; a streamed run is one whose log is read while it
is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
import warnings
import weakref
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import Unpack

from ._core import facts as f
from ._core.policy import HANDLED_KINDS
from ._lazy import lazy_module
from .agent import Agent
from .exceptions import UserError
from .items import ItemHelpers
from .lifecycle import RunHooksBase
from .log import RunLog
from .result import RunResult, RunResultStreaming
from .run_config import (
    DEFAULT_MAX_TURNS,
    CallModelData,
    CallModelInputFilter,
    ModelInputData,
    OutputGuardrailBlockedMessageArgs,
    OutputGuardrailBlockedMessageFormatter,
    ReasoningItemIdPolicy,
    RunConfig,
    RunOptions,
    ToolErrorFormatter,
    ToolErrorFormatterArgs,
    ToolExecutionConfig,
    ToolNameCollisionPolicy,
    ToolNotFoundBehavior,
    coerce_run_config,
)
from .run_context import RunContextWrapper, TContext
from .run_internal import guardrails, hooks
from .run_internal.environment import AgentBook, Environment, logger
from .run_internal.nesting import RunLink
from .run_internal.run_loop import Run
from .run_internal.spans import RunSpans, start_trace
from .run_internal.view import RunView
from .tool_context import link_of

if TYPE_CHECKING:
    from . import items as _items
    from . import run_error_handlers as _run_error_handlers
    from .tracing import Trace
else:
    _items = lazy_module("agents.items")
    _run_error_handlers = lazy_module("agents.run_error_handlers")

__all__ = [
    "DEFAULT_MAX_TURNS",
    "AgentRunner",
    "CallModelData",
    "CallModelInputFilter",
    "ModelInputData",
    "OutputGuardrailBlockedMessageArgs",
    "OutputGuardrailBlockedMessageFormatter",
    "ReasoningItemIdPolicy",
    "RunConfig",
    "RunContextWrapper",
    "RunOptions",
    "Runner",
    "ToolErrorFormatter",
    "ToolErrorFormatterArgs",
    "ToolExecutionConfig",
    "ToolNameCollisionPolicy",
    "ToolNotFoundBehavior",
    "get_default_agent_runner",
    "set_default_agent_runner",
]


class AgentRunner:
    """What the static `Runner` methods delegate to. Subclass it and set it as default to wrap every run."""

    async def run(
        self,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem],
        **kwargs: Unpack[RunOptions[TContext]],
    ) -> RunResult:
        """Run to the end, or to a pause. See `Runner.run`."""
        run, _ = _begin(starting_agent, input, cast("dict[str, Any]", kwargs), is_streamed=False)
        await _drive(run)
        return RunResult.of(run)

    def run_sync(
        self,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem],
        **kwargs: Unpack[RunOptions[TContext]],
    ) -> RunResult:
        """Run to the end without a running event loop. See `Runner.run_sync`."""
        return _run_on_default_loop(self.run(starting_agent, input, **kwargs))

    def run_streamed(
        self,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem],
        **kwargs: Unpack[RunOptions[TContext]],
    ) -> RunResultStreaming:
        """Start a run that can be watched. See `Runner.run_streamed`."""
        run, trace = _begin(starting_agent, input, cast("dict[str, Any]", kwargs), is_streamed=True)
        result = RunResultStreaming(run, trace)
        task = asyncio.get_running_loop().create_task(_drive(run), name=f"headrace run {run.log.run_id}")
        task.add_done_callback(partial(_settle, weakref.ref(run)))
        result.run_loop_task = task
        return result


class Runner:
    """Runs agents.

    A run calls the model of the starting agent, runs the tools that it asks for,
    hands over to other agents, and ends with a final output.
    """

    @classmethod
    async def run(
        cls,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem],
        *,
        context: TContext | None = None,
        max_turns: int | None = DEFAULT_MAX_TURNS,
        hooks: RunHooksBase[TContext, Any] | None = None,
        run_config: RunConfig | dict[str, Any] | None = None,
        error_handlers: _run_error_handlers.RunErrorHandlers[TContext] | None = None,
        previous_response_id: str | None = None,
        auto_previous_response_id: bool = False,
        conversation_id: str | None = None,
    ) -> RunResult:
        """Run to the end, or to a pause.

        Args:
            starting_agent: The agent that gets the input.
            input: One user message, or input items.
            context: Any object; handed to tools, hooks and guardrails, never to a model.
            max_turns: Model calls that the run may make; None is no limit.
            hooks: Awaited at the moments of the whole run.
            run_config: Settings of the run.
            error_handlers: Give a final output instead of some errors.
            previous_response_id: Go on from this response, which the server keeps.
            auto_previous_response_id: Chain the turns of this run by response ids.
            conversation_id: Go on in this conversation, which the server keeps.

        Raises:
            UserError: the arguments do not fit together.
            MaxTurnsExceeded: the run was not done after `max_turns` model calls.
            AgentsException: anything else that ended the run, with `run_data`.
        """
        return await get_default_agent_runner().run(
            starting_agent,
            input,
            context=context,
            max_turns=max_turns,
            hooks=hooks,
            run_config=run_config,
            error_handlers=error_handlers,
            previous_response_id=previous_response_id,
            auto_previous_response_id=auto_previous_response_id,
            conversation_id=conversation_id,
        )

    @classmethod
    def run_sync(
        cls,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem],
        *,
        context: TContext | None = None,
        max_turns: int | None = DEFAULT_MAX_TURNS,
        hooks: RunHooksBase[TContext, Any] | None = None,
        run_config: RunConfig | dict[str, Any] | None = None,
        error_handlers: _run_error_handlers.RunErrorHandlers[TContext] | None = None,
        previous_response_id: str | None = None,
        auto_previous_response_id: bool = False,
        conversation_id: str | None = None,
    ) -> RunResult:
        """Run to the end on the thread's own event loop, which must not be running. Arguments as for `run`.

        Raises:
            RuntimeError: an event loop is running in this thread: await `run` instead.
        """
        return get_default_agent_runner().run_sync(
            starting_agent,
            input,
            context=context,
            max_turns=max_turns,
            hooks=hooks,
            run_config=run_config,
            error_handlers=error_handlers,
            previous_response_id=previous_response_id,
            auto_previous_response_id=auto_previous_response_id,
            conversation_id=conversation_id,
        )

    @classmethod
    def run_streamed(
        cls,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem],
        context: TContext | None = None,
        max_turns: int | None = DEFAULT_MAX_TURNS,
        hooks: RunHooksBase[TContext, Any] | None = None,
        run_config: RunConfig | dict[str, Any] | None = None,
        previous_response_id: str | None = None,
        auto_previous_response_id: bool = False,
        conversation_id: str | None = None,
        *,
        error_handlers: _run_error_handlers.RunErrorHandlers[TContext] | None = None,
    ) -> RunResultStreaming:
        """Start a run and return at once; iterate over `result.stream_events()`. Arguments as for `run`.

        The run goes on whether or not anybody reads it; only `result.cancel()`
        stops it. Errors of the run itself are raised by the stream.

        Raises:
            UserError: the arguments do not fit together.
            RuntimeError: no event loop is running.
        """
        return get_default_agent_runner().run_streamed(
            starting_agent,
            input,
            context=context,
            max_turns=max_turns,
            hooks=hooks,
            run_config=run_config,
            error_handlers=error_handlers,
            previous_response_id=previous_response_id,
            auto_previous_response_id=auto_previous_response_id,
            conversation_id=conversation_id,
        )


_default_runner: list[AgentRunner] = [AgentRunner()]


def get_default_agent_runner() -> AgentRunner:
    """The runner that the methods of `Runner` delegate to."""
    return _default_runner[0]


def set_default_agent_runner(runner: AgentRunner | None) -> None:
    """Have `Runner` delegate to this runner; None means a fresh default one."""
    _default_runner[0] = AgentRunner() if runner is None else runner


# --- beginning


def _begin(
    agent: Agent[Any], input: Any, options: dict[str, Any], *, is_streamed: bool
) -> tuple[Run, Trace | None]:
    """A run that has been started and not been driven yet; everything that can be refused is refused here."""
    if not isinstance(cast("object", agent), Agent):
        raise UserError(f"starting_agent must be an Agent, got {type(agent).__name__}")
    if not isinstance(input, str | list):
        raise UserError(f"input must be a string or a list of input items, got {type(input).__name__}")
    environment = _environment(options, is_streamed=is_streamed)
    config = environment.config
    is_managed = _check_server_managed(environment, agent, options)
    link = link_of(environment.context)
    if isinstance(link, RunLink) and link.is_at_hand:
        log, path = link.log, link.next_path()
        environment.is_streamed = is_streamed or link.is_streamed
    else:
        log, path = RunLog(f"run_{uuid.uuid4().hex}", retention=config.log_retention), ()
    given: Any = cast("object", input if isinstance(input, str) else list(cast("list[Any]", input)))
    run = Run(environment, log, path, RunView(given, agent))
    if is_streamed:
        # Without a running loop there is no run: say so before anything is begun that would have to be ended.
        asyncio.get_running_loop()
    trace, is_traced = start_trace(config)
    if is_traced:
        run.spans = RunSpans(run, config, trace)
    elif trace is not None:
        run.hide_trace(trace)
    chained = options.get("previous_response_id") is not None or bool(
        options.get("auto_previous_response_id")
    )
    execution = config.tool_execution
    start = f.RunStarted(
        agent=environment.agents.key_of(agent),
        input=given if isinstance(given, str) else ItemHelpers.input_to_new_input_list(given),
        max_turns=options.get("max_turns", DEFAULT_MAX_TURNS),
        guards=guardrails.input_guards(environment, agent),
        start_hook=hooks.anybody_listens(environment, agent, "on_agent_start", "on_start"),
        handlers=tuple(kind for kind in HANDLED_KINDS if kind in environment.error_handlers),
        max_concurrent_tools=None if execution is None else execution.max_function_tool_concurrency,
        start_tools_early=config.start_read_only_tools_early,
        server_managed=is_managed,
        chained=chained,
        previous_response_id=options.get("previous_response_id"),
        conversation_id=options.get("conversation_id"),
    )
    run.record(start, agent)
    return run, trace


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
        is_streamed=is_streamed,
        owned_provider=config.model_provider if is_own else None,
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


# --- driving


async def _drive(run: Run) -> None:
    try:
        await run.drive()
    finally:
        if run.spans is not None:
            run.spans.finish()
        await _close_provider(run.environment)


async def _close_provider(environment: Environment) -> None:
    provider = environment.owned_provider
    if provider is None:
        return
    try:
        await provider.aclose()
    except Exception as error:  # noqa: BLE001 (a provider that does not close must not hide how the run ended)
        logger.warning("Failed to close model provider created for run: %s", error)


def _settle(reference: weakref.ref[Run], task: asyncio.Task[Any]) -> None:
    """The task that drove a run is done, however it came to that."""
    run = reference()
    if run is not None and not run.is_idle:
        # Cancelled before its first step: there was nobody to say so.
        run.abandon()
        if run.spans is not None:
            run.spans.finish()
    if not task.cancelled():
        # The error is for those who read the stream or await the task; nobody has to.
        task.exception()


def _run_on_default_loop(work: Coroutine[Any, Any, RunResult]) -> RunResult:
    """Run on the thread's default loop, made anew if there is none or a closed one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        work.close()
        raise RuntimeError(
            "AgentRunner.run_sync() cannot be called when an event loop is already running: await run() instead"
        )
    loop = _default_loop()
    task = loop.create_task(work)
    try:
        return loop.run_until_complete(task)
    except BaseException:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
        raise
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())


def _default_loop() -> asyncio.AbstractEventLoop:
    """The thread's own event loop; kept, so that what one run opened on it is usable in the next."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError:
            loop = None
    if loop is None or loop.is_closed():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop
