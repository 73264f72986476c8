"""Checks recorded Responses event streams, and says which rule each one breaks.

    python -m agents.testing.check_stream recording.jsonl stream.sse
    curl … | python -m agents.testing.check_stream -

A file is an event stream as the server sent it, or JSON with one event a line. Exit status: 0 where every stream
keeps the rules, 1 where one does not, 2 where one cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, cast

from agents.models._sse import EventFramer

from ._stream_checker import AnyEvent, StreamChecker, Violation, check_stream
from ._stream_rules import RULES, Rule

__all__ = [
    "RULES",
    "AnyEvent",
    "Rule",
    "StreamChecker",
    "UnreadableStream",
    "Violation",
    "check_stream",
    "read_events",
]

_EXCERPT_BYTES = 80


class UnreadableStream(ValueError):
    """The bytes are neither an event stream nor one JSON object a line. The message says where, and what stands there."""


def read_events(data: bytes) -> list[dict[str, Any]]:
    """The events in the bytes of an event stream, to its end or `[DONE]`, or in lines of JSON.

    Raises:
        UnreadableStream: an event is no JSON object, or there is none.
    """
    if data.lstrip().startswith(b"{"):
        places = enumerate(data.splitlines(), 1)
        pieces = [(f"line {number}", line) for number, line in places if line.strip()]
    else:
        framer = EventFramer()
        frames = [*framer.feed(data), *framer.finish()]
        if b"[DONE]" in frames:
            frames = frames[: frames.index(b"[DONE]")]
        pieces = [(f"event {index}", frame) for index, frame in enumerate(frames)]
    if not pieces:
        raise UnreadableStream(f"there is no event in it; it begins with {data[:_EXCERPT_BYTES]!r}")
    return [_read_event(place, piece) for place, piece in pieces]


def _read_event(place: str, piece: bytes) -> dict[str, Any]:
    try:
        event: object = json.loads(piece)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise UnreadableStream(f"{place} is no JSON object: {piece[:_EXCERPT_BYTES]!r}")
    return cast("dict[str, Any]", event)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    options = _parser().parse_args(arguments)
    if options.rules:
        for name, rule in RULES.items():
            print(f"{name:18} {rule.says}")  # noqa: T201 (a command prints)
        return 0
    return max(_check_file(path, options.off, tail=options.tail) for path in options.files or ["-"])


def _check_file(path: str, off: Collection[str], *, tail: bool) -> int:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        events = read_events(data)
    except (OSError, UnreadableStream) as error:
        print(f"{path}: cannot be read: {error}", file=sys.stderr)  # noqa: T201
        return 2
    violations = check_stream(events, off=off, tail=tail)
    for violation in violations:
        print(f"{path}: {violation}")  # noqa: T201
    count = (
        f"{len(violations)} violation{'' if len(violations) == 1 else 's'}" if violations else "no violation"
    )
    print(f"{path}: {count} in {len(events)} events")  # noqa: T201
    return 1 if violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m agents.testing.check_stream",
        description="Check Responses event streams against the rules of the format.",
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="event stream or JSON lines; - is standard input"
    )
    parser.add_argument(
        "--off",
        action="extend",
        default=[],
        type=_rules,
        metavar="RULE[,RULE]",
        help="do not check these rules",
    )
    parser.add_argument("--tail", action="store_true", help="the streams are the rest of resumed ones")
    parser.add_argument("--rules", action="store_true", help="list the rules, and check nothing")
    return parser


def _rules(names: str) -> list[str]:
    given = names.split(",")
    unknown = [name for name in given if name not in RULES]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no rule {', '.join(unknown)}; --rules lists them")
    return given


if __name__ == "__main__":
    sys.exit(main())
