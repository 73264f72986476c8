"""The client of a session that asks OpenAI: the one it was given, else the process's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module
from agents._openai_defaults import openai_defaults
from agents.models.openai_provider import shared_http_client

if TYPE_CHECKING:
    import openai as _openai
else:
    _openai = lazy_module("openai")


class SessionClient:
    """Finds the client when it is first needed: where none is given or set, one is made for each event loop."""

    def __init__(self, given: _openai.AsyncOpenAI | None) -> None:
        self._given = given
        self._own: tuple[Any, _openai.AsyncOpenAI] | None = None

    def current(self) -> _openai.AsyncOpenAI:
        """The client to use on the running event loop.

        Raises:
            openai.OpenAIError: there is none, and no API key to make one with.
        """
        chosen = openai_defaults().client if self._given is None else self._given
        if chosen is not None:
            return chosen
        http_client = shared_http_client()
        if self._own is None or self._own[0] is not http_client:
            made = _openai.AsyncOpenAI(api_key=openai_defaults().key, http_client=http_client)
            self._own = (http_client, made)
        return self._own[1]
