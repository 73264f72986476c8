"""Checks a stream of Responses events against the rules of the format: events in, violations out.

Sans-I/O. Works on the events of one response, whoever sent them: a server under test, a recording, a proxy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ._stream_items import Item
from ._stream_rules import RULES
from ._stream_shapes import (
    EVENTS,
    RESPONSE,
    Fields,
    as_list,
    as_object,
    faults,
    first_difference,
    index_in,
    shown,
)

__all__ = ["AnyEvent", "StreamChecker", "Violation", "check_stream"]


class HasModelDump(Protocol):
    """A model object that turns itself into JSON-shaped data, as those of `openai` and pydantic do."""

    def model_dump(self, *, mode: str, warnings: bool) -> dict[str, Any]:
        """The object as plain data; without warnings where a field holds what its type does not say."""
        ...


AnyEvent = Mapping[str, Any] | HasModelDump
"""An event: JSON-shaped, or an `openai.types.responses` object."""

_OPENING = {"response.created": 0, "response.queued": 1, "response.in_progress": 2}
_OPENING_STATUS = {
    "response.created": {"queued", "in_progress"},
    "response.queued": {"queued"},
    "response.in_progress": {"in_progress"},
}
_TERMINAL = {"response.completed", "response.failed", "response.incomplete"}
_IN_PROGRESS = 2
_END = "the end of the stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One breach of one rule.

    `rule` is the id of a row in the table of rules. `index` counts the events from 0; what is missing at the end
    has the index after the last. `sequence_number` is the one that the event carries, None if it has none.
    """

    rule: str
    index: int
    sequence_number: int | None
    event: str
    expected: str
    found: str

    def __str__(self) -> str:
        number = "" if self.sequence_number is None else f", number {self.sequence_number}"
        return f"event {self.index}{number} ({self.event}): [{self.rule}] expected {self.expected}; found {self.found}"


def check_stream(
    events: Iterable[AnyEvent], *, off: Collection[str] = (), tail: bool = False
) -> list[Violation]:
    """Every violation in the events of one response, in order; an empty list for a stream that keeps the rules.

    Args:
        events: All events, from `response.created` to the end.
        off: Ids of rules that are not to be checked.
        tail: The events are the rest of a stream that was resumed, so they begin at a number above 0.

    Raises:
        ValueError: there is no rule with an id in `off`.
    """
    checker = StreamChecker(off=off, tail=tail)
    found = [violation for event in events for violation in checker.feed(event)]
    return found + checker.finish()


class StreamChecker:
    """Checks one stream event by event. Call `feed` with each event, and `finish` once at the end.

    Keeps what has been streamed so far, so its memory grows with the response.
    """

    def __init__(self, *, off: Collection[str] = (), tail: bool = False) -> None:
        """A checker for one stream; see `check_stream` for the arguments.

        Raises:
            ValueError: there is no rule with an id in `off`.
        """
        unknown = sorted(set(off) - RULES.keys())
        if unknown:
            raise ValueError(f"There is no rule {', '.join(unknown)}; there are {', '.join(RULES)}.")
        self._off = frozenset(off)
        self._is_tail = tail
        self._count = 0
        self._found: list[Violation] = []
        self._event: tuple[str, int | None] = (_END, None)
        self._last_number: int | None = None
        self._are_numbers_missed = False
        self._opened = -1
        self._lacks_in_progress = False
        self._stream_id: object = None
        self._response_id: object = None
        self._has_error = False
        self._terminal: str | None = None
        # In the order in which they were announced; the second is by the latest use of an output index.
        self._items: list[Item] = []
        self._by_index: dict[int, Item] = {}

    def feed(self, event: AnyEvent) -> list[Violation]:
        """What is wrong with the next event, alone or in its place."""
        fields = _as_fields(event)
        type_: object = fields.get("type")
        self._event = (type_ if isinstance(type_, str) else "no type", index_in(fields, "sequence_number"))
        self._check_number(fields)
        self._check_stream_id(fields)
        if not isinstance(type_, str) or type_ not in EVENTS:
            self._report(
                "event-type", "a type that the API knows", shown(type_ if "type" in fields else dict(fields))
            )
        elif self._terminal is not None:
            self._report("terminal-last", f"nothing after {self._terminal}", type_)
        else:
            self._take(type_, fields)
        self._count += 1
        return self._taken()

    def finish(self) -> list[Violation]:
        """What is missing at the end of the stream."""
        self._event = (_END, None)
        if self._terminal is None:
            self._report("terminal-missing", " or ".join(sorted(_TERMINAL)), "no such event")
        return self._taken()

    def _taken(self) -> list[Violation]:
        found, self._found = self._found, []
        return found

    def _report(self, rule: str, expected: str, found: str) -> None:
        if rule not in self._off:
            type_, number = self._event
            self._found.append(
                Violation(
                    rule=rule,
                    index=self._count,
                    sequence_number=number,
                    event=type_,
                    expected=expected,
                    found=found,
                )
            )

    # What all events share

    def _check_number(self, event: Fields) -> None:
        number = index_in(event, "sequence_number")
        if number is None:
            if not self._are_numbers_missed:
                self._are_numbers_missed = True
                self._report(
                    "number-missing", "an integer sequence_number", shown(event.get("sequence_number"))
                )
            return
        if self._last_number is not None:
            if number != self._last_number + 1:
                self._report("number-step", f"number {self._last_number + 1}", str(number))
        elif self._count == 0 and self._is_tail != (number > 0):
            self._report("number-start", "a number above 0" if self._is_tail else "number 0", str(number))
        self._last_number = number

    def _check_stream_id(self, event: Fields) -> None:
        stream_id: object = event.get("stream_id")
        if self._count == 0:
            self._stream_id = stream_id
        elif stream_id != self._stream_id:
            self._report("stream-id", f"stream_id {shown(self._stream_id)}", shown(stream_id))

    def _take(self, type_: str, event: Fields) -> None:
        for expected, found in faults(event, EVENTS[type_]):
            self._report("event-fields", expected, found)
        if self._count == 0 and (type_ == "response.created") == self._is_tail:
            self._report("created-first", f"{'no ' if self._is_tail else ''}response.created first", type_)
        if self._has_error and type_ != "response.failed":
            self._report("error-end", "response.failed after an error", type_)
        if type_ in _OPENING:
            self._open(type_, event)
        elif type_ in _TERMINAL:
            self._end(type_, event)
        elif type_ == "error":
            self._has_error = True
            self._check_error(event)
        else:
            self._need_in_progress(type_)
            self._take_of_item(type_, event)

    # The response

    def _open(self, type_: str, event: Fields) -> None:
        place = _OPENING[type_]
        if place <= self._opened or self._items:
            self._report(
                "opening-order", "created, queued if at all, in_progress, each once and first", type_
            )
        self._opened = max(self._opened, place)
        response = self._response_of(event)
        status: object = response.get("status")
        if status not in _OPENING_STATUS[type_]:
            self._report(
                "response-status", f"status {' or '.join(sorted(_OPENING_STATUS[type_]))}", shown(status)
            )
        if response.get("output"):
            self._report("response-status", "an empty output before the end", shown(response["output"]))

    def _need_in_progress(self, type_: str) -> None:
        if self._opened < _IN_PROGRESS and not self._is_tail and not self._lacks_in_progress:
            self._lacks_in_progress = True
            self._report("opening-order", "response.in_progress before anything else", type_)

    def _response_of(self, event: Fields) -> Fields:
        response = as_object(event.get("response"))
        for expected, found in faults(response, RESPONSE):
            self._report("response-fields", f"{expected} in the response", found)
        response_id: object = response.get("id")
        if self._response_id is None:
            self._response_id = response_id
        elif response_id != self._response_id:
            self._report("response-id", f"the response id {shown(self._response_id)}", shown(response_id))
        return response

    def _end(self, type_: str, event: Fields) -> None:
        self._terminal = type_
        is_failed = type_ == "response.failed"
        if not is_failed:
            self._need_in_progress(type_)
            for item in self._items:
                if item.finished is None:
                    self._report("item-done", f"response.output_item.done for {shown(item.name)}", type_)
        response = self._response_of(event)
        self._check_end_status(type_, response)
        usage: object = response.get("usage")
        if type_ == "response.completed" or usage is not None:
            self._check_usage(usage)
        self._check_output(response, is_failed=is_failed)

    def _check_end_status(self, type_: str, response: Fields) -> None:
        status = type_.removeprefix("response.")
        if response.get("status") != status:
            self._report("response-status", f"status {status!r}", shown(response.get("status")))
        match type_:
            case "response.failed":
                self._check_details(response, "error", "code", "message")
            case "response.incomplete":
                self._check_details(response, "incomplete_details", "reason")
            case _:
                if response.get("error") is not None:
                    self._report(
                        "response-status", "no error in a completed response", shown(response["error"])
                    )
                for item in self._items:
                    if item.finished is not None and item.finished.get("status") == "incomplete":
                        self._report(
                            "item-status", "complete items in a completed response", shown(item.name)
                        )

    def _check_details(self, response: Fields, name: str, *keys: str) -> None:
        for expected, found in faults(as_object(response.get(name)), dict.fromkeys(keys, str)):
            self._report("response-status", f"{expected} in {name!r}", found)

    def _check_usage(self, usage: object) -> None:
        names = ("input_tokens", "output_tokens", "total_tokens")
        counts = [index_in(as_object(usage), name) for name in names]
        given, answered, total = counts
        if given is None or answered is None or total is None:
            self._report("usage", "input_tokens, output_tokens and total_tokens", shown(usage))
        elif given + answered != total:
            self._report("usage", f"a total of {given + answered} tokens", str(total))

    def _check_output(self, response: Fields, *, is_failed: bool) -> None:
        output = as_list(response.get("output"))
        if is_failed and not output:
            return
        finished = [item.finished for item in self._items if item.finished is not None]
        if self._is_tail:
            # What was done before the tail began is not known.
            output = output[len(output) - len(finished) :] if len(output) >= len(finished) else output
        difference = first_difference(finished, output, "output")
        if difference:
            self._report("response-output", *difference)

    def _check_error(self, event: Fields) -> None:
        details = as_object(event.get("error")) or event
        for expected, found in faults(details, {"message": str}):
            self._report("event-fields", expected, found)

    # Items

    def _take_of_item(self, type_: str, event: Fields) -> None:
        item = as_object(event.get("item"))
        match type_:
            case "response.output_item.added":
                self._add(event, item)
            case "response.output_item.done":
                self._item_of({"item_id": item.get("id"), **event}, type_).finish(item)
            case _:
                # Audio belongs to no item.
                if not type_.startswith("response.audio."):
                    self._item_of(event, type_).take(type_, event)

    def _add(self, event: Fields, announced: Fields) -> None:
        following = self._items[-1].output_index + 1 if self._items else None
        # A tail may begin anywhere, all else at 0.
        expected = 0 if following is None and not self._is_tail else following
        index = index_in(event, "output_index")
        if index is not None and expected is not None and index != expected:
            self._report("item-order", f"output_index {expected}", str(index))
        if index is None:
            index = expected or 0
        if self._items and self._items[-1].finished is None:
            self._report(
                "item-sequence", f"the item {shown(self._items[-1].name)} to be done", "another item"
            )
        item = Item(index, announced, self._report)
        if announced.get("id") is not None and any(other.name == item.name for other in self._items):
            self._report("item-id", "an id that no other item has", shown(item.name))
        self._items.append(item)
        self._by_index[index] = item

    def _item_of(self, event: Fields, type_: str) -> Item:
        """The item that an event is about; one whose beginning is unknown where none was announced."""
        index = index_in(event, "output_index")
        item = None if index is None else self._by_index.get(index)
        if item is None:
            item = self._item_named(event.get("item_id"))
            if item is not None and index is not None:
                self._report("item-index", f"output_index {item.output_index}", str(index))
        if item is None and index is None and self._items:
            item = self._items[-1]
        if item is None:
            if not self._is_tail or self._items:
                self._report("item-announced", "response.output_item.added before", type_)
            item = Item(index or 0, None, self._report)
            self._items.append(item)
            self._by_index[item.output_index] = item
        return item

    def _item_named(self, item_id: object) -> Item | None:
        return next((item for item in self._items if item.name is not None and item.name == item_id), None)


def _as_fields(event: AnyEvent) -> Fields:
    if isinstance(event, Mapping):
        return event
    return event.model_dump(mode="json", warnings=False)
