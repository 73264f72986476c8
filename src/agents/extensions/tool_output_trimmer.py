"""Long outputs of tools, shortened once they are some turns old.

1. A turn begins with a message of the user. What came since the last `recent_turns` of them is left alone.
2. What is trimmed is never longer than it was, and says that it is trimmed.
3. Nothing given is changed: what is trimmed is a copy. Trimming what was trimmed changes nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.run_config import CallModelData, ModelInputData
from agents.util.function_name import qualified_name

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")

_UNKNOWN = "unknown_tool"
_TOOL_SEARCH = "tool_search"

# The parts of a structured output; one with others is left alone.
_PARTS = frozenset({"input_text", "input_image", "input_file"})

# What of a schema is prose, and what of it holds schemas by names that are no keywords.
_PROSE = frozenset({"title", "description", "examples", "$comment"})
_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"enum", "const", "default", "required", "dependentRequired"})


@dataclass
class ToolOutputTrimmer:
    """A `RunConfig.call_model_input_filter` that shortens what tools gave in earlier turns.

        RunConfig(call_model_input_filter=ToolOutputTrimmer())

    The outputs of function tools and of tool searches are trimmed. The run's own items keep them whole.

    Raises:
        ValueError: a number is too small.
    """

    recent_turns: int = 2
    """How many turns are left alone, counted by messages of the user; at least 1."""

    max_output_chars: int = 500
    """Outputs up to this length are left alone; at least 1."""

    preview_chars: int = 200
    """How much of the beginning is kept; at least 0."""

    trimmable_tools: str | Iterable[str] | None = None
    """The names of the tools whose outputs are trimmed, with or without their namespace; None for all."""

    def __post_init__(self) -> None:
        limits = {"recent_turns": 1, "max_output_chars": 1, "preview_chars": 0}
        for name, least in limits.items():
            value = cast("int", vars(self)[name])
            if value < least:
                raise ValueError(f"{name} must be >= {least}, got {value}")
        if self.trimmable_tools is not None:
            names = self.trimmable_tools
            self.trimmable_tools = frozenset([names] if isinstance(names, str) else names)

    def __call__(self, data: CallModelData[Any]) -> ModelInputData:
        """The input with what is old and long shortened."""
        given = data.model_data
        items = list(given.input)
        names = _names_of_calls(items)
        for index in range(self._first_recent(items)):
            items[index] = self._trimmed(items[index], names)
        return ModelInputData(input=items, instructions=given.instructions)

    def _first_recent(self, items: list[_items.TResponseInputItem]) -> int:
        """The index of the message that begins the recent turns; 0 if all are recent."""
        left = self.recent_turns
        for index in range(len(items) - 1, -1, -1):
            if _fields(items[index]).get("role") == "user":
                left -= 1
                if left == 0:
                    return index
        return 0

    def _trimmed(
        self, item: _items.TResponseInputItem, names: Mapping[str, tuple[str, str]]
    ) -> _items.TResponseInputItem:
        fields = _fields(item)
        changed: Mapping[str, Any] = {}
        if fields.get("type") == "function_call_output":
            qualified, bare = names.get(str(fields.get("call_id")), (_UNKNOWN, _UNKNOWN))
            if self._is_trimmable(qualified, bare):
                changed = {"output": self._trimmed_output(fields.get("output"), qualified)}
        elif fields.get("type") == "tool_search_output" and self._is_trimmable(_TOOL_SEARCH):
            changed = self._trimmed_search(fields)
        if all(fields.get(name) == value for name, value in changed.items()):
            return item
        return cast("_items.TResponseInputItem", {**fields, **changed})

    def _is_trimmable(self, *names: str) -> bool:
        wanted = self.trimmable_tools
        return wanted is None or any(name in wanted for name in names)

    def _trimmed_output(self, output: Any, name: str) -> Any:
        if output is None:
            return None
        if isinstance(output, list):
            return self._trimmed_parts(cast("list[Any]", output), name)
        return self._trimmed_text(output if isinstance(output, str) else str(output), name, untrimmed=output)

    def _trimmed_text(self, text: str, name: str, *, untrimmed: Any) -> Any:
        if len(text) <= self.max_output_chars or self._is_trimmed(text, name):
            return untrimmed
        header = f"[Trimmed: {name} output — {len(text)} chars → {self.preview_chars} char preview]\n"
        trimmed = f"{header}{text[: self.preview_chars]}..."
        return trimmed if len(trimmed) < len(text) else untrimmed

    def _is_trimmed(self, text: str, name: str) -> bool:
        header = re.match(rf"\[Trimmed: {re.escape(name)} output — \d+ chars → (\d+) char preview\]\n", text)
        return header is not None and len(text) == header.end() + int(header[1]) + len("...")

    def _trimmed_parts(self, output: list[Any], name: str) -> Any:
        parts = [_fields(part) for part in output if isinstance(part, Mapping)]
        if len(parts) < len(output) or any(part.get("type") not in _PARTS for part in parts):
            return output
        payload = sum(_payload(part) for part in parts)
        if payload <= self.max_output_chars:
            return output
        text = "\n".join(str(part.get("text", "")) for part in parts if part["type"] == "input_text")
        dropped = Counter(str(part["type"]) for part in parts if part["type"] != "input_text")
        preview = text[: self.preview_chars]
        body = (f"\n{preview}" if preview else "") + ("..." if len(preview) < len(text) else "")
        kinds = sorted(dropped)
        drops = [f"dropped {', '.join(f'{dropped[kind]} {kind}' for kind in kinds)}"] if kinds else []
        sizes = [f"payload {payload}", *([f"preview {len(preview)}"] if text else [])]
        # The text first: as much is said of it, and of what is missing, as there is room for.
        heads = [
            "; ".join([f"[Trimmed: {name}", *sizes, *drops]),
            "; ".join([f"[Trimmed: {name}", *drops]),
            "; ".join(["[Trimmed", *drops]),
            f"[Trimmed: {', '.join(kinds)}" if kinds else "[Trimmed",
            "[Trimmed",
        ]
        fitting = (f"{head}]{body}" for head in heads if len(head) + 1 + len(body) <= self.max_output_chars)
        return next(fitting, f"[Trimmed]{body}"[: self.max_output_chars].removesuffix("\n"))

    def _trimmed_search(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        tools, results = fields.get("tools"), fields.get("results")
        if isinstance(tools, list) and len(whole := _json(tools)) > self.max_output_chars:
            shorter = [self._trimmed_tool(tool) for tool in cast("list[Any]", tools)]
            if len(_json(shorter)) < len(whole):
                changed["tools"] = shorter
        if isinstance(results, list):
            found, whole = cast("list[Any]", results), _json(results)
            text = self._trimmed_text(whole, _TOOL_SEARCH, untrimmed=None)
            already = len(found) == 1 and self._is_trimmed(str(_fields(found[0]).get("text")), _TOOL_SEARCH)
            if text is not None and not already and len(_json([{"text": text}])) < len(whole):
                changed["results"] = [{"text": text}]
        return changed

    def _trimmed_tool(self, tool: Any) -> Any:
        """A tool, or a namespace of them, with a short description and without the prose of its schema."""
        if not isinstance(tool, Mapping):
            return tool
        kept = dict(_fields(tool))
        description = kept.get("description")
        if isinstance(description, str) and len(description) > self.preview_chars:
            kept["description"] = f"{description[: self.preview_chars]}..."
        if "parameters" in kept:
            kept["parameters"] = _without_prose(kept["parameters"])
        if isinstance(kept.get("tools"), list):
            kept["tools"] = [self._trimmed_tool(inner) for inner in kept["tools"]]
        return kept


def _fields(item: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", item) if isinstance(item, Mapping) else {}


def _names_of_calls(items: list[_items.TResponseInputItem]) -> dict[str, tuple[str, str]]:
    """By call id: the tool's name with its namespace, and without."""
    names: dict[str, tuple[str, str]] = {}
    for item in items:
        fields = _fields(item)
        if fields.get("type") == "function_call":
            name = str(fields.get("name"))
            names[str(fields.get("call_id"))] = (qualified_name(name, fields.get("namespace")), name)
    return names


def _payload(part: Mapping[str, Any]) -> int:
    return sum(len(value) for name, value in part.items() if name != "type" and isinstance(value, str))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _without_prose(schema: Any) -> Any:
    match schema:
        case dict():
            fields = cast("dict[str, Any]", schema)
            return {name: _kept(name, value) for name, value in fields.items() if name not in _PROSE}
        case list():
            return [_without_prose(one) for one in cast("list[Any]", schema)]
        case _:
            return schema


def _kept(keyword: str, value: Any) -> Any:
    if keyword in _VALUES:
        return value
    if keyword in _BY_NAME and isinstance(value, dict):
        by_name = cast("dict[str, Any]", value)
        return {name: _without_prose(one) for name, one in by_name.items()}
    return _without_prose(value)
