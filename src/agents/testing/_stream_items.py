"""One output item of a stream as its events build it up, and what they do wrong.

Pure. A breach is told to the `report` that an item is made with: rule, what was expected, what was found.

Two kinds of item are not known from their beginning: one that a resumed stream finds in progress, and one whose
announcement is missing, which has been reported. Nothing is expected of what came before their first event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ._stream_shapes import (
    ITEMS,
    NOT_IN_PARTS,
    PART_LISTS,
    PARTS,
    SCRIPTS,
    TEXTS,
    Fields,
    TextKind,
    as_list,
    as_object,
    faults,
    first_difference,
    index_in,
    shown,
    texts_at,
)

__all__ = ["Item", "Report"]

Report = Callable[[str, str, str], None]

_EMPTY_AT_FIRST: dict[str, tuple[str, ...]] = {
    "message": ("content",),
    "reasoning": ("summary",),
    "function_call": ("arguments",),
    "custom_tool_call": ("input",),
    "mcp_call": ("arguments",),
}
_PART_LISTS_OF = {"message": ("content",), "reasoning": ("content", "summary")}
_ANNOTATION = "output_text.annotation"
_STAYS = ("type", "id", "call_id", "name")


@dataclass(slots=True)
class _Text:
    """A text in the making: that of a part, of an entry in a list, or of the item itself.

    `part` is what the part was added as; None where the text has no part, or as long as that was not seen.
    `is_late`: the beginning of the text was not seen.
    """

    kind: TextKind | None
    part: Fields | None = None
    is_late: bool = False
    deltas: list[str] = field(default_factory=list[str])
    done: str | None = None
    done_part: Fields | None = None
    annotations: list[object] = field(default_factory=list[object])
    logprobs: list[object] = field(default_factory=list[object])

    @property
    def is_open(self) -> bool:
        return self.done_part is None if self.part is not None else self.done is None

    @property
    def final(self) -> str:
        return "".join(self.deltas) if self.done is None else self.done


class Item:
    """An item between its announcement and its end. Feed it its events, then the finished item."""

    def __init__(self, output_index: int, announced: Fields | None, report: Report) -> None:
        """An item under `output_index`; `announced` is None where its announcement was not seen."""
        self.output_index = output_index
        self.is_late = announced is None
        self.finished: Fields | None = None
        self._announced: Fields = announced or {}
        self._report = report
        self._texts: dict[tuple[tuple[str, ...], int], _Text] = {}
        self._stage = -1
        self._names_seen: set[str] = set()
        self._images = 0
        if announced is not None:
            self._check_announced(announced)

    @property
    def kind(self) -> str | None:
        """The item's type; None while it is not known."""
        kind: object = self._announced.get("type")
        return kind if isinstance(kind, str) else None

    @property
    def name(self) -> str | None:
        """The id that the item's events carry; None while it is not known."""
        return _name_of(self._announced)

    def take(self, event_type: str, event: Fields) -> None:
        """An event of this item, other than its first and its last."""
        if self.finished is not None:
            self._report("item-closed", f"nothing more for the item {shown(self.name)}", event_type)
            return
        item_id: object = event.get("item_id")
        if isinstance(item_id, str):
            if self.name is None:
                self._announced = {**self._announced, "id": item_id}
            elif item_id != self.name:
                self._report("item-id", f"the item id {self.name!r}", shown(item_id))
        stem, _, stage = event_type.removeprefix("response.").rpartition(".")
        self._enter_stage(_name_in_script(stem, stage))
        if stem in PART_LISTS:
            self._take_part(stem, stage, event)
        elif stem in TEXTS:
            self._take_text(stem, stage, event)
        elif stem == _ANNOTATION:
            self._take_annotation(event)
        elif stage == "partial_image":
            index = index_in(event, "partial_image_index")
            if index != self._images and not self.is_late:
                self._report("image-order", f"partial image {self._images}", shown(index))
            self._images += 1

    def finish(self, item: Fields) -> None:
        """The item as `output_item.done` shows it."""
        if self.finished is not None:
            self._report("item-closed", f"nothing more for the item {shown(self.name)}", "it is done again")
            return
        self.finished = item
        self._check_fields(item)
        self._check_identity(item)
        if item.get("status") == "in_progress":
            self._report("item-status", "a finished item not to be in progress", "'in_progress'")
        for text in self._texts.values():
            if text.part is not None and text.done_part is None:
                self._report("part-done", f"{shown(text.part.get('type'))} to be done", "its item is")
            if text.done is None and text.kind is not None and not text.is_late:
                self._report(
                    "text-done", f"a done event for {text.kind.done!r}", "none before the item was done"
                )
        self._check_copies(item)
        self._check_stages()

    # Announced and finished

    def _check_announced(self, item: Fields) -> None:
        self._check_fields(item)
        if item.get("status") not in (None, "in_progress"):
            self._report("item-empty", "an item in progress", shown(item.get("status")))
        for name in _EMPTY_AT_FIRST.get(str(self.kind), ()):
            if item.get(name):
                self._report("item-empty", f"an empty {name!r}", shown(item[name]))

    def _check_fields(self, item: Fields) -> None:
        kind: object = item.get("type")
        if not isinstance(kind, str):
            self._report("item-fields", "'type' to be str", shown(kind))
            return
        for expected, found in faults(item, ITEMS.get(kind, {})):
            self._report("item-fields", f"{expected} in the {kind}", found)

    def _check_identity(self, item: Fields) -> None:
        for name in _STAYS:
            before, after = self._announced.get(name), item.get(name)
            if name == "call_id" and self.kind == "tool_search_call":
                continue
            if before != after and not (self.is_late and before is None):
                self._report("item-identity", f"{name} {shown(before)}, as announced", shown(after))
        if self.is_late:
            self._announced = {**self._announced, **{name: item[name] for name in _STAYS if name in item}}

    def _check_stages(self) -> None:
        if self.is_late:
            return
        for stage in SCRIPTS.get(str(self.kind), ()):
            if stage.is_required and self._names_seen.isdisjoint(stage.names):
                rule = "text-done" if stage.names[0] in TEXTS else "stage-missing"
                self._report(rule, f"{' or '.join(stage.names)} in the {self.kind}", "no such event")

    def _enter_stage(self, name: str) -> None:
        kind = self.kind
        if kind is None or kind not in SCRIPTS:
            return
        stages = SCRIPTS[kind]
        place = next((index for index, stage in enumerate(stages) if name in stage.names), None)
        if place is None:
            self._report("item-events", f"events of a {kind}", name)
            return
        if place < self._stage or (place == self._stage and not stages[place].is_repeated):
            self._report("stage-order", f"what comes after {stages[self._stage].names[0]}", name)
        self._stage = max(self._stage, place)
        self._names_seen.add(name)

    # Parts

    def _take_part(self, stem: str, stage: str, event: Fields) -> None:
        place, index_name = PART_LISTS[stem]
        index = index_in(event, index_name) or 0
        part = as_object(event.get("part"))
        kind: object = part.get("type")
        for expected, found in faults(part, {"type": str, **PARTS.get(str(kind), {})}):
            self._report("part-fields", f"{expected} in the part", found)
        if stage == "added":
            self._add_part(place, index, part)
            return
        text = self._texts.get(((place,), index))
        if text is None or text.part is None:
            if not self.is_late:
                self._report("part-announced", f"an event that adds part {index} of {place!r}", "none before")
                return
            text = text or _Text(_kind_of_part(part), is_late=True)
            # What it was added as was not seen: as good as what it is.
            text.part = part
            self._texts[(place,), index] = text
        self._end_part(text, part)

    def _add_part(self, place: str, index: int, part: Fields) -> None:
        count = sum(1 for path, _ in self._texts if path == (place,))
        if index != count and not self.is_late:
            self._report("part-order", f"part {count} of {place!r}", str(index))
        if any(text.is_open for text in self._texts.values()):
            self._report("part-order", "the part before it to be done", f"part {index} of {place!r} is added")
        text = self._texts[(place,), index] = _Text(_kind_of_part(part), part)
        if text.kind is not None and part.get(text.kind.done):
            self._report("part-empty", f"an empty {text.kind.done!r}", shown(part[text.kind.done]))

    def _end_part(self, text: _Text, part: Fields) -> None:
        if text.done_part is not None:
            self._report("part-closed", "a part that is not done yet", shown(part))
            return
        text.done_part = part
        announced = text.part or {}
        if announced.get("type") != part.get("type"):
            self._report("part-type", shown(announced.get("type")), shown(part.get("type")))
        if text.kind is None:
            return
        if text.done is not None and part.get(text.kind.done) != text.done:
            self._report("text-part", shown(text.done), shown(part.get(text.kind.done)))
        difference = (
            None
            if text.is_late
            else first_difference(text.annotations, as_list(part.get("annotations")), "annotations")
        )
        if difference:
            self._report("annotations", *difference)

    # Texts

    def _take_text(self, stem: str, stage: str, event: Fields) -> None:
        kind = TEXTS[stem]
        index = 0 if kind.index is None else index_in(event, kind.index) or 0
        if stage == "added":
            self._add_entry(kind, index, event)
            return
        text = self._text_at(stem, kind, index)
        if text.kind is not kind and text.part is not None:
            self._report("part-type", f"events of a part of type {shown(text.part.get('type'))}", stem)
        if text.done is not None or text.done_part is not None:
            self._report("text-closed", "nothing more for a text that is done", f"{stem}.{stage}")
            return
        logprobs = as_list(event.get("logprobs"))
        if stage == "delta":
            text.deltas.append(_text_in(event, "delta"))
            text.logprobs += logprobs
            return
        done, joined = _text_in(event, kind.done), "".join(text.deltas)
        if not (done.endswith(joined) if text.is_late else done == joined):
            self._report("text-joined", f"the deltas joined, {shown(joined)}", shown(done))
        difference = None if text.is_late else first_difference(text.logprobs, logprobs, "logprobs")
        if difference:
            self._report("logprobs", *difference)
        text.done = done

    def _text_at(self, stem: str, kind: TextKind, index: int) -> _Text:
        """The text that an event is about; made here where nothing had to come before it."""
        text = self._texts.get((kind.path, index))
        if text is not None:
            return text
        if kind.index is not None and not self.is_late:
            if stem == "reasoning_text":
                # Unwrapped raw reasoning: the first event of a text begins it, and its done event ends it.
                self._add_unwrapped(index)
            else:
                self._report("part-announced", f"an event that begins {kind.path[-1]}[{index}]", stem)
        text = self._texts[kind.path, index] = _Text(kind, is_late=self.is_late)
        return text

    def _add_unwrapped(self, index: int) -> None:
        count = sum(1 for path, _ in self._texts if path == ("content",))
        if index != count or any(text.is_open for text in self._texts.values()):
            self._report(
                "part-order", f"raw reasoning text {count}, and the part before it to be done", str(index)
            )

    def _add_entry(self, kind: TextKind, index: int, event: Fields) -> None:
        count = sum(1 for path, _ in self._texts if path == kind.path)
        if (index != count and not self.is_late) or any(text.is_open for text in self._texts.values()):
            self._report(
                "part-order", f"{kind.path[-1]}[{count}], and the one before it to be done", str(index)
            )
        if event.get(kind.done):
            self._report("part-empty", f"an empty {kind.done!r}", shown(event[kind.done]))
        self._texts[kind.path, index] = _Text(kind)

    def _take_annotation(self, event: Fields) -> None:
        kind = TEXTS["output_text"]
        text = self._text_at(_ANNOTATION, kind, index_in(event, "content_index") or 0)
        if text.done is not None or text.done_part is not None:
            self._report("text-closed", "nothing more for a text that is done", "an annotation")
        index = index_in(event, "annotation_index")
        if index != len(text.annotations) and not text.is_late:
            self._report("annotations", f"annotation {len(text.annotations)}", shown(index))
        text.annotations.append(event.get("annotation"))

    # The finished item

    def _check_copies(self, item: Fields) -> None:
        for path in _PART_LISTS_OF.get(str(self.kind), ()):
            parts = as_list(item.get(path))
            streamed = sum(1 for each, _ in self._texts if each == (path,))
            if streamed != len(parts) and not self.is_late:
                self._report("text-item", f"{path!r} with the {streamed} streamed parts", shown(parts))
        for (path, index), text in self._texts.items():
            found: Any = texts_at(item, path)
            if text.kind is None or text.kind.index is not None:
                entries = as_list(found)
                found = entries[index] if index < len(entries) else None
            expected: object = text.final
            if text.done_part is not None:
                expected = text.done_part
            elif text.kind is not None and text.kind.part_type is not None:
                found = as_object(found).get(text.kind.done)
            if text.is_late and text.done is None and text.done_part is None:
                continue
            difference = first_difference(expected, found, ".".join(path), without=NOT_IN_PARTS)
            if difference:
                self._report("text-item", *difference)


def _kind_of_part(part: Fields) -> TextKind | None:
    return next((kind for kind in TEXTS.values() if kind.part_type == part.get("type")), None)


def _name_in_script(stem: str, stage: str) -> str:
    """What `SCRIPTS` calls an event: texts and parts by their stem, stages by their whole name."""
    is_whole = stem in TEXTS or stem in PART_LISTS or stem == _ANNOTATION or stage in {"delta", "done"}
    return stem if is_whole else f"{stem}.{stage}"


def _name_of(item: Fields) -> str | None:
    for name in ("id", "call_id"):
        value: object = item.get(name)
        if isinstance(value, str):
            return value
    return None


def _text_in(event: Fields, name: str) -> str:
    value: object = event.get(name)
    return value if isinstance(value, str) else ""
