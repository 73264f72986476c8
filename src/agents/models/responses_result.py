"""What a finished response of the Responses API means: a `ModelResponse`, its usage, or a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.exceptions import ModelBehaviorError, ModelResponseFailed
from agents.items import ModelResponse
from agents.usage import ATTACHED_RAW_USAGE, usage_of_response

from ._whole_answer import foreign_answer
from .fake_id import FAKE_RESPONSES_ID

if TYPE_CHECKING:
    import pydantic as _pydantic
    from openai.types import responses as _responses
else:
    _pydantic = lazy_module("pydantic")
    _responses = lazy_module("openai.types.responses")

__all__ = ["FAILURE_TYPES", "event_failure", "model_response", "response_failure"]

FAILURE_TYPES = frozenset({"response.failed", "response.incomplete", "error", "response.error"})
"""Types of events that end a stream without a usable response."""


_FAILED = frozenset({"failed", "incomplete"})


def model_response(response: _responses.Response, *, preserve_raw_usage: bool | None = None) -> ModelResponse:
    """The response as the run keeps it.

    Look for a `response_failure` first: a failed response converts too.
    """
    return ModelResponse(
        output=response.output,
        usage=usage_of_response(response),
        # An id that stands for none could not be gone on from.
        response_id=None if response.id == FAKE_RESPONSES_ID else response.id,
        # Documented by the client as public in spite of its name; a response made by hand may lack it.
        request_id=getattr(response, "_request_id", None),
        raw_usage=_raw(response) if preserve_raw_usage else None,
    )


def whole_response(answer: Any) -> _responses.Response:
    """What a server answered, once it is sure to be a response.

    Raises:
        ModelResponseFailed: it is an error, whatever its HTTP status said.
        ModelBehaviorError: it is something else, a web page for instance.
    """
    if isinstance(getattr(answer, "output", None), list) or getattr(answer, "status", None) in _FAILED:
        return answer
    error: Any = getattr(answer, "error", None)
    if isinstance(error, str):
        raise ModelResponseFailed(f"The server answered with an error in place of a response: {error}", None)
    if error is not None:
        raise _failure("error", error)
    raise foreign_answer(str(answer), "Responses")


def response_failure(response: _responses.Response) -> ModelBehaviorError | None:
    """The error that a failed or incomplete response stands for, else None."""
    if response.status not in _FAILED:
        return None
    return _failure(f"response.{response.status}", response)


def event_failure(event: _responses.ResponseStreamEvent) -> ModelBehaviorError | None:
    """The error that a stream's event stands for when it is of `FAILURE_TYPES`, else None.

    Hand the event on first, then raise this.
    """
    if event.type not in FAILURE_TYPES:
        return None
    return _failure(event.type, getattr(event, "response", event))


def _failure(kind: str, told: object) -> ModelResponseFailed:
    names = ("status", "error", "incomplete_details", "code", "message", "param")
    known = {name: getattr(told, name, None) for name in names}
    nested = known.pop("error")
    for name in ("code", "message"):
        # The flat form says it already.
        known[name] = known[name] if known[name] is not None else getattr(nested, name, None)
    details = "; ".join(f"{name}={value}" for name, value in known.items() if value is not None)
    message = f"Responses stream ended with terminal event `{kind}`."
    return ModelResponseFailed(f"{message} {details.rstrip('.')}." if details else message, known["code"])


def _raw(response: _responses.Response) -> dict[str, Any] | None:
    """The usage as the server sent it, as a new dict."""
    usage: object = vars(response).get(ATTACHED_RAW_USAGE, response.usage)
    if usage is None:
        return None
    if isinstance(usage, _pydantic.BaseModel):
        return usage.model_dump(exclude_unset=True, warnings=False)
    if isinstance(usage, Mapping):
        return dict(cast("Mapping[str, Any]", usage))
    return dict(vars(usage))
