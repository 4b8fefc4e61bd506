"""Reads a container's log from its files, and follows it while the container runs.

    reading --end of file--> ended, when not followed or the container has ended
                             waiting --more was written--> reading
                                     --another file has the name--> the rest of the old one, then the new one

Rotation renames the file and the runtime opens a new one: what the old one got last is read first. Every touch of
the disk is one trip to a thread. Called by `server`.
Page: https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-rotation
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from podwright.kubelet.server.log_options import LogOptions
from podwright.kubelet.server.log_reader import Wanted, tail_start
from podwright.kubelet.volumes.in_thread import in_thread

CHUNK = 256 * 1024
SHORTEST_WAIT = 0.05
LONGEST_WAIT = 0.25
"""Seconds between looks at a file that is followed: short after something came, longer while it is quiet."""


async def stream_log(file: LogFile, options: LogOptions, has_ended: Callable[[], bool]) -> AsyncGenerator[bytes, None]:
    """The wanted part of an opened log, piece by piece. Raises OSError. `has_ended`: nothing more will be written."""
    wanted = Wanted(options)
    wait = SHORTEST_WAIT
    last_look = False
    while not wanted.full:
        # Asked before the file is read: what was written before the end is then surely seen.
        ended = not options.follow or has_ended()
        if data := await in_thread(file.read):
            wait = SHORTEST_WAIT
            if piece := wanted.feed(data):
                yield piece
        elif last_look:
            last_look = False
            await in_thread(file.switch)
            if piece := wanted.end():
                yield piece
        elif options.follow and await in_thread(file.is_followed_by_another):
            # The runtime may still have had the old file in its hands when the new one appeared.
            last_look = True
            await asyncio.sleep(0 if ended else SHORTEST_WAIT)
        elif ended:
            if piece := wanted.end():
                yield piece
            return
        else:
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


class LogFile:
    """One log by its name, of which rotation makes several files. Every method blocks and raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = FileIO(path)
        self._next: FileIO | None = None
        self._offset = 0

    @classmethod
    def open_at(cls, path: Path, options: LogOptions) -> LogFile:
        """Open a log where the wanted part begins."""
        log = cls(path)
        if options.tail is not None:
            size = os.fstat(log._file.fileno()).st_size
            log._offset = tail_start(size, options.tail, log._read_at, options.stream)
        return log

    def _read_at(self, offset: int, length: int) -> bytes:
        data = b""
        while len(data) < length and (more := os.pread(self._file.fileno(), length - len(data), offset + len(data))):
            data += more
        return data

    def read(self) -> bytes:
        """What follows in this file; empty at its end."""
        data = os.pread(self._file.fileno(), CHUNK, self._offset)
        self._offset += len(data)
        return data

    def is_followed_by_another(self) -> bool:
        """Whether another file has the name now."""
        if self._next is None:
            with suppress(FileNotFoundError):
                if not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno())):
                    self._next = FileIO(self._path)
        return self._next is not None

    def switch(self) -> None:
        """Go on with the file that `is_followed_by_another` has found."""
        assert self._next is not None  # what was asked before
        self._file.close()
        self._file, self._next, self._offset = self._next, None, 0

    def close(self) -> None:
        """Give the files back."""
        self._file.close()
        if self._next is not None:
            self._next.close()


def _open(path: Path) -> FileIO:
    return FileIO(path)
