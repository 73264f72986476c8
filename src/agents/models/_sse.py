"""Server-sent events without I/O: bytes in, the data of whole events out.

Follows the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream":

1. Lines end with LF, CRLF or CR; a leading byte order mark is dropped.
2. Comments, `event:`, `id:`, `retry:` and unknown fields are read over: the
   Responses API repeats its event type inside the data.
3. Several `data:` lines are one event, joined with LF. Without data there is
   no event.
4. One step beyond the standard: an event that misses only its blank line at
   the end of the stream is given by `finish`, since some servers end so. Who
   parses the data sees whether it is whole.
"""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventFramer:
    """Cuts a byte stream into the data of its events.

    Call `feed` with every chunk, cut anywhere, and `finish` once at the end.
    Costs time linear in the bytes, whatever the size of the chunks.
    """

    def __init__(self) -> None:
        # Chunks of the unfinished last line: joined once, when its end is there.
        self._open_line: list[bytes] = []
        self._data: list[bytes] = []
        self._after_carriage_return = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of each event that this chunk completes, in order, undecoded."""
        if self._at_start:
            chunk = self._without_byte_order_mark(chunk)
        if self._after_carriage_return and chunk:
            # The CR has ended its line already; this LF belongs to it.
            chunk = chunk.removeprefix(b"\n")
            self._after_carriage_return = False
        if b"\r" in chunk:
            self._after_carriage_return = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in chunk:
            if chunk:
                self._open_line.append(chunk)
            return []
        if self._open_line:
            chunk = b"".join((*self._open_line, chunk))
            self._open_line.clear()
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if rest:
            self._open_line.append(rest)
        return self._read(lines)

    def finish(self) -> list[bytes]:
        """The data of an event that only lacks its blank line, or nothing."""
        rest = b"".join(self._open_line)
        self._open_line.clear()
        return self._read([rest, b""])

    def _read(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data: "):
                data.append(line[6:])
            elif not line:
                if data:
                    events.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
            elif line.startswith(b"data:"):
                data.append(line[5:])
            elif line == b"data":
                data.append(b"")
        return events

    def _without_byte_order_mark(self, chunk: bytes) -> bytes:
        """The chunk, or nothing yet while it may still be the start of a mark."""
        chunk = b"".join((*self._open_line, chunk))
        self._open_line.clear()
        if len(chunk) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(chunk):
            if chunk:
                self._open_line.append(chunk)
            return b""
        self._at_start = False
        return chunk.removeprefix(_BYTE_ORDER_MARK)
