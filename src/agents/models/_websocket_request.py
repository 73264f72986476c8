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
else:
    _openai = lazy_module("openai")
    _pydantic = lazy_module("pydantic")

__all__ = ["ResponseChains", "SocketRequest", "create_frame", "socket_request"]

_WITHOUT_MEANING = frozenset({"stream", "stream_options", "background"})
"""Arguments that only HTTP knows: a WebSocket always streams, and ends with its connection."""

_OF_THE_CALL = frozenset({"extra_headers", "extra_query", "extra_body", "timeout"})

_KEPT_ITEMS = 4_000
"""How many items the chains of one model may hold: some hundred turns. Those of older responses go first."""


class SocketRequest(NamedTuple):
    """One request: what its frame holds, and what the connection must have been opened with."""

    body: dict[str, Any]
    headers: Mapping[str, Any]
    query: Mapping[str, Any]
    timeout: Any
    """The time limit that the call itself sets; the client's `not_given` when it sets none."""


def socket_request(arguments: Mapping[str, Any]) -> SocketRequest:
    """The request that `client.responses.create(**arguments)` stands for."""
    body = {
        name: value
        for name, value in arguments.items()
        if name not in _WITHOUT_MEANING and name not in _OF_THE_CALL and not _is_unset(value)
    }
    body.update(arguments.get("extra_body") or {})
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


class ResponseChains:
    """What led to each recent response, so that a chain can go on where the response itself is gone.

    A server that does not store a response keeps it on one connection only. On another one its successor is refused,
    and the whole conversation has to be sent again: this remembers it. Nobody but the `owner` of a response, the address
    and the key that it was asked for with, gets at what led to it.
    """

    def __init__(self) -> None:
        self._links: OrderedDict[tuple[Hashable, str], tuple[str | None, Sequence[Any], Sequence[Any]]] = (
            OrderedDict()
        )
        self._item_count = 0

    def note(self, owner: Hashable, response_id: str, body: Mapping[str, Any], output: Sequence[Any]) -> None:
        """A response came for the owner's request `body`, with these output items."""
        self._drop((owner, response_id))
        given: Any = body.get("input") or ()
        self._links[owner, response_id] = (body.get("previous_response_id"), given, output)
        self._item_count += len(given) + len(output)
        while self._item_count > _KEPT_ITEMS:
            self._drop(next(iter(self._links)))

    def expanded(self, owner: Hashable, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """The owner's same request with the whole conversation in place of `previous_response_id`; None when part of it is unknown."""
        parts: list[Sequence[Any]] = [body.get("input") or ()]
        parent, met = body.get("previous_response_id"), set[object]()
        while parent is not None:
            link = self._links.get((owner, parent)) if type(parent) is str and parent not in met else None
            if link is None:
                return None
            met.add(parent)
            parent, given, output = link
            parts += [output, given]
        full = [item for part in reversed(parts) for item in part]
        return {name: value for name, value in body.items() if name != "previous_response_id"} | {
            "input": full
        }

    def _drop(self, key: tuple[Hashable, str]) -> None:
        link = self._links.pop(key, None)
        if link is not None:
            self._item_count -= len(link[1]) + len(link[2])


def _is_unset(value: object) -> bool:
    return isinstance(value, _openai.Omit | _openai.NotGiven)


def _plain(value: object) -> object:
    """What JSON has no words for, in words of JSON."""
    if isinstance(value, _pydantic.BaseModel):
        return value.model_dump(mode="json", exclude_unset=True, by_alias=True)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    if isinstance(value, Sequence):
        return list(cast("Sequence[Any]", value))
    raise TypeError(f"A model request cannot hold a value of type {type(value).__name__}: {value!r}")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode
