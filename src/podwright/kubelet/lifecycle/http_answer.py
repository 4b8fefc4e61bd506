"""Reading what an HTTP/1 server answers: the head, and a body in chunks.

Pure; `http_get.py` feeds it. It is lenient where that does no harm (a body is only shown, never acted on) and strict
about the status line, since the status is what counts.
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


class MalformedAnswer(Exception):
    """This is not HTTP."""


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
    status_line, *lines = raw.decode("latin-1").split("\r\n")
    match = _STATUS.fullmatch(status_line)
    if match is None:
        raise MalformedAnswer(f"malformed HTTP response {quote(status_line[:_SHOWN])}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return Head(int(match[1]), headers)


def unchunk(raw: bytes) -> bytes:
    """The body out of its chunks, as far as they go."""
    body = b""
    while raw:
        size, separator, rest = raw.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        if not separator or length <= 0:
            break
        body += rest[:length]
        raw = rest[length + 2 :]
    return body
