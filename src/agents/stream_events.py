"""The three kinds of event that `RunResultStreaming.stream_events()` yields.

A turn's raw events come first, as the model produces them; then the finished
items of the response in model order; then each tool's output the moment that
tool is done. An agent-updated event opens the stream and follows each handoff.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ._lazy import lazy_module

if TYPE_CHECKING:
    from . import agent as _agent
    from . import items as _items
else:
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")

RunItemEventName: TypeAlias = Literal[
    "message_output_created",
    "handoff_requested",
    "handoff_occured",
    "tool_called",
    "tool_search_called",
    "tool_search_output_created",
    "tool_output",
    "reasoning_item_created",
    "mcp_approval_requested",
    "mcp_approval_response",
    "mcp_list_tools",
]


@dataclass(slots=True)
class RawResponsesStreamEvent:
    """One event of the model's own stream, passed on as it came."""

    data: _items.TResponseStreamEvent
    """The `openai.types.responses` event object."""

    type: Literal["raw_response_event"] = "raw_response_event"


@dataclass(slots=True)
class RunItemStreamEvent:
    """A finished item: a message, a tool call, a tool's output, a handoff, reasoning."""

    name: RunItemEventName
    """What happened. `handoff_occured` is spelled so in the public API."""

    item: _items.RunItem
    """The item itself, the same object as in `result.new_items`."""

    type: Literal["run_item_stream_event"] = "run_item_stream_event"


@dataclass(slots=True)
class AgentUpdatedStreamEvent:
    """Another agent is at work from here on."""

    new_agent: _agent.Agent[Any]
    type: Literal["agent_updated_stream_event"] = "agent_updated_stream_event"


StreamEvent: TypeAlias = RawResponsesStreamEvent | RunItemStreamEvent | AgentUpdatedStreamEvent
