"""What the settings of one model call mean for the client that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from agents._lazy import lazy_module

if TYPE_CHECKING:
    import openai as _openai

    from agents.model_settings import ModelSettings
else:
    _openai = lazy_module("openai")

__all__ = ["call_options", "calling_client"]

_patient: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""By client: the one like it that repeats nothing."""


def calling_client(client: _openai.AsyncOpenAI, settings: ModelSettings) -> _openai.AsyncOpenAI:
    """The client to call: where a retry policy decides what is repeated, one like it that repeats nothing by itself.

    A client whose methods somebody has replaced stays as it is: a copy would not have them.
    """
    retry = settings.retry
    if retry is None or retry.policy is None or not isinstance(client, _openai.AsyncOpenAI):  # pyright: ignore[reportUnnecessaryIsInstance]  # fakes come here too
        return client
    if client.max_retries == 0 or _is_patched(client):
        return client
    known = _patient.get(client)
    if known is None:
        known = _patient[client] = client.with_options(max_retries=0)
    return known


def _is_patched(client: _openai.AsyncOpenAI) -> bool:
    return any("create" in vars(resource) for resource in (client.responses, client.chat.completions))


def call_options(client: _openai.AsyncOpenAI, settings: ModelSettings) -> dict[str, Any]:
    """More arguments for the client's `create`: its own time limits, with the one for connecting that is set."""
    limits = settings.timeouts
    if limits is None or limits.connect is None:
        return {}
    own = client.timeout
    if isinstance(own, _openai.Timeout):
        rest: dict[str, Any] = {"read": own.read, "write": own.write, "pool": own.pool}
        return {"timeout": _openai.Timeout(connect=limits.connect, **rest)}
    return {"timeout": _openai.Timeout(own, connect=limits.connect)}
