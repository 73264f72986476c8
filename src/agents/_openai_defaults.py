"""What the whole process uses to reach OpenAI when nothing else is said: key, client, and which API.

Set these once, at the start. Providers read them when they first need a client;
one that has its client already keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from ._lazy import lazy_module
from .exceptions import UserError
from .tracing import set_tracing_export_api_key

if TYPE_CHECKING:
    import openai as _openai
else:
    _openai = lazy_module("openai")

__all__ = [
    "OpenAIAPI",
    "OpenAIDefaults",
    "OpenAIResponsesTransport",
    "openai_defaults",
    "set_default_openai_api",
    "set_default_openai_client",
    "set_default_openai_key",
    "set_default_openai_responses_transport",
]

OpenAIAPI: TypeAlias = Literal["chat_completions", "responses"]
"""The two APIs that models can be reached through."""

OpenAIResponsesTransport: TypeAlias = Literal["http", "websocket"]
"""The two ways to a Responses API."""


@dataclass(slots=True)
class OpenAIDefaults:
    """The process's defaults; read them through `openai_defaults()`."""

    key: str | None = None
    """The API key; None leaves it to the environment."""

    client: _openai.AsyncOpenAI | None = None
    """The client; None means that providers make their own."""

    api: OpenAIAPI = "responses"
    """The API through which models named by text are reached."""

    responses_transport: OpenAIResponsesTransport = "http"
    """How the Responses API is reached."""


_defaults = OpenAIDefaults()


def openai_defaults() -> OpenAIDefaults:
    """The defaults as they are now."""
    return _defaults


def set_default_openai_key(key: str, use_for_tracing: bool = True) -> None:
    """Use `key` for models, in place of the environment variable `OPENAI_API_KEY`.

    Args:
        key: The API key.
        use_for_tracing: Whether traces are exported with it too.
    """
    _defaults.key = key
    if use_for_tracing:
        set_tracing_export_api_key(key)


def set_default_openai_client(client: _openai.AsyncOpenAI, use_for_tracing: bool = True) -> None:
    """Use `client` for models that are given by name; it is not closed by this package.

    Args:
        client: An `AsyncOpenAI`, of any server.
        use_for_tracing: Whether traces are exported with its key too.
    """
    _defaults.client = client
    if use_for_tracing:
        set_tracing_export_api_key(client.api_key)


def set_default_openai_api(api: OpenAIAPI) -> None:
    """Reach models that are given by name through this API; by default `"responses"`.

    Raises:
        UserError: there is no such API.
    """
    if api not in get_args(OpenAIAPI):
        raise UserError(f"Unknown OpenAI API {api!r}. Use 'responses' or 'chat_completions'.")
    _defaults.api = api


def set_default_openai_responses_transport(transport: OpenAIResponsesTransport) -> None:
    """Reach the Responses API over HTTP, as by default, or over WebSockets that stay open.

    WebSockets need `pip install 'headrace[websocket]'`.

    Raises:
        ValueError: there is no such transport.
    """
    if transport not in get_args(OpenAIResponsesTransport):
        raise ValueError(f"Unknown Responses transport {transport!r}. Expected one of: 'http', 'websocket'")
    _defaults.responses_transport = transport
