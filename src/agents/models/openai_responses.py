"""Models that are reached through OpenAI's Responses API, over HTTP or over WebSockets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NotRequired

from typing_extensions import TypedDict

from agents._lazy import lazy_module
from agents._ports.model import Model, ModelTracing
from agents.exceptions import ModelBehaviorError, UserError

from ._background import lasting_batches
from ._call_span import traced_call
from ._client_options import call_options, calling_client, handed_over
from ._client_stream import as_raw_request, event_batches
from ._responses_decoder import TERMINAL_TYPES, ResponsesDecoder
from ._responses_request import ConvertedTools, Converter, ModelCall, responses_request
from ._retry_advice import client_retry_advice
from ._websocket_errors import ResponsesWebSocketError, websocket_retry_advice
from ._whole_answer import read_answer
from .responses_result import event_failure, model_response, response_failure, whole_response

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

    from ._websocket_transport import WebSocketTransport
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

__all__ = [
    "ConvertedTools",
    "Converter",
    "OpenAIResponsesModel",
    "OpenAIResponsesWSModel",
    "OpenAIResponsesWebSocketOptions",
    "ResponsesWebSocketError",
]

# What embeds runs says by it whose they are (ChatKit's server does), as by `HEADERS_OVERRIDE` of Chat Completions.
_HEADERS_OVERRIDE: ContextVar[dict[str, str] | None] = ContextVar(
    "openai_responses_headers_override", default=None
)
"""Headers for the calls made in this context; they win over those of the settings."""


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
            ModelBehaviorError: the response failed or is incomplete, or what came is none.
            UserError: the settings or tools cannot be sent.
            openai.APIError: the server refused, or could not be reached.
        """
        call = ModelCall(
            *(system_instructions, input, model_settings, tools, output_schema, handoffs),
            *(previous_response_id, conversation_id, prompt),
        )
        with traced_call(tracing, input, model=self.model) as span:
            response = await (self._drained(call) if model_settings.background else self._whole(call))
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
        failure: ModelBehaviorError | None = None
        with traced_call(tracing, input, model=self.model) as span:
            async with aclosing(await self._batches(call)) as batches:
                async for batch in batches:
                    for event in batch:
                        if event.type in TERMINAL_TYPES:
                            failure = failure or event_failure(event)
                            span.answer(getattr(event, "response", None))
                        elif span.awaits_output:
                            span.hear(event.type)
                        yield event
            if failure is not None:
                raise failure

    async def _whole(self, call: ModelCall) -> _responses.Response:
        """The response, all of it at once."""
        resource: Any = calling_client(self._client, call.model_settings).responses
        asked = resource.create(**_sent(resource, self._request(call, stream=False)))
        return whole_response(await read_answer(asked, "Responses"))

    async def _drained(self, call: ModelCall) -> _responses.Response:
        """The response, from the events of its stream."""
        done_items: list[Any] = []
        async with aclosing(await self._batches(call)) as batches:
            async for batch in batches:
                for event in batch:
                    if event.type == "response.output_item.done":
                        done_items.append(event.item)
                    elif event.type == "response.completed":
                        # Some servers finish with an empty list although they streamed items.
                        event.response.output = event.response.output or done_items
                        return event.response
                    elif event.type == "response.failed" or event.type == "response.incomplete":
                        # The caller raises for it, and notes it first.
                        return event.response
                    elif event.type in TERMINAL_TYPES:
                        raise event_failure(event) or ModelBehaviorError(
                            f"The response ended with {event.type}."
                        )
        raise ModelBehaviorError("The model's stream ended without a response.")

    async def _batches(self, call: ModelCall) -> AsyncGenerator[list[_responses.ResponseStreamEvent], None]:
        """The events of the response in batches; whoever iterates must close it."""
        plain = self._request(call, stream=True)
        request = as_raw_request(plain)
        client = calling_client(self._client, call.model_settings)
        resource: Any = client.responses
        batches = event_batches(await resource.create(**_sent(resource, request)), ResponsesDecoder())
        return lasting_batches(batches, client, plain) if call.model_settings.background else batches

    def _request(self, call: ModelCall, *, stream: bool) -> dict[str, Any]:
        request = responses_request(
            call,
            model=self.model,
            model_is_explicit=self._model_is_explicit,
            stream=stream,
            headers=_HEADERS_OVERRIDE.get(),
        )
        return {**call_options(self._client, call.model_settings), **request}


def _sent(resource: Any, request: dict[str, Any]) -> dict[str, Any]:
    return handed_over(resource, request, {"input": _openai.omit, "tools": _openai.omit})


class OpenAIResponsesWebSocketOptions(TypedDict):
    """Limits of the WebSockets of a model; what is left out has the default that is named."""

    max_size: NotRequired[int | None]
    """Bytes that one event may have; None, as by default, is no limit."""

    ping_interval: NotRequired[float | None]
    """Seconds between two pings that keep a connection alive, 20 by default; None sends none."""

    ping_timeout: NotRequired[float | None]
    """Seconds that the answer to a ping may take before the connection counts as dead, 20 by default; None is for ever."""

    max_connections: NotRequired[int]
    """Connections of one model on one event loop, 16 by default; further requests wait for one."""

    lanes_per_connection: NotRequired[int]
    """Requests that may share a connection at once, 1 by default, at most 16: for servers that know `stream_id`."""


class OpenAIResponsesWSModel(OpenAIResponsesModel):
    """The same model over WebSockets that stay open: turns, runs and nested agents use them one after the other.

    A model object has connections of its own, on each event loop that it is used from. Close it with `close`, or let
    the provider that gave it do that. Needs `pip install 'headrace[websocket]'`.
    """

    def __init__(
        self,
        model: str | _shared.ChatModel,
        openai_client: _openai.AsyncOpenAI,
        *,
        model_is_explicit: bool = True,
        websocket_options: OpenAIResponsesWebSocketOptions | None = None,
    ) -> None:
        """A model by name; nothing is opened yet.

        Args:
            model: The name that is sent to the server.
            openai_client: Brings the address (`websocket_base_url`, else `base_url`), key, headers and time limits.
            model_is_explicit: As for `OpenAIResponsesModel`.
            websocket_options: Limits of the connections.

        Raises:
            UserError: an option does not exist, or has a value that it cannot have.
        """
        super().__init__(model, openai_client, model_is_explicit=model_is_explicit)
        self._websocket_options = _checked_options(websocket_options or {})
        self._opened: WebSocketTransport | None = None

    def get_retry_advice(self, request: _retry.ModelRetryAdviceRequest) -> _retry.ModelRetryAdvice | None:
        """What an error frame, a failed connection or the client's error says about calling again."""
        return websocket_retry_advice(request) or client_retry_advice(request)

    async def close(self) -> None:
        """Close the connections, those of other event loops too; requests that run fail. The model can be used again."""
        if self._opened is not None:
            await self._opened.close()

    async def _whole(self, call: ModelCall) -> _responses.Response:
        return await self._drained(call)

    async def _batches(self, call: ModelCall) -> AsyncGenerator[list[_responses.ResponseStreamEvent], None]:
        if self._opened is None:
            self._opened = _new_transport(self._client, self._websocket_options)
        return self._opened.event_batches(self._request(call, stream=True))


def _new_transport(
    client: _openai.AsyncOpenAI, options: OpenAIResponsesWebSocketOptions
) -> WebSocketTransport:
    try:
        from ._websocket_transport import WebSocketTransport
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "websockets":
            raise
        raise ImportError(
            "OpenAIResponsesWSModel needs websockets, which is not installed: "
            "run pip install 'headrace[websocket]'"
        ) from error
    return WebSocketTransport(client, options)


def _checked_options(options: OpenAIResponsesWebSocketOptions) -> OpenAIResponsesWebSocketOptions:
    known = OpenAIResponsesWebSocketOptions.__annotations__
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UserError(f"Unknown websocket options: {', '.join(unknown)}. There are {', '.join(known)}.")
    for name, most in (("max_connections", None), ("lanes_per_connection", 16)):
        value: object = options.get(name, 1)
        if type(value) is not int or value < 1 or (most is not None and value > most):
            raise UserError(
                f"{name} must be a whole number from 1{f' to {most}' if most else ''}, got {value!r}"
            )
    return options
