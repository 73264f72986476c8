"""Small conversions between Chat Completions and the Responses API, and what depends on the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.model_settings import ModelSettings

from ._chat_parts import delta_logprobs, text_logprobs, url_citations
from ._chat_request import store_argument, stream_options_argument
from ._user_agent import user_agent
from .openai_client_utils import is_official_openai_client

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import chat as _chat
    from openai.types.responses import response_output_text as _output_text
    from openai.types.responses import response_text_delta_event as _text_delta
else:
    _openai = lazy_module("openai")
    _chat = lazy_module("openai.types.chat")
    _output_text = lazy_module("openai.types.responses.response_output_text")
    _text_delta = lazy_module("openai.types.responses.response_text_delta_event")

__all__ = ["HEADERS", "HEADERS_OVERRIDE", "ChatCmplHelpers"]

HEADERS = {"User-Agent": user_agent()}
"""What every request carries, unless its settings say otherwise."""

HEADERS_OVERRIDE: ContextVar[dict[str, str] | None] = ContextVar(
    "openai_chatcompletions_headers_override", default=None
)
"""Headers for the calls made in this context; they win over those of the settings."""


class ChatCmplHelpers:
    """Conversions that programs with a Chat Completions model of their own use too."""

    @classmethod
    def is_openai(cls, client: _openai.AsyncOpenAI) -> bool:
        """Whether the client leads to OpenAI itself."""
        return is_official_openai_client(client)

    @classmethod
    def get_store_param(cls, client: _openai.AsyncOpenAI, model_settings: ModelSettings) -> bool | None:
        """The `store` argument: as set, else True for OpenAI and nothing for other servers."""
        return store_argument(model_settings, is_official=cls.is_openai(client))

    @classmethod
    def get_stream_options_param(
        cls, client: _openai.AsyncOpenAI, model_settings: ModelSettings, stream: bool
    ) -> dict[str, bool] | None:
        """The `stream_options` argument: usage as set, else True for OpenAI and nothing for other servers."""
        return stream_options_argument(model_settings, is_official=cls.is_openai(client)) if stream else None

    @classmethod
    def convert_logprobs_for_output_text(
        cls, logprobs: list[_chat.ChatCompletionTokenLogprob] | None
    ) -> list[_output_text.Logprob] | None:
        """Log probabilities as a finished text part has them; None for none."""
        found = text_logprobs(_dumped(logprobs))
        return [_output_text.Logprob.model_validate(one) for one in found] or None

    @classmethod
    def convert_logprobs_for_text_delta(
        cls, logprobs: list[_chat.ChatCompletionTokenLogprob] | None
    ) -> list[_text_delta.Logprob] | None:
        """Log probabilities as a text delta has them; None for none."""
        found = delta_logprobs(_dumped(logprobs))
        return [_text_delta.Logprob.model_validate(one) for one in found] or None

    @classmethod
    def convert_url_citations(cls, raw_annotations: Any) -> list[_output_text.AnnotationURLCitation]:
        """The URL citations among a message's annotations; what is none is left out."""
        found = url_citations(_dumped(raw_annotations))
        return [_output_text.AnnotationURLCitation.model_validate(one) for one in found]

    @classmethod
    def clean_gemini_tool_call_id(cls, tool_call_id: str, model: str | None = None) -> str:
        """The call id without the thought that some proxies append to Gemini's; others stay as they are."""
        if model is not None and "gemini" in model.lower():
            return tool_call_id.partition("__thought__")[0]
        return tool_call_id


def _dumped(values: Any) -> list[object]:
    """Objects of the client as the JSON they came from."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    listed = cast("Sequence[Any]", values)
    return [one if isinstance(one, Mapping) else one.model_dump(warnings=False) for one in listed]
