"""Entries, as a log keeps them, and records, as readers get them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, TypeAlias, cast

import msgspec

from .._core import facts as f

Path: TypeAlias = tuple[str, ...]
"""The calls under which a run runs, outermost first; empty for the outermost run."""


class Entry(msgspec.Struct, eq=False):
    """One numbered fact of a log, with the live value that belongs to it.

    A delta has no fact until somebody asks: its event alone is kept, because
    making JSON of it would be most of its cost.
    """

    is_delta: ClassVar[bool] = False
    """Whether this is an event of a model's stream."""

    seq: int
    at: float
    path: Path
    known_fact: f.Fact | None
    """The fact, or None for a delta: for readers that skip deltas and must not pay for them."""

    live: Any
    turn: int = 0
    """The turn of a delta."""

    @property
    def last_seq(self) -> int:
        """The last number that this entry stands for: its own, unless it is joined."""
        return self.seq

    @property
    def fact(self) -> f.Fact:
        """The fact, made now if this is a delta."""
        return (
            self.known_fact if self.known_fact is not None else f.ModelDelta(self.turn, event_json(self.live))
        )


class DeltaEntry(Entry, eq=False, gc=False):
    """One event of a model's stream.

    The garbage collector does not look at it: there are many, they live long, and
    an event refers to nothing but its own data, so that no cycle passes through here.
    """

    is_delta: ClassVar[bool] = True


class JoinedEntry(Entry, eq=False, kw_only=True):
    """Adjacent deltas of one item as one: the exact joined text, and where each delta ended in it.

    `live` is the first delta's event with the joined text.
    """

    is_delta: ClassVar[bool] = True
    text: str
    ends: array[int]

    @classmethod
    def of(cls, run: Sequence[Entry]) -> JoinedEntry:
        """Adjacent entries of one key as one."""
        texts: list[str] = []
        ends: array[int] = array("I")
        length = 0
        for entry in run:
            if isinstance(entry, JoinedEntry | PackedEntry):
                text = entry.text
                ends.extend(end + length for end in entry.ends)
                length += len(text)
            else:
                text = delta_text(entry.live)
                length += len(text)
                ends.append(length)
            texts.append(text)
        return _joined(run[0], run[0].seq, "".join(texts), ends)

    @property
    def last_seq(self) -> int:
        """The number of the last delta in it."""
        return self.seq + len(self.ends) - 1

    def after(self, seq: int) -> JoinedEntry:
        """What is left of it for a reader that has read up to `seq`."""
        done = seq - self.seq + 1
        if done <= 0:
            return self
        start = self.ends[done - 1]
        ends = array("I", (end - start for end in self.ends[done:]))
        return _joined(self, seq + 1, self.text[start:], ends)


def _joined(first: Entry, seq: int, text: str, ends: array[int]) -> JoinedEntry:
    live = with_changes(first.live, {"delta": text})
    return JoinedEntry(seq, first.at, first.path, None, live, first.turn, text=text, ends=ends)


class PackedEntry(Entry, eq=False, kw_only=True):
    """Adjacent deltas of one item, kept small. Nothing is lost: readers get the deltas one by one, made anew.

    `live` is the first delta's event; the others differ from it by nothing but what is kept here.
    """

    is_delta: ClassVar[bool] = True
    text: str
    ends: array[int]
    numbers: array[int]
    """The `sequence_number` of each event."""

    times: array[float]
    padding: list[str] | None
    """The `obfuscation` of each event, where the server sends it."""

    @property
    def last_seq(self) -> int:
        """The number of the last delta in it."""
        return self.seq + len(self.ends) - 1

    def unpacked(self, after: int) -> list[Entry]:
        """The deltas after a position as single entries."""
        first = max(after + 1 - self.seq, 0)
        return [self._entry(index) for index in range(first, len(self.ends))]

    def _entry(self, index: int) -> Entry:
        start = self.ends[index - 1] if index else 0
        changes: dict[str, Any] = {
            "delta": self.text[start : self.ends[index]],
            "sequence_number": self.numbers[index],
        }
        if self.padding is not None:
            changes["obfuscation"] = self.padding[index]
        event = with_changes(self.live, changes)
        return DeltaEntry(self.seq + index, self.times[index], self.path, None, event, self.turn)


def packed(entries: Sequence[Entry]) -> list[Entry]:
    """The same entries, with runs of deltas that differ by little packed."""
    result: list[Entry] = []
    start = 0
    while start < len(entries):
        end = _end_of_run(entries, start)
        run = entries[start:end]
        if len(run) < _LEAST_PACKED:
            result.extend(run)
        else:
            result.append(_packed_run(run))
        start = end
    return result


def _end_of_run(entries: Sequence[Entry], start: int) -> int:
    """The index of the next entry that differs from the first by more than what a packed entry keeps."""
    first = entries[start]
    sample: Any = first.live
    kind: type[Any] = sample.__class__
    path, turn = first.path, first.turn
    # Others' event classes may hold more than fields: those are kept as they are.
    if not isinstance(first, DeltaEntry) or not kind.__module__.startswith("openai.types."):
        return start + 1
    fields, names = dict(_fields(sample)), sample.model_fields_set
    extra = set[str](sample.model_extra or ())
    if fields.get("type") not in _JOINED_TYPES or not extra <= {"obfuscation"} or not _varies(fields):
        return start + 1
    for index in range(start + 1, len(entries)):
        entry = entries[index]
        event: Any = entry.live
        if type(event) is not kind:
            return index
        own = _fields(event)
        fields["delta"], fields["sequence_number"] = own.get("delta"), own.get("sequence_number")
        if own != fields or not _varies(own) or entry.turn != turn or entry.path != path:
            return index
        more: dict[str, Any] | None = event.model_extra
        if event.model_fields_set != names or (more.keys() != extra if more else extra):
            return index
    return len(entries)


def _packed_run(run: Sequence[Entry]) -> PackedEntry:
    first = run[0]
    fields = [_fields(entry.live) for entry in run]
    texts: list[str] = [each["delta"] for each in fields]
    has_padding = bool(first.live.model_extra)
    return PackedEntry(
        first.seq,
        first.at,
        first.path,
        None,
        first.live,
        first.turn,
        text="".join(texts),
        ends=array("I", accumulate(map(len, texts))),
        numbers=array("q", [each["sequence_number"] for each in fields]),
        times=array("d", [entry.at for entry in run]),
        padding=[entry.live.model_extra["obfuscation"] for entry in run] if has_padding else None,
    )


def _varies(fields: dict[str, Any]) -> bool:
    """Whether the fields that packed events may differ in hold what a packed entry can keep."""
    number = fields.get("sequence_number")
    return type(fields.get("delta")) is str and type(number) is int and 0 <= number < _HIGHEST_NUMBER


_LEAST_PACKED = 8
"""Fewer deltas than this stay as they are."""

_HIGHEST_NUMBER = 2**62

_JOINED_TYPES = frozenset(
    {
        "response.output_text.delta",
        "response.refusal.delta",
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
        "response.code_interpreter_call_code.delta",
        "response.mcp_call_arguments.delta",
    }
)


def join_key(entry: Entry) -> tuple[object, ...] | None:
    """What adjacent entries must agree on to be joined; None when the entry is never joined."""
    event = entry.live
    if not entry.is_delta or event is None:
        return None
    get = _fields(event).get
    kind = get("type")
    # With probabilities, the joined text would no longer say which token had which.
    if kind not in _JOINED_TYPES or get("logprobs"):
        return None
    return (
        entry.path,
        entry.turn,
        kind,
        get("item_id"),
        get("output_index"),
        get("content_index"),
        get("summary_index"),
    )


def delta_text(event: Any) -> str:
    """The text that a delta event adds."""
    return str(_fields(event)["delta"])


def with_changes(event: Any, changes: dict[str, Any]) -> Any:
    """A copy of an event with some fields changed."""
    if isinstance(event, dict):
        return {**cast("dict[str, Any]", event), **changes}
    return event.model_copy(update=changes)


def record_count(entry: Entry) -> int:
    """How many records an entry gives to readers."""
    return len(entry.ends) if isinstance(entry, PackedEntry) else 1


def position_after(entries: list[Entry], seq: int) -> int:
    """The index of the first entry that has something after `seq`."""
    index = bisect_right(entries, seq, key=lambda entry: entry.seq)
    if index and entries[index - 1].last_seq > seq:
        return index - 1
    return index


def _fields(event: Any) -> dict[str, Any]:
    # The instance's own dict: asking pydantic for a field that is not there costs a raised error.
    return cast("dict[str, Any]", event) if isinstance(event, dict) else event.__dict__


def event_json(event: Any) -> f.Json:
    """The JSON form of a model's event: an `openai` object, any pydantic object, or plain data."""
    if hasattr(event, "model_dump"):
        return event.model_dump(mode="json", exclude_unset=True, warnings=False)
    return event


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a run, as a reader gets it. Survives a JSON round trip.

    `seq` orders everything and clocks order nothing. `last_seq` is greater than
    `seq` where adjacent deltas were joined to bound the log.
    """

    seq: int
    last_seq: int
    at_ms: int
    run_id: str
    path: Path
    kind: str
    """The fact's name, such as `tool_returned` for `ToolReturned`."""

    data: dict[str, f.Json]
    """The fact's fields, JSON-shaped."""

    @property
    def fact(self) -> f.Fact:
        """The fact itself.

        Raises:
            msgspec.ValidationError: `data` is not what this kind of fact holds.
        """
        return msgspec.convert(self.data, f.KINDS.by_kind[self.kind])

    @classmethod
    def of(cls, entry: Entry, run_id: str) -> Record:
        """The public form of an entry."""
        fact = entry.fact
        fields: dict[str, Any] = msgspec.to_builtins(fact)
        # Only what a fact declares holds tuples; what users' code gave is JSON already, and may be large.
        data: dict[str, f.Json] = {
            name: _without_tuples(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
        }
        kind = f.KINDS.by_type[type(fact)]
        return cls(entry.seq, entry.last_seq, round(entry.at * 1000), run_id, entry.path, kind, data)


def _without_tuples(value: Any) -> f.Json:
    """The same with lists for tuples, of which JSON has none."""
    if isinstance(value, tuple):
        return [_without_tuples(each) for each in cast("tuple[Any, ...]", value)]
    if isinstance(value, dict):
        return {key: _without_tuples(each) for key, each in cast("dict[str, Any]", value).items()}
    return value
