"""What to ask of a model beside the input: sampling, tool choice, limits, and what to send along.

Rules:

1. None means "not set": nothing is sent, the model's own default applies.
2. A value of the wrong kind is refused when the settings are made, with the
   `ValidationError` of pydantic, which is imported for nothing else here.
3. Plain dicts are welcome wherever settings are; an unknown key is a
   `TypeError` that names it and where it stands.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ._lazy import lazy_module
from .model_timeouts import ModelTimeouts
from .retry import ModelRetryBackoffSettings, ModelRetrySettings, backoff_settings_from
from .util._field_values import check_known_keys, validated_value

if TYPE_CHECKING:
    import pydantic as _pydantic
    import pydantic_core as _pydantic_core
    from openai.types import responses as _responses
    from openai.types import shared as _shared
    from openai.types.responses import response_create_params as _create_params
else:
    _pydantic = lazy_module("pydantic")
    _pydantic_core = lazy_module("pydantic_core")
    _responses = lazy_module("openai.types.responses")
    _shared = lazy_module("openai.types.shared")
    _create_params = lazy_module("openai.types.responses.response_create_params")

__all__ = ["MCPToolChoice", "ModelSettings", "ToolChoice", "model_settings_from"]


@dataclass
class MCPToolChoice:
    """Makes the model call one tool of one hosted MCP server."""

    server_label: str
    """The label under which the server was given."""

    name: str
    """The tool's name on that server."""


ToolChoice: TypeAlias = Literal["auto", "required", "none"] | str | MCPToolChoice | None  # noqa: PYI051 (editors complete the modes)
"""Which tool the model must call: by mode, by name, or on an MCP server."""


@dataclass
class ModelSettings:
    """Settings for the calls to a model, of an agent or of a whole run.

    Not every model knows every setting. Lay one over another with `resolve`.

    Raises:
        pydantic.ValidationError: a value is of the wrong kind or out of range.
        TypeError: a nested dict has an unknown key.
    """

    temperature: float | None = None
    """How much chance: higher varies more."""

    top_p: float | None = None
    """Sample only from the likeliest tokens that together have this probability."""

    frequency_penalty: float | None = None
    """Makes tokens less likely the more often they occurred."""

    presence_penalty: float | None = None
    """Makes tokens less likely once they occurred."""

    tool_choice: ToolChoice | None = None
    """Whether and which tool the model must call."""

    parallel_tool_calls: bool | None = None
    """Whether one response may call several tools."""

    truncation: Literal["auto", "disabled"] | None = None
    """What happens to input longer than the model takes."""

    max_tokens: int | None = None
    """The most tokens the response may have."""

    reasoning: _shared.Reasoning | None = None
    """How hard a reasoning model thinks, and what it shows of that; a dict is converted."""

    verbosity: Literal["low", "medium", "high"] | None = None
    """How long answers are."""

    metadata: dict[str, str] | None = None
    """Stored with the response."""

    store: bool | None = None
    """Whether the server keeps the response."""

    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    """How long the server keeps the input's prefix cached."""

    include_usage: bool | None = None
    """Whether a Chat Completions stream ends with its usage."""

    response_include: list[_responses.ResponseIncludable | str] | None = None
    """What more the response should hold."""

    top_logprobs: int | None = None
    """For how many of the likeliest tokens log probabilities are returned."""

    extra_query: Mapping[str, object] | None = None
    """Sent along in the request's URL."""

    extra_body: object | None = None
    """Sent along in the request's body."""

    extra_headers: Mapping[str, Any] | None = None
    """Sent along as headers; the client's `Omit` as a value takes one of its own headers away."""

    extra_args: dict[str, Any] | None = None
    """More arguments for the client's create method, as they are."""

    retry: ModelRetrySettings | None = None
    """Whether and how the run repeats a failed call; a dict is converted."""

    context_management: list[_create_params.ContextManagement] | None = None
    """How the server shortens a long context."""

    prompt_cache_options: _create_params.PromptCacheOptions | None = None
    """How the server caches the input."""

    preserve_raw_usage: bool | None = None
    """Whether `ModelResponse.raw_usage` keeps the usage as the server sent it."""

    timeout: float | None = None
    """Seconds that one model call may take in all; more than 0, finite."""

    background: bool | None = None
    """Whether the server makes the response on its own, so that a call whose connection drops takes it up again."""

    timeouts: ModelTimeouts | None = None
    """Limits on the parts of a model call; a dict is converted."""

    def __post_init__(self) -> None:
        if self.retry is not None and isinstance(self.retry, Mapping):
            self.retry = _retry_settings_from(self.retry)
        if self.timeouts is not None and isinstance(self.timeouts, Mapping):
            self.timeouts = _timeouts_from(self.timeouts)
        if self.reasoning is not None and isinstance(self.reasoning, Mapping):
            self.reasoning = _shared.Reasoning.model_validate(self.reasoning)
        if isinstance(self.tool_choice, Mapping):
            self.tool_choice = MCPToolChoice(**self.tool_choice)
        if self.context_management is not None:
            _check_context_management(self.context_management)
        for name, is_right in _CHECKS:
            value: object = getattr(self, name)
            if value is not None and not is_right(value):
                setattr(self, name, _validated(name, value))

    def resolve(self, override: ModelSettings | dict[str, Any] | None) -> ModelSettings:
        """New settings: these, with what `override` sets laid over them.

        `extra_args`, `retry`, `retry.backoff` and `timeouts` are merged key by
        key, all else is replaced whole. Without an override the answer is this object.

        Raises:
            TypeError: the override is of another type, or a dict with an unknown key.
        """
        if override is None:
            return self
        if isinstance(override, Mapping):
            override = model_settings_from(override)
        # Callers without a type checker come here with anything.
        if not isinstance(override, ModelSettings):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                "ModelSettings override must be a ModelSettings instance or a dict, "
                f"got {type(override).__name__}"
            )
        changed = {name: value for name, value in vars(override).items() if value is not None}
        if self.extra_args is not None and override.extra_args is not None:
            changed["extra_args"] = {**self.extra_args, **override.extra_args}
        if self.timeouts is not None and override.timeouts is not None:
            changed["timeouts"] = self.timeouts.resolve(override.timeouts)
        if self.retry is not None and override.retry is not None:
            changed["retry"] = _merged_retry(self.retry, override.retry)
        return dataclasses.replace(self, **changed)

    def to_json_dict(self) -> dict[str, Any]:
        """Every setting as a JSON value, unset ones as None; the retry policy is left out.

        Raises:
            pydantic_core.PydanticSerializationError: an extra holds what JSON cannot.
        """
        return {one.name: _json_value(getattr(self, one.name)) for one in dataclasses.fields(self)}

    def to_traceable_dict(self) -> dict[str, Any]:
        """The settings as they may go into a trace: without extras, which often hold secrets."""
        return {
            one.name: _json_value(getattr(self, one.name))
            for one in dataclasses.fields(self)
            if one.name not in _NOT_TRACED
        }


_NOT_TRACED = frozenset({"extra_query", "extra_body", "extra_headers", "extra_args", "preserve_raw_usage"})


def model_settings_from(values: Mapping[str, Any]) -> ModelSettings:
    """Settings from a plain dict of their fields, nested ones too.

    Raises:
        TypeError: "Unknown model settings: temperatur"; nested, "... in retry.backoff: initial_delai".
        pydantic.ValidationError: a value is of the wrong kind or out of range.
    """
    check_known_keys(values, ModelSettings, what="model settings", path="")
    return ModelSettings(**values)


def _retry_settings_from(values: Mapping[str, Any]) -> ModelRetrySettings:
    check_known_keys(values, ModelRetrySettings, what="model settings", path="retry")
    given: dict[str, Any] = dict(values)
    if isinstance(given.get("backoff"), Mapping):
        given["backoff"] = backoff_settings_from(given["backoff"], path="retry.backoff")
    return ModelRetrySettings(**given)


def _timeouts_from(values: Mapping[str, Any]) -> ModelTimeouts:
    check_known_keys(values, ModelTimeouts, what="model settings", path="timeouts")
    return ModelTimeouts(**values)


def _check_context_management(entries: object) -> None:
    if not isinstance(entries, list):
        return
    for index, entry in enumerate(cast("list[object]", entries)):
        if not isinstance(entry, Mapping):
            continue
        known = _create_params.ContextManagement.__annotations__
        unknown = sorted(str(key) for key in cast("Mapping[object, object]", entry) if key not in known)
        if unknown:
            raise TypeError(f"Unknown model settings in context_management[{index}]: {', '.join(unknown)}")


def _merged_retry(under: ModelRetrySettings, over: ModelRetrySettings) -> ModelRetrySettings:
    backoff = under.backoff if over.backoff is None else over.backoff
    if under.backoff is not None and over.backoff is not None:
        own = cast("ModelRetryBackoffSettings", under.backoff)
        changed: dict[str, Any] = {name: one for name, one in vars(over.backoff).items() if one is not None}
        backoff = dataclasses.replace(own, **changed)
    return ModelRetrySettings(
        max_retries=under.max_retries if over.max_retries is None else over.max_retries,
        backoff=backoff,
        policy=under.policy if over.policy is None else over.policy,
        after_output=under.after_output if over.after_output is None else over.after_output,
    )


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, ModelRetrySettings | ModelTimeouts):
        return value.to_json_dict()
    if isinstance(value, Mapping):
        # A header set to the client's `Omit` is one that is not sent.
        entries = cast("Mapping[Any, Any]", value).items()
        value = {key: one for key, one in entries if type(one).__name__ != "Omit"}
    return _pydantic_core.to_jsonable_python(value)


def _is_float(value: object) -> bool:
    return type(value) is float


def _is_int(value: object) -> bool:
    return type(value) is int


def _is_bool(value: object) -> bool:
    return type(value) is bool


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_text_dict(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(one, str) for pair in cast("dict[object, object]", value).items() for one in pair
    )


def _is_one_of(*allowed: str) -> Callable[[object], bool]:
    return lambda value: value in allowed


def _is_tool_choice(value: object) -> bool:
    return isinstance(value, str | MCPToolChoice)


def _is_duration(value: object) -> bool:
    return type(value) is float and value > 0 and math.isfinite(value)


def _is_retry(value: object) -> bool:
    return isinstance(value, ModelRetrySettings)


def _is_timeouts(value: object) -> bool:
    return isinstance(value, ModelTimeouts)


# What is certainly right passes here without pydantic; anything else goes to `_validated`.
_CHECKS: tuple[tuple[str, Callable[[object], bool]], ...] = (
    ("temperature", _is_float),
    ("top_p", _is_float),
    ("frequency_penalty", _is_float),
    ("presence_penalty", _is_float),
    ("tool_choice", _is_tool_choice),
    ("parallel_tool_calls", _is_bool),
    ("truncation", _is_one_of("auto", "disabled")),
    ("max_tokens", _is_int),
    ("verbosity", _is_one_of("low", "medium", "high")),
    ("metadata", _is_text_dict),
    ("store", _is_bool),
    ("prompt_cache_retention", _is_one_of("in_memory", "24h")),
    ("include_usage", _is_bool),
    ("response_include", _is_list),
    ("top_logprobs", _is_int),
    ("extra_args", _is_dict),
    ("retry", _is_retry),
    ("context_management", _is_list),
    ("prompt_cache_options", _is_dict),
    ("preserve_raw_usage", _is_bool),
    ("timeout", _is_duration),
    ("background", _is_bool),
    ("timeouts", _is_timeouts),
)


def _validated(name: str, value: object) -> object:
    """The value as pydantic reads it: an int is a fine float, "hot" is a ValidationError."""
    kinds: dict[str, Any] = {
        **dict.fromkeys(("temperature", "top_p", "frequency_penalty", "presence_penalty"), float),
        **dict.fromkeys(
            ("parallel_tool_calls", "store", "include_usage", "preserve_raw_usage", "background"), bool
        ),
        **dict.fromkeys(("max_tokens", "top_logprobs"), int),
        **dict.fromkeys(("response_include", "context_management"), list[Any]),
        **dict.fromkeys(("extra_args", "prompt_cache_options"), dict[str, Any]),
        "tool_choice": ToolChoice,
        "truncation": Literal["auto", "disabled"],
        "verbosity": Literal["low", "medium", "high"],
        "metadata": dict[str, str],
        "prompt_cache_retention": Literal["in_memory", "24h"],
        "retry": ModelRetrySettings,
        "timeout": _pydantic.FiniteFloat,
        "timeouts": ModelTimeouts,
    }
    return validated_value("ModelSettings", name, value, kinds[name], gt=0 if name == "timeout" else None)
