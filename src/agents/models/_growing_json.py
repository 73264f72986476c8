"""A text that comes in pieces, and whether it is one whole JSON value yet."""

from __future__ import annotations

import re

import msgspec

__all__ = ["GrowingJson"]

_MARKS = re.compile(r'["{}\[\]]|\\.?', re.DOTALL)

_SCALAR_PIECES = 16
"""A number or a word in more pieces is not seen to be whole: that would have to be looked at again with each."""

_decode_json = msgspec.json.Decoder().decode


class GrowingJson:
    """Asking after every piece costs no more than asking once: each is looked at once, and the text is read once.

    It can be whole only when its brackets and quotes are closed for the first time; after that only white space may
    come.
    """

    __slots__ = (
        "_depth",
        "_has_marks",
        "_in_string",
        "_is_closed",
        "_is_escaped",
        "_is_whole",
        "_pieces",
        "_seen",
    )

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._seen = 0
        self._depth = 0
        self._has_marks = False
        self._in_string = False
        self._is_escaped = False
        self._is_closed = False
        self._is_whole = False

    def __bool__(self) -> bool:
        """Whether any piece came."""
        return bool(self._pieces)

    def append(self, piece: str) -> None:
        """One more piece; it is not empty."""
        self._pieces.append(piece)

    def text(self) -> str:
        """All pieces together."""
        return "".join(self._pieces)

    def is_whole(self) -> bool:
        """Whether the pieces so far are one JSON value."""
        new = self._pieces[self._seen :]
        if not new:
            return self._is_whole
        self._seen = len(self._pieces)
        if self._is_closed:
            self._is_whole = self._is_whole and not any(piece.strip(" \t\n\r") for piece in new)
        else:
            self._is_closed = any(map(self._closes, new))
            may_be_scalar = not self._has_marks and self._seen <= _SCALAR_PIECES
            self._is_whole = (self._is_closed or may_be_scalar) and _is_json(self.text())
        return self._is_whole

    def _closes(self, piece: str) -> bool:
        """Whether all brackets and quotes are closed somewhere in the next piece."""
        start = 1 if self._is_escaped else 0
        self._is_escaped = False
        for found in _MARKS.finditer(piece, start):
            mark = found[0]
            self._has_marks = True
            if self._in_string:
                self._in_string = mark != '"'
                # A piece may end between a backslash and what it escapes.
                self._is_escaped = mark == "\\"
            elif mark == '"':
                self._in_string = True
            elif mark in "{[":
                self._depth += 1
            elif mark in "}]":
                self._depth -= 1
            if self._depth <= 0 and not self._in_string:
                return True
        return False


def _is_json(text: str) -> bool:
    try:
        _decode_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
