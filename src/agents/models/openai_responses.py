"""Models that are reached through OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_module
from agents._ports.model import Model, ModelTracing
from agents.exceptions import ModelBehaviorError

from ._call_span import traced_call
from ._client_stream import as_raw_request, event_batches
from ._responses_decoder import TERMINAL_TYPES, ResponsesDecoder
from ._responses_request import ConvertedTools, Converter, ModelCall, responses_request
from ._retry_advice import client_retry_advice
from .responses_result import event_failure, model_response, response_failure

if TYPE_CHECKING:
    import openai as _openai
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
    _shared = lazy_module("openai.types.shared")
    _prompt = lazy_module("openai.types.responses.response_prompt_param")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _model_settings = lazy_module("agents.model_settings")
    _retry = lazy_module("agents.retry")
    _tool = lazy_module("agents.tool")

__all__ = ["ConvertedTools", "Converter", "OpenAIResponsesModel"]


class OpenAIResponsesModel(Model):
    """A model behind the Responses API, of OpenAI or of any server that speaks it.

    The client brings address, key, time limits and retries of its own. It is
    not closed here: whoever made it owns it.
    """

    def __init__(
        self,
        model: str | _shared.ChatModel,
        openai_client: _openai.AsyncOpenAI,
        *,
        model_is_explicit: bool = True,
    ) -> None:
        """A model by name.

        Args:
            model: The name that is sent to the server.
            openai_client: Reaches the server.
            model_is_explicit: Whether somebody chose this model; a stored prompt's model overrides a default.
        """
        self.model = model
        self._client = openai_client
        self._model_is_explicit = model_is_explicit

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
            ModelBehaviorError: the response failed or is incomplete.
            UserError: the settings or tools cannot be sent.
            openai.APIError: the server refused, or could not be reached.
        """
        call = ModelCall(
            *(system_instructions, input, model_settings, tools, output_schema, handoffs),
            *(previous_response_id, conversation_id, prompt),
        )
        create: Any = self._client.responses.create
        with traced_call(tracing, input) as span:
            response: Any = await create(**self._request(call, stream=False))
            span.answer(response)
            failure = response_failure(response)
            if failure is not None:
                raise failure
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
            ModelBehaviorError: after the event that reports a failure, or when the stream is
                garbage or ends too early.
            UserError: the settings or tools cannot be sent.
            openai.APIError: the server refused, could not be reached, or the connection broke.
        """
        call = ModelCall(
            *(system_instructions, input, model_settings, tools, output_schema, handoffs),
            *(previous_response_id, conversation_id, prompt),
        )
        request = as_raw_request(self._request(call, stream=True))
        create: Any = self._client.responses.create
        failure: ModelBehaviorError | None = None
        with traced_call(tracing, input) as span:
            answer: object = await create(**request)
            async with aclosing(event_batches(answer, ResponsesDecoder())) as batches:
                async for batch in batches:
                    for event in batch:
                        if event.type in TERMINAL_TYPES:
                            failure = failure or event_failure(event)
                            span.answer(getattr(event, "response", None))
                        yield event
            if failure is not None:
                raise failure

    def _request(self, call: ModelCall, *, stream: bool) -> dict[str, Any]:
        return responses_request(
            call, model=self.model, model_is_explicit=self._model_is_explicit, stream=stream
        )
