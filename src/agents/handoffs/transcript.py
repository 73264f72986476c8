"""The text form of a transcript: a summary that a model can read and that we can read back.

Rules of this file:

1. One item is one numbered line: `3. user: Hello`, `4. user (Alice): Hello`, or the item's JSON.
2. An item whose plain line would not read back as the same message is written as JSON.
   So what a user writes, markers and numbers included, stays data.
3. Reading also takes older summaries: lines without numbers, messages that run on
   over further lines, and `function_call: {...}` records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

PREAMBLE = "For context, here is the conversation so far between the user and the previous agent:"
NO_TURNS = "(no previous turns recorded)"

_MESSAGE_ROLES = frozenset({"user", "assistant", "system", "developer", "tool"})
_BOOKKEEPING_KEYS = frozenset({"id", "phase", "status", "type"})
"""What a plain message may carry beside role, name and content, and loses in its line."""

_NUMBER = re.compile(r"\d+\. ?")
_LABELLED = re.compile(r"(?P<label>[A-Za-z_]+)(?: \((?P<name>[^()\n]*)\))?:(?: (?P<text>.*))?", re.DOTALL)


def summary_text(transcript: Sequence[Mapping[str, Any]], start: str, end: str) -> str:
    """Write `transcript` as a summary between the markers `start` and `end`."""
    records = [f"{number}. {_record(item)}" for number, item in enumerate(transcript, start=1)]
    return "\n".join((PREAMBLE, start, *(records or (NO_TURNS,)), end))


def read_summary(text: str, start: str, end: str) -> list[dict[str, Any]] | None:
    """Give the transcript that `text` is a summary of; None when it is no summary with these markers."""
    head = f"{PREAMBLE}\n{start}\n"
    tail = f"\n{end}"
    if not text.startswith(head) or not text.endswith(tail):
        return None
    body = text[len(head) : -len(tail)].strip("\n")
    if not body.strip() or body.strip() == NO_TURNS:
        return []
    return [_read_record(record) for record in _split_records(body)]


def _record(item: Mapping[str, Any]) -> str:
    role = item.get("role")
    content = item.get("content")
    content = "" if content is None else content
    name = item.get("name")
    if (
        role in _MESSAGE_ROLES
        and item.keys() <= _BOOKKEEPING_KEYS | {"role", "content", "name"}
        and isinstance(content, str)
        and not re.search(r"[\r\n]", content)
    ):
        if not name:
            return f"{role}: {content}"
        if isinstance(name, str) and not re.search(r"[()\r\n]", name):
            return f"{role} ({name}): {content}"
    # What JSON cannot say is shown as text: a summary must not fail the handoff.
    return json.dumps(item, ensure_ascii=False, default=str)


def _split_records(body: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in body.split("\n")]
    if not _NUMBER.match(lines[0]):
        return [line for line in lines if line.strip()]
    records: list[str] = []
    for line in lines:
        number = _NUMBER.match(line)
        if number is not None:
            records.append(line[number.end() :])
        else:
            records[-1] = f"{records[-1]}\n{line}"
    return records


def _read_record(record: str) -> dict[str, Any]:
    item = _json_object(record)
    if item is not None:
        return item
    match = _LABELLED.fullmatch(record)
    if match is None:
        # Somebody edited the summary: keep their words.
        return {"role": "assistant", "content": record}
    label, name, text = match["label"], match["name"], match["text"] or ""
    if label not in _MESSAGE_ROLES:
        typed = _json_object(text)
        if typed is not None:
            return {**typed, "type": label}
    return {"role": label, "name": name, "content": text} if name else {"role": label, "content": text}


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
