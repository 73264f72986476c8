"""How a request over a WebSocket fails, and what that says about asking again. No I/O, no client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest, ModelRetryNormalizedError

from ._retry_advice import refusal_advice

__all__ = [
    "LIMIT_REACHED",
    "PARENT_NOT_FOUND",
    "ResponsesWebSocketError",
    "SocketFailure",
    "websocket_retry_advice",
]

PARENT_NOT_FOUND = "previous_response_not_found"
"""Code of the error for a response that neither the connection nor the server has any more."""

LIMIT_REACHED = "websocket_connection_limit_reached"
"""Code of the error that ends a connection after its 60 minutes."""


class ResponsesWebSocketError(RuntimeError):
    """The server answered a request over a WebSocket with an error frame.

    `payload` is the frame as parsed JSON; the other attributes are what it says, each None where it does not.
    """

    def __init__(self, payload: Mapping[str, Any]) -> None:
        """An error from its frame, in the nested form or in the flat one."""
        nested: object = payload.get("error")
        details = cast("Mapping[str, Any]", nested) if isinstance(nested, Mapping) else payload
        self.payload: dict[str, Any] = dict(payload)
        self.status: int | None = _whole(payload.get("status"))
        self.code: str | None = _text(details.get("code")) or _text(payload.get("code"))
        self.error_type: str | None = _text(details.get("type")) if details is not payload else None
        self.param: str | None = _text(details.get("param")) or _text(payload.get("param"))
        self.error_message: str | None = _text(details.get("message")) or _text(payload.get("message"))
        self.headers: dict[str, str] = _headers(details.get("headers"))
        self.response_started = False
        """Whether events of the response had come before the frame."""
        known = {
            "status": self.status,
            "code": self.code,
            "type": self.error_type,
            "message": self.error_message,
            "param": self.param,
        }
        told = "; ".join(f"{name}={value}" for name, value in known.items() if value is not None)
        super().__init__(f"Responses websocket error: {told or 'the server gave no reason'}")


class SocketFailure(Exception):
    """A connection that failed under a request; raised together with the matching error of the `openai` client."""

    was_sent: bool = False
    """Whether the request may have reached the server."""

    response_started: bool = False
    """Whether events of the response had come."""

    is_timeout: bool = False
    """Whether a time limit ended it."""

    is_abort: bool = False
    """Whether it was ended on purpose, by closing the model or its provider."""


def websocket_retry_advice(request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
    """Advice on an error frame or a failed connection; None for every other error.

    A request that goes on from stored state is unsafe to repeat once it was sent: the server may have carried it out.
    One that was ended by closing the model is not to be repeated: that would open what was just closed.
    """
    error = request.error
    if isinstance(error, ResponsesWebSocketError):
        return _frame_advice(error)
    if not isinstance(error, SocketFailure):
        return None
    is_stateful = bool(request.previous_response_id or request.conversation_id)
    is_unsafe = error.was_sent and is_stateful
    return ModelRetryAdvice(
        suggested=not (is_unsafe or error.is_abort),
        replay_safety="unsafe" if is_unsafe else None if error.was_sent else "safe",
        reason=str(error),
        response_started=error.response_started,
        normalized=ModelRetryNormalizedError(
            message=str(error),
            is_abort=error.is_abort,
            is_network_error=not error.is_abort,
            is_timeout=error.is_timeout,
        ),
    )


def _frame_advice(error: ResponsesWebSocketError) -> ModelRetryAdvice:
    """As on a refusal over HTTP."""
    advice = refusal_advice(
        error,
        status=error.status,
        code=error.code,
        kind=error.error_type,
        headers=error.headers,
        message=error.error_message,
        request_id=error.headers.get("x-request-id"),
    )
    advice.response_started = error.response_started
    if advice.suggested and not error.response_started:
        # A refusal in place of a response created nothing that a second request could collide with.
        advice.replay_safety = "safe"
    return advice


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _whole(value: object) -> int | None:
    return value if type(value) is int else None


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    given = cast("Mapping[object, object]", value)
    return {str(name).lower(): str(one) for name, one in given.items()}
