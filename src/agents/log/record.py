"""Entries, as a log keeps them, and records, as readers get them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import msgspec

from .._core import facts as f

Path: TypeAlias = tuple[str, ...]
"""The calls under which a run runs, outermost first; empty for the outermost run."""


class Entry:
    """One numbered fact of a log, with the live value that belongs to it.

    A delta has no fact until somebody asks: its event alone is kept, because
    making JSON of it would be most of its cost.
    """

    __slots__ = ("_fact", "at", "live", "path", "seq", "turn")

    def __init__(
        self, seq: int, at: float, path: Path, fact: f.Fact | None, live: Any, turn: int = 0
    ) -> None:
        self.seq = seq
        self.at = at
        self.path = path
        self._fact = fact
        self.live = live
        self.turn = turn

    @property
    def last_seq(self) -> int:
        """The last number that this entry stands for: its own, unless it is joined."""
        return self.seq

    @property
    def is_delta(self) -> bool:
        """Whether this is an event of a model's stream."""
        return self._fact is None

    @property
    def known_fact(self) -> f.Fact | None:
        """The fact, or None for a delta: for readers that skip deltas and must not pay for them."""
        return self._fact

    @property
    def fact(self) -> f.Fact:
        """The fact, made now if this is a delta."""
        return self._fact if self._fact is not None else f.ModelDelta(self.turn, event_json(self.live))


class JoinedEntry(Entry):
    """Adjacent deltas of one item as one: the exact joined text, and where each delta ended in it."""

    __slots__ = ("_ends", "_text")

    def __init__(self, first: Entry, text: str, ends: array[int]) -> None:
        super().__init__(first.seq, first.at, first.path, None, first.live, first.turn)
        self._text = text
        self._ends = ends
        self.live = with_delta(first.live, text)

    @classmethod
    def of(cls, run: list[Entry]) -> JoinedEntry:
        """Adjacent entries of one key as one."""
        texts: list[str] = []
        ends: array[int] = array("I")
        length = 0
        for entry in run:
            if isinstance(entry, JoinedEntry):
                text = entry.text
                ends.extend(end + length for end in entry.ends)
                length += len(text)
            else:
                text = delta_text(entry.live)
                length += len(text)
                ends.append(length)
            texts.append(text)
        return cls(run[0], "".join(texts), ends)

    @property
    def last_seq(self) -> int:
        """The number of the last delta in it."""
        return self.seq + len(self._ends) - 1

    @property
    def text(self) -> str:
        """The whole joined text."""
        return self._text

    @property
    def ends(self) -> array[int]:
        """Where each delta ends in the text, in order."""
        return self._ends

    def after(self, seq: int) -> Entry:
        """What is left of it for a reader that has read up to `seq`."""
        done = seq - self.seq + 1
        if done <= 0:
            return self
        start = self._ends[done - 1]
        ends = array("I", (end - start for end in self._ends[done:]))
        rest = Entry(seq + 1, self.at, self.path, None, self.live, self.turn)
        return JoinedEntry(rest, self._text[start:], ends)


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


def with_delta(event: Any, text: str) -> Any:
    """A copy of a delta event that carries another text."""
    if isinstance(event, dict):
        return {**cast("dict[str, Any]", event), "delta": text}
    return event.model_copy(update={"delta": text})


def position_after(entries: list[Entry], seq: int) -> int:
    """The index of the first entry that has something after `seq`."""
    index = bisect_right(entries, seq, key=lambda entry: entry.seq)
    if index and entries[index - 1].last_seq > seq:
        return index - 1
    return index


def _fields(event: Any) -> dict[str, Any]:
    # The instance's own dict: asking pydantic for a field that is not there costs a raised error.
    return cast("dict[str, Any]", event if isinstance(event, dict) else event.__dict__)


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
        # Facts hold tuples as fields alone; JSON has none.
        data: dict[str, f.Json] = {
            name: [*value] if isinstance(value, tuple) else value for name, value in fields.items()
        }
        kind = f.KINDS.by_type[type(fact)]
        return cls(entry.seq, entry.last_seq, round(entry.at * 1000), run_id, entry.path, kind, data)
