"""Taking a handoff: its own code runs, filters see the history, the next agent is recorded."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core import history
from agents._core.effects import TakeHandoff
from agents.agent import Agent
from agents.exceptions import ModelBehaviorError, UserError
from agents.handoffs import HandoffInputData, nest_handoff_history
from agents.items import HandoffOutputItem, ItemHelpers
from agents.items.run_items import is_sent

from . import guardrails, hooks
from .environment import logger
from .view import LiveHandoff

if TYPE_CHECKING:
    from agents.handoffs import Handoff

    from .run_loop import Run


async def take_handoff(run: Run, effect: TakeHandoff) -> None:
    """Let the handoff find the next agent, and record it.

    Raises:
        ModelBehaviorError: there is no such handoff any more, or its arguments are not what it wants.
        UserError: a filter returned something else than `HandoffInputData`, or the next agent checks its output
            where the server keeps the history.
    """
    call = effect.call
    environment = run.environment
    source = environment.agents[run.state.agent]
    toolset = await environment.toolset_for(source)
    handoff = toolset.handoffs_by_name.get(call.name)
    if handoff is None:
        raise ModelBehaviorError(f"Handoff {call.name} not found in agent {source.name}")
    target: Agent[Any] = await handoff.on_invoke_handoff(environment.context, call.arguments)
    if not isinstance(cast("object", target), Agent):
        raise UserError(
            f"Handoff {call.name} of agent {source.name} leads nowhere: on_invoke_handoff gave "
            f"{type(target).__name__}; it must return an Agent"
        )
    if run.state.start is not None and run.state.start.server_managed:
        guardrails.refuse_managed_output(environment, target)
    output = history.call_output(call.id, handoff.get_transfer_message(target))
    raw: Any = output
    item = HandoffOutputItem(source, raw, source, target)
    filtered = await _filtered(run, handoff, item)
    new_history = None if filtered is None else _model_history(filtered)
    live = LiveHandoff(item, source, target)
    if filtered is not None:
        given = filtered.input_history
        live.input = given if isinstance(given, str) else list(given)
        visible = filtered.new_items if filtered.input_items is None else filtered.input_items
        live.visible = [*filtered.pre_handoff_items, *visible]
    fact = f.HandedOff(
        call.id,
        environment.agents.key_of(source),
        environment.agents.key_of(target),
        output,
        new_history,
        hook=hooks.anybody_listens(environment, source, "on_handoff", "on_handoff"),
        start_hook=hooks.anybody_listens(environment, target, "on_agent_start", "on_start"),
    )
    run.record(fact, live)


async def _filtered(run: Run, handoff: Handoff[Any, Any], item: HandoffOutputItem) -> HandoffInputData | None:
    """What the filter or the nesting that applies makes of the history; None when none applies."""
    config, start = run.environment.config, run.state.start
    chosen = handoff.input_filter if handoff.input_filter is not None else config.handoff_input_filter
    nest = handoff.nest_handoff_history
    nests = config.nest_handoff_history if nest is None else nest
    if start is not None and start.server_managed:
        if chosen is not None:
            raise UserError(
                "Server-managed conversations do not support handoff input filters: the server keeps the history. "
                "Remove the filter, or run without conversation_id and previous_response_id."
            )
        if nests:
            logger.warning(
                "Server-managed conversations do not support nest_handoff_history; it is switched off"
            )
        return None
    if chosen is None and not nests:
        return None
    data = _handoff_data(run, item)
    if chosen is None:
        return nest_handoff_history(data, history_mapper=config.handoff_history_mapper)
    if not callable(chosen):
        raise UserError(f"A handoff input filter must be callable, got {type(chosen).__name__}")
    result: Any = chosen(data)
    if inspect.isawaitable(result):
        result = await result
    if not isinstance(result, HandoffInputData):
        raise UserError(f"A handoff input filter must return a HandoffInputData, got {type(result).__name__}")
    return result


def _handoff_data(run: Run, item: HandoffOutputItem) -> HandoffInputData:
    view = run.view
    given = view.seen_input
    return HandoffInputData(
        input_history=given if isinstance(given, str) else tuple(given),
        pre_handoff_items=tuple(view.visible_items),
        new_items=(*view.turn_items(), item),
        run_context=run.environment.context,
    )


def _model_history(data: HandoffInputData) -> list[f.Json]:
    """What the next model sees after a filter: history, earlier items, and the turn's visible ones."""
    visible = data.new_items if data.input_items is None else data.input_items
    given = data.input_history
    items: list[Any] = history.input_items(given if isinstance(given, str) else list(given))
    items.extend(item.to_input_item() for item in (*data.pre_handoff_items, *visible) if is_sent(item))
    # As plain JSON: a filter may have put in objects, and keeps what it made.
    return ItemHelpers.input_to_new_input_list(items)
