"""Records as JSON, one object each, with a version in every one.

    {"v": 1, "seq": 7, "last_seq": 7, "at_ms": 1763853600000, "run_id": "run_…", "path": [],
     "kind": "tool_returned", "data": {"call": "call_1", …}}

Decoding checks the whole shape: what comes out folds, or is refused here.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from .._core import facts as f
from .record import Record

FORMAT_VERSION = 1


class LogFormatError(ValueError):
    """These bytes are not a record of a format that this version reads. Upgrade, or look at what wrote them."""


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    v: int
    seq: Annotated[int, msgspec.Meta(ge=1)]
    at_ms: int
    run_id: str
    kind: str
    data: dict[str, Any]
    path: tuple[str, ...] = ()
    last_seq: int | None = None


_DECODER = msgspec.json.Decoder(_Wire)
_ENCODER = msgspec.json.Encoder()


def encode_record(record: Record) -> bytes:
    """One line of JSON, without a line end.

    Raises:
        TypeError: a tool or a guardrail put something into the run that JSON cannot hold.
    """
    wire = _Wire(
        FORMAT_VERSION,
        record.seq,
        record.at_ms,
        record.run_id,
        record.kind,
        record.data,
        record.path,
        record.last_seq,
    )
    return _ENCODER.encode(wire)


def decode_record(line: bytes | str) -> Record:
    """The record that a line of JSON holds.

    Raises:
        LogFormatError: it is not JSON, not a record, of another version, or not the fact that it says.
    """
    try:
        wire = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        # Bytes that are no text, and JSON nested deeper than anything that is written here.
        raise LogFormatError(f"not a record: {error}") from error
    if wire.v != FORMAT_VERSION:
        raise LogFormatError(
            f"record {wire.seq} has format version {wire.v}, this version reads {FORMAT_VERSION}"
        )
    if wire.kind not in f.KINDS.by_kind:
        raise LogFormatError(f"record {wire.seq} is of unknown kind {wire.kind!r}")
    last_seq = wire.seq if wire.last_seq is None else wire.last_seq
    if last_seq < wire.seq:
        raise LogFormatError(f"record {wire.seq} has a last_seq before it, {last_seq}")
    record = Record(wire.seq, last_seq, wire.at_ms, wire.run_id, wire.path, wire.kind, wire.data)
    try:
        _ = record.fact
    except (msgspec.ValidationError, TypeError) as error:
        raise LogFormatError(f"record {wire.seq} is no {wire.kind}: {error}") from error
    return record
