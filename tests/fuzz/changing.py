"""Changes of JSON values, and of bytes that hold them, for those who read them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

JUNK = (b"", b"\n", b"\r", b"\r\n\r\n", b"data:", b": ping\n\n", b"data: [DONE]\n\n", b"\xff", b"\xef\xbb\xbf", b"{", b"}", b'"',
        b"[" * 3000, b"data: []\n\n", b"data: {}\n\n", b"event: error\n", b"\x00", b"\\ud83d")  # fmt: skip


def changed(rng: random.Random, value: Any, names: Sequence[str], values: Sequence[Any]) -> Any:
    """A copy of a JSON value with one place changed, or none; keys and values that are put in come from these."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        fields: dict[str, Any] = {**value}
        name = rng.choice(list(fields))
        match rng.randrange(8):
            case 0:
                del fields[name]
            case 1:
                fields[rng.choice(names)] = rng.choice(values)
            case 2:
                fields[rng.choice(names)] = fields[name]
            case _:
                fields[name] = changed(rng, fields[name], names, values)
        return fields
    if isinstance(value, list) and value and rng.random() < 0.9:
        listed: list[Any] = [*value]
        place = rng.randrange(len(listed))
        if rng.random() < 0.2:
            listed.append(rng.choice(listed))
        else:
            listed[place] = changed(rng, listed[place], names, values)
        return listed
    return rng.choice(values)


def with_junk(rng: random.Random, body: bytes) -> bytes:
    """The bytes with something else in a few places, or nowhere."""
    for _ in range(rng.choice((0, 0, 0, 1, 1, 3))):
        start = rng.randrange(len(body) + 1)
        body = body[:start] + rng.choice(JUNK) + body[start + rng.choice((0, 0, 1, 5, 40)) :]
    return body


def in_pieces(rng: random.Random, body: bytes) -> list[bytes]:
    """The bytes, cut anywhere."""
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.choice((0, 1, 3))))
    return [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
