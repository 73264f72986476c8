"""Copies that later changes of the original cannot reach, quick for JSON-shaped data and `openai` objects."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module

if TYPE_CHECKING:
    import pydantic as _pydantic
else:
    _pydantic = lazy_module("pydantic")

_ATOMS = frozenset({str, int, float, bool, bytes, type(None)})


def snapshot(value: Any) -> Any:
    """A deep copy of `value`. Dicts, lists and pydantic objects are copied directly, all else by `copy.deepcopy`.

    Raises:
        TypeError: from `deepcopy`, when something in it cannot be copied.
    """
    kind = cast("type[object]", type(value))
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {key: one if type(one) in _ATOMS else snapshot(one) for key, one in value.items()}
    if kind is list:
        return [one if type(one) in _ATOMS else snapshot(one) for one in value]
    if (
        isinstance(value, _pydantic.BaseModel)
        and not value.__pydantic_extra__
        and not value.__pydantic_private__
    ):
        held = {name: snapshot(one) for name, one in vars(value).items() if type(one) not in _ATOMS}
        # Only what is set may be named in an update: pydantic counts it as set from then on.
        if held.keys() <= value.model_fields_set:
            return value.model_copy(update=held)
    return copy.deepcopy(value)
