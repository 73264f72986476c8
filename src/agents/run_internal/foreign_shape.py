"""The shape of run states that the `openai-agents` package wrote, schema 1.0 to 1.21: what of it is read here.

Rule 1: a field that is not named here may hold anything; one that is named must hold what it says.
"""

from __future__ import annotations

from typing import Any

import msgspec

from agents._core.history import made_call


class AgentName(msgspec.Struct, frozen=True):
    """An agent by name; `identity` is `name#2` where several share one, from schema 1.9 on at the latest."""

    name: str
    identity: str | None = None


class Item(msgspec.Struct):
    """An item of the run, or one by which somebody is asked."""

    type: str
    raw_item: dict[str, Any]
    agent: AgentName | None = None
    tool_name: str | None = None
    source_agent: AgentName | None = None
    target_agent: AgentName | None = None

    @property
    def call_id(self) -> str | None:
        """The call that the item is of, or answers."""
        call_id = made_call(self.raw_item)
        return call_id if isinstance(call_id, str) else None


class Tokens(msgspec.Struct):
    """Requests and tokens of one response."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


class Response(msgspec.Struct):
    """One answer of a model."""

    output: list[dict[str, Any]]
    usage: Tokens = msgspec.field(default_factory=Tokens)
    response_id: str | None = None


class Approvals(msgspec.Struct):
    """Decisions about the calls of one tool: a list of call ids, or true for all of them."""

    approved: bool | list[str] = False
    rejected: bool | list[str] = False
    rejection_messages: dict[str, str] = {}
    sticky_rejection_message: str | None = None


class AgentApprovals(msgspec.Struct):
    """The same for one agent's tool."""

    agent: AgentName
    tool_key: str
    decision: Approvals


class HostedTool(msgspec.Struct):
    """A tool of an MCP server that the model's server talks to."""

    server_label: str = ""
    tool_name: str = ""
    request_id: str | None = None


class HostedApprovals(msgspec.Struct):
    """Decisions about its calls."""

    identity: HostedTool
    decision: Approvals


class Invocation(msgspec.Struct):
    """How far a call has come."""

    executed: bool = False
    completed: bool = False


class Context(msgspec.Struct):
    """The part of the context that decisions and calls stand in."""

    approvals: dict[str, Approvals] = {}
    function_tool_approvals: list[AgentApprovals] = []
    hosted_mcp_approvals: list[HostedApprovals] = []
    tool_invocations: dict[str, Invocation] = {}


class Function(msgspec.Struct):
    """A function call of the last response, with the run in it, if it started one that waits."""

    tool_call: dict[str, Any]
    agent_run_state: dict[str, Any] | None = None


class Processed(msgspec.Struct):
    """The last response, taken apart."""

    functions: list[Function] = []


class StepBody(msgspec.Struct):
    """What a run that stands still waits for."""

    interruptions: list[Item] = []


class Step(msgspec.Struct):
    """Where the run stands."""

    type: str
    data: StepBody = msgspec.field(default_factory=StepBody)


class ForeignState(msgspec.Struct):
    """A whole state."""

    schema_version: str = msgspec.field(name="$schemaVersion")
    current_agent: AgentName
    original_input: str | list[Any]
    context: Context
    model_responses: list[Response] = []
    generated_items: list[Item] = []
    session_items: list[Item] | None = None
    max_turns: int | None = 10
    conversation_id: str | None = None
    previous_response_id: str | None = None
    auto_previous_response_id: bool = False
    pending_input: list[Any] = []
    current_step: Step | None = None
    last_processed_response: Processed | None = None
    terminal_unrecoverable: bool = False
