"""What the events, items and parts of a Responses stream are made of: tables, and how to read them.

The tables follow the types of the `openai` client and what recorded servers send.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

__all__ = [
    "EVENTS",
    "ITEMS",
    "NOT_IN_PARTS",
    "PARTS",
    "PART_LISTS",
    "RESPONSE",
    "SCRIPTS",
    "TEXTS",
    "Fields",
    "Stage",
    "TextKind",
    "as_list",
    "as_object",
    "faults",
    "first_difference",
    "index_in",
    "shown",
    "texts_at",
]

Fields = Mapping[str, Any]
Shape = Mapping[str, type | tuple[type, ...]]
"""Required fields and their types; `object` takes anything, null too."""

_RESPONSE: Shape = {"response": dict}
_OF_ITEM: Shape = {"output_index": int, "item_id": str}
_OF_CONTENT: Shape = {**_OF_ITEM, "content_index": int}
_OF_SUMMARY: Shape = {**_OF_ITEM, "summary_index": int}
_OF_COMMAND: Shape = {"output_index": int, "command_index": int}


def _deltas(stem: str, place: Shape, done: Shape, delta: Shape | None = None) -> dict[str, Shape]:
    return {
        f"response.{stem}.delta": {**place, **(delta or {"delta": str})},
        f"response.{stem}.done": {**place, **done},
    }


def _stages(stem: str, *names: str) -> dict[str, Shape]:
    return {f"response.{stem}.{name}": _OF_ITEM for name in names}


EVENTS: dict[str, Shape] = {
    **{f"response.{name}": _RESPONSE for name in ("created", "queued", "in_progress")},
    **{f"response.{name}": _RESPONSE for name in ("completed", "failed", "incomplete")},
    **{f"response.output_item.{name}": {"output_index": int, "item": dict} for name in ("added", "done")},
    **{f"response.content_part.{name}": {**_OF_CONTENT, "part": dict} for name in ("added", "done")},
    **{
        f"response.reasoning_summary_part.{name}": {**_OF_SUMMARY, "part": dict} for name in ("added", "done")
    },
    **_deltas("output_text", _OF_CONTENT, {"text": str, "logprobs": list}, {"delta": str, "logprobs": list}),
    "response.output_text.annotation.added": {**_OF_CONTENT, "annotation_index": int, "annotation": dict},
    **_deltas("refusal", _OF_CONTENT, {"refusal": str}),
    **_deltas("reasoning_text", _OF_CONTENT, {"text": str}),
    **_deltas("reasoning_summary_text", _OF_SUMMARY, {"text": str}),
    **_deltas("function_call_arguments", _OF_ITEM, {"arguments": str}),
    **_deltas("custom_tool_call_input", _OF_ITEM, {"input": str}),
    **_deltas("mcp_call_arguments", _OF_ITEM, {"arguments": str}),
    **_deltas("code_interpreter_call_code", _OF_ITEM, {"code": str}),
    # Recorded from the API, though no client has a type for it.
    **_deltas("apply_patch_call_operation_diff", _OF_ITEM, {"diff": str}),
    "response.shell_call_command.added": {**_OF_COMMAND, "command": str},
    **_deltas("shell_call_command", _OF_COMMAND, {"command": str}),
    **_deltas(
        "shell_call_output_content", {**_OF_ITEM, "command_index": int}, {"output": list}, {"delta": dict}
    ),
    **_stages("mcp_call", "in_progress", "completed", "failed"),
    **_stages("mcp_list_tools", "in_progress", "completed", "failed"),
    **_stages("web_search_call", "in_progress", "searching", "completed"),
    **_stages("file_search_call", "in_progress", "searching", "completed"),
    **_stages("code_interpreter_call", "in_progress", "interpreting", "completed"),
    **_stages("image_generation_call", "in_progress", "generating", "completed"),
    "response.image_generation_call.partial_image": {
        **_OF_ITEM,
        "partial_image_index": int,
        "partial_image_b64": str,
    },
    **_stages("compaction", "compacting"),
    "response.audio.delta": {"delta": str},
    "response.audio.done": {},
    "response.audio.transcript.delta": {"delta": str},
    "response.audio.transcript.done": {},
    # Documented flat; the API sends the details nested in `error`.
    "error": {},
}

RESPONSE: Shape = {
    "id": str,
    "object": str,
    "created_at": (int, float),
    "status": str,
    "model": str,
    "output": list,
    "parallel_tool_calls": bool,
    "tool_choice": (str, dict),
    "tools": list,
    "error": object,
    "incomplete_details": object,
}

_CALL: Shape = {"call_id": str, "name": str}
_SERVER: Shape = {"server_label": str}
ITEMS: dict[str, Shape] = {
    "message": {"id": str, "role": str, "status": str, "content": list},
    "reasoning": {"id": str, "summary": list},
    "function_call": {**_CALL, "arguments": str},
    "custom_tool_call": {**_CALL, "input": str},
    "mcp_call": {"id": str, **_SERVER, "name": str, "arguments": str},
    "mcp_list_tools": {"id": str, **_SERVER, "tools": list},
    "mcp_approval_request": {"id": str, **_SERVER, "name": str, "arguments": str},
    "web_search_call": {"id": str, "status": str},
    "file_search_call": {"id": str, "status": str, "queries": list},
    "code_interpreter_call": {"id": str, "status": str},
    "image_generation_call": {"id": str, "status": str},
    "apply_patch_call": {"call_id": str, "operation": dict},
    "shell_call": {"call_id": str, "action": dict},
    "local_shell_call": {"call_id": str, "action": dict},
}
"""Required fields by type of item. Types that are not here, such as a vendor's own, may have any."""

PARTS: dict[str, Shape] = {
    "output_text": {"text": str, "annotations": list},
    "refusal": {"refusal": str},
    "reasoning_text": {"text": str},
    "summary_text": {"text": str},
}


@dataclass(frozen=True, slots=True)
class TextKind:
    """A text that comes in deltas.

    `done` is the field of the done event and of the finished part or item. `path` leads to the text in the
    finished item: to a list of parts or texts where `index` names the event's field with the place in that list,
    else to the text itself. `part_type` is the type of part that has such text.
    """

    done: str
    path: tuple[str, ...]
    index: str | None = None
    part_type: str | None = None


TEXTS: dict[str, TextKind] = {
    "output_text": TextKind("text", ("content",), "content_index", "output_text"),
    "refusal": TextKind("refusal", ("content",), "content_index", "refusal"),
    "reasoning_text": TextKind("text", ("content",), "content_index", "reasoning_text"),
    "reasoning_summary_text": TextKind("text", ("summary",), "summary_index", "summary_text"),
    "function_call_arguments": TextKind("arguments", ("arguments",)),
    "custom_tool_call_input": TextKind("input", ("input",)),
    "mcp_call_arguments": TextKind("arguments", ("arguments",)),
    "code_interpreter_call_code": TextKind("code", ("code",)),
    "apply_patch_call_operation_diff": TextKind("diff", ("operation", "diff")),
    "shell_call_command": TextKind("command", ("action", "commands"), "command_index"),
}
"""By the event's name without `response.` and without `.delta` or `.done`."""

PART_LISTS: dict[str, tuple[str, str]] = {
    "content_part": ("content", "content_index"),
    "reasoning_summary_part": ("summary", "summary_index"),
}
"""Events that add and end parts: the item's field with the parts, and the event's field with the index."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that an item goes through: names of events or texts, any one of which will do."""

    names: tuple[str, ...]
    is_required: bool = True
    is_repeated: bool = False


def _hosted(kind: str, *names: str) -> tuple[Stage, ...]:
    return tuple(Stage(tuple(f"{kind}.{each}" for each in name.split("|"))) for name in names)


def _text(name: str, *, is_required: bool = True) -> Stage:
    return Stage((name,), is_required=is_required, is_repeated=True)


_CONTENT = Stage(
    ("content_part", "output_text", "refusal", "output_text.annotation"), is_required=False, is_repeated=True
)
_REASONING = Stage(
    ("reasoning_summary_part", "reasoning_summary_text", "content_part", "reasoning_text"),
    is_required=False,
    is_repeated=True,
)
_CODE_STAGES = _hosted("code_interpreter_call", "in_progress", "interpreting", "completed")
_IMAGE_STAGES = _hosted("image_generation_call", "in_progress", "generating", "completed")
_MCP_STAGES = _hosted("mcp_call", "in_progress", "completed|failed")

SCRIPTS: dict[str, tuple[Stage, ...]] = {
    "message": (_CONTENT,),
    "reasoning": (_REASONING,),
    "function_call": (_text("function_call_arguments"),),
    "custom_tool_call": (_text("custom_tool_call_input"),),
    "mcp_call": (_MCP_STAGES[0], _text("mcp_call_arguments"), _MCP_STAGES[1]),
    "mcp_list_tools": _hosted("mcp_list_tools", "in_progress", "completed|failed"),
    "web_search_call": _hosted("web_search_call", "in_progress", "searching", "completed"),
    "file_search_call": _hosted("file_search_call", "in_progress", "searching", "completed"),
    "code_interpreter_call": (_CODE_STAGES[0], _text("code_interpreter_call_code"), *_CODE_STAGES[1:]),
    "image_generation_call": (
        *_IMAGE_STAGES[:2],
        Stage(("image_generation_call.partial_image",), is_required=False, is_repeated=True),
        _IMAGE_STAGES[2],
    ),
    # A patch that deletes has no diff, and servers that stream no commands show them in the finished item.
    "apply_patch_call": (_text("apply_patch_call_operation_diff", is_required=False),),
    "shell_call": (_text("shell_call_command", is_required=False),),
    "shell_call_output": (Stage(("shell_call_output_content",), is_required=False, is_repeated=True),),
    "compaction": (Stage(("compaction.compacting",), is_required=False),),
    "mcp_approval_request": (),
    "local_shell_call": (),
    "tool_search_call": (),
}
"""What an item of each type goes through, in order. Types that are not here may have any events."""

# What differs between two copies of one item, though both are right.
_UNSTABLE = frozenset({"encrypted_content", "fingerprint"})
NOT_IN_PARTS = _UNSTABLE | {"logprobs"}
"""What a finished part need not share with the part in the finished item: the API leaves the log probabilities out."""
_SHOWN_CHARACTERS = 100


def faults(fields: Fields, shape: Shape) -> Iterator[tuple[str, str]]:
    """What is wrong with `fields`: pairs of what was expected and what was found."""
    for name, kind in shape.items():
        if name not in fields:
            yield f"a field {name!r}", f"none in {shown(dict(fields))}"
            continue
        value: object = fields[name]
        # A bool is an int to Python, and none to JSON.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            yield f"{name!r} to be {' or '.join(each.__name__ for each in kinds)}", shown(value)


def as_object(value: object) -> Fields:
    """The JSON object that `value` is; an empty one if it is none."""
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[object]:
    """The list that `value` is; an empty one if it is none."""
    return cast("list[object]", value) if isinstance(value, list) else []


def index_in(fields: Fields, name: str) -> int | None:
    """The integer under this name, None where there is none."""
    value: object = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def texts_at(item: Fields, path: tuple[str, ...]) -> Any:
    """What stands in `item` under `path`; None where that leads nowhere."""
    found: object = item
    for name in path:
        found = as_object(found).get(name)
    return found


def first_difference(
    expected: object, found: object, path: str = "", *, without: Collection[str] = _UNSTABLE
) -> tuple[str, str] | None:
    """Where two JSON values differ first, as texts; None where they do not. Names in `without` are passed over."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        left, right = as_object(cast("object", expected)), as_object(cast("object", found))
        for name in [*left, *(name for name in right if name not in left)]:
            # Clients' objects have null where the wire has nothing.
            if name not in without:
                difference = first_difference(
                    left.get(name), right.get(name), f"{path}.{name}", without=without
                )
                if difference:
                    return difference
        return None
    if isinstance(expected, list) and isinstance(found, list):
        ours, theirs = as_list(cast("object", expected)), as_list(cast("object", found))
        if len(ours) != len(theirs):
            return f"{path} of length {len(ours)}", f"length {len(theirs)}: {shown(theirs)}"
        pairs = enumerate(zip(ours, theirs, strict=True))
        differences = (first_difference(a, b, f"{path}[{index}]", without=without) for index, (a, b) in pairs)
        return next((each for each in differences if each), None)
    return None if expected == found else _as_texts(path, expected, found)


def _as_texts(path: str, expected: Any, found: Any) -> tuple[str, str]:
    return f"{path} {shown(expected)}".strip(), shown(found)


def shown(value: object) -> str:
    """A value as reports show it: short."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
