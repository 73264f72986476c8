"""What a model call is given: input, instructions, settings."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents._default_models import get_default_model_settings
from agents.exceptions import UserError
from agents.run_config import CallModelData, ModelInputData
from agents.tracing import SpanError, get_current_span
from agents.util.gathering import all_or_cancel

from .spans import REDACTED

if TYPE_CHECKING:
    from agents.agent import Agent
    from agents.model_settings import ModelSettings
    from agents.run_config import RunConfig

    from .run_loop import Run


@dataclass(slots=True)
class ModelRequest:
    """Everything that goes into one model call but the tools."""

    instructions: str | None
    input: list[Any]
    settings: ModelSettings
    prompt: Any
    previous_response_id: str | None
    conversation_id: str | None


async def instructions_and_prompt(agent: Agent[Any], run: Run) -> tuple[str | None, Any]:
    """The system prompt and the stored prompt of a turn. When one fails, the other is cancelled and awaited."""
    context = run.environment.context
    instructions = agent.instructions
    if agent.prompt is None:
        if instructions is None or isinstance(instructions, str):
            return instructions, None
        return await agent.get_system_prompt(context), None
    made = await all_or_cancel([agent.get_system_prompt(context), agent.get_prompt(context)])
    return made[0], made[1]


def model_settings(agent: Agent[Any], run: Run) -> ModelSettings:
    """The settings of a turn: the agent's or its model's own, the run's over them, a used tool choice let go."""
    config = run.environment.config
    settings = agent.model_settings
    if config.model is not None and agent.has_implicit_model_settings:
        settings = get_default_model_settings(config.model) if isinstance(config.model, str) else settings
    if config.model_settings is not None:
        settings = settings.resolve(config.model_settings)
    if settings.tool_choice is not None and agent.reset_tool_choice and _has_used_tools(agent, run):
        settings = dataclasses.replace(settings, tool_choice=None)
    return settings


def _has_used_tools(agent: Agent[Any], run: Run) -> bool:
    return run.environment.agents.key_of(agent) in run.state.used_tools


async def model_request(agent: Agent[Any], run: Run, instructions: str | None, prompt: Any) -> ModelRequest:
    """The request of the current turn.

    Raises:
        UserError: the input filter returned something else than `ModelInputData`.
    """
    state, config = run.state, run.environment.config
    start = state.start
    assert start is not None, "a turn belongs to a started run"
    managed = start.server_managed
    # A list of its own: a model may keep what it is given, and the history goes on growing.
    items = state.history[state.sent :] if managed else state.history[:]
    if config.reasoning_item_id_policy == "omit":
        items = [without_reasoning_id(item) for item in items]
    if config.call_model_input_filter is not None:
        given = ModelInputData(copy.deepcopy(items), instructions)
        filtered = await _filtered(CallModelData(given, agent, run.environment.context.context), config)
        items, instructions = _deduplicated(filtered.input), filtered.instructions
    return ModelRequest(
        instructions,
        items,
        model_settings(agent, run),
        prompt,
        state.previous_response_id if managed else None,
        start.conversation_id,
    )


async def _filtered(data: CallModelData[Any], config: RunConfig) -> ModelInputData:
    """What the run's filter makes of a request; its failure is told on the current span, that of the turn."""
    assert config.call_model_input_filter is not None, "asked only where there is one"
    try:
        filtered: Any = config.call_model_input_filter(data)
        if inspect.isawaitable(filtered):
            filtered = await filtered
        if not isinstance(filtered, ModelInputData):
            raise UserError(
                f"call_model_input_filter must return a ModelInputData, got {type(filtered).__name__}"
            )
    except Exception as error:
        span = get_current_span()
        if span is not None:
            detail = str(error) if config.trace_include_sensitive_data else REDACTED
            span.set_error(SpanError(message="Error in call_model_input_filter", data={"error": detail}))
        raise
    return filtered


def without_reasoning_id(item: Any) -> Any:
    """An input item, without its id if it is a reasoning item."""
    if isinstance(item, dict) and item.get("type") == "reasoning" and "id" in item:  # pyright: ignore[reportUnknownMemberType]
        return {key: value for key, value in item.items() if key != "id"}  # pyright: ignore[reportUnknownVariableType]
    return item  # pyright: ignore[reportUnknownVariableType]


def _deduplicated(items: list[Any]) -> list[Any]:
    """What a filter left, without repetitions: of two with one id, the later one holds.

    A call, or reasoning, stays in the place of the first, before what followed
    it; an output stands where the last one stood, behind its call.
    """
    places: dict[tuple[Any, Any], int] = {}
    kept: list[Any] = []
    for item in items:
        key = _identity(item)
        place = None if key is None else places.get(key)
        if key is not None and place is not None and not key[0].endswith("_output"):
            kept[place] = item
            continue
        if place is not None:
            kept[place] = None
        if key is not None:
            places[key] = len(kept)
        kept.append(item)
    return [item for item in kept if item is not None]


def _identity(item: Any) -> tuple[str, str] | None:
    """What an item is beside its content; None for messages, which may be repeated."""
    if not isinstance(item, dict):
        return None
    fields = cast("dict[str, Any]", item)
    kind, own = fields.get("type"), fields.get("call_id") or fields.get("id")
    if isinstance(kind, str) and kind != "message" and isinstance(own, str):
        return kind, own
    return None
