"""What an error of the `openai` client, or another refusal by a server, says about calling again."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from agents._lazy import lazy_module
from agents.exceptions import ModelResponseFailed, ModelStreamBroken
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest, ModelRetryNormalizedError

if TYPE_CHECKING:
    import openai as _openai
else:
    _openai = lazy_module("openai")

__all__ = ["client_retry_advice", "refusal_advice"]

_TRANSIENT = frozenset({408, 409, 429})
_TRANSIENT_CODES = frozenset({"server_error", "rate_limit_exceeded"})
"""What a response that has begun may fail with although the same request may succeed."""


def client_retry_advice(request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
    """Advice on an error of the client, or a failure told in the stream: by status, headers, code, kind of failure.

    None for every other error, and for answers that will not change.
    """
    error = request.error
    if isinstance(error, _openai.APIStatusError):
        return _status_advice(error, request)
    if isinstance(error, _openai.APIConnectionError):
        return ModelRetryAdvice(
            suggested=True,
            reason=str(error),
            normalized=ModelRetryNormalizedError(
                message=str(error),
                is_network_error=True,
                is_timeout=isinstance(error, _openai.APITimeoutError),
            ),
        )
    if isinstance(error, ModelStreamBroken):
        return ModelRetryAdvice(
            suggested=True,
            reason=str(error),
            normalized=ModelRetryNormalizedError(message=str(error), is_network_error=True),
        )
    if isinstance(error, ModelResponseFailed | _openai.APIError):
        return _told_advice(error)
    return None


def refusal_advice(
    error: Exception,
    *,
    status: int | None,
    code: str | None,
    headers: Mapping[str, str],
    kind: str | None = None,
    message: str | None = None,
    request_id: str | None = None,
) -> ModelRetryAdvice:
    """Advice on a server's refusal: by its status, else by code or kind of error, and by what it says of retries itself.

    Header names are in lower case, or looked up whatever their case. How safe another request is, the caller adds.
    """
    status = _status_in(code) if status is None else status
    is_transient = (
        _is_transient(status) if status is not None else not _TRANSIENT_CODES.isdisjoint({code, kind})
    )
    told = _server_word(headers)
    suggested = told == "true" or (told != "false" and is_transient)
    retry_after = retry_after_s(headers)
    return ModelRetryAdvice(
        # What is not transient is no reason to forbid it: a policy may know better.
        suggested=suggested if suggested or told == "false" else None,
        retry_after=retry_after,
        reason=str(error),
        normalized=ModelRetryNormalizedError(
            status_code=status,
            error_code=code,
            message=str(error) if message is None else message,
            request_id=request_id,
            retry_after=retry_after,
        ),
    )


def _told_advice(error: ModelResponseFailed | _openai.APIError) -> ModelRetryAdvice | None:
    """Advice on a failure that came in the stream: by its code, which some servers give as an HTTP status."""
    code = None if error.code is None else str(error.code)
    kind: object = None if isinstance(error, ModelResponseFailed) else error.type
    status = _status_in(code)
    if not (code in _TRANSIENT_CODES or kind in _TRANSIENT_CODES or (status and _is_transient(status))):
        return None
    return ModelRetryAdvice(
        suggested=True,
        reason=str(error),
        normalized=ModelRetryNormalizedError(status_code=status, error_code=code, message=str(error)),
    )


def _status_advice(
    error: _openai.APIStatusError, request: ModelRetryAdviceRequest
) -> ModelRetryAdvice | None:
    headers = error.response.headers
    advice = refusal_advice(
        error, status=error.status_code, code=error.code, headers=headers, request_id=error.request_id
    )
    is_stateful = bool(request.previous_response_id or request.conversation_id)
    if advice.suggested and (is_stateful or _server_word(headers) == "true"):
        # An answer with such a status created nothing that a second request could collide with.
        advice.replay_safety = "safe"
    return advice


def _server_word(headers: Mapping[str, str]) -> str:
    """What the server says of another try: "true", "false", or nothing."""
    return (headers.get("x-should-retry") or "").lower()


def _status_in(code: str | None) -> int | None:
    """Some servers give a status as the code."""
    return int(code) if code is not None and len(code) == 3 and code.isascii() and code.isdigit() else None


def _is_transient(status: int) -> bool:
    return status in _TRANSIENT or status >= 500


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait that the server asks for, in seconds from now; None when it asks for none."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    moment = email.utils.parsedate_tz(value)
    if moment is None:
        return None
    return _number(str(email.utils.mktime_tz(moment) - time.time()))


def _number(text: str | None) -> float | None:
    """A finite number of at least 0, else None."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if number >= 0 and math.isfinite(number) else None
