"""Reading what an HTTP/1 server answers: the head, and a body in chunks.

No I/O here; `http_get.py` feeds it. It is lenient where that does no harm (a body is only shown, never acted on) and
strict about the status line, since the status is what counts.
Page: https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from podwright.kubelet.environment.quoting import quote

HEAD_LIMIT = 64 * 1024
"""Bytes that a head may have."""
BODY_LIMIT = 10 * 1024
"""Bytes of a body that are read."""
_STATUS = re.compile(r"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?", re.DOTALL)
_SHOWN = 100
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_BEGINNING = b"HTTP/"
_SWITCHED = 101
_WITHOUT_BODY = (_SWITCHED, 204, 304)
_LINE_END = len(b"\r\n")
_SIZE_LIMIT = 4096
"""Bytes of a line that tells a chunk's size."""


class MalformedAnswer(Exception):
    """This is not HTTP."""


class EndedEarly(Exception):
    """The connection has ended before there was an answer; the text is Go's."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers, names in lower case; of several headers with one name the first."""

    status: int
    headers: Mapping[str, str]

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        """Bytes of the body; None: until the connection ends."""
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() and not self.chunked else None


def parse_head(raw: bytes) -> Head:
    """The head, up to and with its empty line. Raises MalformedAnswer."""
    # A line may end without CR: what containers write by hand often does.
    status_line, *lines = raw.decode("latin-1").replace("\r\n", "\n").split("\n")
    match = _STATUS.fullmatch(status_line)
    if match is None:
        raise MalformedAnswer(f"malformed HTTP response {quote(status_line[:_SHOWN])}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return Head(int(match[1]), headers)


class Chunks:
    """A body out of its chunks, taken in as it comes: `body` is what there is of it."""

    def __init__(self) -> None:
        self.body = bytearray()
        self._raw = bytearray()
        self._left = 0
        """bytes of the chunk that are still to come, its line end included"""

    def feed(self, data: bytes) -> bool:
        """Take some more; True: that was the end, or is no chunk."""
        self._raw += data
        while True:
            if self._left > _LINE_END:
                part = self._raw[: self._left - _LINE_END]
                self.body += part
                self._skip(len(part))
            if 0 < self._left <= _LINE_END:
                self._skip(min(self._left, len(self._raw)))
            if self._left:
                return False
            size, found, _ = self._raw.partition(b"\n")
            if not found:
                return len(size) > _SIZE_LIMIT
            try:
                length = int(size.split(b";")[0], 16)
            except ValueError:
                return True
            if length <= 0:
                return True
            del self._raw[: len(size) + 1]
            self._left = length + _LINE_END

    def _skip(self, count: int) -> None:
        del self._raw[:count]
        self._left -= count


class AnswerReader:
    """One answer, taken in as it comes. What the server says before it (100, 102 to 199) is left out."""

    def __init__(self) -> None:
        self.head: Head | None = None
        """None: it is not there yet"""
        self._raw = bytearray()
        self._searched = 0
        self._chunks: Chunks | None = None

    @property
    def body(self) -> bytes:
        """The beginning of the body, as far as it has come."""
        return bytes((self._raw if self._chunks is None else self._chunks.body)[:BODY_LIMIT])

    def feed(self, data: bytes) -> bool:
        """Take some more; True: no more is needed. Raises MalformedAnswer."""
        if self.head is not None:
            return self._take_body(self.head, data)
        self._raw += data
        while (head := self._next_head()) is not None:
            if head.status >= 200 or head.status == _SWITCHED:
                self.head = head
                self._chunks = Chunks() if head.chunked else None
                rest, self._raw = bytes(self._raw), bytearray()
                return self._take_body(head, rest)
        return False

    def end(self) -> None:
        """The connection has ended; a body that ends early is taken as far as it came.

        Raises MalformedAnswer, EndedEarly.
        """
        if self.head is not None:
            return
        if self._raw and not _BEGINNING.startswith(self._raw[: len(_BEGINNING)]):
            parse_head(bytes(self._raw))
        raise EndedEarly("unexpected EOF" if self._raw else "EOF")

    def _next_head(self) -> Head | None:
        """None: there is no whole one yet."""
        end = _END_OF_HEAD.search(self._raw, self._searched)
        if end is None or end.end() > HEAD_LIMIT:
            if len(self._raw) > HEAD_LIMIT:
                raise MalformedAnswer("the head of the answer is too long")
            if not self._raw.startswith(_BEGINNING) and b"\n" in self._raw:
                # Whoever speaks first and speaks something else may wait for an answer: nothing more would come.
                parse_head(bytes(self._raw))
            self._searched = max(0, len(self._raw) - len(b"\r\n\r"))
            return None
        head = parse_head(bytes(self._raw[: end.end()]))
        del self._raw[: end.end()]
        self._searched = 0
        return head

    def _take_body(self, head: Head, data: bytes) -> bool:
        if head.status in _WITHOUT_BODY:
            return True
        if self._chunks is not None:
            return self._chunks.feed(data) or len(self._chunks.body) >= BODY_LIMIT
        self._raw += data
        return len(self._raw) >= min(BODY_LIMIT if head.length is None else head.length, BODY_LIMIT)
