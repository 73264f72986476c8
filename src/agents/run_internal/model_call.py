"""Calling the model: prepare the turn, ask, pass its events on, read its answer.

The only place where streaming differs from not streaming: which of the model's two methods is asked.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core.effects import CallModel
from agents._ports.model import ModelTracing
from agents.exceptions import ModelBehaviorError, ModelTimeoutError
from agents.items import ModelResponse
from agents.models.responses_result import FAILURE_TYPES, event_failure, model_response

from . import hooks, partial, sessions
from .event_watch import EventWatch
from .interpret import interpret, read_call
from .json_form import usage_data
from .model_input import ModelRequest, instructions_and_prompt, model_request
from .retrying import Attempts
from .view import LiveResponse

if TYPE_CHECKING:
    from agents._ports.model import Model
    from agents.agent import Agent
    from agents.model_settings import ModelSettings

    from .environment import Toolset
    from .run_loop import Run

YIELD_EVERY = 256
"""Events after which a model that never waits lets others run: readers, time limits, whoever cancels."""


async def call_model(run: Run, effect: CallModel) -> None:
    """Ask the model for the turn's response and record it.

    Cancelled, it records what the model had given as `ModelInterrupted`.
    """
    environment = run.environment
    agent = environment.agents[run.state.agent]
    environment.context.turn_input = hooks.turn_input(run)
    instructions, prompt = await instructions_and_prompt(agent, run)
    # After them: what is enabled may depend on what they found out.
    toolset = await environment.resolve_toolset(agent)
    request = await model_request(agent, run, instructions, prompt)
    model = environment.model_of(agent)
    if hooks.anybody_listens(environment, agent, "on_llm_start", "on_llm_start"):
        # What a hook changes the model shall see; the history, and the log, it shall not touch.
        request.input = copy.deepcopy(request.input)
        await hooks.tell(
            environment,
            agent,
            "on_llm_start",
            "on_llm_start",
            environment.context,
            agent,
            request.instructions,
            request.input,
        )
    if effect.attempt > 1:
        reason = "the process that streamed it is gone"
        run.record(f.AttemptReset(effect.turn, effect.attempt, reason))
    response = await _ask_until_answered(run, model, agent, toolset, request)
    await _record_response(run, agent, toolset, effect.turn, response)


async def _ask_until_answered(
    run: Run, model: Model, agent: Agent[Any], toolset: Toolset, request: ModelRequest
) -> ModelResponse:
    """The model's response, asked for as often as the settings allow."""
    attempts = Attempts(run, model, request)
    given = request.input
    while True:
        turn = run.state.turn
        # A list of its own for each attempt: what a model does to it must not change the next.
        request.input = given if request.settings.retry is None else list(given)
        hides = sessions.hides_history(run, request.input)
        run.record(f.ModelRequested(turn, run.state.attempt + 1, hides), request)
        after = run.log.last_seq
        try:
            try:
                response = await _ask_in_time(run, model, agent, toolset, request)
            except Exception as error:
                if await attempts.go_on_after(error, after):
                    continue
                raise
        except BaseException as error:
            is_cancelled = isinstance(error, asyncio.CancelledError)
            if attempts.failed:
                in_vain = attempts.failed if is_cancelled else attempts.failed + 1
                run.environment.context.usage.add(attempts.usage_of(in_vain))
            if is_cancelled:
                partial.record_interruption(run, agent, turn, max(after, attempts.void_until))
            raise
        if not attempts.failed:
            return response
        usage = attempts.usage_of(attempts.failed)
        usage.add(response.usage)
        # The model may give the same object again.
        return replace(response, usage=usage)


async def _ask_in_time(
    run: Run, model: Model, agent: Agent[Any], toolset: Toolset, request: ModelRequest
) -> ModelResponse:
    limit = request.settings.timeout
    timeout = asyncio.timeout(limit)
    try:
        async with timeout:
            if run.environment.is_streamed:
                return await _stream(run, model, agent, toolset, request)
            return await model.get_response(
                request.instructions,
                request.input,
                request.settings,
                toolset.tools,
                run.environment.output_schema(agent),
                toolset.handoffs,
                _tracing(run),
                previous_response_id=request.previous_response_id,
                conversation_id=request.conversation_id,
                prompt=request.prompt,
            )
    except TimeoutError as error:
        if limit is None or not timeout.expired():
            # A time-out of the model's own.
            raise
        raise ModelTimeoutError(limit) from error


def _tracing(run: Run) -> ModelTracing:
    config = run.environment.config
    if config.tracing_disabled:
        return ModelTracing.DISABLED
    return ModelTracing.ENABLED if config.trace_include_sensitive_data else ModelTracing.ENABLED_WITHOUT_DATA


@dataclass(slots=True)
class _Stream:
    """What the special events of one stream have told so far."""

    run: Run
    toolset: Toolset
    turn: int
    done_items: list[Any] = field(default_factory=list[Any])
    response: Any = None

    def take(self, event: Any, kind: str) -> None:
        if kind == "response.output_item.done":
            self.done_items.append(event.item)
            if getattr(event.item, "type", None) == "function_call":
                self._propose(event.item)
        elif kind == "response.completed":
            self.response = event.response
        else:
            failure = event_failure(event)
            assert failure is not None, "every special event that is not handled here is a failure"
            raise failure

    def _propose(self, item: Any) -> None:
        call = read_call(self.toolset, item)
        state = self.run.state
        if call.id and call.id not in state.calls and call.id not in state.past_calls:
            self.run.record(f.CallProposed(self.turn, call))


_SPECIAL_EVENTS = FAILURE_TYPES | {"response.output_item.done", "response.completed"}


async def _stream(
    run: Run, model: Model, agent: Agent[Any], toolset: Toolset, request: ModelRequest
) -> ModelResponse:
    events = model.stream_response(
        request.instructions,
        request.input,
        request.settings,
        toolset.tools,
        run.environment.output_schema(agent),
        toolset.handoffs,
        _tracing(run),
        previous_response_id=request.previous_response_id,
        conversation_id=request.conversation_id,
        prompt=request.prompt,
    )
    log, path, turn = run.log, run.path, run.state.turn
    stream = _Stream(run, toolset, turn)
    special, append = _SPECIAL_EVENTS, log.append_delta
    count = 0
    limits = request.settings.timeouts
    watch = None if limits is None else EventWatch(limits)
    async with watch or nullcontext(), _closing(events):
        async for event in events:
            append(event, turn, path)
            if watch is not None:
                watch.note()
            if event.type in special:
                stream.take(event, event.type)
            count += 1
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
    if stream.response is None:
        raise ModelBehaviorError(
            "Model did not produce a final response: its stream ended without response.completed"
        )
    return _response_of(stream, request.settings)


def _closing(events: AsyncIterator[Any]) -> Any:
    # A generator is closed by the task that iterated it, however the loop is left.
    return aclosing(cast("Any", events)) if hasattr(events, "aclose") else nullcontext()


def _response_of(stream: _Stream, settings: ModelSettings) -> ModelResponse:
    response = model_response(stream.response, preserve_raw_usage=settings.preserve_raw_usage)
    # A list of its own; some servers finish with an empty one although they streamed items.
    response.output = list(response.output or stream.done_items)
    return response


async def _record_response(
    run: Run, agent: Agent[Any], toolset: Toolset, turn: int, response: ModelResponse
) -> None:
    environment = run.environment
    environment.context.usage.add(response.usage)
    read = interpret(agent, toolset, run.state, response)
    if read.unexecutable is not None:
        await hooks.tell(environment, agent, "on_llm_end", "on_llm_end", environment.context, agent, response)
        raise read.unexecutable
    fact = f.ModelResponded(
        turn,
        read.output,
        tuple(read.calls),
        usage_data(response.usage),
        response.response_id,
        end_hook=hooks.anybody_listens(environment, agent, "on_llm_end", "on_llm_end"),
        tools_may_end=agent.tool_use_behavior != "run_llm_again",
    )
    run.record(fact, LiveResponse(response, read.items, read.items_by_call))
