"""Run items: what happened in a run, item by item, as `result.new_items` lists it.

Each class wraps one raw item (an `openai` object or a JSON-shaped dict) and says
which agent it belongs to. `to_input_item()` gives what a later turn sends.
"""

from __future__ import annotations

import json
import weakref
from abc import ABC
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, cast
from uuid import uuid4

from agents._lazy import lazy_module
from agents.exceptions import AgentsException
from agents.util.function_name import qualified_name

from .conversion import output_item_to_input, plain_copy

if TYPE_CHECKING:
    from agents import agent as _agent
    from agents import tool as _tool

    from . import raw_types as _raw
else:
    _agent = lazy_module("agents.agent")
    _tool = lazy_module("agents.tool")
    _raw = lazy_module("agents.items.raw_types")

T = TypeVar("T")

FunctionToolLookupKey: TypeAlias = (
    tuple[Literal["bare"], str]
    | tuple[Literal["namespaced"], str, str]
    | tuple[Literal["deferred_top_level"], str]
)
"""The identity of a function tool: its name, with its namespace when it has one."""


def raw_field(raw_item: object, name: str) -> Any:
    """The value of `name` in a raw item, by key or by attribute; None when it has none."""
    if isinstance(raw_item, dict):
        return cast("dict[str, Any]", raw_item).get(name)
    return getattr(raw_item, name, None)


def raw_call_id(raw_item: object) -> str | None:
    """The id that joins a call and its output: `call_id`, else `id`, else None."""
    return raw_field(raw_item, "call_id") or raw_field(raw_item, "id") or None


@dataclass
class RunItemBase(ABC, Generic[T]):
    """One thing that happened in a run, and the agent it belongs to.

    An item holds its agent until `release_agent()`; from then on only weakly, and
    `agent` is None once the agent is gone.
    """

    agent: _agent.Agent[Any]
    """The agent whose turn made this item. None after release, once the agent was collected."""

    raw_item: T
    """The item as the Responses API writes it: an `openai` object, or a dict of JSON values."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Reached only when the instance has no such attribute: after a release.
            reference = self.__dict__.get("_released", {}).get(name)
            if reference is None:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
                )
            return reference()

    def release_agent(self) -> None:
        """Hold the agent only weakly from now on, so that a kept result does not keep it alive."""
        self._release("agent")

    def _release(self, name: str) -> None:
        state = vars(self)
        agent: object = state.get(name)
        if agent is None:
            return
        try:
            reference = weakref.ref(agent)
        except TypeError:
            return  # It cannot be held weakly: keep it.
        # A new dict: a shallow copy of this item may share the old one.
        state["_released"] = {**state.get("_released", {}), name: reference}
        del state[name]

    def to_input_item(self) -> _raw.TResponseInputItem:
        """Give a new dict that replays this item to a model.

        Fields that only servers write are left out; the raw item is not changed.

        Raises:
            AgentsException: the raw item is neither a mapping nor a pydantic object.
        """
        return cast("_raw.TResponseInputItem", cast("object", output_item_to_input(self.raw_item)))


@dataclass
class InputItem(RunItemBase["_raw.TResponseInputItem"]):
    """An item that the caller added to a run while it was going on."""

    raw_item: _raw.TResponseInputItem
    type: Literal["input_item"] = "input_item"
    input_id: str = field(default_factory=lambda: uuid4().hex)
    """Names this one addition, so that equal inputs stay apart."""


@dataclass
class MessageOutputItem(RunItemBase["_raw.ResponseOutputMessage"]):
    """A message from the model."""

    raw_item: _raw.ResponseOutputMessage
    type: Literal["message_output_item"] = "message_output_item"


@dataclass
class ToolSearchCallItem(RunItemBase["_raw.ToolSearchCallRawItem"]):
    """The model searches for tools to load."""

    raw_item: _raw.ToolSearchCallRawItem
    type: Literal["tool_search_call_item"] = "tool_search_call_item"

    def to_input_item(self) -> _raw.TResponseInputItem:
        """Give a new dict that replays this search to a model."""
        return super().to_input_item()


@dataclass
class ToolSearchOutputItem(RunItemBase["_raw.ToolSearchOutputRawItem"]):
    """The tools that a search found."""

    raw_item: _raw.ToolSearchOutputRawItem
    type: Literal["tool_search_output_item"] = "tool_search_output_item"

    def to_input_item(self) -> _raw.TResponseInputItem:
        """Give a new dict that replays this search result to a model."""
        return super().to_input_item()


@dataclass
class HandoffCallItem(RunItemBase["_raw.ResponseFunctionToolCall"]):
    """The model asks to hand the conversation to another agent."""

    raw_item: _raw.ResponseFunctionToolCall
    type: Literal["handoff_call_item"] = "handoff_call_item"


@dataclass
class HandoffOutputItem(RunItemBase["_raw.TResponseInputItem"]):
    """A handoff that was carried out; `raw_item` is the output that answers the model's call."""

    raw_item: _raw.TResponseInputItem
    source_agent: _agent.Agent[Any]
    """The agent that handed off. None after release, once it was collected."""
    target_agent: _agent.Agent[Any]
    """The agent that took over. None after release, once it was collected."""
    type: Literal["handoff_output_item"] = "handoff_output_item"

    def release_agent(self) -> None:
        """Hold all three agents only weakly from now on."""
        super().release_agent()
        self._release("source_agent")
        self._release("target_agent")


@dataclass
class ToolCallItem(RunItemBase["_raw.ToolCallItemTypes"]):
    """A tool call by the model: a function, a hosted tool, a shell command, ..."""

    raw_item: _raw.ToolCallItemTypes
    type: Literal["tool_call_item"] = "tool_call_item"
    description: str | None = None
    """The tool's description. Never sent to a model from here."""
    title: str | None = None
    """The tool's title for people, where it has one (MCP tools do)."""
    tool_origin: _tool.ToolOrigin | None = None
    """Where a function tool comes from."""

    @property
    def tool_name(self) -> str | None:
        """The name of the called tool, or None for kinds without a name."""
        return raw_field(self.raw_item, "name")

    @property
    def call_id(self) -> str | None:
        """The id that the call's output refers to: `call_id`, else `id`, else None."""
        return raw_call_id(self.raw_item)


@dataclass
class ToolCallOutputItem(RunItemBase["_raw.ToolCallOutputTypes"]):
    """The output of a tool call."""

    raw_item: _raw.ToolCallOutputTypes
    output: Any
    """What the tool returned, before it was turned into `raw_item`."""
    type: Literal["tool_call_output_item"] = "tool_call_output_item"
    tool_origin: _tool.ToolOrigin | None = None
    """Where a function tool comes from."""
    custom_data: dict[str, Any] | None = None
    """JSON data that the tool attached for the application. Never sent to a model."""

    @property
    def call_id(self) -> str | None:
        """The id of the call that this answers: `call_id`, else `id`, else None."""
        return raw_call_id(self.raw_item)

    def to_input_item(self) -> _raw.TResponseInputItem:
        """Give a new dict that replays this output to a model."""
        return super().to_input_item()


@dataclass
class ReasoningItem(RunItemBase["_raw.ResponseReasoningItem"]):
    """What the model showed of its reasoning."""

    raw_item: _raw.ResponseReasoningItem
    type: Literal["reasoning_item"] = "reasoning_item"


@dataclass
class MCPListToolsItem(RunItemBase["_raw.McpListTools"]):
    """The tools that a hosted MCP server offers."""

    raw_item: _raw.McpListTools
    type: Literal["mcp_list_tools_item"] = "mcp_list_tools_item"


@dataclass
class MCPApprovalRequestItem(RunItemBase["_raw.McpApprovalRequest"]):
    """A hosted MCP tool call waits for approval."""

    raw_item: _raw.McpApprovalRequest
    type: Literal["mcp_approval_request_item"] = "mcp_approval_request_item"


@dataclass
class MCPApprovalResponseItem(RunItemBase["_raw.McpApprovalResponseRawItem"]):
    """The answer to a hosted MCP approval request."""

    raw_item: _raw.McpApprovalResponseRawItem
    type: Literal["mcp_approval_response_item"] = "mcp_approval_response_item"


@dataclass
class CompactionItem(RunItemBase["_raw.TResponseInputItem"]):
    """A compaction by the server: it stands for the conversation before it."""

    raw_item: _raw.TResponseInputItem
    type: Literal["compaction_item"] = "compaction_item"

    def to_input_item(self) -> _raw.TResponseInputItem:
        """Give a new dict that replays this compaction to a model."""
        return super().to_input_item()


@dataclass(eq=False)
class ToolApprovalItem(RunItemBase["_raw.ToolApprovalRawItem"]):
    """A tool call that waits for somebody's decision; found in `result.interruptions`.

    Pass it to `RunState.approve` or `RunState.reject`. Each one is itself alone: it
    equals nothing else and can be a dict key.
    """

    raw_item: _raw.ToolApprovalRawItem
    tool_name: str | None = None
    """The tool's name; taken from the raw item when None is given."""
    type: Literal["tool_approval_item"] = "tool_approval_item"
    tool_namespace: str | None = None
    """The tool's namespace; taken from the raw item when None is given."""
    tool_origin: _tool.ToolOrigin | None = None
    """Where a function tool comes from."""
    tool_lookup_key: FunctionToolLookupKey | None = field(default=None, kw_only=True, repr=False)
    """The identity of a function tool; worked out for function calls when None is given."""
    call_path: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    """The ids of the calls under which this one stands, outermost first, its own last."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __post_init__(self) -> None:
        raw = self.raw_item
        if self.tool_name is None:
            self.tool_name = raw_field(raw, "name")
        if self.tool_namespace is None:
            self.tool_namespace = raw_field(raw, "namespace")
        if self.tool_lookup_key is None and raw_field(raw, "type") == "function_call":
            self.tool_lookup_key = _lookup_key(self.tool_name, self.tool_namespace)

    @property
    def name(self) -> str | None:
        """The tool's name, or None where the kind of call has none."""
        return self.tool_name or raw_field(self.raw_item, "name") or raw_field(self.raw_item, "tool_name")

    @property
    def qualified_name(self) -> str | None:
        """The name for people: `namespace.name`, or the name alone when the namespace only repeats it."""
        name = self.tool_name
        return None if name is None else qualified_name(name, self.tool_namespace)

    @property
    def call_id(self) -> str | None:
        """The id of the waiting call: `call_id`, else `id`, else None."""
        return raw_call_id(self.raw_item)

    @property
    def arguments(self) -> str | None:
        """The arguments as the model wrote them, usually JSON text; None when the call has none."""
        for key in ("arguments", "params", "input"):
            value = raw_field(self.raw_item, key)
            if value is None:
                continue
            if isinstance(value, str):
                return value
            try:
                return json.dumps(value)
            except (TypeError, ValueError):
                return str(value)
        # What a call does on a machine stands in a field of its kind's own.
        fields = _DEEDS.get(raw_field(self.raw_item, "type"), ())
        deeds = (raw_field(self.raw_item, name) for name in fields)
        return next((json.dumps(plain_copy(deed)) for deed in deeds if deed is not None), None)

    def to_input_item(self) -> _raw.TResponseInputItem:
        """Refuse: an undecided call is nothing to tell a model.

        Raises:
            AgentsException: always. Leave approval items out of model input.
        """
        raise AgentsException(
            "ToolApprovalItem cannot be converted to an input item. "
            "These items should be filtered out before preparing input for the API."
        )


_DEEDS: dict[str | None, tuple[str, ...]] = {
    "shell_call": ("action",),
    "local_shell_call": ("action",),
    "computer_call": ("actions", "action"),
    "apply_patch_call": ("operation",),
}


def _lookup_key(name: str | None, namespace: str | None) -> FunctionToolLookupKey | None:
    if not name or namespace == name:
        # A namespace that repeats the name may be real or stand for deferred loading: the caller knows.
        return None
    if namespace:
        return ("namespaced", namespace, name)
    return ("bare", name)


RunItem: TypeAlias = (
    InputItem
    | MessageOutputItem
    | ToolSearchCallItem
    | ToolSearchOutputItem
    | HandoffCallItem
    | HandoffOutputItem
    | ToolCallItem
    | ToolCallOutputItem
    | ReasoningItem
    | MCPListToolsItem
    | MCPApprovalRequestItem
    | MCPApprovalResponseItem
    | CompactionItem
    | ToolApprovalItem
)
"""Any item of a run."""


def is_sent(item: RunItem) -> bool:
    """Whether a model is ever sent this item: neither a question to a person nor a text that was cut short."""
    if item.type == "message_output_item":
        return getattr(item.raw_item, "status", None) != "incomplete"
    return item.type != "tool_approval_item"
