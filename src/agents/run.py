"""Running agents: `Runner.run`, `Runner.run_sync`, `Runner.run_streamed`.

All three start the same loop; a streamed run is one whose log is read while it
is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import warnings
import weakref
from collections.abc import AsyncGenerator, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import Unpack

from ._lazy import lazy_module
from .agent import Agent
from .lifecycle import RunHooksBase
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
)
from .run_context import RunContextWrapper, TContext
from .run_internal.begin import begin
from .run_internal.computers import put_away
from .run_internal.environment import Environment, logger
from .run_internal.run_loop import Run
from .run_state import RunState

if TYPE_CHECKING:
    from . import items as _items
    from . import run_error_handlers as _run_error_handlers
    from ._ports import session as _session
else:
    _items = lazy_module("agents.items")
    _run_error_handlers = lazy_module("agents.run_error_handlers")
    _session = lazy_module("agents._ports.session")

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
    "RunState",
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
        input: str | list[_items.TResponseInputItem] | RunState[TContext],
        **kwargs: Unpack[RunOptions[TContext]],
    ) -> RunResult:
        """Run to the end, or to a pause. See `Runner.run`."""
        given, options = _resolved(input, cast("dict[str, Any]", kwargs))
        run, _ = begin(_first_agent(starting_agent, input), given, options, is_streamed=False)
        await _drive(run)
        return RunResult.of(run)

    def run_sync(
        self,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem] | RunState[TContext],
        **kwargs: Unpack[RunOptions[TContext]],
    ) -> RunResult:
        """Run to the end without a running event loop. See `Runner.run_sync`."""
        return _run_on_default_loop(self.run(starting_agent, input, **kwargs))

    def run_streamed(
        self,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem] | RunState[TContext],
        **kwargs: Unpack[RunOptions[TContext]],
    ) -> RunResultStreaming:
        """Start a run that can be watched. See `Runner.run_streamed`."""
        given, options = _resolved(input, cast("dict[str, Any]", kwargs))
        run, trace = begin(_first_agent(starting_agent, input), given, options, is_streamed=True)
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
        input: str | list[_items.TResponseInputItem] | RunState[TContext],
        *,
        context: TContext | None = None,
        max_turns: int | None = DEFAULT_MAX_TURNS,
        hooks: RunHooksBase[TContext, Any] | None = None,
        run_config: RunConfig | dict[str, Any] | None = None,
        error_handlers: _run_error_handlers.RunErrorHandlers[TContext] | None = None,
        previous_response_id: str | None = None,
        auto_previous_response_id: bool = False,
        conversation_id: str | None = None,
        session: _session.Session | None = None,
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
            session: Keeps the conversation here: its history comes before the input, and what is new is added.

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
            session=session,
        )

    @classmethod
    def run_sync(
        cls,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem] | RunState[TContext],
        *,
        context: TContext | None = None,
        max_turns: int | None = DEFAULT_MAX_TURNS,
        hooks: RunHooksBase[TContext, Any] | None = None,
        run_config: RunConfig | dict[str, Any] | None = None,
        error_handlers: _run_error_handlers.RunErrorHandlers[TContext] | None = None,
        previous_response_id: str | None = None,
        auto_previous_response_id: bool = False,
        conversation_id: str | None = None,
        session: _session.Session | None = None,
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
            session=session,
        )

    @classmethod
    def run_streamed(
        cls,
        starting_agent: Agent[TContext],
        input: str | list[_items.TResponseInputItem] | RunState[TContext],
        context: TContext | None = None,
        max_turns: int | None = DEFAULT_MAX_TURNS,
        hooks: RunHooksBase[TContext, Any] | None = None,
        run_config: RunConfig | dict[str, Any] | None = None,
        previous_response_id: str | None = None,
        auto_previous_response_id: bool = False,
        conversation_id: str | None = None,
        session: _session.Session | None = None,
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
            session=session,
        )


_default_runner: list[AgentRunner] = [AgentRunner()]


def get_default_agent_runner() -> AgentRunner:
    """The runner that the methods of `Runner` delegate to."""
    return _default_runner[0]


def set_default_agent_runner(runner: AgentRunner | None) -> None:
    """Have `Runner` delegate to this runner; None means a fresh default one."""
    _default_runner[0] = AgentRunner() if runner is None else runner


def _first_agent(given: Agent[Any], input: Any) -> Agent[Any]:
    return cast("RunState[Any]", input).first_agent(given) if isinstance(input, RunState) else given


def _resolved(input: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What a run begins with: a state is what to go on from, with its own context unless another is given."""
    if not isinstance(input, RunState):
        return input, options
    state = cast("RunState[Any]", input)
    given = options.get("context")
    return state.resumption(), {**options, "context": state.context if given is None else given}


# --- driving


async def _drive(run: Run) -> None:
    try:
        await run.drive()
    finally:
        if run.spans is not None:
            run.spans.finish()
        await put_away(run.environment)
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
    task = loop.create_task(_closing_generators(work))
    try:
        return loop.run_until_complete(task)
    except BaseException:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
        raise


async def _closing_generators(work: Coroutine[Any, Any, RunResult]) -> RunResult:
    """Do the work, and close the async generators that were begun meanwhile.

    The loop's own `shutdown_asyncgens` is for its end: afterwards it warns of every generator that begins.
    """
    begun: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()
    of_the_loop = sys.get_asyncgen_hooks().firstiter

    def begin_generator(generator: AsyncGenerator[Any, Any]) -> None:
        begun.add(generator)
        if of_the_loop is not None:
            of_the_loop(generator)

    # The loop sets the thread's hooks back when it stops.
    sys.set_asyncgen_hooks(firstiter=begin_generator)
    try:
        return await work
    finally:
        await asyncio.gather(*(generator.aclose() for generator in begun), return_exceptions=True)


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
