from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.models._sse import EventFramer

LINE_ENDS = (b"\n", b"\r", b"\r\n", b"\n\n")
LINES = (
    b"data: a",
    b"data:b",
    b"data",
    b"data: ",
    b": ping",
    b"event: x",
    b"id: 1",
    b"retry: 3",
    b"nonsense",
    b":",
)
PIECES = st.sampled_from((*LINE_ENDS, *LINES, b"\xef\xbb\xbf", "data: é€😀".encode(), b"data: [DONE]"))
STREAMS = st.lists(PIECES, max_size=20).map(b"".join)


def frames(*chunks: bytes) -> list[bytes]:
    framer = EventFramer()
    found = [frame for chunk in chunks for frame in framer.feed(chunk)]
    return found + framer.finish()


def test_every_kind_of_line_end_ends_a_line() -> None:
    for end in (b"\n", b"\r", b"\r\n"):
        assert frames(b"data: a" + end + end + b"data: b" + end + end) == [b"a", b"b"]


def test_several_data_lines_are_one_event() -> None:
    assert frames(b"data: a\ndata:b\ndata\ndata:  c\n\n") == [b"a\nb\n\n c"]


def test_comments_and_other_fields_are_read_over() -> None:
    assert frames(b": ping\n\nevent: x\nid: 1\nretry: 3\nother: y\ndata: a\n\n") == [b"a"]


def test_without_data_there_is_no_event() -> None:
    assert frames(b"event: ping\n\n\n\nid: 3\n\n") == []


def test_a_byte_order_mark_is_dropped_at_the_start_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert frames(mark + b"data: a\n\n" + mark + b"data: b\n\n") == [b"a"]


def test_an_event_without_its_blank_line_comes_at_the_end() -> None:
    framer = EventFramer()
    assert framer.feed(b"data: a\ndata: b") == []
    assert framer.finish() == [b"a\nb"]


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 400), max_size=12))
def test_events_do_not_depend_on_where_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(edges)]
    assert frames(*chunks) == frames(stream)


@given(stream=STREAMS)
def test_events_do_not_depend_on_being_fed_byte_by_byte(stream: bytes) -> None:
    assert frames(*(stream[at : at + 1] for at in range(len(stream)))) == frames(stream)


def test_a_long_line_in_small_chunks_costs_linear_time() -> None:
    # half a million chunks of one line: with a copy per chunk this takes hours.
    framer = EventFramer()
    framer.feed(b"data: ")
    for _ in range(500_000):
        framer.feed(b"x")
    assert len(framer.feed(b"\n\n")[0]) == 500_000
