"""What a process that serves asks of the C library, so that it holds no more memory than it uses.

By default every thread that allocates gets an arena of its own, and what the start needed for a moment stays with the
process: together 5 MB of 77. Python's own lock has threads take turns anyway, so that one arena is enough for them.
Of the 26 MB of libraries that are resident when the node is Ready half is needed again.
Called by `up`, and by `rest` after work. What the C library does not offer (mallopt is glibc's) is left out.
Source: https://man7.org/linux/man-pages/man3/mallopt.3.html, man3/malloc_trim.3.html and man2/madvise.2.html
"""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Iterator
from pathlib import Path

_M_ARENA_MAX = -8
_MADV_DONTNEED = 4
_SMAPS = Path("/proc/self/smaps")
_MAPPED = re.compile(r"([0-9a-f]+-[0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)").fullmatch
_LIBRARY = re.compile(r"/.*\.so(\.[0-9.]+)?").fullmatch
"""The file is there: one that was replaced is shown as deleted, and left alone."""


def one_arena() -> None:
    """All threads allocate from one arena; to be called before there are any."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what is free, and the libraries' pages, which come back by themselves when they are used."""
    gc.collect()
    libc = ctypes.CDLL(None)
    malloc_trim, madvise = getattr(libc, "malloc_trim", None), getattr(libc, "madvise", None)
    if malloc_trim is not None:
        malloc_trim(0)
    if madvise is not None and _SMAPS.exists():
        for start, size in unchanged_pages(_SMAPS.read_text(encoding="utf-8")):
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _MADV_DONTNEED)


def unchanged_pages(smaps: str) -> Iterator[tuple[int, int]]:
    """Address and size of what is mapped from libraries and is still as it stands in their files.

    `smaps` is what /proc/self/smaps says. Pages that can be written, or were once (by the loader), are not among them.
    """
    start = size = 0
    for line in smaps.splitlines():
        if mapped := _MAPPED(line):
            span, rights, path = mapped.groups()
            start, end = (int(address, 16) for address in span.split("-"))
            size = end - start if rights in ("r-xp", "r--p") and _LIBRARY(path) else 0
        elif size and line.startswith("Anonymous:"):
            if line.split()[1] == "0":
                yield start, size
            size = 0
