"""What the JSON inside a fact has to be, beyond its type: facts that somebody hands us are checked before they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from agents._core import facts as f
from agents._core.history import made_call


def shape_fault(fact: f.Fact) -> str | None:
    """What of a fact's JSON is not as this runtime writes it; None where all is well."""
    for name, kind, holds in _SHAPES.get(type(fact), ()):
        if not holds(fact):
            return f"{name} is not {kind}"
    return None


_TEXT_OR_NONE = (str, type(None))


def _is_object(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    # What items are looked up by: anything but a text could not be a key.
    read = cast("dict[str, Any]", value).get
    texts = (read("type"), read("id"), read("call_id"))
    return all(isinstance(text, _TEXT_OR_NONE) for text in texts)


def _is_output(value: object) -> bool:
    return _is_object(value) and isinstance(made_call(cast("dict[str, Any]", value)), str)


def _is_item(value: object) -> bool:
    return _is_object(value) and cast("dict[str, Any]", value).get("type") is not None


def _all(holds: Callable[[object], bool], values: object) -> bool:
    return isinstance(values, list) and all(holds(value) for value in cast("list[object]", values))


def _is_input(value: object) -> bool:
    return isinstance(value, str) or _all(_is_object, value)


def _are_paths_of(waiting: tuple[f.Waiting, ...]) -> bool:
    return all(one.path for one in waiting)


_ITEMS = "a list of output items"
_OUTPUT = "an output with its call_id"
_ANSWER = "an output with its call_id, or the answer to an approval request"
_SHAPES: Mapping[type, tuple[tuple[str, str, Callable[[Any], bool]], ...]] = {
    f.RunStarted: (("input", "a text or a list of items", lambda fact: _is_input(fact.input)),),
    f.InputAdded: (("items", "a list of items", lambda fact: _all(_is_object, fact.items)),),
    f.SessionLoaded: (
        ("history", "a list of items", lambda fact: _all(_is_object, fact.history)),
        ("new", "a list of items", lambda fact: _all(_is_object, fact.new)),
    ),
    f.ModelResponded: (("output", _ITEMS, lambda fact: _all(_is_item, fact.output)),),
    f.ModelInterrupted: (("output", _ITEMS, lambda fact: _all(_is_item, fact.output)),),
    f.OutputProposed: (("item", "an item", lambda fact: fact.item is None or _is_item(fact.item)),),
    f.ApprovalDecided: (
        (
            "output",
            _OUTPUT,
            lambda fact: fact.output is None or (_is_output(fact.output) and "output" in fact.output),
        ),
    ),
    f.ToolPaused: (("waiting", "a list of calls with paths", lambda fact: _are_paths_of(fact.waiting)),),
    f.ToolReturned: (("output", _OUTPUT, lambda fact: _is_output(fact.output)),),
    f.ToolFailed: (("output", _OUTPUT, lambda fact: fact.output is None or _is_output(fact.output)),),
    f.CallAnswered: (("output", _ANSWER, lambda fact: _is_output(fact.output)),),
    f.HandedOff: (
        ("output", _OUTPUT, lambda fact: _is_output(fact.output)),
        ("history", "a list of items", lambda fact: fact.history is None or _all(_is_object, fact.history)),
    ),
}
