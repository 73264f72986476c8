"""Settings of a run, and the small types of its call-backs."""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, Literal, NotRequired, TypeAlias, cast

from typing_extensions import TypedDict

from ._lazy import lazy_module
from .exceptions import UserError
from .model_settings import ModelSettings
from .run_context import TContext

if TYPE_CHECKING:
    from . import agent as _agent
    from . import guardrail as _guardrail
    from . import handoffs as _handoffs
    from . import items as _items
    from . import lifecycle as _lifecycle
    from . import log as _log
    from . import run_context as _run_context
    from . import run_error_handlers as _run_error_handlers
    from . import tracing as _tracing
    from ._ports import model as _model
    from ._ports import session as _session
else:
    _agent = lazy_module("agents.agent")
    _guardrail = lazy_module("agents.guardrail")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _lifecycle = lazy_module("agents.lifecycle")
    _log = lazy_module("agents.log")
    _model = lazy_module("agents._ports.model")
    _run_context = lazy_module("agents.run_context")
    _session = lazy_module("agents._ports.session")
    _run_error_handlers = lazy_module("agents.run_error_handlers")
    _tracing = lazy_module("agents.tracing")

DEFAULT_MAX_TURNS = 10
"""Model calls that a run may make unless it is told otherwise."""

DEFAULT_WORKFLOW_NAME = "Agent workflow"
"""The name of a run's trace unless it is told otherwise."""

DEFAULT_LOG_RETENTION = 20_000
"""Records that a run's log keeps one by one before it joins the deltas among them."""

ReasoningItemIdPolicy: TypeAlias = Literal["preserve", "omit"]
ToolNotFoundBehavior: TypeAlias = Literal["raise_error", "return_error_to_model"]
ToolNameCollisionPolicy: TypeAlias = Literal["warn", "error"]
ToolErrorKind: TypeAlias = Literal["approval_rejected", "tool_not_found", "tool_exception"]


def _default_trace_include_sensitive_data() -> bool:
    """Whether traces hold inputs and outputs: yes, unless OPENAI_AGENTS_TRACE_INCLUDE_SENSITIVE_DATA says no."""
    value = os.environ.get("OPENAI_AGENTS_TRACE_INCLUDE_SENSITIVE_DATA", "true")
    return value.strip().lower() in {"true", "1", "yes", "on"}


def _default_model_provider() -> _model.ModelProvider:
    from .models.multi_provider import MultiProvider

    return MultiProvider()


@dataclass
class ModelInputData:
    """What a model call is about to see."""

    input: list[_items.TResponseInputItem]
    instructions: str | None


@dataclass
class CallModelData(Generic[TContext]):
    """What `call_model_input_filter` gets: the input, the agent, and the caller's context object."""

    model_data: ModelInputData
    agent: _agent.Agent[TContext]
    context: TContext | None


CallModelInputFilter: TypeAlias = Callable[[CallModelData[Any]], "Awaitable[ModelInputData] | ModelInputData"]


@dataclass
class ToolErrorFormatterArgs(Generic[TContext]):
    """What a `tool_error_formatter` gets to make the text that the model is told."""

    kind: ToolErrorKind
    tool_type: Literal["function", "computer", "shell", "apply_patch", "custom"]
    tool_name: str
    call_id: str
    default_message: str
    run_context: _run_context.RunContextWrapper[TContext]
    error: Exception | None = None


ToolErrorFormatter: TypeAlias = Callable[[ToolErrorFormatterArgs[Any]], "Awaitable[str | None] | str | None"]


@dataclass
class OutputGuardrailBlockedMessageArgs(Generic[TContext]):
    """What a formatter of `output_guardrail_blocked_message` gets."""

    default_message: str
    guardrail_name: str
    agent: _agent.Agent[Any]
    run_context: _run_context.RunContextWrapper[TContext]


OutputGuardrailBlockedMessageFormatter: TypeAlias = Callable[
    [OutputGuardrailBlockedMessageArgs[Any]], "str | None"
]


@dataclass
class ToolExecutionConfig:
    """How the tools of a turn are run.

    Raises:
        ValueError: a limit below 1, or a flag that is no bool.
    """

    max_function_tool_concurrency: int | None = None
    """How many function tools may run at once; None is no limit. Queued ones start in call order."""

    pre_approval_tool_input_guardrails: bool = False
    """Whether input guardrails of a tool also run before its approval is asked for."""

    def __post_init__(self) -> None:
        limit = self.max_function_tool_concurrency
        if limit is not None and limit < 1:
            raise ValueError(f"tool_execution.max_function_tool_concurrency must be at least 1, got {limit}")
        if not isinstance(cast("object", self.pre_approval_tool_input_guardrails), bool):
            raise ValueError("tool_execution.pre_approval_tool_input_guardrails must be a bool")  # noqa: TRY004 (the contract says ValueError)


@dataclass
class RunConfig:
    """Settings that hold for a whole run, whichever agents take part.

    Raises:
        TypeError: a settings dict with a key that does not exist.
        ValueError: a policy that does not exist.
    """

    model: str | _model.Model | None = None
    """Overrides the model of every agent."""

    model_provider: _model.ModelProvider = field(default_factory=_default_model_provider)
    """Finds models by name. One that you pass is yours to close."""

    model_settings: ModelSettings | None = None
    """Laid over the settings of each agent, where set."""

    handoff_input_filter: _handoffs.HandoffInputFilter | None = None
    nest_handoff_history: bool = False
    handoff_history_mapper: _handoffs.HandoffHistoryMapper | None = None
    input_guardrails: list[_guardrail.InputGuardrail[Any]] | None = None
    output_guardrails: list[_guardrail.OutputGuardrail[Any]] | None = None
    tracing_disabled: bool = False
    tracing: _tracing.TracingConfig | None = None
    trace_include_sensitive_data: bool = field(default_factory=_default_trace_include_sensitive_data)
    workflow_name: str = DEFAULT_WORKFLOW_NAME
    trace_id: str | None = None
    group_id: str | None = None
    trace_metadata: dict[str, Any] | None = None
    session_input_callback: _session.SessionInputCallback | None = None
    """Makes the model's input of a session's history and the new items; of what it gives, only new items are saved."""

    call_model_input_filter: CallModelInputFilter | None = None
    """Sees and may change what each model call is given; history itself stays as it is."""

    tool_error_formatter: ToolErrorFormatter | None = None
    session_settings: _session.SessionSettings | dict[str, Any] | None = None
    """Laid over the settings of the session."""

    reasoning_item_id_policy: ReasoningItemIdPolicy | None = None
    tool_execution: ToolExecutionConfig | None = None
    tool_not_found_behavior: ToolNotFoundBehavior = "raise_error"
    tool_name_collision_policy: ToolNameCollisionPolicy = "warn"
    output_guardrail_blocked_message: str | OutputGuardrailBlockedMessageFormatter | None = None
    start_read_only_tools_early: bool = False
    """Start tools with `side_effects="none"` the moment their arguments are complete, while the response streams."""

    log_retention: int = DEFAULT_LOG_RETENTION
    """Records kept one by one; beyond it the log joins adjacent deltas, and loses nothing else."""

    wait_for_decisions: bool = False
    """Whether a run waits, instead of pausing, while nothing can be done without a decision; see `result.approve`."""

    epochs: _log.RunEpochs | None = None
    """Shared by everybody who may resume a run: of one state, only the first resumption goes through."""

    def __post_init__(self) -> None:
        if isinstance(cast("object", self.model_settings), dict):
            self.model_settings = ModelSettings().resolve(cast("dict[str, Any]", self.model_settings))
        if isinstance(cast("object", self.tool_execution), dict):
            given = cast("dict[str, Any]", self.tool_execution)
            refuse_unknown(given, ToolExecutionConfig, "run_config.tool_execution")
            self.tool_execution = ToolExecutionConfig(**given)
        if self.tool_name_collision_policy not in {"warn", "error"}:
            raise ValueError("tool_name_collision_policy must be either 'warn' or 'error'")
        if self.tool_not_found_behavior not in {"raise_error", "return_error_to_model"}:
            raise ValueError(
                "tool_not_found_behavior must be either 'raise_error' or 'return_error_to_model', "
                f"got {self.tool_not_found_behavior!r}"
            )
        if self.log_retention < 1:
            raise ValueError(f"log_retention must be at least 1 record, got {self.log_retention}")
        _check_blocked_message(self.output_guardrail_blocked_message)


def _check_blocked_message(message: object) -> None:
    if message is None:
        return
    if callable(message):
        if inspect.iscoroutinefunction(message) or inspect.iscoroutinefunction(type(message).__call__):
            raise TypeError("output_guardrail_blocked_message formatter must be synchronous")
        return
    if type(message) is not str:
        raise TypeError("output_guardrail_blocked_message must be a str or a synchronous formatter")
    if not message:
        raise ValueError("output_guardrail_blocked_message must not be empty")


def refuse_unknown(given: dict[str, Any], settings: type[Any], path: str) -> None:
    """Raise for keys that a settings class does not have.

    Raises:
        TypeError: naming the path and the keys.
    """
    unknown = sorted(set(given) - {each.name for each in fields(settings)})
    if unknown:
        raise TypeError(f"Unknown {path} settings: {', '.join(unknown)}")


def coerce_run_config(value: RunConfig | dict[str, Any] | None) -> RunConfig:
    """A `RunConfig` from what a caller passed: one, a plain dict, or nothing.

    Raises:
        TypeError: a dict with a key that does not exist.
    """
    if value is None:
        return RunConfig()
    if isinstance(value, RunConfig):
        return value
    if not isinstance(cast("object", value), dict):
        raise UserError(f"run_config must be a RunConfig, a dict or None, got {type(value).__name__}")
    refuse_unknown(value, RunConfig, "run_config")
    return RunConfig(**value)


class RunOptions(TypedDict, Generic[TContext]):
    """The keyword arguments of `AgentRunner.run` and its siblings."""

    context: NotRequired[TContext | None]
    max_turns: NotRequired[int | None]
    hooks: NotRequired[_lifecycle.RunHooksBase[TContext, Any] | None]
    run_config: NotRequired[RunConfig | dict[str, Any] | None]
    previous_response_id: NotRequired[str | None]
    auto_previous_response_id: NotRequired[bool]
    conversation_id: NotRequired[str | None]
    error_handlers: NotRequired[_run_error_handlers.RunErrorHandlers[TContext] | None]
    session: NotRequired[_session.Session | None]
