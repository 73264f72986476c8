"""The steps of a `ScriptedModel`, the calls it records, and how the many forms of a step become one.

Rules:

1. A step is copied when it enters a script, a call when it is recorded: neither changes afterwards.
   Errors, responders, factories and tools are the objects that were given.
2. A step has at most one outcome beside its output: an error, a responder or stream events.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, cast

from agents._lazy import lazy_module
from agents._ports.model import ModelTracing
from agents.items import ModelResponse
from agents.model_settings import ModelSettings
from agents.retry import ModelRetryAdvice
from agents.usage import Usage

from ._snapshot import snapshot
from .scripted_errors import InvalidModelStep, ModelStepReason

if TYPE_CHECKING:
    from openai.types.responses import response_prompt_param as _prompt

    from agents import agent_output as _agent_output
    from agents import handoffs as _handoffs
    from agents import tool as _tool
    from agents.items import raw_types as _raw

    ModelScriptItem: TypeAlias = "ModelStep | ModelStepSpec | Mapping[str, Any] | ModelResponse | Sequence[_raw.TResponseOutputItem] | Exception"
    ModelResponder: TypeAlias = "Callable[[ModelCall], ModelScriptItem | Awaitable[ModelScriptItem]]"
    ModelStreamFactory: TypeAlias = "Callable[[ModelCall], AsyncIterator[_raw.TResponseStreamEvent]]"
else:
    _prompt = lazy_module("openai.types.responses.response_prompt_param")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _tool = lazy_module("agents.tool")
    _raw = lazy_module("agents.items.raw_types")
    # Annotations that use these resolve at run time; type checkers see the precise forms above.
    ModelScriptItem = Any
    ModelResponder = Callable[..., Any]
    ModelStreamFactory = Callable[..., AsyncIterator[Any]]


@dataclass(frozen=True)
class ModelCall:
    """What a `ScriptedModel` was asked: the arguments of one call, and whether it was to be streamed."""

    system_instructions: str | None
    input: Any
    model_settings: ModelSettings
    tools: list[_tool.Tool]
    output_schema: _agent_output.AgentOutputSchemaBase | None
    handoffs: list[_handoffs.Handoff]
    tracing: ModelTracing
    previous_response_id: str | None
    conversation_id: str | None
    prompt: _prompt.ResponsePromptParam | None
    streamed: bool


@dataclass
class ModelStep:
    """What one call of a `ScriptedModel` gives.

    The plain outcome is `output`. Setting one of `error`, `responder` or `stream_events` gives another: the call
    raises, the step is made by a function of the call, or the stream is exactly these events. `usage` without any
    count means: the model's default usage, or one request.
    """

    output: Sequence[_raw.TResponseOutputItem] = field(default_factory=tuple)
    """The items of the response; also what a call that is not streamed gives beside `stream_events`."""

    usage: Usage = field(default_factory=Usage)
    """The requests and tokens of the response."""

    response_id: str | None = "resp-789"
    """The id of the response."""

    request_id: str | None = None
    """The transport's request id."""

    raw_usage: dict[str, Any] | None = None
    """The provider's own usage data; given only where `ModelSettings.preserve_raw_usage` asks for it."""

    error: Exception | None = None
    """Raised by the call, this very object."""

    responder: ModelResponder | None = None
    """Gets the call and gives anything that a script may hold, directly or as an awaitable."""

    stream_events: Sequence[_raw.TResponseStreamEvent] | ModelStreamFactory | None = None
    """The events of a streamed call, or a function of the call that gives an async iterator of them."""

    retry_advice: ModelRetryAdvice | None = None
    """What `get_retry_advice` says about `error`."""

    @classmethod
    def raise_error(cls, error: Exception, *, retry_advice: ModelRetryAdvice | None = None) -> ModelStep:
        """A step that raises `error`, with what the provider would say about trying again."""
        return cls(error=error, retry_advice=retry_advice)

    @classmethod
    def respond(cls, responder: ModelResponder) -> ModelStep:
        """A step made from the call by `responder`, plain or async."""
        return cls(responder=responder)

    @classmethod
    def stream(
        cls,
        events: Sequence[_raw.TResponseStreamEvent] | ModelStreamFactory,
        *,
        output: Sequence[_raw.TResponseOutputItem] = (),
        usage: Usage | None = None,
        response_id: str | None = "resp-789",
    ) -> ModelStep:
        """A step whose stream is exactly `events`, or what the function `events` makes of the call.

        The rest is for calls that are not streamed.
        """
        return cls(
            output=output,
            usage=Usage() if usage is None else usage,
            response_id=response_id,
            stream_events=events if callable(events) else tuple(events),
        )


class ModelStepSpec(TypedDict, total=False):
    """A `ModelStep` as a dict: the same fields, each optional."""

    output: Sequence[_raw.TResponseOutputItem]
    usage: Usage
    response_id: str | None
    request_id: str | None
    raw_usage: dict[str, Any] | None
    error: Exception | None
    responder: ModelResponder | None
    stream_events: Sequence[_raw.TResponseStreamEvent] | ModelStreamFactory | None
    retry_advice: ModelRetryAdvice | None


_FIELDS = frozenset(one.name for one in dataclasses.fields(ModelStep))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredStep:
    """A step as a script keeps it: checked, copied, and without a usage where it says nothing."""

    output: list[Any] = field(default_factory=list[Any])
    usage: Usage | None = None
    response_id: str | None = "resp-789"
    request_id: str | None = None
    raw_usage: dict[str, Any] | None = None
    error: Exception | None = None
    responder: ModelResponder | None = None
    stream_events: list[_raw.TResponseStreamEvent] | ModelStreamFactory | None = None
    retry_advice: ModelRetryAdvice | None = None


def entered_steps(steps: Iterable[ModelScriptItem]) -> list[EnteredStep]:
    """The steps as a script keeps them.

    Raises:
        InvalidModelStep: the first of them that is no step.
    """
    return [entered_step(step, index) for index, step in enumerate(steps)]


def entered_step(item: ModelScriptItem, index: int = 0) -> EnteredStep:
    """One step as a script keeps it. `index` is for the error, counted from 0.

    Raises:
        InvalidModelStep: `item` is no step.
    """
    if isinstance(item, ModelStep):
        return _entered(vars(item), index)
    if isinstance(item, ModelResponse):
        return _entered(vars(item), index)
    if isinstance(item, Exception):
        return EnteredStep(error=item)
    if isinstance(item, Mapping):
        given = dict(cast("Mapping[str, Any]", item))
        unknown = sorted(str(name) for name in given if name not in _FIELDS)
        if unknown:
            raise _invalid(index, "unsupported_field", f"has unsupported fields: {', '.join(unknown)}")
        return _entered(given, index)
    return _entered({"output": item}, index)


def _entered(given: Mapping[str, Any], index: int) -> EnteredStep:
    _check(given, index)
    fields: dict[str, Any] = dict(given)
    fields["output"] = [snapshot(one) for one in given.get("output", ())]
    usage: Usage | None = given.get("usage")
    fields["usage"] = None if usage is None or has_no_counts(usage) else copied_usage(usage)
    fields["raw_usage"] = snapshot(given.get("raw_usage"))
    events = given.get("stream_events")
    if events is not None and not callable(events):
        fields["stream_events"] = [snapshot(one) for one in events]
    fields["retry_advice"] = copy.deepcopy(given.get("retry_advice"))
    return EnteredStep(**fields)


def _invalid(index: int, reason: ModelStepReason, message: str) -> InvalidModelStep:
    return InvalidModelStep(f"Scripted model step #{index + 1} {message}.", reason=reason, input_index=index)


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def _is_optional_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_optional_call(value: object) -> bool:
    return value is None or callable(value)


_Check = tuple[Callable[[object], bool], ModelStepReason, str]
_CHECKS: dict[str, _Check] = {
    "output": (_is_sequence, "invalid_input", "a sequence of output items"),
    "usage": (lambda value: isinstance(value, Usage), "invalid_input", "a Usage"),
    "response_id": (_is_optional_text, "invalid_input", "a string or None"),
    "request_id": (_is_optional_text, "invalid_input", "a string or None"),
    "raw_usage": (lambda value: value is None or isinstance(value, dict), "invalid_input", "a dict or None"),
    "error": (
        lambda value: value is None or isinstance(value, Exception),
        "invalid_error",
        "an Exception or None",
    ),
    "responder": (_is_optional_call, "invalid_responder", "callable or None"),
    "stream_events": (
        lambda value: _is_optional_call(value) or _is_sequence(value),
        "invalid_stream_events",
        "a sequence of events, callable or None",
    ),
}
_OUTCOMES = ("error", "responder", "stream_events")


def _check(given: Mapping[str, Any], index: int) -> None:
    """Raise if a value is of the wrong kind: scripts are often written without a type checker."""
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is not None and not check[0](value):
            raise _invalid(index, check[1], f"needs {name} to be {check[2]}, got {type(value).__name__}")
    outcomes = [name for name in _OUTCOMES if given.get(name) is not None]
    if len(outcomes) > 1:
        raise _invalid(index, "conflicting_outcomes", f"has more than one outcome: {', '.join(outcomes)}")
    advice = given.get("retry_advice")
    if advice is not None and not (isinstance(advice, ModelRetryAdvice) and outcomes == ["error"]):
        raise _invalid(
            index, "invalid_retry_advice", "needs an error and a ModelRetryAdvice where retry_advice is set"
        )


def copied_usage(usage: Usage) -> Usage:
    """A usage that shares nothing with `usage`."""
    if usage.request_usage_entries:
        return copy.deepcopy(usage)
    return Usage(
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        input_tokens_details=usage.input_tokens_details.model_copy(),
        output_tokens=usage.output_tokens,
        output_tokens_details=usage.output_tokens_details.model_copy(),
        total_tokens=usage.total_tokens,
    )


def has_no_counts(usage: Usage) -> bool:
    """Whether `usage` says nothing, as that of a step does where none was given."""
    return not (
        usage.requests
        or usage.input_tokens
        or usage.output_tokens
        or usage.total_tokens
        or usage.request_usage_entries
        or any(vars(usage.input_tokens_details).values())
        or any(vars(usage.output_tokens_details).values())
    )


def copied_call(call: ModelCall) -> ModelCall:
    """A call that shares with `call` only its tools, handoffs and output schema."""
    return ModelCall(
        system_instructions=call.system_instructions,
        input=snapshot(call.input),
        model_settings=_copied_settings(call.model_settings),
        tools=list(call.tools),
        output_schema=call.output_schema,
        handoffs=list(call.handoffs),
        tracing=call.tracing,
        previous_response_id=call.previous_response_id,
        conversation_id=call.conversation_id,
        prompt=snapshot(call.prompt),
        streamed=call.streamed,
    )


def _copied_settings(settings: ModelSettings) -> ModelSettings:
    copied = copy.copy(settings)
    for name, value in vars(settings).items():
        detached = snapshot(value)
        if detached is not value:
            setattr(copied, name, detached)
    return copied
