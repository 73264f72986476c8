"""Runs that share WebSockets to the Responses API.

    async with responses_websocket_session() as ws:
        first = ws.run_streamed(agent, "Hello")
        async for event in first.stream_events():
            ...
        second = ws.run_streamed(agent, "And now?", previous_response_id=first.last_response_id)

The runs are those of `Runner`, with a provider of their own: connections stay open from turn to turn, from run to run
and for nested agents. Needs `pip install 'headrace[websocket]'`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ._lazy import lazy_module
from .models import multi_provider as _multi_provider
from .models import openai_provider as _openai_provider
from .models import openai_responses as _openai_responses
from .run import Runner
from .run_config import RunConfig, coerce_run_config

if TYPE_CHECKING:
    from . import agent as _agent
    from . import items as _items
    from . import result as _result
    from . import run_state as _run_state
else:
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")
    _result = lazy_module("agents.result")
    _run_state = lazy_module("agents.run_state")

__all__ = ["ResponsesWebSocketSession", "responses_websocket_session"]


@dataclass
class ResponsesWebSocketSession:
    """Runs agents over the WebSockets of one provider. Made by `responses_websocket_session`.

    Everything but the provider may be changed in `run_config` between runs.
    """

    provider: _openai_provider.OpenAIProvider
    """Gives the models, and owns their connections."""

    run_config: RunConfig
    """The settings of every run; a plain dict of them is taken too, and finds models through `provider`."""

    def __post_init__(self) -> None:
        given: object = self.run_config
        if not isinstance(given, dict):
            return
        settings = dict(cast("dict[str, Any]", given))
        if settings.setdefault("model_provider", self.provider) is not self.provider:
            raise ValueError(
                "the run_config of a websocket session has another model_provider than the session: leave it out"
            )
        self.run_config = coerce_run_config(settings)

    async def run(
        self,
        starting_agent: _agent.Agent[Any],
        input: str | list[_items.TResponseInputItem] | _run_state.RunState[Any],
        **kwargs: Any,
    ) -> _result.RunResult:
        """Run to the end, or to a pause. Arguments as for `Runner.run`, less `run_config`.

        Raises:
            ValueError: a `run_config` is given.
        """
        return await Runner.run(starting_agent, input, **self._options(kwargs))

    def run_streamed(
        self,
        starting_agent: _agent.Agent[Any],
        input: str | list[_items.TResponseInputItem] | _run_state.RunState[Any],
        **kwargs: Any,
    ) -> _result.RunResultStreaming:
        """Start a run and return at once. Arguments as for `Runner.run_streamed`, less `run_config`.

        Raises:
            ValueError: a `run_config` is given.
        """
        return Runner.run_streamed(starting_agent, input, **self._options(kwargs))

    async def aclose(self) -> None:
        """Close the provider, and with it the connections; runs that are under way fail."""
        await self.provider.aclose()

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        if "run_config" in options:
            raise ValueError(
                "run_config is the websocket session's own: a run over it takes no other. Change what you need in "
                "the session's run_config instead."
            )
        return {**options, "run_config": self.run_config}


@asynccontextmanager
async def responses_websocket_session(
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    websocket_base_url: str | None = None,
    organization: str | None = None,
    project: str | None = None,
    openai_prefix_mode: _multi_provider.MultiProviderOpenAIPrefixMode = "alias",
    unknown_prefix_mode: _multi_provider.MultiProviderUnknownPrefixMode = "error",
    responses_websocket_options: _openai_responses.OpenAIResponsesWebSocketOptions | None = None,
) -> AsyncGenerator[ResponsesWebSocketSession, None]:
    """Open a session, and close its connections when the block is left.

    Args:
        api_key: See `OpenAIProvider`, as for the next four.
        base_url: See `OpenAIProvider`.
        websocket_base_url: See `OpenAIProvider`.
        organization: See `OpenAIProvider`.
        project: See `OpenAIProvider`.
        openai_prefix_mode: See `MultiProvider`.
        unknown_prefix_mode: See `MultiProvider`.
        responses_websocket_options: Limits of the connections.

    Raises:
        UserError: a mode is none that exists.
    """
    models = _multi_provider.MultiProvider(
        openai_api_key=api_key,
        openai_base_url=base_url,
        openai_websocket_base_url=websocket_base_url,
        openai_organization=organization,
        openai_project=project,
        openai_use_responses=True,
        openai_use_responses_websocket=True,
        openai_prefix_mode=openai_prefix_mode,
        unknown_prefix_mode=unknown_prefix_mode,
        openai_responses_websocket_options=responses_websocket_options,
    )
    session = ResponsesWebSocketSession(models.openai_provider, RunConfig(model_provider=models))
    try:
        yield session
    finally:
        await session.aclose()
