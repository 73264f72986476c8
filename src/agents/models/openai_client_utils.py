"""Whether a client leads to OpenAI itself or to another server with its API."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agents._lazy import lazy_module

if TYPE_CHECKING:
    import openai as _openai
else:
    _openai = lazy_module("openai")

__all__ = ["is_official_openai_base_url", "is_official_openai_client"]

_HOST = "api.openai.com"


def is_official_openai_base_url(base_url: object, *, websocket: bool = False) -> bool:
    """Whether the URL, a text or whatever reads as one, leads to OpenAI or one of its regions.

    Args:
        base_url: The URL, with its scheme.
        websocket: Whether it is to be a WebSocket's (`wss`) rather than `https`.
    """
    try:
        url = urlsplit(str(base_url))
        host = url.hostname or ""
    except ValueError:
        return False
    return url.scheme == ("wss" if websocket else "https") and (host == _HOST or host.endswith(f".{_HOST}"))


def is_official_openai_client(client: _openai.AsyncOpenAI) -> bool:
    """Whether the client's requests go to OpenAI."""
    return is_official_openai_base_url(client.base_url)
