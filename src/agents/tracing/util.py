"""Ids and times of traces and spans."""

from __future__ import annotations

import os
import random
import sys
import time
from datetime import UTC, datetime

# A generator of our own: a program that seeds `random` must not repeat its trace ids.
_generator = random.Random()  # noqa: S311  (ids are unique, not secret)
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_generator.seed)

_random_bits = _generator.getrandbits


def time_iso() -> str:
    """The present time in UTC, ISO 8601 with microseconds."""
    return format_time(time.time())


def format_time(timestamp_s: float) -> str:
    """A POSIX timestamp in UTC, ISO 8601 with microseconds."""
    return datetime.fromtimestamp(timestamp_s, UTC).isoformat(timespec="microseconds")


def gen_trace_id() -> str:
    """A new trace id: `trace_` and 32 hexadecimal digits."""
    return f"trace_{_random_bits(128):032x}"


def gen_span_id() -> str:
    """A new span id: `span_` and 24 hexadecimal digits."""
    return f"span_{_random_bits(96):024x}"


def gen_group_id() -> str:
    """A new group id, to join traces of one conversation: `group_` and 24 hexadecimal digits."""
    return f"group_{_random_bits(96):024x}"
