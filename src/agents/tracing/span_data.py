"""What a span is about: one class per kind of operation.

Each is plain and mutable, so that results can be filled in before the span ends, and
exports to the JSON shape of the OpenAI traces API.
"""
# ruff: noqa: D102  (overrides: the abstract class says what each does)

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._lazy import lazy_module

if TYPE_CHECKING:
    from openai.types import responses as rt
else:
    rt = lazy_module("openai.types.responses")


class SpanData(ABC):
    """The kind of a span and its details."""

    @abstractmethod
    def export(self) -> dict[str, Any]:
        """The JSON-shaped form, with the kind under `type`."""

    @property
    @abstractmethod
    def type(self) -> str:
        """The kind of the span."""


class AgentSpanData(SpanData):
    """An agent at work: its name, and the names of its handoffs, tools and output type."""

    def __init__(
        self,
        name: str,
        handoffs: list[str] | None = None,
        tools: list[str] | None = None,
        output_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.handoffs = handoffs
        self.tools = tools
        self.output_type = output_type
        # For processors in this process; the traces API has no place for it.
        self.metadata = metadata

    @property
    def type(self) -> str:
        return "agent"

    def export(self) -> dict[str, Any]:
        return {
            "type": "agent",
            "name": self.name,
            "handoffs": self.handoffs,
            "tools": self.tools,
            "output_type": self.output_type,
        }


class TaskSpanData(SpanData):
    """One whole run; exported as a custom span, because the traces API has no such kind."""

    def __init__(
        self,
        name: str,
        usage: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.usage = usage
        # For processors in this process, as above.
        self.metadata = metadata

    @property
    def type(self) -> str:
        return "task"

    def export(self) -> dict[str, Any]:
        data: dict[str, Any] = {"sdk_span_type": "task", "name": self.name}
        if self.usage is not None:
            data["usage"] = self.usage
        return {"type": "custom", "name": "task", "data": data}


class TurnSpanData(SpanData):
    """One turn of a run, counted from 1; exported as a custom span."""

    def __init__(
        self,
        turn: int,
        agent_name: str,
        usage: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.turn = turn
        self.agent_name = agent_name
        self.usage = usage
        # For processors in this process, as above.
        self.metadata = metadata

    @property
    def type(self) -> str:
        return "turn"

    def export(self) -> dict[str, Any]:
        data: dict[str, Any] = {"sdk_span_type": "turn", "turn": self.turn, "agent_name": self.agent_name}
        if self.usage is not None:
            data["usage"] = self.usage
        return {"type": "custom", "name": "turn", "data": data}


class FunctionSpanData(SpanData):
    """A function tool's call; `output` is exported as text whatever its type."""

    def __init__(
        self,
        name: str,
        input: str | None,
        output: Any | None,
        mcp_data: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.input = input
        self.output = output
        self.mcp_data = mcp_data

    @property
    def type(self) -> str:
        return "function"

    def export(self) -> dict[str, Any]:
        return {
            "type": "function",
            "name": self.name,
            "input": self.input,
            "output": None if self.output is None else str(self.output),
            "mcp_data": self.mcp_data,
        }


class GenerationSpanData(SpanData):
    """A model call with its messages, settings and usage."""

    def __init__(
        self,
        input: Sequence[Mapping[str, Any]] | None = None,
        output: Sequence[Mapping[str, Any]] | None = None,
        model: str | None = None,
        model_config: Mapping[str, Any] | None = None,
        usage: dict[str, Any] | None = None,
    ) -> None:
        self.input = input
        self.output = output
        self.model = model
        self.model_config = model_config
        self.usage = usage
        # Of a streamed call: seconds until its first text, arguments or reasoning. For processors in this process,
        # as above; so are the next two.
        self.first_output_s: float | None = None

    @property
    def type(self) -> str:
        return "generation"

    def export(self) -> dict[str, Any]:
        return {
            "type": "generation",
            "input": self.input,
            "output": self.output,
            "model": self.model,
            "model_config": self.model_config,
            "usage": self.usage,
        }


class ResponseSpanData(SpanData):
    """A Responses API call; the export refers to the response by id, its content stays in the process."""

    def __init__(
        self,
        response: rt.Response | None = None,
        input: str | list[rt.ResponseInputItemParam] | None = None,
        usage: dict[str, Any] | None = None,
    ) -> None:
        self.response = response
        self.input = input
        self.usage = usage
        self.model: str | None = None
        self.first_output_s: float | None = None

    @property
    def type(self) -> str:
        return "response"

    def export(self) -> dict[str, Any]:
        return {
            "type": "response",
            "response_id": None if self.response is None else self.response.id,
            "usage": self.usage,
        }


class HandoffSpanData(SpanData):
    """A handoff, by the names of both agents."""

    def __init__(self, from_agent: str | None, to_agent: str | None) -> None:
        self.from_agent = from_agent
        self.to_agent = to_agent

    @property
    def type(self) -> str:
        return "handoff"

    def export(self) -> dict[str, Any]:
        return {"type": "handoff", "from_agent": self.from_agent, "to_agent": self.to_agent}


class CustomSpanData(SpanData):
    """An operation of the program's own, with JSON-shaped details."""

    def __init__(self, name: str, data: dict[str, Any]) -> None:
        self.name = name
        self.data = data

    @property
    def type(self) -> str:
        return "custom"

    def export(self) -> dict[str, Any]:
        return {"type": "custom", "name": self.name, "data": self.data}


class GuardrailSpanData(SpanData):
    """A guardrail's check, and whether its tripwire was triggered."""

    def __init__(self, name: str, triggered: bool = False) -> None:
        self.name = name
        self.triggered = triggered

    @property
    def type(self) -> str:
        return "guardrail"

    def export(self) -> dict[str, Any]:
        return {"type": "guardrail", "name": self.name, "triggered": self.triggered}


class MCPListToolsSpanData(SpanData):
    """The listing of an MCP server's tools, by name."""

    def __init__(self, server: str | None = None, result: list[str] | None = None) -> None:
        self.server = server
        self.result = result

    @property
    def type(self) -> str:
        return "mcp_tools"

    def export(self) -> dict[str, Any]:
        return {"type": "mcp_tools", "server": self.server, "result": self.result}


class TranscriptionSpanData(SpanData):
    """Speech that is turned into text; `input` is the audio in base64."""

    def __init__(
        self,
        input: str | None = None,
        input_format: str | None = "pcm",
        output: str | None = None,
        model: str | None = None,
        model_config: Mapping[str, Any] | None = None,
    ) -> None:
        self.input = input
        self.input_format = input_format
        self.output = output
        self.model = model
        self.model_config = model_config

    @property
    def type(self) -> str:
        return "transcription"

    def export(self) -> dict[str, Any]:
        return {
            "type": "transcription",
            "input": {"data": self.input or "", "format": self.input_format},
            "output": self.output,
            "model": self.model,
            "model_config": self.model_config,
        }


class SpeechSpanData(SpanData):
    """Text that is turned into speech; `output` is the audio in base64, `first_content_at` a time in ISO 8601."""

    def __init__(
        self,
        input: str | None = None,
        output: str | None = None,
        output_format: str | None = "pcm",
        model: str | None = None,
        model_config: Mapping[str, Any] | None = None,
        first_content_at: str | None = None,
    ) -> None:
        self.input = input
        self.output = output
        self.output_format = output_format
        self.model = model
        self.model_config = model_config
        self.first_content_at = first_content_at

    @property
    def type(self) -> str:
        return "speech"

    def export(self) -> dict[str, Any]:
        return {
            "type": "speech",
            "input": self.input,
            "output": {"data": self.output or "", "format": self.output_format},
            "model": self.model,
            "model_config": self.model_config,
            "first_content_at": self.first_content_at,
        }


class SpeechGroupSpanData(SpanData):
    """Pieces of speech that say one text."""

    def __init__(self, input: str | None = None) -> None:
        self.input = input

    @property
    def type(self) -> str:
        return "speech_group"

    def export(self) -> dict[str, Any]:
        return {"type": "speech_group", "input": self.input}
