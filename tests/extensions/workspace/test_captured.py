"""What is kept of an output: all of it, or its two ends."""

from __future__ import annotations

import re
import sys
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.extensions.workspace._captured import Captured

CHUNKS = st.lists(st.text("aé😀\n").map(str.encode) | st.binary())


def captured(chunks: list[bytes], max_bytes: int) -> str:
    output = Captured(max_bytes)
    for chunk in chunks:
        output.feed(chunk)
    return output.text()


@given(CHUNKS)
def test_what_has_room_is_all_there(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    assert captured(chunks, len(whole)) == whole.decode(errors="replace")


@given(st.text("aé😀\n"), st.integers(0, 40), st.lists(st.integers(0, 80)))
def test_what_has_none_is_its_two_ends_and_a_count(text: str, max_bytes: int, cuts: list[int]) -> None:
    whole = text.encode()
    bounds = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    kept = captured([whole[a:b] for a, b in pairwise(bounds)], max_bytes)
    if len(whole) <= max_bytes:
        assert kept == text
        return
    head, count, tail = re.fullmatch(r"(.*)\n… (\d+) bytes left out …\n(.*)", kept, re.DOTALL).groups()  # pyright: ignore[reportOptionalMemberAccess] (fails the test)
    assert int(count) == len(whole) - max_bytes
    assert text.startswith(head)
    assert text.endswith(tail)
    assert max_bytes - 6 <= len(head.encode()) + len(tail.encode()) <= max_bytes


@given(CHUNKS, st.integers(0, 20))
def test_any_bytes_give_a_text(chunks: list[bytes], max_bytes: int) -> None:
    captured(chunks, max_bytes).encode()


def test_memory_is_bounded_by_what_is_kept() -> None:
    output = Captured(1000)
    sizes: list[int] = []
    for _ in range(10_000):
        output.feed(b"x" * 1000)
        sizes.append(sum(sys.getsizeof(value) for value in vars(output).values()))
    assert max(sizes) < 10_000
    assert output.text() == f"{'x' * 500}\n… 9999000 bytes left out …\n{'x' * 500}"
