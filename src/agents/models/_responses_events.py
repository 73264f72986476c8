"""Stream events of the Responses API as the objects that the `openai` client makes of them.

Rules:

1. The object equals the client's own: type, fields, fields set, extra fields.
   `tests/models/test_decoder_parity.py` holds this for every recorded event.
2. Small events whose every field is a plain text or number, deltas above all,
   are filled directly, without validation: rows of `PLAIN_TYPES`. The client
   takes 60 µs for one, we take 2.
3. A value of any unexpected kind takes the other way: validate as the class
   that `type` names and, failing that, `model_construct` it, which is what the
   client does after trying every class there is.
4. An event of unknown type becomes the first class of the client's union with
   `model_construct`: odd, but it is what users of the client see.

This is the only module that touches the inside of pydantic objects: the
instance dict and the three slots beside it, which pydantic's own `copy` and
`pickle` support sets in the same way.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from agents._lazy import lazy_module

if TYPE_CHECKING:
    import pydantic as _pydantic
    from openai import BaseModel
    from openai.types import responses as _responses
else:
    _pydantic = lazy_module("pydantic")
    _responses = lazy_module("openai.types.responses")

__all__ = ["PLAIN_TYPES", "filled_directly", "responses_event"]

PLAIN_TYPES = frozenset(
    {
        "response.output_text.delta",
        "response.output_text.done",
        "response.refusal.delta",
        "response.refusal.done",
        "response.reasoning_text.delta",
        "response.reasoning_text.done",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.done",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.code_interpreter_call_code.delta",
        "response.code_interpreter_call_code.done",
        "response.audio.delta",
        "response.audio.transcript.delta",
    }
)
"""Events that are filled directly; a row here needs nothing else, its fields come from the class."""

_RESERVED_KEYS = frozenset({"_fields_set", "_BaseModel__cls"})
"""Names of the parameters of the client's `construct`, which gets the fields by name too."""

_set = object.__setattr__


class _Plain(NamedTuple):
    """How to fill one class directly."""

    kind: type[BaseModel]
    unset: dict[str, Any]
    """Its fields in the class's order, all None; copied for each event."""

    types: tuple[type, ...]
    """The one accepted type of each; `list` only when empty."""

    lists: tuple[str, ...]
    """The fields that are lists."""

    names: frozenset[str]


class _Classes(NamedTuple):
    by_type: dict[str, type[BaseModel]]
    plain: dict[str, _Plain]
    first: type[BaseModel]


def responses_event(payload: dict[str, Any]) -> _responses.ResponseStreamEvent:
    """The event that `payload`, one parsed event of a stream, stands for.

    Takes over the payload: the caller must not use it any more. Unknown fields
    stay as extras; nothing is refused.
    """
    classes = _classes()
    name = payload.get("type")
    plain = classes.plain.get(name) if type(name) is str else None
    if plain is not None:
        event = _filled(plain, payload)
        if event is not None:
            return cast("_responses.ResponseStreamEvent", event)
    kind = classes.by_type.get(name) if type(name) is str else None
    if kind is None:
        return cast("_responses.ResponseStreamEvent", _constructed(classes.first, payload))
    try:
        return cast("_responses.ResponseStreamEvent", kind.model_validate(payload))
    except _pydantic.ValidationError:
        return cast("_responses.ResponseStreamEvent", _constructed(kind, payload))


def _constructed(kind: type[BaseModel], payload: dict[str, Any]) -> BaseModel:
    """The event without validation, nested objects included."""
    _drop_reserved(payload)
    return kind.model_construct(**payload)


def _drop_reserved(payload: dict[str, Any]) -> None:
    """Take out, at any depth, what the client's way of making objects without validation takes for itself."""
    waiting: list[Any] = [payload]
    for container in waiting:
        if type(container) is dict:
            fields = cast("dict[str, Any]", container)
            for key in _RESERVED_KEYS.intersection(fields):
                del fields[key]
            waiting.extend(fields.values())
        elif type(container) is list:
            waiting.extend(cast("list[Any]", container))


def _filled(plain: _Plain, payload: dict[str, Any]) -> BaseModel | None:
    """The event filled directly, or None when a value needs the client's own way."""
    values = plain.unset.copy()
    # Known keys keep the class's order, unknown ones come behind them.
    values.update(payload)
    extra: dict[str, Any] = {}
    surplus = len(values) - len(plain.names)
    if surplus == 1:
        name, value = values.popitem()
        extra[name] = value
    elif surplus:
        for name in [*values][-surplus:]:
            extra[name] = values.pop(name)
    for name in plain.lists:
        if values[name]:
            # Its items have to become objects.
            return None
    if tuple(map(type, values.values())) == plain.types:
        return _made(plain.kind, values, set(payload), extra)
    return _filled_in_part(plain, payload, values, extra)


def _filled_in_part(
    plain: _Plain, payload: dict[str, Any], values: dict[str, Any], extra: dict[str, Any]
) -> BaseModel | None:
    """The same for a payload that lacks fields: those read None and are not "set", as the client has it."""
    for name, kind in zip(plain.unset, plain.types, strict=True):
        if name in payload and type(payload[name]) is not kind:
            return None
    return _made(plain.kind, values, set(plain.names.intersection(payload)), extra)


def _made(
    kind: type[BaseModel], values: dict[str, Any], fields_set: set[str], extra: dict[str, Any]
) -> BaseModel:
    event = kind.__new__(kind)
    _set(event, "__dict__", values)
    _set(event, "__pydantic_fields_set__", fields_set)
    _set(event, "__pydantic_extra__", extra)
    _set(event, "__pydantic_private__", None)
    return event


def filled_directly() -> frozenset[str]:
    """The types of `PLAIN_TYPES` that the installed client has in a form that can be filled directly."""
    return frozenset(_classes().plain)


@cache
def _classes() -> _Classes:
    """The client's event classes by event type; made when the first event comes."""
    union = get_args(_responses.ResponseStreamEvent)[0]
    kinds: tuple[type[BaseModel], ...] = get_args(union)
    by_type = {name: kind for kind in kinds for name in get_args(kind.model_fields["type"].annotation)}
    plain = {name: _plain(by_type[name]) for name in PLAIN_TYPES if name in by_type}
    return _Classes(by_type, {name: row for name, row in plain.items() if row is not None}, kinds[0])


def _plain(kind: type[BaseModel]) -> _Plain | None:
    """The row of one class, or None when this version of the client gave it a field we cannot fill."""
    fields: list[tuple[str, type]] = []
    for name, info in kind.model_fields.items():
        annotation: Any = info.annotation
        if not info.is_required() or info.alias is not None:
            return None
        if annotation is str or annotation is int:
            fields.append((name, annotation))
        elif name == "type":
            fields.append((name, str))
        elif getattr(annotation, "__origin__", None) is list:
            fields.append((name, list))
        else:
            return None
    return _Plain(
        kind,
        dict.fromkeys(name for name, _ in fields),
        tuple(one for _, one in fields),
        tuple(name for name, one in fields if one is list),
        frozenset(kind.model_fields),
    )
