"""Chat Completions streams of a program's own, as events of the Responses API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module

from ._chat_decoder import ChatDecoder
from ._chat_events import ChatEvents, ChatRules
from ._chat_items import ThinkingBlocks
from ._client_stream import event_batches
from .chatcmpl_converter import new_call_id

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import chat as _chat
    from openai.types import responses as _responses
    from openai.types.chat import chat_completion_chunk as _chunk

    from agents import items as _items
else:
    _openai = lazy_module("openai")
    _chat = lazy_module("openai.types.chat")
    _responses = lazy_module("openai.types.responses")
    _chunk = lazy_module("openai.types.chat.chat_completion_chunk")
    _items = lazy_module("agents.items")

__all__ = ["ChatCmplStreamHandler", "Part", "SequenceNumber", "StreamingState"]


class Part:
    """A part of a reasoning summary, for programs that build such events by hand."""

    def __init__(self, text: str, type: str) -> None:
        self.text = text
        self.type = type


class SequenceNumber:
    """Counts the events of a stream, for programs that build them by hand."""

    def __init__(self) -> None:
        self._next = 0

    def get_and_increment(self) -> int:
        """The next number; the first is 0."""
        number = self._next
        self._next += 1
        return number


@dataclass
class StreamingState:
    """What a stream has told so far, for programs that build events by hand; nothing here reads it."""

    started: bool = False
    text_content_index_and_output: tuple[int, _responses.ResponseOutputText] | None = None
    refusal_content_index_and_output: tuple[int, _responses.ResponseOutputRefusal] | None = None
    reasoning_content_index_and_output: tuple[int, _responses.ResponseReasoningItem] | None = None
    active_reasoning_summary_index: int | None = None
    reasoning_item_done: bool = False
    function_calls: dict[int, _responses.ResponseFunctionToolCall] = field(
        default_factory=dict[int, "_responses.ResponseFunctionToolCall"]
    )
    function_call_streaming: dict[int, bool] = field(default_factory=dict[int, bool])
    ignored_tool_call_indexes: set[int] = field(default_factory=set[int])
    thinking_blocks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    provider_data: dict[str, Any] = field(default_factory=dict[str, Any])
    has_warned_unsupported_choice: bool = False

    def accumulate_thinking_block(self, block: dict[str, Any]) -> None:
        """Take a piece of a signed block into `thinking_blocks`.

        Raises:
            ModelBehaviorError: a field is not a string.
        """
        blocks = ThinkingBlocks(self.thinking_blocks)
        blocks.take(block)
        self.thinking_blocks[:] = blocks.joined()


class ChatCmplStreamHandler:
    """What `OpenAIChatCompletionsModel` does with a stream, for models of other clients."""

    @classmethod
    async def handle_stream(
        cls,
        response: _responses.Response,
        stream: _openai.AsyncStream[_chat.ChatCompletionChunk],
        model: str | None = None,
        strict_feature_validation: bool = False,
        preserve_raw_usage: bool = False,
        raise_on_length_truncation: bool = False,
        require_finish_reason: bool = False,
    ) -> AsyncIterator[_items.TResponseStreamEvent]:
        """The events that the chunks stand for; the last one holds the whole response.

        Args:
            response: What the events' responses show besides output, usage and status.
            stream: The chunks: of the client, or of the same form. It is closed with this iterator.
            model: The model's name, for the items' provider data.
            strict_feature_validation: Whether what cannot be passed on is an error; else it is left out.
            preserve_raw_usage: Has no effect: the usage as the server told it is always kept with the response.
            raise_on_length_truncation: Whether an answer cut before it had anything is an error.
            require_finish_reason: Whether an answer without `finish_reason` is an error.

        Raises:
            ModelBehaviorError: as said above, or a call has no name.
            AgentsException: the answer is audio.
            UserError: something cannot be passed on, in strict mode.
            openai.APIError: the server told an error in its stream.
        """
        del preserve_raw_usage
        rules = ChatRules(
            model=model,
            is_strict=strict_feature_validation,
            needs_finish_reason=require_finish_reason,
            refuses_empty_length=raise_on_length_truncation,
        )
        shown = response.model_dump(exclude_unset=True, warnings=False)
        decoder = ChatDecoder(ChatEvents(shown, rules, new_call_id))
        async with aclosing(event_batches(stream, decoder)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    @classmethod
    async def buffer_tool_call_stream(
        cls, stream: AsyncIterator[_chat.ChatCompletionChunk]
    ) -> AsyncIterator[_chat.ChatCompletionChunk]:
        """The same chunks, but the tool calls come whole, in one chunk, before the answer's end.

        Args:
            stream: Chunks of the client; they are not changed.
        """
        calls: dict[int, _chunk.ChoiceDeltaToolCall] = {}
        held: _chat.ChatCompletionChunk | None = None
        async for chunk in stream:
            choice = chunk.choices[0] if chunk.choices else None
            if choice is not None and choice.delta.tool_calls:
                for piece in choice.delta.tool_calls:
                    calls[piece.index] = _joined(calls.get(piece.index), piece)
                held = chunk
                chunk = _with_calls(chunk, None)
            if held is not None and choice is not None and choice.finish_reason:
                yield _with_calls(held, list(calls.values()))
                held, calls = None, {}
            yield chunk
        if held is not None:
            yield _with_calls(held, list(calls.values()))


def _joined(
    call: _chunk.ChoiceDeltaToolCall | None, piece: _chunk.ChoiceDeltaToolCall
) -> _chunk.ChoiceDeltaToolCall:
    if call is None:
        return piece.model_copy(deep=True)
    if piece.id and not call.id:
        call.id = piece.id
    if piece.function is not None:
        if call.function is None:
            call.function = piece.function.model_copy()
        else:
            call.function.name = call.function.name or piece.function.name
            call.function.arguments = (call.function.arguments or "") + (piece.function.arguments or "")
    return call


def _with_calls(
    chunk: _chat.ChatCompletionChunk, calls: list[_chunk.ChoiceDeltaToolCall] | None
) -> _chat.ChatCompletionChunk:
    """A copy of the chunk with these calls; with none of its own text or end when there are some."""
    choice = chunk.choices[0]
    if calls is None:
        delta = choice.delta.model_copy(update={"tool_calls": None})
        changed = choice.model_copy(update={"delta": delta})
    else:
        delta = _chunk.ChoiceDelta.model_construct(tool_calls=calls)
        changed = choice.model_copy(update={"delta": delta, "finish_reason": None, "logprobs": None})
    return chunk.model_copy(update={"choices": [changed], "usage": None if calls else chunk.usage})
