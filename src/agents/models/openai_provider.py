"""Finds OpenAI's models by name."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from agents._default_models import get_default_model
from agents._lazy import lazy_module
from agents._openai_defaults import openai_defaults
from agents._ports.model import Model, ModelProvider
from agents.exceptions import UserError

from .openai_agent_registration import (
    OpenAIAgentRegistrationConfig,
    ResolvedOpenAIAgentRegistrationConfig,
    resolve_openai_agent_registration_config,
)

if TYPE_CHECKING:
    import openai as _openai

    from . import openai_responses as _openai_responses
else:
    _openai = lazy_module("openai")
    _openai_responses = lazy_module("agents.models.openai_responses")

__all__ = ["OpenAIProvider", "shared_http_client"]


_http_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


@cache
def _http_client_without_loop() -> Any:
    return _openai.DefaultAsyncHttpxClient()


def shared_http_client() -> Any:
    """The HTTP client, of the library that `openai` uses, which the providers' own clients share.

    There is one for each event loop: a connection kept from a loop that is
    closed can be neither used nor closed.
    """
    loop = _running_loop()
    if loop is None:
        return _http_client_without_loop()
    if loop not in _http_clients:
        _http_clients[loop] = _openai.DefaultAsyncHttpxClient()
    return _http_clients[loop]


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class OpenAIProvider(ModelProvider):
    """Gives models of OpenAI, or of a server with the same API, by their names.

    Its client is made when a model is asked for, from what is given here and
    else from `set_default_openai_key`, `set_default_openai_client` and the
    environment.
    """

    _agent_registration: ResolvedOpenAIAgentRegistrationConfig | None = None

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        websocket_base_url: str | None = None,
        openai_client: _openai.AsyncOpenAI | None = None,
        organization: str | None = None,
        project: str | None = None,
        use_responses: bool | None = None,
        use_responses_websocket: bool | None = None,
        strict_feature_validation: bool = False,
        agent_registration: OpenAIAgentRegistrationConfig | dict[str, Any] | None = None,
        responses_websocket_options: _openai_responses.OpenAIResponsesWebSocketOptions | None = None,
        buffer_streamed_tool_calls: bool = False,
    ) -> None:
        """A provider.

        Args:
            api_key: The key for a client of its own.
            base_url: The server for a client of its own.
            websocket_base_url: The server for WebSockets of a client of its own, where it is another one.
            openai_client: The client to use; then none is made and none closed.
            organization: The organization for a client of its own.
            project: The project for a client of its own.
            use_responses: Whether models are reached through the Responses API; None: as by default.
            use_responses_websocket: Whether that goes over WebSockets; None: as by default.
            strict_feature_validation: Whether features that Chat Completions lacks are errors.
            agent_registration: The harness that the program registered with OpenAI: its id goes into the metadata of
                traces, and nowhere else. None: as by default, which is none.
            responses_websocket_options: Limits of the WebSockets.
            buffer_streamed_tool_calls: Whether Chat Completions tool calls are streamed only when whole.

        Raises:
            UserError: both a client and something to make one of are given.
            TypeError: the registration is none, or has other keys than `harness_id`.
        """
        own = (api_key, base_url, websocket_base_url, organization, project)
        if openai_client is not None and any(value is not None for value in own):
            raise UserError(
                "Don't provide api_key, base_url, websocket_base_url, organization, or project "
                "if you provide openai_client"
            )
        self._agent_registration = resolve_openai_agent_registration_config(agent_registration)
        self._client = openai_client
        # With the HTTP client that it was made for, which tells the event loop.
        self._own_client: tuple[Any, _openai.AsyncOpenAI] | None = None
        self._api_key = api_key
        self._base_url = base_url
        self._organization = organization
        self._project = project
        self._uses_responses = (
            openai_defaults().api == "responses" if use_responses is None else use_responses
        )
        self._uses_websocket = (
            openai_defaults().responses_transport == "websocket"
            if use_responses_websocket is None
            else use_responses_websocket
        )
        # By event loop and name: their connections are worth keeping.
        self._websocket_models: dict[
            asyncio.AbstractEventLoop, dict[tuple[str, bool], _openai_responses.OpenAIResponsesWSModel]
        ] = {}
        self._websocket_base_url = websocket_base_url
        self._responses_websocket_options = responses_websocket_options
        # Kept for the transports that read them.
        self._strict_feature_validation = strict_feature_validation
        self._buffer_streamed_tool_calls = buffer_streamed_tool_calls

    @property
    def agent_registration(self) -> ResolvedOpenAIAgentRegistrationConfig | None:
        """The registration that holds for this provider: its own, or what was the default when it was made."""
        return self._agent_registration

    def get_model(self, model_name: str | None) -> Model:
        """The model of that name; the default model for None.

        Raises:
            openai.OpenAIError: there is no API key.
        """
        name = get_default_model() if model_name is None else model_name
        client = self._client_of_loop()
        if not self._uses_responses:
            from .openai_chatcompletions import OpenAIChatCompletionsModel

            return OpenAIChatCompletionsModel(
                name,
                client,
                strict_feature_validation=self._strict_feature_validation,
                buffer_streamed_tool_calls=self._buffer_streamed_tool_calls,
            )
        if self._uses_websocket:
            return self._websocket_model(name, client, is_explicit=model_name is not None)
        return _openai_responses.OpenAIResponsesModel(name, client, model_is_explicit=model_name is not None)

    async def aclose(self) -> None:
        """Close the WebSockets of the models that were given, those of other event loops too."""
        cached, self._websocket_models = self._websocket_models, {}
        async with AsyncExitStack() as closing:
            for models in cached.values():
                for model in models.values():
                    closing.push_async_callback(model.close)

    def _websocket_model(self, name: str, client: _openai.AsyncOpenAI, *, is_explicit: bool) -> Model:
        """The model over WebSockets: the same one each time, on one event loop."""
        loop = _running_loop()
        for closed in [one for one in list(self._websocket_models) if one.is_closed()]:
            del self._websocket_models[closed]
        models = {} if loop is None else self._websocket_models.setdefault(loop, {})
        key = (name, is_explicit)
        if key not in models:
            models[key] = _openai_responses.OpenAIResponsesWSModel(
                name,
                client,
                model_is_explicit=is_explicit,
                websocket_options=self._responses_websocket_options,
            )
        return models[key]

    def _client_of_loop(self) -> _openai.AsyncOpenAI:
        """The client that was given, or the default one, or one of its own for the running event loop."""
        if self._client is not None:
            return self._client
        own = (
            self._api_key, self._base_url, self._websocket_base_url, self._organization, self._project
        )  # fmt: skip
        if all(value is None for value in own):
            self._client = openai_defaults().client
            if self._client is not None:
                return self._client
        http_client = shared_http_client()
        if self._own_client is None or self._own_client[0] is not http_client:
            client = _openai.AsyncOpenAI(
                api_key=openai_defaults().key if self._api_key is None else self._api_key,
                base_url=self._base_url,
                websocket_base_url=self._websocket_base_url,
                organization=self._organization,
                project=self._project,
                http_client=http_client,
            )
            self._own_client = (http_client, client)
        return self._own_client[1]
