"""What the settings of one model call mean for the client that makes it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module

if TYPE_CHECKING:
    import openai as _openai

    from agents.model_settings import ModelSettings
else:
    _openai = lazy_module("openai")

__all__ = ["call_options", "calling_client", "handed_over"]


def calling_client(client: _openai.AsyncOpenAI, settings: ModelSettings) -> _openai.AsyncOpenAI:
    """The client to call: where a retry policy decides what is repeated, one like it that repeats nothing by itself.

    A client whose methods somebody has replaced stays as it is: a copy would not have them. So does one that cannot
    be copied. The copy is made anew for each call: keys change.
    """
    retry = settings.retry
    if retry is None or retry.policy is None or retry.max_retries is None:
        return client
    if not isinstance(client, _openai.AsyncOpenAI):  # pyright: ignore[reportUnnecessaryIsInstance]  # fakes come here too
        return client
    if client.max_retries == 0 or _is_patched(client):
        return client
    try:
        return client.with_options(max_retries=0)
    except TypeError:
        # A class of somebody's own, whose constructor takes other arguments.
        return client


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


def handed_over(resource: Any, request: dict[str, Any], stand_ins: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for `resource.create`, with what is large and plain JSON already in the body as it is.

    The client holds each element of a list against every type that it may have, which takes half a millisecond of CPU
    for one input item, in every turn for the whole history. `stand_ins` has the arguments to hand over, with what
    the client gets in their place. Nothing is changed for a client that is not its own: a fake, or one that somebody
    instruments, expects the arguments by name.
    """
    given: object = request.get("extra_body")
    if not _is_the_clients_own(resource) or not (given is None or isinstance(given, Mapping)):
        return request
    body = {name: request[name] for name in stand_ins if name in request and _is_plain_list(request[name])}
    own = cast("Mapping[str, Any]", given or {})
    return {**request, **{name: stand_ins[name] for name in body}, "extra_body": {**body, **own}}


def _is_the_clients_own(resource: Any) -> bool:
    if "create" in vars(resource):
        return False
    create: object = inspect.getattr_static(cast("type[Any]", type(resource)), "create")
    if type(create) is not FunctionType:
        return False
    # Wrappers take over the names of what they wrap, but not its code.
    return Path(_openai.__file__).parent in Path(create.__code__.co_filename).parents


def _is_plain_list(value: object) -> bool:
    return type(value) is list and _is_plain(cast("object", value))


def _is_plain(value: object) -> bool:
    kind = type(value)
    if kind is dict:
        fields = cast("dict[object, object]", value)
        return all(type(name) is str for name in fields) and all(map(_is_plain, fields.values()))
    if kind is list:
        return all(map(_is_plain, cast("list[object]", value)))
    return kind in _PLAIN


_PLAIN = frozenset({str, int, float, bool, type(None)})
