"""What a client adds to a response while it is being made, on one WebSocket. No I/O: frames in, frames out.

1. A steer is accepted while its response is being made, and refused with its input otherwise.
2. When the response is completed, or incomplete because it was steered, a successor follows by itself, with what was
   added as its input. If the response has called tools, the steers wait: the client is told so, and what it sends to
   continue from that response gets their input in front of its own.
3. What was accepted and cannot be used is given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ._responses_performance import Performance

MOST_STEERS = 16
"""How many steers one response takes."""

_ALLOWED = {"type", "previous_response_id", "input"}
# Calls that the client answers, and the fields that tell it which: those of the answer, by those of the call.
_STUBS: dict[str, tuple[str, dict[str, str]]] = {
    "function_call": ("function_call_output", {"call_id": "call_id", "name": "name"}),
    "custom_tool_call": ("custom_tool_call_output", {"call_id": "call_id"}),
    "computer_call": ("computer_call_output", {"call_id": "call_id"}),
    "shell_call": ("shell_call_output", {"call_id": "call_id"}),
    "apply_patch_call": ("apply_patch_call_output", {"call_id": "call_id"}),
    "mcp_approval_request": ("mcp_approval_response", {"approval_request_id": "id"}),
}


@dataclass(frozen=True, slots=True)
class Steer:
    """An accepted steer: its id, and its input as it came."""

    id: str
    parent_id: str
    input: Any

    @property
    def items(self) -> list[dict[str, Any]]:
        """The input as items."""
        return _as_items(self.input)


class Steering:
    """The steers of one connection, by the response that they are for."""

    def __init__(self, *, is_supported: bool) -> None:
        self._is_supported = is_supported
        self._accepted: dict[str, list[Steer]] = {}
        self._waiting: dict[str, list[Steer]] = {}
        self._steer_count = 0
        self._event_count = 0

    def take(self, frame: Mapping[str, Any], target: Performance | None) -> dict[str, Any]:
        """The answer to a steer for `target`, the connection's response of that id if it has one."""
        refused = self._refused(frame, target)
        if target is None or refused is not None:
            code, message = refused or ("response_not_found", "This connection has no such response.")
            given = {"input": frame.get("input"), "previous_response_id": frame.get("previous_response_id")}
            return self._failed(given, code, message, target)
        self._steer_count += 1
        steer = Steer(f"steer_{self._steer_count}", target.id, frame["input"])
        self._accepted.setdefault(target.id, []).append(steer)
        return self._event("accepted", target, steer=_named(steer))

    def after(self, done: Performance) -> tuple[list[dict[str, Any]], list[Steer]]:
        """When a response is over: what the client is told, and the steers that a successor starts from."""
        steers = self._accepted.pop(done.id, [])
        if not steers:
            return [], []
        response = done.snapshot()
        if response["status"] not in {"completed", "incomplete"}:
            message = f"The response is {response['status']}."
            return [self.give_back(steer, "response_not_active", message, done) for steer in steers], []
        required = [stub for item in response["output"] if (stub := _stub(item)) is not None]
        if not required:
            return [], steers
        self._waiting.setdefault(done.id, []).extend(steers)
        reason = {"reason": "waiting_for_required_input", "required_input": required}
        return [self._event("pending", done, steer=_named(steer), **reason) for steer in steers], []

    def give_back(self, steer: Steer, code: str, message: str, target: Performance) -> dict[str, Any]:
        """The event that returns a steer which was accepted and cannot be used."""
        return self._failed({"input": steer.input, **_named(steer)}, code, message, target)

    def with_waiting(self, frame: dict[str, Any]) -> dict[str, Any]:
        """A create frame with the input of the steers that waited for it in front of its own."""
        parent_id = frame.get("previous_response_id")
        steers = self._waiting.pop(parent_id, []) if isinstance(parent_id, str) else []
        if not steers:
            return frame
        added = [item for steer in steers for item in steer.items]
        return {**frame, "input": [*added, *_as_items(frame.get("input") or [])]}

    def _refused(self, frame: Mapping[str, Any], target: Performance | None) -> tuple[str, str] | None:
        if not self._is_supported:
            return "steering_not_supported", "This server does not support steering."
        if not frame.keys() <= _ALLOWED or not _is_user_input(frame.get("input")):
            return (
                "invalid_input",
                "A steer has a type, a previous_response_id and an input: a text or user messages.",
            )
        if target is None:
            return None
        if target.is_over:
            is_completed = target.snapshot()["status"] == "completed"
            code = "response_already_completed" if is_completed else "response_not_active"
            return code, "The response no longer accepts input."
        if len(self._accepted.get(target.id, ())) >= MOST_STEERS:
            return "too_many_pending_steers", f"At most {MOST_STEERS} steers wait for one response."
        return None

    def _failed(
        self, steer: Mapping[str, Any], code: str, message: str, target: Performance | None
    ) -> dict[str, Any]:
        error = {"type": "invalid_request_error", "code": code, "message": message}
        return self._event("failed", target, error=error, steer=dict(steer))

    def _event(self, kind: str, target: Performance | None, **fields: Any) -> dict[str, Any]:
        number = self._event_count
        self._event_count += 1
        event = {"type": f"response.steer.{kind}", "sequence_number": number, **fields}
        if target is not None and target.request.stream_id is not None:
            event["stream_id"] = target.request.stream_id
        return event


def _named(steer: Steer) -> dict[str, Any]:
    return {"id": steer.id, "previous_response_id": steer.parent_id}


def _stub(item: Mapping[str, Any]) -> dict[str, Any] | None:
    kind, fields = _STUBS.get(str(item.get("type")), ("", {}))
    return {"type": kind, **{name: item.get(source) for name, source in fields.items()}} if kind else None


def _as_items(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return cast("list[dict[str, Any]]", given)


def _is_user_input(given: Any) -> bool:
    if isinstance(given, str):
        return bool(given)
    if not isinstance(given, list) or not given:
        return False
    return all(_is_user_message(item) for item in cast("list[Any]", given))


def _is_user_message(item: Any) -> bool:
    match item:
        case {"role": "user", "content": str() | list(), **others}:
            return others in ({}, {"type": "message"})
        case _:
            return False
