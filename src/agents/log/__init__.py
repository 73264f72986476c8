"""The log of a run: numbered records, one writer, any number of readers."""

from __future__ import annotations

from .codec import FORMAT_VERSION, LogFormatError, decode_record, encode_record
from .epochs import MemoryEpochs, RunEpochs
from .memory import Cursor, LogStatistics, RecordsExpired, RunLog
from .record import Entry, Path, Record

__all__ = [
    "FORMAT_VERSION",
    "Cursor",
    "Entry",
    "LogFormatError",
    "MemoryEpochs",
    "LogStatistics",
    "Path",
    "Record",
    "RecordsExpired",
    "RunEpochs",
    "RunLog",
    "decode_record",
    "encode_record",
]
