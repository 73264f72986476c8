"""Finds models of several providers by the prefix of their names: `openai/gpt-5`, `mine/some-model`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from agents._lazy import lazy_module
from agents._ports.model import Model, ModelProvider
from agents.exceptions import UserError

from .openai_agent_registration import OpenAIAgentRegistrationConfig, ResolvedOpenAIAgentRegistrationConfig
from .openai_provider import OpenAIProvider

if TYPE_CHECKING:
    import openai as _openai

    from . import openai_responses as _openai_responses
else:
    _openai = lazy_module("openai")
    _openai_responses = lazy_module("agents.models.openai_responses")

__all__ = [
    "MultiProvider",
    "MultiProviderMap",
    "MultiProviderOpenAIPrefixMode",
    "MultiProviderUnknownPrefixMode",
    "agent_registration_of",
]

MultiProviderOpenAIPrefixMode: TypeAlias = Literal["alias", "model_id"]
"""Whether `openai/` is only an address, or part of the name that the server gets."""

MultiProviderUnknownPrefixMode: TypeAlias = Literal["error", "model_id"]
"""Whether a prefix that nobody has is an error, or part of the name that the server gets."""

# Its models come from a package of their own.
_RESERVED = frozenset({"any-llm"})


class MultiProviderMap:
    """Which provider has which prefix."""

    def __init__(self) -> None:
        self._providers: dict[str, ModelProvider] = {}

    def has_prefix(self, prefix: str) -> bool:
        """Whether some provider has the prefix."""
        return prefix in self._providers

    def get_mapping(self) -> dict[str, ModelProvider]:
        """All prefixes with their providers, as a new dict."""
        return dict(self._providers)

    def set_mapping(self, mapping: dict[str, ModelProvider]) -> None:
        """Replace all prefixes."""
        self._providers = dict(mapping)

    def get_provider(self, prefix: str) -> ModelProvider | None:
        """The provider that has the prefix, else None."""
        return self._providers.get(prefix)

    def add_provider(self, prefix: str, provider: ModelProvider) -> None:
        """Give `provider` the prefix, written without its slash."""
        self._providers[prefix] = provider

    def remove_provider(self, prefix: str) -> None:
        """Take the prefix away.

        Raises:
            KeyError: nobody has it.
        """
        del self._providers[prefix]


class MultiProvider(ModelProvider):
    """Sends each model name to the provider that has its prefix.

    The prefix is what stands before the first slash. A name without one, and
    by default one that begins with `openai/`, goes to OpenAI; `litellm/` and
    then a name of litellm's goes to whomever that package reaches.
    """

    agent_registration: ResolvedOpenAIAgentRegistrationConfig | None = None
    """The registration of the models that go to OpenAI."""

    def __init__(
        self,
        *,
        provider_map: MultiProviderMap | None = None,
        openai_api_key: str | None = None,
        openai_base_url: str | None = None,
        openai_client: _openai.AsyncOpenAI | None = None,
        openai_organization: str | None = None,
        openai_project: str | None = None,
        openai_use_responses: bool | None = None,
        openai_use_responses_websocket: bool | None = None,
        openai_strict_feature_validation: bool = False,
        openai_websocket_base_url: str | None = None,
        openai_prefix_mode: MultiProviderOpenAIPrefixMode = "alias",
        unknown_prefix_mode: MultiProviderUnknownPrefixMode = "error",
        openai_agent_registration: OpenAIAgentRegistrationConfig | dict[str, Any] | None = None,
        openai_responses_websocket_options: _openai_responses.OpenAIResponsesWebSocketOptions | None = None,
        openai_buffer_streamed_tool_calls: bool = False,
    ) -> None:
        """A provider of providers.

        Args:
            provider_map: Providers by prefix; they win over what is built in.
            openai_prefix_mode: What `openai/` before a name means.
            unknown_prefix_mode: What a prefix means that no provider has.
            openai_api_key: See `OpenAIProvider`, as for all that begin with `openai_`.
            openai_base_url: See `OpenAIProvider`.
            openai_client: See `OpenAIProvider`.
            openai_organization: See `OpenAIProvider`.
            openai_project: See `OpenAIProvider`.
            openai_use_responses: See `OpenAIProvider`.
            openai_use_responses_websocket: See `OpenAIProvider`.
            openai_strict_feature_validation: See `OpenAIProvider`.
            openai_websocket_base_url: See `OpenAIProvider`.
            openai_agent_registration: See `OpenAIProvider`.
            openai_responses_websocket_options: See `OpenAIProvider`.
            openai_buffer_streamed_tool_calls: See `OpenAIProvider`.

        Raises:
            UserError: a mode is none that exists, or as `OpenAIProvider` says.
            TypeError: as `OpenAIProvider` says.
        """
        _check_mode("openai_prefix_mode", openai_prefix_mode, MultiProviderOpenAIPrefixMode)
        _check_mode("unknown_prefix_mode", unknown_prefix_mode, MultiProviderUnknownPrefixMode)
        self.provider_map = provider_map
        self.openai_provider = OpenAIProvider(
            api_key=openai_api_key,
            base_url=openai_base_url,
            websocket_base_url=openai_websocket_base_url,
            openai_client=openai_client,
            organization=openai_organization,
            project=openai_project,
            use_responses=openai_use_responses,
            use_responses_websocket=openai_use_responses_websocket,
            strict_feature_validation=openai_strict_feature_validation,
            agent_registration=openai_agent_registration,
            responses_websocket_options=openai_responses_websocket_options,
            buffer_streamed_tool_calls=openai_buffer_streamed_tool_calls,
        )
        self.agent_registration = self.openai_provider.agent_registration
        self._litellm_provider: ModelProvider | None = None
        self._openai_prefix_mode = openai_prefix_mode
        self._unknown_prefix_mode = unknown_prefix_mode

    def get_model(self, model_name: str | None) -> Model:
        """The model of that name, from the provider that has its prefix; OpenAI's default for None.

        Raises:
            UserError: nobody has the prefix.
            openai.OpenAIError: there is no API key for OpenAI.
        """
        if model_name is None or "/" not in model_name:
            return self.openai_provider.get_model(model_name)
        prefix, _, name = model_name.partition("/")
        provider = None if self.provider_map is None else self.provider_map.get_provider(prefix)
        if provider is not None:
            return provider.get_model(name)
        if prefix == "openai":
            return self.openai_provider.get_model(name if self._openai_prefix_mode == "alias" else model_name)
        if prefix == "litellm":
            if self._litellm_provider is None:
                from ._litellm import LitellmProvider

                self._litellm_provider = LitellmProvider()
            return self._litellm_provider.get_model(name)
        if prefix in _RESERVED:
            raise UserError(
                f"Models named `{prefix}/...` are not available yet. Add a provider of your own for the prefix: "
                f"MultiProviderMap().add_provider({prefix!r}, ...)."
            )
        if self._unknown_prefix_mode == "error":
            raise UserError(f"Unknown prefix: {prefix}")
        return self.openai_provider.get_model(model_name)

    async def aclose(self) -> None:
        """Close every provider once, even when closing one of them fails."""
        providers: list[ModelProvider] = [self.openai_provider]
        if self.provider_map is not None:
            providers.extend(self.provider_map.get_mapping().values())
        async with AsyncExitStack() as closing:
            for provider in {id(one): one for one in providers}.values():
                closing.push_async_callback(provider.aclose)


def _check_mode(name: str, mode: object, modes: object) -> None:
    allowed = cast("tuple[str, ...]", get_args(modes))
    if mode not in allowed:
        choices = ", ".join(repr(one) for one in allowed)
        raise UserError(f"MultiProvider {name} must be one of: {choices}.")


# As they are now: a program may put a class of its own in the place of `MultiProvider`.
_REGISTERING = (MultiProvider, OpenAIProvider)


def agent_registration_of(provider: ModelProvider) -> ResolvedOpenAIAgentRegistrationConfig | None:
    """The registration of a run with this provider; None where OpenAI's own has no part in it."""
    return provider.agent_registration if isinstance(provider, _REGISTERING) else None
