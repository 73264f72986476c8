"""The port to a language model: what the run asks of it, and of who finds it.

Rules for implementations:

1. `get_response` and `stream_response` answer the same question; a stream ends
   with the event that holds the whole response.
2. Arguments are read, never changed: the run owns them.
3. When the stream is closed early, or a call is cancelled, everything that was
   opened for it is closed before control returns.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from agents._lazy import lazy_module

if TYPE_CHECKING:
    from openai.types.responses import response_prompt_param as _prompt

    from agents import agent_output as _agent_output
    from agents import handoffs as _handoffs
    from agents import items as _items
    from agents import model_settings as _model_settings
    from agents import retry as _retry
    from agents import tool as _tool
else:
    _prompt = lazy_module("openai.types.responses.response_prompt_param")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _model_settings = lazy_module("agents.model_settings")
    _retry = lazy_module("agents.retry")
    _tool = lazy_module("agents.tool")

__all__ = ["Model", "ModelProvider", "ModelTracing"]


class ModelTracing(enum.Enum):
    """How much of a model call may go into a trace."""

    DISABLED = 0
    """Nothing."""

    ENABLED = 1
    """That the call happened, and what went in and out."""

    ENABLED_WITHOUT_DATA = 2
    """That the call happened, without inputs and outputs."""

    def is_disabled(self) -> bool:
        """Whether nothing may be traced."""
        return self is ModelTracing.DISABLED

    def include_data(self) -> bool:
        """Whether inputs and outputs may be traced."""
        return self is ModelTracing.ENABLED


class Model(abc.ABC):
    """A language model that can be asked for one response at a time."""

    async def close(self) -> None:
        """Let go of what the model holds between calls, connections for instance; by default nothing."""
        return

    def get_retry_advice(self, request: _retry.ModelRetryAdviceRequest) -> _retry.ModelRetryAdvice | None:
        """What the model knows about repeating a call that failed; by default nothing.

        It is asked after an error and before any retry policy. Returning None
        means: no opinion.
        """
        del request
        return None

    @abc.abstractmethod
    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[_items.TResponseInputItem],
        model_settings: _model_settings.ModelSettings,
        tools: list[_tool.Tool],
        output_schema: _agent_output.AgentOutputSchemaBase | None,
        handoffs: list[_handoffs.Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: _prompt.ResponsePromptParam | None,
    ) -> _items.ModelResponse:
        """Ask for one response and wait for all of it.

        Args:
            system_instructions: The agent's instructions, if it has any.
            input: What the model is to answer: text, or items in the form of the Responses API.
            model_settings: Sampling, tool choice and the rest; None means: the model's own default.
            tools: What the model may call.
            output_schema: The form that the final answer must have; None means plain text.
            handoffs: Agents that the model may hand over to; each is offered as a function.
            tracing: How much of the call may be traced.
            previous_response_id: The stored response that this call goes on from.
            conversation_id: The stored conversation that this call goes on with.
            prompt: A stored prompt that gives instructions, and may give model and tools.
        """

    @abc.abstractmethod
    def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[_items.TResponseInputItem],
        model_settings: _model_settings.ModelSettings,
        tools: list[_tool.Tool],
        output_schema: _agent_output.AgentOutputSchemaBase | None,
        handoffs: list[_handoffs.Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: _prompt.ResponsePromptParam | None,
    ) -> AsyncIterator[_items.TResponseStreamEvent]:
        """Ask for one response and give its events as they come.

        The arguments are those of `get_response`. The last event holds the
        whole response.
        """


class ModelProvider(abc.ABC):
    """Finds the model that a name means."""

    @abc.abstractmethod
    def get_model(self, model_name: str | None) -> Model:
        """The model named `model_name`; None means the provider's default."""

    async def aclose(self) -> None:
        """Let go of what the provider holds; by default nothing."""
        return
