"""What to send to the Chat Completions API, from what the run knows. No I/O, no client.

What is not set is the client's `omit`, never None: None would be sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from agents._lazy import lazy_module
from agents.model_settings import ModelSettings

from ._responses_request import ModelCall, with_extra_args
from ._user_agent import user_agent
from .chatcmpl_converter import Converter
from .reasoning_content_replay import ShouldReplayReasoningContent

if TYPE_CHECKING:
    import openai as _openai
else:
    _openai = lazy_module("openai")

__all__ = ["ChatServer", "chat_messages", "chat_request", "store_argument", "stream_options_argument"]

_REASONING_MODEL = re.compile(r"(ft:)?(o\d+|gpt-5)(?!\w)")
"""The names of OpenAI's reasoning models, and of those that were tuned from them."""


class ChatServer(NamedTuple):
    """What a request depends on besides the call."""

    model: str
    base_url: str
    is_official: bool
    """Whether it is OpenAI's own, which stores answers and tells usage when asked."""

    is_strict: bool = False
    should_replay_reasoning_content: ShouldReplayReasoningContent | None = None
    preserve_thinking_blocks: bool = False


def chat_messages(call: ModelCall, server: ChatServer) -> list[dict[str, Any]]:
    """The messages, instructions first.

    Raises:
        UserError: an item cannot be sent.
    """
    messages: Any = Converter.items_to_messages(
        call.input,
        model=server.model,
        base_url=server.base_url,
        preserve_thinking_blocks=server.preserve_thinking_blocks,
        should_replay_reasoning_content=server.should_replay_reasoning_content,
        strict_feature_validation=server.is_strict,
    )
    if call.system_instructions:
        messages.insert(0, {"role": "system", "content": call.system_instructions})
    return messages


def chat_request(
    call: ModelCall,
    messages: list[dict[str, Any]],
    server: ChatServer,
    *,
    stream: bool,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The keyword arguments for `client.chat.completions.create`.

    Args:
        call: The call, without server-managed state: that is for the caller to refuse.
        messages: As from `chat_messages`.
        server: Which model is called, and where.
        stream: Whether the answer is to be streamed.
        headers: Headers that win over those of the settings.

    Raises:
        UserError: a tool, the tool choice or the output type cannot be sent.
        TypeError: `extra_args` names an argument that is set otherwise too.
    """
    omit: Any = _openai.omit
    settings = call.model_settings
    tools: list[Any] = [Converter.tool_to_openai(tool) for tool in call.tools]
    tools.extend(Converter.convert_handoff_tool(handoff) for handoff in call.handoffs)
    tool_choice = Converter.convert_tool_choice(settings.tool_choice)
    told: dict[str, Any] = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "frequency_penalty": settings.frequency_penalty,
        "presence_penalty": settings.presence_penalty,
        _limit_argument(server): settings.max_tokens,
        "parallel_tool_calls": settings.parallel_tool_calls if tools else None,
        "stream": True if stream else None,
        "stream_options": (
            stream_options_argument(settings, is_official=server.is_official) if stream else None
        ),
        "store": store_argument(settings, is_official=server.is_official),
        "reasoning_effort": None if settings.reasoning is None else settings.reasoning.effort,
        "verbosity": settings.verbosity,
        "metadata": settings.metadata,
        "prompt_cache_retention": settings.prompt_cache_retention,
        "prompt_cache_options": settings.prompt_cache_options,
        "logprobs": None if settings.top_logprobs is None else True,
        "top_logprobs": settings.top_logprobs,
    }
    request: dict[str, Any] = {
        "model": server.model,
        "messages": messages,
        "tools": tools or omit,
        # Servers refuse a choice between no tools, also where tools come and go from turn to turn.
        "tool_choice": tool_choice if tools else omit,
        "response_format": Converter.convert_response_format(call.output_schema),
        **{name: omit if value is None else value for name, value in told.items()},
        "extra_headers": {"User-Agent": user_agent(), **(settings.extra_headers or {}), **(headers or {})},
        "extra_query": settings.extra_query,
        "extra_body": settings.extra_body,
    }
    return with_extra_args(request, settings, method="chat.completions.create")


def _limit_argument(server: ChatServer) -> str:
    """By which name the server takes the limit of an answer's tokens.

    OpenAI's reasoning models refuse `max_tokens`, which is all that many other servers know.
    """
    is_reasoning = server.is_official and _REASONING_MODEL.match(server.model)
    return "max_completion_tokens" if is_reasoning else "max_tokens"


def store_argument(settings: ModelSettings, *, is_official: bool) -> bool | None:
    """Whether the server keeps the answer: as set, else OpenAI's own does; None says nothing to the server."""
    return True if settings.store is None and is_official else settings.store


def stream_options_argument(settings: ModelSettings, *, is_official: bool) -> dict[str, bool] | None:
    """Whether a stream ends with its usage: as set, else OpenAI's own does; None says nothing to the server."""
    include_usage = settings.include_usage
    if include_usage is None and is_official:
        include_usage = True
    return None if include_usage is None else {"include_usage": include_usage}
