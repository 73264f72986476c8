"""Applying V4A diffs, the form in which models write patches: lines to find by their text, without line numbers.

1. A diff is sections, in the order of the text. A section is searched for behind the one before it, never earlier.
2. `@@ line` anchors a section: it is searched for behind that line. One anchor alone is advice, and holds no less when
   the line is missing; of several, one within the other, each must be there.
3. Lines are compared as they are, then without blanks at their ends, then without blanks on both sides; anchors as they
   are, then without blanks on both sides. The strictest comparison that finds anything counts, over all of the text.
4. What a diff does not change keeps every byte: blanks that were not compared, and each line's own newline. A line that
   comes new gets the newline that most lines have.
5. Each search is one `str.find` over a text that has a character for each line. Nothing here looks at lines one by one
   for every section.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

_END_OF_FILE = "*** End of File"
_END_PATCH = "*** End Patch"

_COMPARISONS: tuple[Callable[[str], str], ...] = (str, str.rstrip, str.strip)
"""What is compared of a line, the strictest first."""

_LEVELS = range(len(_COMPARISONS))
_ANCHOR_LEVELS = (0, 2)
"""Indexes of those that count for lines, and for anchors."""

_SHOWN_LINES = 20
"""How many lines of a section an error quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    anchors: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    """Marks and texts. The mark is a blank, `-`, `+`, or nothing for an empty line, which is context too."""
    is_at_end: bool

    def old(self) -> list[str]:
        """The lines that must be in the text."""
        return [text for mark, text in self.lines if mark != "+"]

    def without_bare_edges(self) -> _Section:
        """This section less empty lines without a mark at its edges: models set sections apart with them."""
        first, last = 0, len(self.lines)
        while first < last and not self.lines[first][0]:
            first += 1
        while last > first and not self.lines[last - 1][0]:
            last -= 1
        return _Section(anchors=self.anchors, lines=self.lines[first:last], is_at_end=self.is_at_end)


def apply_diff(input: str, diff: str, mode: Literal["default", "create"] = "default") -> str:
    """The text that a V4A diff makes of `input`.

    The diff has no header and no file name: sections of lines that begin with a blank (context), `-` or `+`, each
    behind any number of `@@ line` anchors, and ended by `*** End of File` where it must be the end of the text. A
    section without context goes behind its anchor, before the end, or where the last section ended.

    Args:
        input: The text as it is. With `mode="create"` it does not count.
        diff: The changes. With `mode="create"`, the new text, a `+` before each line; a final newline is that of a last
            line that is a `+` alone.
        mode: Whether there is a text to change.

    Raises:
        ValueError: the diff is no V4A diff, or does not fit; it quotes the lines. The model that wrote it has to write
            another one.
    """
    lines = diff.split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    if not lines[-1]:
        lines.pop()
    if lines and lines[-1] == _END_PATCH:
        lines.pop()
    if mode == "create":
        return ("\r\n" if "\r\n" in diff else "\n").join(_created(lines))
    if mode != "default":
        raise ValueError(f"mode is 'default' or 'create', got {mode!r}")
    return _Change(input, _sections(lines), diff).result()


def _created(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if not line.startswith("+"):
            raise ValueError(f"Invalid Add File Line: {line}\nEach line of a new file begins with '+'.")
        yield line[1:]


def _sections(lines: Iterable[str]) -> list[_Section]:
    """The sections of a diff.

    Raises:
        ValueError: a line belongs nowhere.
    """
    found: list[_Section] = []
    anchors: list[str] = []
    body: list[tuple[str, str]] = []
    header: str | None = None
    has_ended = False

    def end(*, is_at_end: bool) -> None:
        found.append(_Section(anchors=tuple(anchors), lines=tuple(body), is_at_end=is_at_end))
        anchors.clear()
        body.clear()

    for line in lines:
        if line == "@@" or line.startswith("@@ "):
            if any(mark for mark, _ in body):
                end(is_at_end=False)
            body.clear()
            if line[3:].strip():
                anchors.append(line[3:])
            header, has_ended = line, False
        elif line == _END_OF_FILE:
            end(is_at_end=True)
            header, has_ended = None, True
        elif has_ended and not line:
            continue
        elif has_ended or line[:1] not in {"", " ", "-", "+"}:
            raise ValueError(
                f"Invalid Line: {line}\nA line of a diff begins with ' ', '-', '+' or '@@ ', and '@@' comes before"
                f" those that follow '{_END_OF_FILE}'."
            )
        else:
            body.append((line[:1], line[1:]))
            header = None
    if header is not None:
        raise ValueError(f"Invalid Line: {header}\nNo lines follow it: give the lines to change.")
    if any(mark for mark, _ in body):
        end(is_at_end=False)
    return found


class _Change:
    """One text, on its way from what it is to what its sections make of it."""

    def __init__(self, text: str, sections: Sequence[_Section], diff: str) -> None:
        self._texts, self._newlines = _split(text)
        self._sections = sections
        self._newline = _usual_newline(self._newlines) or ("\r\n" if "\r\n" in diff else "\n")
        self._codes: dict[int, dict[str, str]] = {}
        self._coded: dict[int, str] = {}

    def result(self) -> str:
        """The new text.

        Raises:
            ValueError: a section is not where it should be.
        """
        new: list[str] = []
        newlines: list[str] = []
        done = 0
        for section in self._sections:
            section, start = self._placed(section, done)
            new += self._texts[done:start]
            newlines += self._newlines[done:start]
            done = start
            for mark, text in section.lines:
                if mark == "+":
                    new.append(text)
                    newlines.append(self._newline)
                    continue
                if mark != "-":
                    new.append(self._texts[done])
                    newlines.append(self._newlines[done])
                done += 1
        new += self._texts[done:]
        newlines += self._newlines[done:]
        if newlines:
            newlines[-1] = ""
        # What was the last line and had no newline is not the last any more, unless it still is.
        between = (newline or self._newline for newline in newlines[:-1])
        return "".join(part for pair in zip(new, [*between, ""], strict=False) for part in pair)

    def _placed(self, section: _Section, done: int) -> tuple[_Section, int]:
        """The section, less what it does not need, and the line it begins at; `done` lines are behind."""
        starts = self._anchored(section.anchors, done)
        bare = section.without_bare_edges()
        for each in (section, bare) if len(bare.lines) < len(section.lines) else (section,):
            at = self._find_section(each, starts, done)
            if at is not None:
                return each, at
        old = section.old()
        shown = "\n".join(old[:_SHOWN_LINES]) + ("\n…" if len(old) > _SHOWN_LINES else "")
        raise ValueError(
            f"Invalid {'EOF ' if section.is_at_end else ''}Context {starts[0]}:\n{shown}\n"
            f"These lines are not in the text behind its line {starts[0]}: read it again and give them as they are."
        )

    def _find_section(self, section: _Section, starts: Sequence[int], done: int) -> int | None:
        old = section.old()
        if section.is_at_end:
            # There is one end: no anchor has to tell which.
            at = self._find_at_end(old, done)
            if at is not None:
                return at
        if not old:
            return starts[0]
        for start in starts:
            at = self._find(_LEVELS, old, start)
            if at is not None:
                return at
        return None

    def _find_at_end(self, old: Sequence[str], start: int) -> int | None:
        """Where lines begin that are the last ones: before a final newline, or with the empty line that it begins."""
        count = len(self._texts)
        ends = (count - 1, count) if not self._texts[-1] else (count,)
        if not old:
            return max(start, ends[0])
        for level in _LEVELS:
            for end in ends:
                begin = end - len(old)
                if begin >= start and self._find_at(level, old, begin, end) == begin:
                    return begin
        return None

    def _anchored(self, anchors: Sequence[str], done: int) -> Sequence[int]:
        """The lines from which to search: behind the anchors, then from the last one on, as models repeat it.

        Raises:
            ValueError: of several anchors not all are there.
        """
        if not anchors:
            return (done,)
        if len(anchors) == 1:
            for level in _ANCHOR_LEVELS:
                # A section of the same anchor as one before.
                if self._find_at(level, anchors, 0, done) is not None:
                    break
                at = self._find_at(level, anchors, done, None)
                if at is not None:
                    return (at + 1, at)
            return (done,)
        missing = ""
        for start in (done, 0):
            after = start
            for anchor in anchors:
                at = self._find(_ANCHOR_LEVELS, [anchor], after)
                if at is None:
                    missing = missing or anchor
                    break
                after = at + 1
            else:
                return (max(done, after), max(done, after - 1))
        raise ValueError(
            f"Invalid Anchor {done}:\n{missing}\nAnchors that follow one another must all be in the text, in this order."
        )

    def _find(self, levels: Iterable[int], wanted: Sequence[str], start: int) -> int | None:
        for level in levels:
            at = self._find_at(level, wanted, start, None)
            if at is not None:
                return at
        return None

    def _find_at(self, level: int, wanted: Sequence[str], start: int, end: int | None) -> int | None:
        """The first line, from `start` to before `end`, at which the wanted lines begin, compared as `level` says."""
        if level not in self._coded:
            self._encode(level)
        compared, codes = _COMPARISONS[level], self._codes[level]
        at = self._coded[level].find("".join(codes[compared(line)] for line in wanted), start, end)
        return None if at < 0 else at

    def _encode(self, level: int) -> None:
        """Give each line that is searched for a character, and write the text in these; `chr(0)` is any other line."""
        compared = _COMPARISONS[level]
        codes = self._codes[level] = {}
        for section in self._sections:
            for line in (*section.anchors, *section.old()):
                codes.setdefault(compared(line), chr(len(codes) + 1))
        self._coded[level] = "".join(codes.get(compared(text), "\0") for text in self._texts)


def _split(text: str) -> tuple[list[str], list[str]]:
    """Lines and their newlines; the last, empty when the text ends with a newline, has none."""
    texts = text.split("\n")
    newlines = ["\n"] * len(texts)
    newlines[-1] = ""
    if "\r\n" in text:
        for index, line in enumerate(texts[:-1]):
            if line.endswith("\r"):
                texts[index] = line[:-1]
                newlines[index] = "\r\n"
    return texts, newlines


def _usual_newline(newlines: Sequence[str]) -> str | None:
    lone, paired = newlines.count("\n"), newlines.count("\r\n")
    if not lone and not paired:
        return None
    return "\r\n" if paired > lone else "\n"
