"""Models of the many providers that `litellm` knows, by its names for them: `anthropic/...`, `gemini/...`.

Their public home is `agents.extensions.models`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents._default_models import get_default_model
from agents._lazy import lazy_module
from agents._ports.model import Model, ModelProvider

from ._chat_model import ChatModel
from ._chat_request import ChatServer
from .reasoning_content_replay import ShouldReplayReasoningContent

if TYPE_CHECKING:
    import openai as _openai

    from agents import model_settings as _model_settings
else:
    _openai = lazy_module("openai")
    _model_settings = lazy_module("agents.model_settings")

__all__ = ["LitellmModel", "LitellmProvider"]

# Untyped on purpose: it is an extra, which need not be there when types are checked.
_litellm: Any = lazy_module("litellm")


class LitellmModel(ChatModel):
    """A model that `litellm.acompletion` reaches.

    Needs `pip install 'headrace[litellm]'`; it is imported at the first call.
    Keys that are not given come from the environment, as litellm says.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        should_replay_reasoning_content: ShouldReplayReasoningContent | None = None,
    ) -> None:
        """A model by litellm's name.

        Args:
            model: The name, with its provider: `anthropic/claude-sonnet-4-5`.
            base_url: The server, where it is not the provider's own.
            api_key: The key, where it is not in the environment.
            should_replay_reasoning_content: Which of its reasoning the model gets back; by default DeepSeek's does.
        """
        super().__init__(
            model,
            should_replay_reasoning_content=should_replay_reasoning_content,
            strict_feature_validation=False,
            buffer_streamed_tool_calls=False,
        )
        self.base_url = base_url
        self.api_key = api_key

    def _server(self) -> ChatServer:
        return ChatServer(
            model=self.model,
            base_url=self.base_url or "",
            # What is asked of OpenAI's own server is litellm's affair.
            is_official=False,
            should_replay_reasoning_content=self._should_replay_reasoning_content,
            preserve_thinking_blocks=True,
        )

    async def _create(
        self, request: dict[str, Any], settings: _model_settings.ModelSettings, *, stream: bool
    ) -> object:
        del settings
        try:
            complete = _litellm.acompletion
        except ModuleNotFoundError as error:
            raise ImportError(
                "litellm is not installed, and LitellmModel needs it. Run: pip install 'headrace[litellm]'"
            ) from error
        # Litellm sends whatever it gets: only what is set may go to it.
        told = {
            name: value for name, value in request.items() if value is not _openai.omit and value is not None
        }
        if stream:
            # Not all servers tell it unasked; litellm counts where they do not.
            told.setdefault("stream_options", {"include_usage": True})
        return await complete(**told, base_url=self.base_url, api_key=self.api_key)


class LitellmProvider(ModelProvider):
    """Gives models by litellm's names; keys and servers come from the environment, as litellm says."""

    def get_model(self, model_name: str | None) -> Model:
        """The model of that name; the default model for None."""
        return LitellmModel(get_default_model() if model_name is None else model_name)
