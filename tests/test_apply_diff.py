"""V4A diffs: what applies, where, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import SequenceMatcher
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import apply_diff

LINES = st.lists(
    st.sampled_from(["", "a", "b", " a", "a ", "\tb", "@@ a", "+a", "-b", "*** End of File", "é"])
)
"""Lines that are often alike, and some that look like parts of a diff."""

UNIQUE_LINES = st.lists(st.text("abc \t", max_size=8), max_size=30).map(
    lambda lines: [f"{number}:{line}" for number, line in enumerate(lines)]
)

TEXTS = st.lists(st.sampled_from([*"ab @+-*\n\r\x0c\u2028\ud800", "\r\n"])).map("".join)

DIFF_LINES = (
    "@@", "@@ a", "@@ b", "@@a", " a", "-a", "+a", " b", "-b", "+b", "", " ", "-", "+", "a", " \r", "-a\r",
    "*** End of File", "*** End Patch", "*** Begin Patch", "\\ No newline at end of file",
)  # fmt: skip

ANY_DIFFS = st.lists(st.sampled_from(DIFF_LINES) | TEXTS).map("\n".join)


def changes(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines of a diff that has all of the text as context."""
    found: list[str] = []
    for kind, first, last, new_first, new_last in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            found += [" " + line for line in old[first:last]]
        else:
            found += ["-" + line for line in old[first:last]]
            found += ["+" + line for line in new[new_first:new_last]]
    return found


@given(LINES, LINES, st.sampled_from(["\n", "\r\n"]), st.data())
def test_a_diff_of_two_texts_makes_the_one_of_the_other(
    old: list[str], new: list[str], newline: str, data: st.DataObject
) -> None:
    diff = changes(old or [""], new or [""])
    cuts = data.draw(st.sets(st.integers(1, len(diff) - 1))) if len(diff) > 1 else set[int]()
    sections = "\n".join(f"@@\n{line}" if number in cuts else line for number, line in enumerate(diff)) + "\n"
    # A text without a newline says nothing of its style.
    newline = newline if len(old) > 1 else "\n"
    assert apply_diff(newline.join(old), sections) == newline.join(new)


@given(UNIQUE_LINES, st.data())
def test_one_line_of_context_is_enough_where_no_two_lines_are_alike(
    old: list[str], data: st.DataObject
) -> None:
    new: list[str] = []
    diff: list[str] = []
    for line in old:
        kind = data.draw(st.sampled_from(["keep", "delete", "replace", "insert behind"]))
        if kind == "keep":
            new.append(line)
            continue
        if kind == "delete":
            diff += ["@@", "-" + line]
            continue
        written = data.draw(st.text("xyz", max_size=3))
        if kind == "replace":
            diff += ["@@", "-" + line, "+" + written]
            new.append(written)
        else:
            diff += ["@@", " " + line, "+" + written]
            new += [line, written]
    assert apply_diff("\n".join([*old, "end"]), "\n".join(diff)) == "\n".join([*new, "end"])


@given(UNIQUE_LINES, st.data())
def test_lines_are_found_with_other_blanks_around_them_and_keep_their_own(
    old: list[str], data: st.DataObject
) -> None:
    blanks = st.text(" \t", max_size=3)
    seen = [data.draw(blanks) + line.strip() + data.draw(blanks) for line in old]
    diff = "\n".join([*(" " + line for line in seen), "+new"])
    assert apply_diff("\n".join(old), diff) == "\n".join([*old, "new"] if old else ["new", ""])


@given(TEXTS, ANY_DIFFS)
def test_any_diff_gives_a_text_or_a_value_error(text: str, diff: str) -> None:
    try:
        said = "\n".join(["applied", apply_diff(text, diff)])
    except ValueError as error:
        said = str(error)
    assert said.startswith(
        ("applied", "Invalid Line: ", "Invalid Context ", "Invalid EOF C", "Invalid Anchor ")
    )


@given(ANY_DIFFS)
def test_any_diff_of_a_new_file_gives_its_text_or_a_value_error(diff: str) -> None:
    try:
        said = "\n".join(["created", apply_diff("", diff, mode="create")])
    except ValueError as error:
        said = str(error)
    assert said.startswith(("created", "Invalid Add File Line: "))


@given(LINES)
def test_a_new_file_is_its_lines_behind_plus_signs(lines: list[str]) -> None:
    diff = "\n".join("+" + line for line in lines)
    assert apply_diff("not looked at", diff, mode="create") == "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "diff", "changed"),
    [
        ("A\n f\n x\nB\n f\n x\n", "@@ B\n@@  f\n- x\n+ y", "A\n f\n x\nB\n f\n y\n"),
        ("A\n f\n  x\n g\n  y\n", "@@ A\n@@ f\n-  x\n+  X\n@@ A\n@@ g\n-  y\n+  Y", "A\n f\n  X\n g\n  Y\n"),
        ("f\nx\nf\nx\n", "@@ f\n@@ f\n-x\n+y", "f\nx\nf\ny\n"),
        ("f\n a\n b\nf\n b\n", "@@ f\n- a\n+ A\n@@ f\n- b\n+ B", "f\n A\n B\nf\n b\n"),
        ("f\n a\n", "@@ f\n f\n- a\n+ A", "f\n A\n"),
        ("  f:  \n a\n", "@@ f:\n- a\n+ A", "  f:  \n A\n"),
        ("a\nb\nc\n", "@@ b\n+x", "a\nb\nx\nc\n"),
        ("a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c", "a\nc\n"),
        ("a\nb\n", "@@ no such line\n a\n+x", "a\nx\nb\n"),
        ("x\n", "@@\n@@ \n-x\n+y", "y\n"),
        (" f\nx\nf\nx\n", "@@ f \n-x\n+y", " f\ny\nf\nx\n"),
    ],
    ids=[
        "stacked",
        "anew",
        "twice",
        "same",
        "repeated",
        "blanks",
        "alone",
        "numbers",
        "advice",
        "empty",
        "blank",
    ],
)
def test_anchors_narrow_the_search(text: str, diff: str, changed: str) -> None:
    assert apply_diff(text, diff) == changed


@pytest.mark.parametrize(
    ("text", "diff", "changed"),
    [
        ("a\nb\na\nb\n", " a\n-b\n+c\n*** End of File", "a\nb\na\nc\n"),
        ("a\nb\na", "-a\n+c\n*** End of File\n", "a\nb\nc"),
        ("a\nb\n", "+x\n*** End of File", "a\nb\nx\n"),
        ("a", "+x\n*** End of File", "a\nx"),
        ("", "+x\n*** End of File", "x\n"),
        ("a\nb\nc\n", "-a\n+x\n*** End of File\n\n@@\n-b", "x\nc\n"),
        ("a\n", "*** End of File", "a\n"),
        (" x\nx", "-x\n+y\n*** End of File", " x\ny"),
        ("a\nb\n", "@@ b\n a\n-b\n*** End of File", "a\n"),
        ("a\n\n", "-\n+x\n*** End of File", "a\nx\n"),
        ("a\n", " a\n \n+x\n*** End of File", "a\n\nx"),
    ],
)
def test_the_end_of_the_file_is_looked_for_first(text: str, diff: str, changed: str) -> None:
    assert apply_diff(text, diff) == changed


@pytest.mark.parametrize(
    ("text", "diff", "changed"),
    [
        ("a\r\nb\r\n", "-a\n+x\n+y", "x\r\ny\r\nb\r\n"),
        ("a\nb\n", "-a\r\n+x\r\n", "x\nb\n"),
        ("a\r\nb\nc\r\n", "-a\n+x\n+y", "x\r\ny\r\nb\nc\r\n"),
        ("a\nb", "-b\n+c", "a\nc"),
        ("a\nb", "+c\n*** End of File", "a\nb\nc"),
        ("a", "-a\r\n+x\r\n+y\r\n", "x\r\ny"),
        ("a\n", " a\n-", "a"),
        ("a", " a\n+", "a\n"),
        ("a\x0cb\u2028c\rd\ne\n", "-e\n+f", "a\x0cb\u2028c\rd\nf\n"),
    ],
)
def test_newlines_stay_as_they_are(text: str, diff: str, changed: str) -> None:
    assert apply_diff(text, diff) == changed


@pytest.mark.parametrize(
    ("text", "diff", "changed"),
    [
        ("a\nb\nc\nd\n", " a\n-b\n+B\n\n@@\n-d\n+D", "a\nB\nc\nD\n"),
        ("a\n", "\n-a\n+b", "b\n"),
        ("a\n", "\n@@\n-a\n+b", "b\n"),
        ("a\n\nb\n", " a\n\n-b\n+c", "a\n\nc\n"),
        ("a\n", "-a\n+b\n*** End Patch\n", "b\n"),
        ("a\n", "", "a\n"),
        ("a\nb\n", "+x\n@@\n+y", "x\ny\na\nb\n"),
        (" a\na\n", "-a\n+x", " a\nx\n"),
    ],
    ids=["between", "before", "alone", "context", "end patch", "nothing", "no context", "strictest"],
)
def test_what_models_write_around_a_diff_does_no_harm(text: str, diff: str, changed: str) -> None:
    assert apply_diff(text, diff) == changed


@pytest.mark.parametrize(
    ("text", "diff", "said"),
    [
        ("a\n", "-z\n+b", "Invalid Context 0:\nz\n"),
        ("a\nb\n", "-b\n+B\n@@\n-a\n+A", "Invalid Context 2:\na\n"),
        ("a\n", "-z\n*** End of File", "Invalid EOF Context 0:\nz\n"),
        ("a\nf\n", "@@ f\n-a", "Invalid Context 2:\na\n"),
        ("a\nb\n", "@@ a\n@@ zz\n b\n+x", "Invalid Anchor 0:\nzz\n"),
        ("a\nb\n", "@@ zz\n@@ a\n b\n+x", "Invalid Anchor 0:\nzz\n"),
        ("b\na\n", "@@ a\n@@ b\n+x", "Invalid Anchor 0:\nb\n"),
        ("a\n", "-a\nfoo", "Invalid Line: foo\n"),
        ("a\n", "@@x\n-a", "Invalid Line: @@x\n"),
        ("a\n", "*** Begin Patch\n-a", "Invalid Line: *** Begin Patch\n"),
        ("a\n", "*** Update File: x\n-a", "Invalid Line: *** Update File: x\n"),
        ("a\n", "-a\n*** End of File\n-b", "Invalid Line: -b\n"),
        ("a\n", "-a\n@@ b", "Invalid Line: @@ b\n"),
    ],
)
def test_what_does_not_fit_is_quoted(text: str, diff: str, said: str) -> None:
    with pytest.raises(ValueError, match="Invalid") as raised:
        apply_diff(text, diff)
    assert str(raised.value).startswith(said)


def test_a_long_section_that_is_not_there_is_quoted_in_part() -> None:
    with pytest.raises(ValueError, match="Invalid Context") as raised:
        apply_diff("a\n", "\n".join(f"-{number}" for number in range(10_000)))
    assert len(str(raised.value)) < 400


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="mode is 'default' or 'create', got 'other'"):
        apply_diff("", "", mode="other")  # pyright: ignore[reportArgumentType] (what is tried)


def steps_of(text: str, diff: str) -> int:
    """How many lines of code are run to apply a diff."""
    steps = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        apply_diff(text, diff)
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "section", ["@@ f{0}\n-  x{0}\n+y", "@@ f{0}\n-x{0} \n+y", "@@ nothing\n  x{0}\n+y\n"]
)
def test_twice_the_text_and_twice_the_sections_take_twice_the_steps(section: str) -> None:
    def steps(count: int) -> int:
        text = "".join(f"f{number}\n  x{number}\n" for number in range(count))
        return steps_of(text, "\n".join(section.format(number) for number in range(count)))

    assert steps(800) < 2.2 * steps(400)


def test_a_context_that_nearly_fits_everywhere_is_found_at_once() -> None:
    text = "a\n" * 100_000
    assert apply_diff(text + "b\n", " a\n" * 50_000 + "-b\n+c") == text + "c\n"
