from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.handoffs.transcript import PREAMBLE, read_summary, summary_text

START, END = "<S>", "</S>"

messages: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system", "developer", "tool", "odd role: x"]),
        "content": st.text()
        | st.sampled_from(
            [END, f"{PREAMBLE}\n{START}\n1. user: a\n{END}", "2. user: b", " a ", "\r", "\u2028"]
        ),
    },
    optional={"name": st.text(min_size=1) | st.sampled_from(["A (B)", "x): y"])},
)
others: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"type": st.sampled_from(["function_call", "reasoning"]), "value": st.text() | st.lists(st.integers())}
)


@given(st.lists(messages | others))
def test_a_summary_reads_back_as_the_transcript_that_was_written(transcript: list[dict[str, Any]]):
    assert read_summary(summary_text(transcript, START, END), START, END) == transcript


def read(body: str) -> list[dict[str, Any]] | None:
    return read_summary(f"{PREAMBLE}\n{START}\n{body}\n{END}", START, END)


@pytest.mark.parametrize(
    ("body", "transcript"),
    [
        ("user: hi\nassistant: yo", [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]),
        ("1. user: hi\nmore\n2. user: b", [{"role": "user", "content": "hi\nmore"}, {"role": "user", "content": "b"}]),
        ("1. user (Alice): Hello", [{"role": "user", "name": "Alice", "content": "Hello"}]),
        ('1. function_call: {"name": "f"}', [{"name": "f", "type": "function_call"}]),
        ("5. user: a\r\n9. assistant:", [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]),
        ("1. edited by hand", [{"role": "assistant", "content": "edited by hand"}]),
        ("(no previous turns recorded)", []),
        ("", []),
    ],
)  # fmt: skip
def test_older_and_edited_summaries_are_read_too(body: str, transcript: list[dict[str, Any]]):
    assert read(body) == transcript


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        f"{START}\n1. user: a\n{END}",
        f"{PREAMBLE}\n{START}\n1. user: a\n{END}\nand more",
        f"{PREAMBLE}\n<OTHER>\n1. user: a\n</OTHER>",
    ],
)
def test_other_texts_are_no_summaries(text: str):
    assert read_summary(text, START, END) is None


def test_what_json_cannot_say_is_shown_as_text():
    assert "1. {" in summary_text([{"type": "x", "value": object()}], START, END)


def test_a_message_with_unknown_fields_keeps_them():
    item = {"role": "user", "content": "x", "weight": 1}
    assert read_summary(summary_text([item], START, END), START, END) == [item]
