"""A scripted response as the stream of events that a Responses server would send, as `openai` objects.

The order and the contents come from `response_events`; here they only become objects. An event that holds objects is
a changed copy of the first of its type, which costs two microseconds where validation costs fifty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, get_args

from agents._lazy import lazy_module
from agents.exceptions import ModelBehaviorError
from agents.models._responses_events import responses_event
from agents.usage import ATTACHED_RAW_USAGE, ATTACHED_USAGE, Usage

from ._snapshot import snapshot
from .response_events import StreamStyle, response_events, whole

if TYPE_CHECKING:
    import pydantic as _pydantic
    from openai.types import responses as rt
else:
    _pydantic = lazy_module("pydantic")
    rt = lazy_module("openai.types.responses")

_STREAMABLE = frozenset(
    {
        "message",
        "function_call",
        "reasoning",
        "apply_patch_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
    }
)
_SUMMARY_PARTS = frozenset({"response.reasoning_summary_part.added", "response.reasoning_summary_part.done"})
_HOLDING_OBJECTS = frozenset({"response", "item", "part"})


def _fields(node: _pydantic.BaseModel) -> Mapping[str, Any]:
    return vars(node)


def _edited(node: _pydantic.BaseModel, changes: Mapping[str, Any]) -> _pydantic.BaseModel:
    return node.model_copy(update=changes)


_STYLE = StreamStyle(
    split=whole, raw_reasoning_parts=False, named_arguments_done=True, fields=_fields, edited=_edited
)


def scripted_events(
    output: Sequence[object],
    *,
    usage: Usage,
    response_id: str | None,
    request_id: str | None,
    raw_usage: dict[str, Any] | None,
) -> list[rt.ResponseStreamEvent]:
    """The whole stream, one delta for each text. The terminal response has items of its own.

    The response carries what the wire has no place for, as attributes: `_request_id`, as the client sets it,
    the `Usage` with its request count, and the raw usage.

    Raises:
        ModelBehaviorError: an item of a kind that has no automatic stream.
    """
    items = [_streamable(item) for item in output]
    finished = [snapshot(item) for item in items]
    blank = _blank_response()
    in_progress = {"id": response_id, "status": "in_progress"}
    completed = {"id": response_id, "status": "completed", "output": finished, "usage": _wire_usage(usage)}
    closed = blank.model_copy(update=completed)
    notes = {ATTACHED_USAGE: usage, "_request_id": request_id, ATTACHED_RAW_USAGE: raw_usage}
    for name, note in notes.items():
        if note is not None:
            setattr(closed, name, note)
    opened = blank.model_copy(update={**in_progress, "output": []})
    events = [_object(event) for event in response_events(opened, items, closed, style=_STYLE)]
    # The two opening events show the same state, but a reader may change one of them.
    vars(events[1])["response"] = blank.model_copy(update={**in_progress, "output": []})
    return events


def _streamable(item: object) -> _pydantic.BaseModel:
    if isinstance(item, _pydantic.BaseModel):
        if vars(item).get("type") in _STREAMABLE:
            return item
    elif isinstance(item, Mapping):
        fields = cast("Mapping[str, Any]", item)
        if fields.get("type") == "apply_patch_call":
            return apply_patch_call(fields)
    kind = cast("object", item).__class__.__name__
    raise ModelBehaviorError(
        f"Automatic streaming does not support {kind}. Use ModelStep.stream(...) to give the exact events."
    )


def apply_patch_call(fields: Mapping[str, Any]) -> rt.ResponseApplyPatchToolCall:
    """An apply-patch call from its mapping; its id is the call id unless it has one. Unknown fields are left out.

    Raises:
        ModelBehaviorError: the call id is missing, or one of the ids is not a non-empty string.
        pydantic.ValidationError: the operation is none.
    """
    call_id = fields.get("call_id")
    if not isinstance(call_id, str) or not call_id:
        raise ModelBehaviorError("Tool invocations require a non-empty string call ID before execution.")
    item_id = fields.get("id", call_id)
    if not isinstance(item_id, str) or not item_id:
        raise ModelBehaviorError("Apply-patch tool calls require a non-empty string item ID when provided.")
    return rt.ResponseApplyPatchToolCall.model_validate(
        {
            "type": "apply_patch_call",
            "id": item_id,
            "call_id": call_id,
            "operation": fields.get("operation"),
            "status": fields.get("status", "completed"),
            "caller": fields.get("caller"),
        }
    )


def _wire_usage(usage: Usage) -> rt.ResponseUsage:
    return rt.ResponseUsage(
        input_tokens=usage.input_tokens,
        input_tokens_details=usage.input_tokens_details.model_copy(),
        output_tokens=usage.output_tokens,
        output_tokens_details=usage.output_tokens_details.model_copy(),
        total_tokens=usage.total_tokens,
    )


_blank: list[rt.Response] = []
_first_of: dict[str, _pydantic.BaseModel] = {}


def _blank_response() -> rt.Response:
    if not _blank:
        _blank.append(
            rt.Response(
                id="",
                created_at=0.0,
                model="scripted-model",
                object="response",
                output=[],
                parallel_tool_calls=False,
                tool_choice="none",
                tools=[],
                top_p=None,
                status="in_progress",
                usage=None,
            )
        )
    return _blank[0]


def _object(event: dict[str, Any]) -> rt.ResponseStreamEvent:
    if _HOLDING_OBJECTS.isdisjoint(event):
        return responses_event(event)
    name = event["type"]
    if name in _SUMMARY_PARTS:
        # The client has classes of its own for the parts in these events.
        part = cast("dict[str, Any]", vars(event["part"]))
        return responses_event({**event, "part": part.copy()})
    first = _first_of.get(name)
    if first is None:
        first = _first_of[name] = _event_class(name).model_construct(type=name)
    return cast("rt.ResponseStreamEvent", cast("object", first.model_copy(update=event)))


def _event_class(name: str) -> type[_pydantic.BaseModel]:
    """The client's class for events of type `name`."""
    kinds: tuple[type[_pydantic.BaseModel], ...] = get_args(get_args(rt.ResponseStreamEvent)[0])
    return next(kind for kind in kinds if name in get_args(kind.model_fields["type"].annotation))
