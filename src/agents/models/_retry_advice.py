"""What an error of the `openai` client says about calling again."""

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

__all__ = ["client_retry_advice"]

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


def _told_advice(error: ModelResponseFailed | _openai.APIError) -> ModelRetryAdvice | None:
    """Advice on a failure that came in the stream: by its code, which some servers give as an HTTP status."""
    code = None if error.code is None else str(error.code)
    kind: object = None if isinstance(error, ModelResponseFailed) else error.type
    status = int(code) if code is not None and code.isascii() and code.isdigit() else None
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
    told = headers.get("x-should-retry")
    suggested = told == "true" or (told != "false" and _is_transient(error.status_code))
    # What is not transient is no reason to forbid it: a policy may know better.
    opinion = suggested if suggested or told == "false" else None
    retry_after = _retry_after_s(headers)
    is_stateful = bool(request.previous_response_id or request.conversation_id)
    return ModelRetryAdvice(
        suggested=opinion,
        retry_after=retry_after,
        # An answer with such a status created nothing that a second request could collide with.
        replay_safety="safe" if suggested and (told == "true" or is_stateful) else None,
        reason=str(error),
        normalized=ModelRetryNormalizedError(
            status_code=error.status_code,
            error_code=error.code,
            message=str(error),
            request_id=error.request_id,
            retry_after=retry_after,
        ),
    )


def _is_transient(status: int) -> bool:
    return status in _TRANSIENT or status >= 500


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
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
