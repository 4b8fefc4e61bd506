"""Container logs as a runtime writes them: what a line says, which lines are wanted, where the last N begin. Pure.

A line of the file is `<RFC 3339 time> stdout|stderr F|P <text>`; P is a part of a line that goes on in the next one
of its stream. Called by `log_stream`.
Page: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from podwright.kubelet.server.log_options import LogOptions

BLOCK = 64 * 1024
"""Bytes that are read at a time when a file is searched backwards."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the file."""

    time: str
    stream: str
    partial: bool
    text: bytes


def parse_line(line: bytes) -> Entry | None:
    """What a line (without its newline) says; None when no runtime has written it so."""
    time, _, rest = line.partition(b" ")
    stream, _, rest = rest.partition(b" ")
    tags, found, text = rest.partition(b" ")
    if stream not in (b"stdout", b"stderr") or (not found and not tags):
        return None
    return Entry(time.decode("ascii", "replace"), stream.decode(), tags.split(b":")[0] == b"P", text)


def fixed_nanoseconds(time: str) -> str:
    """The time with all nine digits of its fraction, as `timestamps` shows it."""
    zone = next((i for i in range(19, len(time)) if time[i] in "Z+-"), len(time))
    fraction = time[20:zone] if time[19:20] == "." else ""
    return f"{time[:19]}.{fraction:0<9}{time[zone:]}"


def is_before(time: str, since: datetime.datetime) -> bool:
    """Whether a line's time lies before; one that can't be read does not."""
    try:
        return datetime.datetime.fromisoformat(time) < since
    except (ValueError, TypeError):
        return False


class Wanted:
    """Turns the file's bytes, in pieces of any size, into the answer's. One for each answer."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._rest = b""
        self._left = options.limit
        self._inside: set[str] = set()
        """Streams whose line has begun and not ended."""

    @property
    def full(self) -> bool:
        """Whether limitBytes is used up."""
        return self._left == 0

    def feed(self, data: bytes) -> bytes:
        """The answer's next bytes. A last line that is not whole waits for more."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return self._cut(b"".join(map(self._show, lines)))

    def end(self) -> bytes:
        """What waited: the file ends here, or the next one begins."""
        line, self._rest = self._rest, b""
        return self._cut(self._show(line)) if line else b""

    def _show(self, line: bytes) -> bytes:
        entry, options = parse_line(line), self._options
        if entry is None or (options.stream and entry.stream != options.stream):
            return b""
        if options.since is not None and is_before(entry.time, options.since):
            return b""
        begins = entry.stream not in self._inside
        if entry.partial:
            self._inside.add(entry.stream)
        else:
            self._inside.discard(entry.stream)
        text = entry.text if entry.partial else entry.text + b"\n"
        return f"{fixed_nanoseconds(entry.time)} ".encode() + text if options.timestamps and begins else text

    def _cut(self, shown: bytes) -> bytes:
        if self._left is None:
            return shown
        shown = shown[: self._left]
        self._left -= len(shown)
        return shown


def tail_start(size: int, lines: int, read: Callable[[int, int], bytes], stream: str = "", block: int = BLOCK) -> int:
    """The offset at which the last `lines` lines of a file of `size` bytes begin; `read(offset, length)` reads it.

    What counts are ended lines of `stream` ("": of both): the parts of a long line are one, and a line that is not
    yet ended is shown in addition.
    """
    counted, position, begun = 0, size, b""
    """`begun`: the end of a line whose start lies before `position`."""
    first = True
    while position > 0:
        length = min(block, position)
        position -= length
        parts = (read(position, length) + begun).split(b"\n")
        offset = position + sum(len(part) + 1 for part in parts) - 1
        for index in range(len(parts) - 1, 0, -1):
            offset -= len(parts[index])
            if not (first and index == len(parts) - 1) and _ends_line(parts[index], stream):
                counted += 1
                if counted > lines:
                    return offset + len(parts[index]) + 1
            offset -= 1
        first = first and len(parts) == 1
        begun = parts[0]
    if begun and not first and _ends_line(begun, stream):
        counted += 1
        if counted > lines:
            return len(begun) + 1
    return 0


def _ends_line(line: bytes, stream: str) -> bool:
    entry = parse_line(line)
    return entry is not None and not entry.partial and stream in ("", entry.stream)
