"""Whether what a run state shows under its public keys is what its facts say.

A program that edits a shown value, and not the facts, believes that it has changed the run: it is told that it has not.
A key that is left out says nothing. What is not compared may be edited: the context, and how an item is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from agents._core.state import State

from . import presented
from .restore import Moment
from .state_json import shown_questions

if TYPE_CHECKING:
    from agents.log import Path


def disagreeing_key(
    payload: Mapping[str, Any], moments: list[Moment], states: Mapping[Path, State]
) -> str | None:
    """The first public key whose value is not that of the facts and decisions; None where all agree."""
    root = states[()]
    start = root.start
    assert start is not None, "these states have been folded from the start of a run"
    items, _ = presented.presented_items(moments)
    questions = _each("call_path")(shown_questions(states))
    expected: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
        ("current_turn", root.turn, _itself),
        ("current_agent", presented.agent_reference(root.agent), _itself),
        ("max_turns", start.max_turns, _itself),
        ("conversation_id", start.conversation_id, _itself),
        ("previous_response_id", root.previous_response_id, _itself),
        ("original_input", presented.original_input(start.input), _itself),
        ("pending_input", root.pending_input, _itself),
        (
            "model_responses",
            [fact.output for fact, _ in presented.responses_by_agent(moments)],
            _each("output"),
        ),
        ("current_step", questions, _asked_in_step),
    )
    for key, said, compared in expected:
        if key in payload and compared(payload[key]) != said:
            return key
    raw_items = _each("raw_item")
    for key in ("generated_items", "session_items"):
        # Most are shown as they would be shown now.
        shown = payload.get(key, items)
        if shown != items and raw_items(shown) != raw_items(items):
            return key
    return None


def _itself(value: Any) -> Any:
    return value


def _each(name: str) -> Callable[[Any], Any]:
    def values(objects: Any) -> Any:
        if not isinstance(objects, list):
            return None
        found = cast("list[object]", objects)
        return [cast("Any", one).get(name) if isinstance(one, Mapping) else None for one in found]

    return values


def _asked_in_step(step: Any) -> Any:
    """The paths of the calls that a step is said to wait for."""
    if step is None:
        return []
    data = cast("Any", step).get("data") if isinstance(step, Mapping) else None
    return _each("call_path")(cast("Any", data).get("interruptions")) if isinstance(data, Mapping) else None
