"""Models that are reached through the Chat Completions API, of OpenAI or of the many servers that speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module

from ._chat_model import ChatModel
from ._chat_request import ChatServer
from ._client_options import call_options, calling_client, handed_over
from ._client_stream import as_raw_request
from ._whole_answer import read_answer
from .openai_client_utils import is_official_openai_client
from .reasoning_content_replay import ShouldReplayReasoningContent

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import shared as _shared

    from agents import model_settings as _model_settings
else:
    _openai = lazy_module("openai")
    _shared = lazy_module("openai.types.shared")
    _model_settings = lazy_module("agents.model_settings")

__all__ = ["OpenAIChatCompletionsModel"]


class OpenAIChatCompletionsModel(ChatModel):
    """A model behind the Chat Completions API.

    Its answers come in the form of the Responses API, whole or as events. The
    client brings address, key, time limits and retries of its own. It is not
    closed here: whoever made it owns it.
    """

    def __init__(
        self,
        model: str | _shared.ChatModel,
        openai_client: _openai.AsyncOpenAI,
        should_replay_reasoning_content: ShouldReplayReasoningContent | None = None,
        strict_feature_validation: bool = False,
        buffer_streamed_tool_calls: bool = False,
    ) -> None:
        """A model by name.

        Args:
            model: The name that is sent to the server.
            openai_client: Reaches the server.
            should_replay_reasoning_content: Which of its reasoning the model gets back; by default DeepSeek's does.
            strict_feature_validation: Whether what this API cannot do is an error; else it is left out, with a
                warning.
            buffer_streamed_tool_calls: Whether tool calls are streamed only when they are whole.
        """
        super().__init__(
            model,
            should_replay_reasoning_content=should_replay_reasoning_content,
            strict_feature_validation=strict_feature_validation,
            buffer_streamed_tool_calls=buffer_streamed_tool_calls,
        )
        self._client = openai_client

    def _server(self) -> ChatServer:
        return ChatServer(
            model=self.model,
            base_url=str(self._client.base_url),
            is_official=is_official_openai_client(self._client),
            is_strict=self._strict_feature_validation,
            should_replay_reasoning_content=self._should_replay_reasoning_content,
        )

    async def _create(
        self, request: dict[str, Any], settings: _model_settings.ModelSettings, *, stream: bool
    ) -> object:
        resource: Any = calling_client(self._client, settings).chat.completions
        request = {**call_options(self._client, settings), **request}
        # The client insists on messages by name; those of the body take their place.
        request = handed_over(resource, request, {"messages": [], "tools": _openai.omit})
        if stream:
            return await resource.create(**as_raw_request(request))
        return await read_answer(resource.create(**request), "Chat Completions")
