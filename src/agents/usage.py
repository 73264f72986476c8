"""Token usage: of one request, of one model response, of a whole run.

Rules:

1. Importing this module imports no `openai`; making a `Usage` does, because
   the details are its objects.
2. Numbers only ever grow by `add`, which copies what it takes: two usages
   never share a details object or a list.
3. Details are summed field by field, over whatever fields the installed
   `openai` declares, so a new kind of token needs no change here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ._lazy import lazy_module
from .util._field_values import validated_value

if TYPE_CHECKING:
    from openai.types.responses import response_usage as _response_usage
    from pydantic import BaseModel
else:
    _response_usage = lazy_module("openai.types.responses.response_usage")

__all__ = [
    "RequestUsage",
    "Usage",
    "deserialize_usage",
    "model_usage_to_span_usage",
    "serialize_usage",
    "task_usage_to_span_data",
    "total_usage_to_span_metadata",
    "turn_usage_to_span_data",
    "usage_of_response",
]

_Details = TypeVar("_Details", bound="BaseModel")


@dataclass
class RequestUsage:
    """Tokens of one request to a model."""

    input_tokens: int
    """Tokens sent, cached ones included."""

    output_tokens: int
    """Tokens received, reasoning included."""

    total_tokens: int
    """Both together, as the server counts them."""

    input_tokens_details: _response_usage.InputTokensDetails
    """How many of the input tokens were read from or written to a cache."""

    output_tokens_details: _response_usage.OutputTokensDetails
    """How many of the output tokens were reasoning."""


def _zero_input_details() -> _response_usage.InputTokensDetails:
    return _zero(_response_usage.InputTokensDetails).model_copy()


def _zero_output_details() -> _response_usage.OutputTokensDetails:
    return _zero(_response_usage.OutputTokensDetails).model_copy()


@dataclass
class Usage:
    """Tokens of any number of requests.

    `add` another usage to this one; read `request_usage_entries` for the
    requests one by one. Details that are missing, or hold None, count as zero.
    """

    requests: int = 0
    """Requests made, failed ones that were retried included."""

    input_tokens: int = 0
    """Tokens sent, cached ones included."""

    input_tokens_details: _response_usage.InputTokensDetails = field(default_factory=_zero_input_details)
    """How many of the input tokens were read from or written to a cache."""

    output_tokens: int = 0
    """Tokens received, reasoning included."""

    output_tokens_details: _response_usage.OutputTokensDetails = field(default_factory=_zero_output_details)
    """How many of the output tokens were reasoning."""

    total_tokens: int = 0
    """Both together, as the servers count them."""

    request_usage_entries: list[RequestUsage] = field(default_factory=list[RequestUsage])
    """One entry for every request that has tokens, in order."""

    def __post_init__(self) -> None:
        for name in ("requests", "input_tokens", "output_tokens", "total_tokens"):
            count: object = getattr(self, name)
            if type(count) is not int:
                setattr(self, name, validated_value("Usage", name, count, int))
        self.input_tokens_details = _normal(_response_usage.InputTokensDetails, self.input_tokens_details)
        self.output_tokens_details = _normal(_response_usage.OutputTokensDetails, self.output_tokens_details)

    def add(self, other: Usage) -> None:
        """Add `other` to this usage; `other` stays as it is.

        A single request with tokens adds one entry; a usage that has entries
        of its own gives copies of them instead.
        """
        other_input = _normal(_response_usage.InputTokensDetails, other.input_tokens_details)
        other_output = _normal(_response_usage.OutputTokensDetails, other.output_tokens_details)
        own_input = _normal(_response_usage.InputTokensDetails, self.input_tokens_details)
        own_output = _normal(_response_usage.OutputTokensDetails, self.output_tokens_details)
        if other.request_usage_entries:
            # A list first: `usage.add(usage)` must not read what it writes.
            self.request_usage_entries.extend([_detached(entry) for entry in other.request_usage_entries])
        elif other.requests == 1 and (other.input_tokens or other.output_tokens or other.total_tokens):
            self.request_usage_entries.append(
                RequestUsage(
                    input_tokens=other.input_tokens,
                    output_tokens=other.output_tokens,
                    total_tokens=other.total_tokens,
                    input_tokens_details=other_input.model_copy(deep=True),
                    output_tokens_details=other_output.model_copy(deep=True),
                )
            )
        self.requests += other.requests
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.total_tokens += other.total_tokens
        self.input_tokens_details = _sum(own_input, other_input)
        self.output_tokens_details = _sum(own_output, other_output)


def request_without_tokens() -> RequestUsage:
    """The entry of a request that failed: it was made, and told no tokens."""
    return RequestUsage(0, 0, 0, _zero_input_details(), _zero_output_details())


def serialize_usage(usage: Usage) -> dict[str, Any]:
    """The usage as JSON values; `deserialize_usage` reads them back.

    The details of the whole are lists of one object, those of the entries are
    plain objects: stored states have them so.
    """
    return {
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "input_tokens_details": [_input_details(usage)],
        "output_tokens": usage.output_tokens,
        "output_tokens_details": [_output_details(usage)],
        "total_tokens": usage.total_tokens,
        "request_usage_entries": [
            {
                "input_tokens": entry.input_tokens,
                "output_tokens": entry.output_tokens,
                "total_tokens": entry.total_tokens,
                "input_tokens_details": _input_details(entry),
                "output_tokens_details": _output_details(entry),
            }
            for entry in usage.request_usage_entries
        ],
    }


def deserialize_usage(usage_data: Mapping[str, Any]) -> Usage:
    """The usage that `serialize_usage` wrote; what is missing counts as zero.

    Details may be an object or a list of one. Unknown keys are ignored.
    """
    entries: list[Mapping[str, Any]] = usage_data.get("request_usage_entries") or []
    return Usage(
        requests=usage_data.get("requests", 0),
        input_tokens=usage_data.get("input_tokens", 0),
        input_tokens_details=_first(usage_data.get("input_tokens_details")),
        output_tokens=usage_data.get("output_tokens", 0),
        output_tokens_details=_first(usage_data.get("output_tokens_details")),
        total_tokens=usage_data.get("total_tokens", 0),
        request_usage_entries=[
            RequestUsage(
                input_tokens=entry.get("input_tokens", 0),
                output_tokens=entry.get("output_tokens", 0),
                total_tokens=entry.get("total_tokens", 0),
                input_tokens_details=_normal(
                    _response_usage.InputTokensDetails, _first(entry.get("input_tokens_details"))
                ),
                output_tokens_details=_normal(
                    _response_usage.OutputTokensDetails, _first(entry.get("output_tokens_details"))
                ),
            )
            for entry in entries
        ],
    )


def model_usage_to_span_usage(usage: Usage) -> dict[str, Any]:
    """The usage as generation and response spans carry it: sums and details."""
    return {
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "input_tokens_details": _input_details(usage),
        "output_tokens_details": _output_details(usage),
    }


def turn_usage_to_span_data(usage: Usage) -> dict[str, int]:
    """The usage as the span of one turn carries it."""
    details = _normal(_response_usage.InputTokensDetails, usage.input_tokens_details)
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": details.cached_tokens,
        "cache_write_input_tokens": _count(details, "cache_write_tokens"),
    }


def task_usage_to_span_data(usage: Usage) -> dict[str, int]:
    """The usage as the span of a whole run carries it."""
    return {
        **turn_usage_to_span_data(usage),
        "requests": usage.requests,
        "total_tokens": usage.total_tokens,
    }


def total_usage_to_span_metadata(usage: Usage) -> dict[str, int]:
    """The usage as metadata of a trace carries it."""
    turn = turn_usage_to_span_data(usage)
    return {
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cached_input_tokens": turn["cached_input_tokens"],
        "cache_write_input_tokens": turn["cache_write_input_tokens"],
    }


@lru_cache(maxsize=8)
def _zero(kind: type[_Details]) -> _Details:
    """Details of `kind` with every count at zero; callers copy it."""
    counts = {name: 0 for name, info in kind.model_fields.items() if info.is_required()}
    return kind.model_validate(counts)


def _normal(kind: type[_Details], details: object) -> _Details:
    """`details` as `kind`: itself when it is whole, else a copy with zeros for what is missing.

    Takes None, a mapping, or another model with the same field names (Chat
    Completions calls its details otherwise).
    """
    zero = _zero(kind)
    if details is None:
        return zero.model_copy()
    values: Mapping[str, object] = (
        cast("Mapping[str, object]", details) if isinstance(details, Mapping) else vars(details)
    )
    missing = {
        name: 0 for name, count in vars(zero).items() if count is not None and values.get(name) is None
    }
    if isinstance(details, kind):
        return details.model_copy(update=missing) if missing else details
    known = {name: values[name] for name in vars(zero) if name in values}
    return kind.model_validate({**known, **missing})


def _sum(left: _Details, right: _Details) -> _Details:
    """A new details object with every count of both added."""
    summed: dict[str, object] = {}
    for name, addend in vars(right).items():
        own = vars(left).get(name)
        if addend is None or own is None:
            summed[name] = own if addend is None else addend
        elif isinstance(addend, int) and isinstance(own, int):
            summed[name] = own + addend
        else:
            # Counts by kind, nested one deeper, of one and the same model.
            summed[name] = _sum(cast("BaseModel", own), cast("BaseModel", addend))
    return left.model_copy(update=summed)


def _detached(entry: RequestUsage) -> RequestUsage:
    return RequestUsage(
        input_tokens=entry.input_tokens,
        output_tokens=entry.output_tokens,
        total_tokens=entry.total_tokens,
        input_tokens_details=_normal(
            _response_usage.InputTokensDetails, entry.input_tokens_details
        ).model_copy(deep=True),
        output_tokens_details=_normal(
            _response_usage.OutputTokensDetails, entry.output_tokens_details
        ).model_copy(deep=True),
    )


def _count(details: BaseModel, name: str) -> int:
    """A count that older `openai` versions do not declare."""
    value = vars(details).get(name)
    return value if isinstance(value, int) else 0


def _input_details(usage: Usage | RequestUsage) -> dict[str, Any]:
    return _normal(_response_usage.InputTokensDetails, usage.input_tokens_details).model_dump(mode="json")


def _output_details(usage: Usage | RequestUsage) -> dict[str, Any]:
    return _normal(_response_usage.OutputTokensDetails, usage.output_tokens_details).model_dump(mode="json")


def _first(value: Any) -> Any:
    """The one object of a list of one, or the object itself, or None."""
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return items[0] if items else None
    return value


ATTACHED_USAGE = "_headrace_usage"
"""Under this attribute a model may put the `Usage` of a response that took other than one request."""

ATTACHED_RAW_USAGE = "_headrace_raw_usage"
"""Under this attribute a model may put the usage of a response as its provider told it."""


def usage_of_response(response: Any) -> Usage:
    """The usage of one finished response of the Responses API; one request even when it tells no tokens."""
    attached: Usage | None = vars(cast("object", response)).get(ATTACHED_USAGE)
    if attached is not None:
        return attached
    told = response.usage
    if told is None:
        return Usage(requests=1)
    return Usage(
        requests=1,
        input_tokens=told.input_tokens or 0,
        input_tokens_details=told.input_tokens_details,
        output_tokens=told.output_tokens or 0,
        output_tokens_details=told.output_tokens_details,
        total_tokens=told.total_tokens or 0,
    )
