"""What every model has in common that is asked in the form of Chat Completions, whoever carries the request."""

from __future__ import annotations

import abc
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module
from agents._ports.model import Model, ModelTracing
from agents.exceptions import UserError

from ._call_span import traced_generation
from ._chat_decoder import ChatDecoder, answer_as_chunk, chunk_fields, told_answer
from ._chat_events import ChatEvents, ChatRules, blank_response
from ._chat_parts import json_object, json_objects
from ._chat_request import ChatServer, chat_messages, chat_request
from ._client_stream import event_batches
from ._responses_request import ModelCall
from ._retry_advice import client_retry_advice
from .chatcmpl_converter import new_call_id
from .chatcmpl_helpers import HEADERS_OVERRIDE
from .reasoning_content_replay import ShouldReplayReasoningContent
from .responses_result import model_response

if TYPE_CHECKING:
    from openai.types import responses as _responses
    from openai.types.responses import response_prompt_param as _prompt

    from agents import agent_output as _agent_output
    from agents import handoffs as _handoffs
    from agents import items as _items
    from agents import model_settings as _model_settings
    from agents import retry as _retry
    from agents import tool as _tool
else:
    _responses = lazy_module("openai.types.responses")
    _prompt = lazy_module("openai.types.responses.response_prompt_param")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _model_settings = lazy_module("agents.model_settings")
    _retry = lazy_module("agents.retry")
    _tool = lazy_module("agents.tool")

__all__ = ["ChatModel"]

_logger = logging.getLogger("openai.agents")


class ChatModel(Model):
    """Builds the request, leaves it to `_create`, and gives the answer in the form of the Responses API.

    A subclass says what server it is (`_server`), and sends the request (`_create`).
    """

    def __init__(
        self,
        model: str,
        *,
        should_replay_reasoning_content: ShouldReplayReasoningContent | None,
        strict_feature_validation: bool,
        buffer_streamed_tool_calls: bool,
    ) -> None:
        self.model = model
        self._should_replay_reasoning_content = should_replay_reasoning_content
        self._strict_feature_validation = strict_feature_validation
        self._buffer_streamed_tool_calls = buffer_streamed_tool_calls

    @abc.abstractmethod
    def _server(self) -> ChatServer:
        """The server that is called."""

    @abc.abstractmethod
    async def _create(
        self, request: dict[str, Any], settings: _model_settings.ModelSettings, *, stream: bool
    ) -> object:
        """Send the request, whose arguments are those of `client.chat.completions.create`, by the call's settings.

        Gives the answer, as an object or a mapping; of a stream the raw response or an async iterator of chunks.
        """

    def get_retry_advice(self, request: _retry.ModelRetryAdviceRequest) -> _retry.ModelRetryAdvice | None:
        """What the client's error says about calling again: by status, headers and kind of failure."""
        return client_retry_advice(request)

    async def get_response(  # pyright: ignore[reportIncompatibleMethodOverride]  # the contract takes the last three by position too
        self,
        system_instructions: str | None,
        input: str | list[_items.TResponseInputItem],
        model_settings: _model_settings.ModelSettings,
        tools: list[_tool.Tool],
        output_schema: _agent_output.AgentOutputSchemaBase | None,
        handoffs: list[_handoffs.Handoff],
        tracing: ModelTracing,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        prompt: _prompt.ResponsePromptParam | None = None,
    ) -> _items.ModelResponse:
        """Ask for one response and wait for all of it; see `Model.get_response`.

        Raises:
            ModelBehaviorError: what came is no answer, or has nothing in it because it was cut.
            AgentsException: the answer is audio.
            UserError: the input, the settings or a tool cannot be sent.
            openai.APIError: the server refused or told an error in place of an answer, or could not be reached.
        """
        call = ModelCall(
            *(system_instructions, input, model_settings, tools, output_schema, handoffs),
            *(previous_response_id, conversation_id, prompt),
        )
        with self._traced(call, tracing) as span:
            request = self._request(call, span, stream=False)
            completion = await self._create(request, model_settings, stream=False)
            answer = told_answer(chunk_fields(completion))
            events = self._events(call, needs_finish_reason=False)
            made = [*events.take(answer_as_chunk(answer)), *events.finish()]
            if events.failure is not None:
                raise events.failure
            last: Any = made[-1]
            response: _responses.Response = last.response
            # Documented by the client as public in spite of its name.
            response._request_id = getattr(completion, "_request_id", None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            span.answer(response, json_object(json_objects(answer.get("choices"))[0].get("message")))
            return model_response(response, preserve_raw_usage=model_settings.preserve_raw_usage)

    async def stream_response(  # pyright: ignore[reportIncompatibleMethodOverride]  # the contract takes the last three by position too
        self,
        system_instructions: str | None,
        input: str | list[_items.TResponseInputItem],
        model_settings: _model_settings.ModelSettings,
        tools: list[_tool.Tool],
        output_schema: _agent_output.AgentOutputSchemaBase | None,
        handoffs: list[_handoffs.Handoff],
        tracing: ModelTracing,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        prompt: _prompt.ResponsePromptParam | None = None,
    ) -> AsyncIterator[_items.TResponseStreamEvent]:
        """Ask for one response and give its events as they come; see `Model.stream_response`.

        Close the iterator to stop early: that closes the connection at once.

        Raises:
            ModelBehaviorError: the stream is garbage, has nothing in it, or is cut off where that can be told.
            AgentsException: the answer is audio.
            UserError: the input, the settings or a tool cannot be sent.
            openai.APIError: the server refused or told an error in its stream, could not be reached, or the
                connection broke.
        """
        call = ModelCall(
            *(system_instructions, input, model_settings, tools, output_schema, handoffs),
            *(previous_response_id, conversation_id, prompt),
        )
        with self._traced(call, tracing) as span:
            request = self._request(call, span, stream=True)
            answer = await self._create(request, model_settings, stream=True)
            events = self._events(call, needs_finish_reason=self._server().is_official)
            async with aclosing(event_batches(answer, ChatDecoder(events))) as batches:
                async for batch in batches:
                    for event in batch:
                        if event.type == "response.completed":
                            span.answer(event.response)
                        elif span.awaits_output:
                            span.hear(event.type)
                        yield event

    def _request(self, call: ModelCall, span: traced_generation, *, stream: bool) -> dict[str, Any]:
        self._refuse_server_state(call)
        server = self._server()
        messages = chat_messages(call, server)
        span.ask(messages)
        return chat_request(call, messages, server, stream=stream, headers=HEADERS_OVERRIDE.get())

    def _events(self, call: ModelCall, *, needs_finish_reason: bool) -> ChatEvents:
        settings = call.model_settings
        rules = ChatRules(
            model=self.model,
            is_strict=self._strict_feature_validation,
            needs_finish_reason=needs_finish_reason,
            refuses_empty_length=True,
            buffers_calls=self._buffer_streamed_tool_calls,
        )
        shown: dict[str, Any] = {
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "parallel_tool_calls": bool(settings.parallel_tool_calls),
        }
        if isinstance(settings.tool_choice, str) and settings.tool_choice in {"auto", "required", "none"}:
            shown["tool_choice"] = settings.tool_choice
        return ChatEvents(blank_response(self.model, time.time(), **shown), rules, new_call_id)

    def _traced(self, call: ModelCall, tracing: ModelTracing) -> traced_generation:
        config: dict[str, Any] = {}
        if not tracing.is_disabled():
            config = {**call.model_settings.to_traceable_dict(), "base_url": self._server().base_url}
        return traced_generation(tracing, model=self.model, model_config=config)

    def _refuse_server_state(self, call: ModelCall) -> None:
        """Refuse, or leave out, what only servers of the Responses API keep."""
        state = {
            "previous_response_id": call.previous_response_id,
            "conversation_id": call.conversation_id,
        }
        given = ", ".join(one for one, value in state.items() if value is not None)
        told: list[str] = []
        name = type(self).__name__
        if given:
            told.append(
                f"{name} does not support server-managed conversation state ({given}). Chat "
                "Completions requires callers to pass the full conversation history; use a Responses API model for "
                "previous_response_id or a conversation-capable model for conversation_id."
            )
        if call.prompt is not None:
            told.append(
                f"Reusable prompts are only supported by the Responses API. {name} does not "
                "support `prompt`; use a Responses model instead."
            )
        for message in told:
            if self._strict_feature_validation:
                raise UserError(message)
            _logger.warning(
                "%s Leaving it out; enable strict feature validation to raise an error instead.", message
            )
