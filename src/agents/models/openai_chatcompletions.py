"""Models that are reached through the Chat Completions API, of OpenAI or of the many servers that speak it."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module
from agents._ports.model import Model, ModelTracing
from agents.exceptions import ModelBehaviorError, UserError
from agents.usage import usage_of_response

from ._call_span import traced_generation
from ._chat_decoder import ChatDecoder, answer_as_chunk, chunk_fields
from ._chat_events import ChatEvents, ChatRules, blank_response
from ._chat_request import ChatServer, chat_messages, chat_request
from ._client_stream import as_raw_request, event_batches
from ._responses_request import ModelCall
from ._retry_advice import client_retry_advice
from .chatcmpl_converter import new_call_id
from .chatcmpl_helpers import HEADERS_OVERRIDE
from .openai_client_utils import is_official_openai_client
from .reasoning_content_replay import ShouldReplayReasoningContent
from .responses_result import model_response

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses
    from openai.types import shared as _shared
    from openai.types.responses import response_prompt_param as _prompt

    from agents import agent_output as _agent_output
    from agents import handoffs as _handoffs
    from agents import items as _items
    from agents import model_settings as _model_settings
    from agents import retry as _retry
    from agents import tool as _tool
else:
    _openai = lazy_module("openai")
    _responses = lazy_module("openai.types.responses")
    _shared = lazy_module("openai.types.shared")
    _prompt = lazy_module("openai.types.responses.response_prompt_param")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _model_settings = lazy_module("agents.model_settings")
    _retry = lazy_module("agents.retry")
    _tool = lazy_module("agents.tool")

__all__ = ["OpenAIChatCompletionsModel"]

_logger = logging.getLogger("openai.agents")


class OpenAIChatCompletionsModel(Model):
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
        self.model = model
        self._client = openai_client
        self._should_replay_reasoning_content = should_replay_reasoning_content
        self._strict_feature_validation = strict_feature_validation
        self._buffer_streamed_tool_calls = buffer_streamed_tool_calls

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
            ModelBehaviorError: the answer has no choices, or nothing in it because it was cut.
            AgentsException: the answer is audio.
            UserError: the input, the settings or a tool cannot be sent.
            openai.APIError: the server refused, or could not be reached.
        """
        call = ModelCall(
            *(system_instructions, input, model_settings, tools, output_schema, handoffs),
            *(previous_response_id, conversation_id, prompt),
        )
        create: Any = self._client.chat.completions.create
        with self._traced(call, tracing) as span:
            request = self._request(call, span, stream=False)
            completion: Any = await create(**request)
            answer = _with_choices(chunk_fields(completion))
            events = self._events(call, needs_finish_reason=False)
            made = [*events.take(answer_as_chunk(answer)), *events.finish()]
            if events.failure is not None:
                raise events.failure
            last: Any = made[-1]
            response: _responses.Response = last.response
            # Documented by the client as public in spite of its name.
            response._request_id = getattr(completion, "_request_id", None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            span.answer(answer["choices"][0].get("message") or {}, usage_of_response(response))
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
        create: Any = self._client.chat.completions.create
        with self._traced(call, tracing) as span:
            request = as_raw_request(self._request(call, span, stream=True))
            answer: object = await create(**request)
            events = self._events(call, needs_finish_reason=is_official_openai_client(self._client))
            async with aclosing(event_batches(answer, ChatDecoder(events))) as batches:
                async for batch in batches:
                    for event in batch:
                        if event.type == "response.completed":
                            span.answer(event.response.model_dump(), usage_of_response(event.response))
                        yield event

    def _request(self, call: ModelCall, span: traced_generation, *, stream: bool) -> dict[str, Any]:
        self._refuse_server_state(call)
        server = ChatServer(
            model=self.model,
            base_url=str(self._client.base_url),
            is_official=is_official_openai_client(self._client),
            is_strict=self._strict_feature_validation,
            should_replay_reasoning_content=self._should_replay_reasoning_content,
        )
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
            config = {**call.model_settings.to_traceable_dict(), "base_url": str(self._client.base_url)}
        return traced_generation(tracing, model=self.model, model_config=config)

    def _refuse_server_state(self, call: ModelCall) -> None:
        """Refuse, or leave out, what only servers of the Responses API keep."""
        state = {
            "previous_response_id": call.previous_response_id,
            "conversation_id": call.conversation_id,
        }
        given = ", ".join(name for name, value in state.items() if value is not None)
        told: list[str] = []
        if given:
            told.append(
                f"OpenAIChatCompletionsModel does not support server-managed conversation state ({given}). Chat "
                "Completions requires callers to pass the full conversation history; use a Responses API model for "
                "previous_response_id or a conversation-capable model for conversation_id."
            )
        if call.prompt is not None:
            told.append(
                "Reusable prompts are only supported by the Responses API. OpenAIChatCompletionsModel does not "
                "support `prompt`; use a Responses model instead."
            )
        for message in told:
            if self._strict_feature_validation:
                raise UserError(message)
            _logger.warning(
                "%s Leaving it out; enable strict feature validation to raise an error instead.", message
            )


def _with_choices(answer: dict[str, Any]) -> dict[str, Any]:
    choices: Any = answer.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        return answer
    error = answer.get("error")
    told = f": {error}" if error else ""
    raise ModelBehaviorError(
        f"ChatCompletion response has no choices (possible provider error payload){told}"
    )
