"""A model that plays a script: for tests of agents without a provider."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections import deque
from collections.abc import AsyncIterator, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents._ports.model import Model, ModelTracing
from agents.items import ModelResponse
from agents.model_settings import ModelSettings
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from agents.tracing.create import generation_span
from agents.usage import Usage

from ._scripted_events import apply_patch_call, scripted_events
from .scripted_errors import UnconsumedModelSteps, UnexpectedModelCall
from .scripted_steps import (
    EnteredStep,
    ModelCall,
    ModelScriptItem,
    copied_call,
    copied_usage,
    entered_step,
    entered_steps,
)

if TYPE_CHECKING:
    import pydantic as _pydantic
    from openai.types.responses import response_prompt_param as _prompt

    from agents import agent_output as _agent_output
    from agents import handoffs as _handoffs
    from agents import tool as _tool
    from agents.items import raw_types as _raw
else:
    _pydantic = lazy_module("pydantic")
    _prompt = lazy_module("openai.types.responses.response_prompt_param")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _tool = lazy_module("agents.tool")
    _raw = lazy_module("agents.items.raw_types")

__all__ = ["ScriptedModel"]


class ScriptedModel(Model):
    """A model that gives the steps of a script, one for each call, and records what it was asked.

    A step is a list of output items, a `ModelStep` or its dict form, a `ModelResponse`, or an exception to raise.
    Streamed calls get the events that a server would send for the output. After the last step a call raises
    `UnexpectedModelCall`; at the end of a test, `assert_complete` tells whether all steps were taken.

    `default_usage` is the usage of steps that give none; without it they count as one request. With `emit_traces`
    every call has a generation span, marked with the error if there is one.

    Raises:
        InvalidModelStep: one of the steps is none.
    """

    def __init__(
        self,
        steps: Iterable[ModelScriptItem] = (),
        *,
        emit_traces: bool = False,
        default_usage: Usage | None = None,
    ) -> None:
        self._steps = deque(entered_steps(steps))
        self._emit_traces = emit_traces
        self._default_usage: Usage | None = None
        self.set_default_usage(default_usage)
        self._calls: list[ModelCall] = []
        # By the identity of an error that was raised; the error is kept so that its id stays its own.
        self._advice: dict[int, tuple[Exception, ModelRetryAdvice]] = {}

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Copies of the calls so far, unexpected ones included."""
        return tuple(copied_call(call) for call in self._calls)

    @property
    def first_call(self) -> ModelCall | None:
        """A copy of the first call, None before it."""
        return copied_call(self._calls[0]) if self._calls else None

    @property
    def last_call(self) -> ModelCall | None:
        """A copy of the latest call, None before the first."""
        return copied_call(self._calls[-1]) if self._calls else None

    @property
    def remaining_steps(self) -> int:
        """How many steps no call has taken."""
        return len(self._steps)

    def enqueue(self, step: ModelScriptItem) -> None:
        """Add one step at the end.

        Raises:
            InvalidModelStep: it is none.
        """
        self._steps.append(entered_step(step))

    def extend(self, steps: Iterable[ModelScriptItem]) -> None:
        """Add steps at the end: all, or none if one of them is invalid.

        Raises:
            InvalidModelStep: one of them is none.
        """
        self._steps.extend(entered_steps(steps))

    def set_default_usage(self, usage: Usage | None) -> None:
        """From now on, steps without a usage of their own get this one; None: one request."""
        self._default_usage = None if usage is None else copied_usage(usage)

    def assert_complete(self) -> None:
        """Check that every step was taken.

        Raises:
            UnconsumedModelSteps: steps are left.
        """
        if self._steps:
            count = len(self._steps)
            raise UnconsumedModelSteps(
                f"{count} scripted model step(s) were not taken by a call.", remaining_steps=count
            )

    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """A copy of the advice of the step that raised this very error; None for any other."""
        error, advice = self._advice.get(id(request.error), (None, None))
        return copy.deepcopy(advice) if error is request.error else None

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[_raw.TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[_tool.Tool],
        output_schema: _agent_output.AgentOutputSchemaBase | None,
        handoffs: list[_handoffs.Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: _prompt.ResponsePromptParam | None,
    ) -> ModelResponse:
        """Give the next step's response, or raise its error.

        Raises:
            UnexpectedModelCall: no step is left.
            InvalidModelStep: a responder gave no step.
            pydantic.ValidationError: an output item in dict form is none.
        """
        call = ModelCall(
            system_instructions=system_instructions,
            input=input,
            model_settings=model_settings,
            tools=tools,
            output_schema=output_schema,
            handoffs=handoffs,
            tracing=tracing,
            previous_response_id=previous_response_id,
            conversation_id=conversation_id,
            prompt=prompt,
            streamed=False,
        )
        with self._span(tracing):
            step = await self._next_step(call)
            return ModelResponse(
                output=[_as_item(item) for item in step.output],
                usage=self._usage_of(step),
                response_id=step.response_id,
                request_id=step.request_id,
                raw_usage=step.raw_usage if model_settings.preserve_raw_usage else None,
            )

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[_raw.TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[_tool.Tool],
        output_schema: _agent_output.AgentOutputSchemaBase | None,
        handoffs: list[_handoffs.Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: _prompt.ResponsePromptParam | None,
    ) -> AsyncIterator[_raw.TResponseStreamEvent]:
        """Give the next step's events. The call is made, and the step taken, when the first event is asked for.

        Raises:
            UnexpectedModelCall: no step is left.
            InvalidModelStep: a responder gave no step.
            ModelBehaviorError: the output holds an item that has no automatic stream; use `ModelStep.stream`.
        """
        call = ModelCall(
            system_instructions=system_instructions,
            input=input,
            model_settings=model_settings,
            tools=tools,
            output_schema=output_schema,
            handoffs=handoffs,
            tracing=tracing,
            previous_response_id=previous_response_id,
            conversation_id=conversation_id,
            prompt=prompt,
            streamed=True,
        )
        with self._span(tracing):
            step = await self._next_step(call)
            events = step.stream_events
            if events is None:
                events = scripted_events(
                    step.output,
                    usage=self._usage_of(step),
                    response_id=step.response_id,
                    request_id=step.request_id,
                    raw_usage=step.raw_usage if model_settings.preserve_raw_usage else None,
                )
            if callable(events):
                made = events(copied_call(call))
                closing = contextlib.aclosing(cast("Any", made)) if hasattr(made, "aclose") else None
                # A generator is closed by the task that iterated it, however the stream is left.
                async with closing or contextlib.nullcontext():
                    async for event in made:
                        yield event
            else:
                for event in events:
                    yield event

    async def _next_step(self, call: ModelCall) -> EnteredStep:
        """Record `call`, take its step and, where that is a responder, the step it gives; raise its error."""
        # Copied first: a call that cannot be recorded takes no step.
        self._calls.append(copied_call(call))
        if not self._steps:
            number = len(self._calls)
            manner = "streaming" if call.streamed else "non-streaming"
            raise UnexpectedModelCall(
                f"Unexpected {manner} model call #{number}: no scripted steps remain.",
                call=copied_call(call),
                call_index=number - 1,
            )
        step = self._steps.popleft()
        if step.responder is not None:
            call = copied_call(call)
        while step.responder is not None:
            given = step.responder(call)
            step = entered_step(await given if inspect.isawaitable(given) else given)
        if step.error is not None:
            self._note_advice(step.error, step.retry_advice)
            raise step.error
        return step

    def _note_advice(self, error: Exception, advice: ModelRetryAdvice | None) -> None:
        self._advice.pop(id(error), None)
        if advice is not None:
            self._advice[id(error)] = (error, advice)

    def _usage_of(self, step: EnteredStep) -> Usage:
        if step.usage is not None:
            return step.usage
        return Usage(requests=1) if self._default_usage is None else copied_usage(self._default_usage)

    @contextlib.contextmanager
    def _span(self, tracing: ModelTracing) -> Generator[None]:
        if not self._emit_traces:
            yield
            return
        with generation_span() as span:
            try:
                yield
            except Exception as error:
                message = str(error) if tracing.include_data() else "Error details are redacted."
                data: dict[str, Any] = {"name": type(error).__name__, "message": message}
                span.set_error({"message": "Error", "data": data})
                raise


def _as_item(item: Any) -> Any:
    """An output item as the object that the `openai` client would give."""
    if isinstance(item, _pydantic.BaseModel):
        return item
    if isinstance(item, Mapping):
        fields = cast("Mapping[str, Any]", item)
        if fields.get("type") == "apply_patch_call":
            return apply_patch_call(fields)
    return _pydantic.TypeAdapter(_raw.TResponseOutputItem).validate_python(item)
