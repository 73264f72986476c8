"""The context that a tool gets: the run's context, and which call this is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ._lazy import lazy_module
from .run_context import RunContextWrapper, TContext
from .usage import Usage
from .util.function_name import qualified_name

if TYPE_CHECKING:
    import asyncio

    from openai.types import responses as _responses

    from . import agent as _agent
    from . import items as _items
    from . import run_config as _run_config
else:
    _responses = lazy_module("openai.types.responses")
    _agent = lazy_module("agents.agent")
    _items = lazy_module("agents.items")
    # The package itself knows where `RunConfig` lives; this floor must not.
    _run_config = lazy_module("agents")

__all__ = ["ToolContext"]


class _Missing:
    """What a constructor argument is when it is left out; None is a value."""


_MISSING = _Missing()


def _required(name: str) -> str:
    raise ValueError(f"{name} must be passed to ToolContext")


@dataclass(eq=False, init=False)
class ToolContext(RunContextWrapper[TContext]):
    """Hands one tool call what it may need to know: who calls, with which arguments, on behalf of which run.

    `context` and `usage` are the very objects of the run. A tool that works in
    steps says where it stands with `report_progress`; one whose effect must not
    happen twice passes `idempotency_key` on to whatever it calls.
    """

    tool_name: str
    """The tool's name as the model called it, without a namespace."""

    tool_call_id: str
    """The model's id of this call; unique within one run, not beyond it."""

    tool_arguments: str
    """The arguments as the model wrote them: JSON, not validated."""

    tool_call: _responses.ResponseFunctionToolCall | None = None
    """The call as the model's response holds it, when a response does."""

    tool_namespace: str | None = None
    """The namespace that the model named in its call."""

    agent: _agent.AgentBase[Any] | None = None
    """The agent that owns the tool."""

    run_config: _run_config.RunConfig | None = None
    """The configuration of the run; nested runs inherit it."""

    idempotency_key: str = field(default="", kw_only=True, repr=False)
    """The ids of this call and of the calls it is nested in, outermost first, joined by "/".

    It stays the same when the call is performed again after a crash, so a
    service that knows the key can refuse to act twice.
    """

    progress_sink: Callable[[Any], None] | None = field(default=None, kw_only=True, repr=False)
    """Takes what `report_progress` is given. The run sets it; it must not block."""

    run_link: object | None = field(default=None, kw_only=True, repr=False)
    """How runs nested in this call find the one that makes it. The run sets it."""

    def __init__(
        self,
        context: TContext,
        usage: Usage | _Missing = _MISSING,
        tool_name: str | _Missing = _MISSING,
        tool_call_id: str | _Missing = _MISSING,
        tool_arguments: str | _Missing = _MISSING,
        tool_call: _responses.ResponseFunctionToolCall | None = None,
        *,
        tool_namespace: str | None = None,
        agent: _agent.AgentBase[Any] | None = None,
        run_config: _run_config.RunConfig | dict[str, Any] | None = None,
        turn_input: list[_items.TResponseInputItem] | None = None,
        tool_input: Any | None = None,
        idempotency_key: str | None = None,
        progress_sink: Callable[[Any], None] | None = None,
        run_link: object | None = None,
    ) -> None:
        """Make the context of one call.

        Args:
            context: The caller's own object, as given to `Runner.run`.
            usage: The run's usage; a new one when left out.
            tool_name: The tool's name. Required.
            tool_call_id: The id of the call. Required.
            tool_arguments: The arguments as JSON. Required.
            tool_call: The call as the model made it.
            tool_namespace: The namespace of the tool; that of `tool_call` when None.
            agent: The agent that owns the tool.
            run_config: The run's configuration, or its settings as a dict.
            turn_input: The items that the current turn added.
            tool_input: The structured input of the run, when it is an agent's tool call.
            idempotency_key: Stays the same when the call is repeated; the call id when None.
            progress_sink: Takes what `report_progress` is given.
            run_link: How nested runs find the one that makes this call.

        Raises:
            ValueError: a required argument is missing.
            TypeError: `run_config` is a dict with unknown settings.
        """
        super().__init__(
            context,
            Usage() if isinstance(usage, _Missing) else usage,
            [] if turn_input is None else turn_input,
            tool_input,
        )
        self.tool_name = _required("tool_name") if isinstance(tool_name, _Missing) else tool_name
        self.tool_arguments = (
            _required("tool_arguments") if isinstance(tool_arguments, _Missing) else tool_arguments
        )
        self.tool_call_id = _required("tool_call_id") if isinstance(tool_call_id, _Missing) else tool_call_id
        self.tool_call = tool_call
        if tool_namespace is None and tool_call is not None:
            # A call decoded from a stream holds only the fields that the server sent.
            tool_namespace = getattr(tool_call, "namespace", None)
        self.tool_namespace = tool_namespace
        self.agent = agent
        self.run_config = _run_config_of(run_config) if isinstance(run_config, dict) else run_config
        self.idempotency_key = self.tool_call_id if idempotency_key is None else idempotency_key
        self.progress_sink = progress_sink
        self.run_link = run_link

    @property
    def qualified_tool_name(self) -> str:
        """The name with its namespace, `namespace.name`; the bare name when there is none."""
        return qualified_name(self.tool_name, self.tool_namespace)

    def report_progress(self, value: Any) -> None:
        """Tell readers of the run how far this call is, without waiting for them.

        The value shows up as a record of the run, never in front of the model. It
        should be JSON-shaped; other values are shown as text. Does nothing outside
        a run. May be called from the tool's own thread.
        """
        if self.progress_sink is not None:
            self.progress_sink(value)

    @classmethod
    def from_agent_context(
        cls,
        context: RunContextWrapper[TContext],
        tool_call_id: str,
        tool_call: _responses.ResponseFunctionToolCall | None = None,
        agent: _agent.AgentBase[Any] | None = None,
        *,
        tool_name: str | None = None,
        tool_arguments: str | None = None,
        tool_namespace: str | None = None,
        run_config: _run_config.RunConfig | dict[str, Any] | None = None,
    ) -> ToolContext[TContext]:
        """The context of a call that is made on behalf of `context`.

        Shares the caller's context, usage and approvals. Name, arguments and
        namespace come from `tool_call` unless given; `agent` and `run_config` from
        `context` when that is itself the context of a tool.

        Raises:
            ValueError: neither `tool_call` nor the argument gives the name or the arguments.
        """
        progress_sink: Callable[[Any], None] | None = None
        run_link: object | None = None
        if isinstance(context, ToolContext):
            agent = context.agent if agent is None else agent
            run_config = context.run_config if run_config is None else run_config
            progress_sink, run_link = context.progress_sink, context.run_link
        if tool_call is not None:
            tool_name = tool_call.name if tool_name is None else tool_name
            tool_arguments = tool_call.arguments if tool_arguments is None else tool_arguments
        made = cls(
            context.context,
            context.usage,
            _MISSING if tool_name is None else tool_name,
            tool_call_id,
            _MISSING if tool_arguments is None else tool_arguments,
            tool_call,
            tool_namespace=tool_namespace,
            agent=agent,
            run_config=run_config,
            turn_input=list(context.turn_input),
            tool_input=context.tool_input,
            progress_sink=progress_sink,
            run_link=run_link,
        )
        for name in _SHARED:
            setattr(made, name, getattr(context, name))
        return made


def bind_call(
    context: ToolContext[Any],
    *,
    idempotency_key: str,
    progress: Callable[[Any], None] | None = None,
    link: object | None = None,
) -> None:
    """Tie a context to the run that performs its call.

    `progress` takes each reported value, in the run's own thread, and must not
    block; `link` is whatever nested runs need to find their parent.
    """
    context.idempotency_key = idempotency_key
    context.progress_sink = progress
    context.run_link = link


def link_of(context: RunContextWrapper[Any]) -> object | None:
    """What `bind_call` left for nested runs; None outside a run."""
    return context.run_link if isinstance(context, ToolContext) else None


def report_from_threads(context: ToolContext[Any], loop: asyncio.AbstractEventLoop) -> None:
    """Let `context.report_progress` be called from other threads than that of `loop`.

    Reports keep their order, and all come before a result that the same thread
    hands to the loop after them. Reports that come when the call is over, or the
    loop closed, are dropped.
    """
    progress = context.progress_sink
    if progress is None:
        return

    def report(value: Any) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, value)

    def deliver(value: Any) -> None:
        if context.progress_sink is report:
            progress(value)

    context.progress_sink = report


_SHARED = tuple(
    shared.name
    for shared in fields(RunContextWrapper)
    if shared.name not in {"context", "usage", "turn_input", "tool_input"}
)
"""What a run context keeps beside its public fields, and every call of the run shares."""


def _run_config_of(settings: dict[str, Any]) -> _run_config.RunConfig:
    known = {setting.name for setting in fields(_run_config.RunConfig)}
    unknown = sorted(str(name) for name in settings if name not in known)
    if unknown:
        raise TypeError(f"Unknown run_config settings: {', '.join(unknown)}")
    return _run_config.RunConfig(**settings)
