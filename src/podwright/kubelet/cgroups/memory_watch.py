"""Tells whether the kernel has killed a process of a container for want of memory. All calls block: use a thread.

CRI says so too, but not surely: containerd begins to watch a container once its process has been started, and a
process that takes all its memory at once may be gone by then. So a watch here begins before the process does.

v1: an eventfd on the container's cgroup, which we make a little before the runtime does. The kernel signals it whenever
memory is short in the cgroup or in one above it, and once when the cgroup goes.
v2: the Pod's count of processes that were killed, since the one of the container goes with the container.

Called by `pods`.
Source: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html#oom-control,
https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
"""

from __future__ import annotations

import os
import select
import weakref
from pathlib import Path
from typing import Final, Protocol

from podwright.kubelet.cgroups.tree import CgroupTree

_GOING_LIMIT: Final = 1000
"""Milliseconds that the kernel may take to signal that a cgroup is gone; 20 to 30 were seen."""


class MemoryWatch(Protocol):
    """Of one container, from before its start on; it ends when nobody refers to it any more."""

    def ran_out(self, *, patient: bool = True) -> bool:
        """Whether memory was short since the watch began. Asked when the container has ended. Raises OSError.

        `patient`: blocks for up to a second where that is not clear yet; else it was not.
        """
        ...


def watch_memory(tree: CgroupTree, pod: str, container: str) -> MemoryWatch | None:
    """Begin to watch the cgroup `container` below the cgroup `pod`; None where the Pod has none. Raises OSError."""
    kills = _kills(tree, pod)
    if kills is not None:
        return _CountedKills(tree, pod, kills)
    parent = tree.directory("memory", pod)
    if parent is None or not parent.is_dir():
        return None
    directory = parent / container
    directory.mkdir(exist_ok=True)
    return _Signals(directory)


class _Signals:
    """cgroup v1."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._count = 0
        self._signals = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # Not before: another thread may be in the middle of a look.
        weakref.finalize(self, os.close, self._signals)
        with (directory / "memory.oom_control").open() as control:
            (directory / "cgroup.event_control").write_text(f"{self._signals} {control.fileno()}")

    def ran_out(self, *, patient: bool = True) -> bool:
        self._read()
        if self._count == 1 and not self._directory.exists():
            # A cgroup that goes makes a signal too. Was it this one, or is it still to come?
            if not patient:
                return False
            going = select.poll()
            going.register(self._signals, select.POLLIN)
            going.poll(_GOING_LIMIT)
            self._read()
            return self._count > 1
        return self._count > 0

    def _read(self) -> None:
        try:
            self._count += os.eventfd_read(self._signals)
        except BlockingIOError:
            # None since the last look.
            return


class _CountedKills:
    """cgroup v2."""

    def __init__(self, tree: CgroupTree, pod: str, before: int) -> None:
        self._tree = tree
        self._pod = pod
        self._before = before

    def ran_out(self, *, patient: bool = True) -> bool:
        return (_kills(self._tree, self._pod) or 0) > self._before


def _kills(tree: CgroupTree, name: str) -> int | None:
    events = tree.read("memory", name, "memory.events")
    if events is None:
        return None
    counts = dict(line.split() for line in events.splitlines())
    return int(counts.get("oom_kill", 0))
