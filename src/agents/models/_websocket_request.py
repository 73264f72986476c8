"""What goes over a WebSocket for one request, from the arguments that HTTP would get. No I/O, no client."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from agents._lazy import lazy_module

if TYPE_CHECKING:
    import openai as _openai
    import pydantic as _pydantic
    from openai.types import responses as _responses
else:
    _openai = lazy_module("openai")
    _pydantic = lazy_module("pydantic")
    _responses = lazy_module("openai.types.responses")

__all__ = ["ResponseChains", "SocketRequest", "create_frame", "socket_request"]

_WITHOUT_MEANING = frozenset({"stream", "stream_options", "background"})
"""Arguments that only HTTP knows: a WebSocket always streams, and ends with its connection."""

_OF_THE_CALL = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})

_KEPT_BYTES = 16_000_000
"""How much the chains of one model may hold, as JSON. Those of older responses go first."""

_LINK_BYTES = 1_000
"""What a response takes up beside its items, rounded up."""


class SocketRequest(NamedTuple):
    """One request: what its frame holds, and what the connection must have been opened with."""

    body: dict[str, Any]
    """`input` is JSON already (`msgspec.Raw`): what becomes of the caller's list afterwards changes nothing."""

    headers: Mapping[str, Any]
    query: Mapping[str, Any]
    timeout: Any
    """The time limit that the call itself sets; the client's `not_given` when it sets none."""


def socket_request(arguments: Mapping[str, Any]) -> SocketRequest:
    """The request that `client.responses.create(**arguments)` stands for.

    Raises:
        TypeError: the input cannot be written as JSON.
    """
    body = {
        name: value
        for name, value in arguments.items()
        if name not in _WITHOUT_MEANING and name not in _OF_THE_CALL and not _is_unset(value)
    }
    body.update(arguments.get("extra_body") or {})
    if "input" in body:
        body["input"] = msgspec.Raw(_encode(body["input"]))
    return SocketRequest(
        body,
        arguments.get("extra_headers") or {},
        arguments.get("extra_query") or {},
        arguments.get("timeout", _openai.not_given),
    )


def create_frame(body: Mapping[str, Any], lane: str | None) -> bytes:
    """The frame that asks for a response, on a lane.

    Raises:
        TypeError: a value cannot be written as JSON.
    """
    frame: dict[str, Any] = {"type": "response.create", **body}
    if lane is not None:
        frame["stream_id"] = lane
    return _encode(frame)


class _Link(NamedTuple):
    """What one response was made of: its parent's id, and the items on both sides as the inside of JSON lists."""

    parent: object
    given: bytes
    output: bytes

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        return len(self.given) + len(self.output) + _LINK_BYTES


class ResponseChains:
    """What led to each recent response, so that a chain can go on where the response itself is gone.

    A server that does not store a response keeps it on one connection only. On another one its successor is refused,
    and the whole conversation has to be sent again: this remembers it, as the JSON that was sent. Nobody but the `owner`
    of a response, the address and the key that it was asked for with, gets at what led to it.
    """

    def __init__(self) -> None:
        self._links: OrderedDict[tuple[Hashable, str], _Link] = OrderedDict()
        self._size_bytes = 0

    def note(self, owner: Hashable, response_id: str, body: Mapping[str, Any], output: Sequence[Any]) -> None:
        """A response came for the owner's request `body`, with these output items."""
        self._drop((owner, response_id))
        kept = output
        if body.get("store") is False:
            # The API refuses an item that it has to look up and never stored.
            kept = [item for item in output if not _is_reference(item)]
        try:
            given, made = _list_inside(body.get("input", ())), _list_inside(kept)
        except (TypeError, ValueError, RecursionError):
            # Servers can send what cannot be sent back. The response itself is none the worse for it.
            return
        if given is None or made is None:
            return
        link = self._links[owner, response_id] = _Link(body.get("previous_response_id"), given, made)
        self._size_bytes += link.size_bytes
        while self._size_bytes > _KEPT_BYTES:
            self._drop(next(iter(self._links)))

    def expanded(self, owner: Hashable, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The owner's same request with the whole conversation in place of `previous_response_id`; None when part of it is unknown."""
        parts = [_list_inside(body.get("input", ()))]
        parent, met = body.get("previous_response_id"), set[object]()
        while parent is not None:
            link = self._links.get((owner, parent)) if type(parent) is str and parent not in met else None
            if link is None:
                return None
            met.add(parent)
            parent = link.parent
            parts += [link.output, link.given]
        if parts[0] is None:
            return None
        inside = b",".join(part for part in reversed(parts) if part)
        return {name: value for name, value in body.items() if name != "previous_response_id"} | {
            "input": msgspec.Raw(b"[" + inside + b"]")
        }

    def _drop(self, key: tuple[Hashable, str]) -> None:
        link = self._links.pop(key, None)
        if link is not None:
            self._size_bytes -= link.size_bytes


def _is_reference(item: object) -> bool:
    """Whether it is reasoning that only the server's store could tell: its id, and at most a summary."""
    if isinstance(item, _responses.ResponseReasoningItem):
        return not (item.encrypted_content or item.content)
    if not isinstance(item, Mapping):
        return False
    fields = cast("Mapping[str, object]", item)
    return fields.get("type") == "reasoning" and not (
        fields.get("encrypted_content") or fields.get("content")
    )


def _list_inside(value: object) -> bytes | None:
    """The value as JSON without the brackets around it; None when it is no list."""
    text = bytes(value) if isinstance(value, msgspec.Raw) else _encode(value)
    return text[1:-1] if text.startswith(b"[") else None


def _is_unset(value: object) -> bool:
    return isinstance(value, _openai.Omit | _openai.NotGiven)


def _plain(value: object) -> object:
    """What JSON has no words for, in words of JSON."""
    if isinstance(value, _pydantic.BaseModel):
        return value.model_dump(mode="json", exclude_unset=True, by_alias=True, warnings=False)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    if isinstance(value, Sequence):
        return list(cast("Sequence[Any]", value))
    raise TypeError(f"A model request cannot hold a value of type {type(value).__name__}: {value!r}")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode
