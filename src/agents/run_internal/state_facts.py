"""Our part of a run state's JSON: its facts and its decisions, and how the versions of this package read one another's.

    {"format": 2, "run_id": …, "facts": [{"kind": …, "at": …, "data": …, "path": […], "refs": …}], "decisions": […]}

Rule 1: what format N writes, N-1 and N+1 read: fields are only added, and a kind that older ones may pass over says
        so itself (`"ignorable": true`). Anything else that is not known is refused, with the version that wrote it.
Rule 2: what a newer version wrote and this one passes over is kept, and written again where it stood.
Rule 3: a payload that the public keys show stands there alone: `refs` has a JSON pointer for each field of the data
        that is to be found there. Fields that have their default value are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec

from agents._core import facts as f
from agents.exceptions import UserError

from .fact_shapes import shape_fault
from .restore import Moment

if TYPE_CHECKING:
    from agents.log import Path

FORMAT = 2

Places: TypeAlias = Mapping[int, tuple[str, str]]
"""By the number of a fact: the field whose value a public key shows, and the JSON pointer to it."""


@dataclass(slots=True)
class Unread:
    """What a newer version wrote, of which this one may not read all: kept to be written again."""

    format: int = FORMAT
    facts: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    """Its entries, by their numbers."""

    decisions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Entries that this version passes over."""


@dataclass(slots=True)
class FactsPart:
    """What our part of a payload holds."""

    run_id: str
    moments: list[Moment]
    decisions: list[tuple[Path, f.Fact]]
    unread: Unread = field(default_factory=Unread)
    format: int = FORMAT
    """The format in which it was written."""


# --- writing


def write_facts(part: FactsPart, places: Places, *, is_plain: bool = True) -> dict[str, Any]:
    """Our part of the payload whose public keys show what `places` says.

    Unless it is to be plain JSON, values stand in it as facts hold them, for `msgspec` to encode: that is quicker.
    """
    written: list[dict[str, Any]] = []
    newer = part.unread.facts
    is_plain = is_plain or bool(newer)
    for number, moment in enumerate(part.moments):
        _write_passed_over(written, newer)
        entry = _entry(moment, places.get(number), is_plain=is_plain)
        more = newer.get(len(written))
        written.append(entry if more is None else _merged(more, entry))
    _write_passed_over(written, newer)
    decisions = [_entry(Moment(path, fact), None, is_plain=is_plain) for path, fact in part.decisions]
    return {
        # What is written again can be read by those who read it before, and by nobody else.
        "format": part.unread.format,
        "run_id": part.run_id,
        "facts": written,
        "decisions": [*decisions, *part.unread.decisions],
    }


def _write_passed_over(written: list[dict[str, Any]], newer: Mapping[int, dict[str, Any]]) -> None:
    while (entry := newer.get(len(written))) is not None and entry["kind"] not in f.KINDS.by_kind:
        written.append(entry)


def _merged(newer: Any, own: Any) -> Any:
    """What a newer version wrote, with what this one knows of it in its place."""
    if isinstance(newer, dict) and isinstance(own, dict):
        known = cast("dict[str, Any]", own)
        more = cast("dict[str, Any]", newer)
        return {**more, **{key: _merged(more.get(key), value) for key, value in known.items()}}
    if isinstance(newer, list) and isinstance(own, list):
        # What was read has as many elements as what was written.
        pairs = zip(cast("list[Any]", newer), cast("list[Any]", own), strict=True)
        return [_merged(*pair) for pair in pairs]
    return own


def _entry(moment: Moment, place: tuple[str, str] | None, *, is_plain: bool) -> dict[str, Any]:
    fact = moment.fact
    shown = None if place is None else place[0]
    data: dict[str, Any] = {}
    for name, default in _FIELDS[type(fact)]:
        value = getattr(fact, name)
        if value is not default and value != default and name != shown:
            data[name] = _plain(value) if is_plain and type(value) is not str else value
    entry: dict[str, Any] = {"kind": f.KINDS.by_type[type(fact)], "data": data}
    if moment.at:
        entry["at"] = moment.at
    if moment.path:
        entry["path"] = list(moment.path)
    if place is not None:
        entry["refs"] = dict((place,))
    return entry


def _plain(value: Any) -> Any:
    built = msgspec.to_builtins(value, str_keys=True)
    return _without_tuples(built) if type(built) is tuple else built


def _without_tuples(value: Any) -> Any:
    """The value as reading it again gives it."""
    if isinstance(value, dict):
        return {key: _without_tuples(one) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_without_tuples(one) for one in cast("list[Any]", value)]
    return value


_REQUIRED: Any = object()

_FIELDS: Mapping[type, tuple[tuple[str, Any], ...]] = {
    fact_type: tuple(
        (each.name, _REQUIRED if each.default is dataclasses.MISSING else each.default)
        for each in dataclasses.fields(fact_type)
    )
    for fact_type in f.KINDS.by_type
}
"""By kind of fact: its fields, with their default values."""


# --- reading


class _Entry(msgspec.Struct, forbid_unknown_fields=False):
    kind: str
    data: dict[str, Any]
    path: tuple[str, ...] = ()
    at: float = 0.0
    refs: dict[str, str] = {}
    ignorable: bool = False


class _Part(msgspec.Struct, forbid_unknown_fields=False):
    format: int
    run_id: str
    facts: list[_Entry]
    decisions: list[_Entry] = []


UNREADABLE = (msgspec.ValidationError, TypeError, UnicodeError, OverflowError, RecursionError)
"""How reading fails: also for texts that no encoding has, numbers that no field has, nesting without end."""


def read_facts(value: object, payload: Mapping[str, Any]) -> FactsPart:
    """Read our part of a payload.

    Raises:
        UserError: it is damaged, or of a format that is not read here.
    """
    version = cast("Mapping[str, Any]", value).get("format") if isinstance(value, Mapping) else None
    if isinstance(version, int) and version > FORMAT + 1:
        raise UserError(
            f"the run state has format {version}, this version reads up to {FORMAT + 1}: upgrade headrace to resume it"
        )
    try:
        part = msgspec.convert(value, _Part)
    except UNREADABLE as error:
        raise UserError(f"the run state is damaged: {error}") from None
    read = FactsPart(part.run_id, [], [], format=part.format)
    for entry in part.facts:
        fact = _decode(entry, part.format, payload)
        if fact is not None:
            read.moments.append(Moment(entry.path, fact, None, entry.at))
    for number, entry in enumerate(part.decisions):
        fact = _decode(entry, part.format, payload)
        if fact is not None:
            read.decisions.append((entry.path, fact))
        else:
            read.unread.decisions.append(_as_written(value, "decisions")[number])
    if part.format > FORMAT:
        read.unread.format = part.format
        read.unread.facts = dict(enumerate(_as_written(value, "facts")))
    return read


def _as_written(part: Any, name: str) -> list[dict[str, Any]]:
    return part[name]


def _decode(entry: _Entry, version: int, payload: Mapping[str, Any]) -> f.Fact | None:
    """The fact of an entry; None for one of a kind that may be passed over."""
    fact_type = f.KINDS.by_kind.get(entry.kind)
    if fact_type is None and entry.ignorable and version > FORMAT:
        return None
    if fact_type is None or fact_type in f.EPHEMERAL:
        raise UserError(
            f"the run state, of format {version}, holds a fact of unknown kind {entry.kind!r}: "
            "upgrade headrace to resume it"
        )
    data = entry.data
    if entry.refs:
        data = {**data, **{name: _shown(payload, pointer) for name, pointer in entry.refs.items()}}
    try:
        decoded: f.Fact = msgspec.convert(data, fact_type)
    except UNREADABLE as error:
        raise UserError(f"the run state is damaged: a {entry.kind} that is none: {error}") from None
    fault = shape_fault(decoded)
    if fault is not None:
        raise UserError(f"the run state is damaged: a {entry.kind} whose {fault}")
    return decoded


def _shown(payload: Mapping[str, Any], pointer: str) -> Any:
    """What a JSON pointer (RFC 6901, without escapes: keys here have none) leads to."""
    found: Any = payload
    try:
        for token in pointer.split("/")[1:]:
            found = found[int(token) if isinstance(found, list) else token]
    except (LookupError, TypeError, ValueError):
        raise UserError(
            f"the run state is damaged: it has nothing at {pointer!r}, where a fact points"
        ) from None
    return found
