"""What is kept of a stream of output: its beginning and its end, in bounded memory."""

from __future__ import annotations

import codecs


class Captured:
    """Takes bytes as they come and gives a text of at most `max_bytes` of them, besides a line that counts the rest.

    It holds at most 1.5 times as much, and `feed` costs what is fed.
    """

    def __init__(self, max_bytes: int) -> None:
        self._head_bytes = max_bytes // 2
        self._tail_bytes = max_bytes - self._head_bytes
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def feed(self, data: bytes) -> None:
        """Take what came next."""
        self._total += len(data)
        room = self._head_bytes - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._tail_bytes:
            del self._tail[: len(self._tail) - self._tail_bytes]

    def text(self) -> str:
        """The text so far; what is no UTF-8 is replaced, and no character is cut in two."""
        left_out = self._total - self._head_bytes - self._tail_bytes
        if left_out <= 0:
            return (self._head + self._tail).decode(errors="replace")
        tail = self._tail[len(self._tail) - self._tail_bytes :]
        begin = 0
        while begin < min(3, len(tail)) and tail[begin] & 0xC0 == 0x80:
            begin += 1
        # A decoder that waits for more keeps back the beginning of a character.
        head = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._head))
        return f"{head}\n… {left_out} bytes left out …\n{tail[begin:].decode(errors='replace')}"
