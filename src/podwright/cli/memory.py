"""What a process that serves asks of the C library, so that it holds no more memory than it uses.

By default every thread that allocates gets an arena of its own, and what the start needed for a moment stays with the
process: together 5 MB of 77. Python's own lock has threads take turns anyway, so that one arena is enough for them.
Called by `up`. Where the library is not glibc there is nothing of the kind to ask for, and nothing is done.
Source: https://man7.org/linux/man-pages/man3/mallopt.3.html and man3/malloc_trim.3.html
"""

from __future__ import annotations

import ctypes
import gc

_M_ARENA_MAX = -8


def one_arena() -> None:
    """All threads allocate from one arena; to be called before there are any."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what is free."""
    gc.collect()
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
