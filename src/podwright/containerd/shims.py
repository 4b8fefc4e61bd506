"""Shims that wait for a caller that is gone: found, freed and, where nothing else helps, killed.

containerd 1.6 undoes a command in a container when whoever asked for it goes away (`kill -9`, a call that is given up).
If that happens in the very moment in which the container's shim opens the command's pipes, containerd has removed them
and the shim waits for their other end for ever, holding the lock without which no end of any container of its Pod is
told: ExecSync and StopContainer of that Pod hang. What it waits for can still be opened, through the shim's own
descriptor of it; then it goes on at once and nothing is lost.

Run by `managed`; the kubelet says when it suspects that (a call that was broken off, a container that does not end).
Source: man 7 fifo, man 5 proc.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from podwright.containerd import process
from podwright.containerd.layout import Layout

log = logging.getLogger(__name__)

_LOOKS: Final = (0.5, 1.5, 3.0, 5.0)
"""Pauses in seconds before each look after a suspicion: containerd takes a moment to undo what was broken off."""
_GONE: Final = " (deleted)"


class Shims:
    """The shims of one managed containerd."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._suspected = asyncio.Event()

    def suspect(self) -> None:
        """A call was broken off: look at the shims in the next seconds."""
        self._suspected.set()

    async def watch(self) -> None:
        """Free what is stuck whenever there is a suspicion, until cancelled."""
        while True:
            await self._suspected.wait()
            self._suspected.clear()
            for pause in _LOOKS:
                await asyncio.sleep(pause)
                await self.free()

    async def free(self) -> int:
        """Free every shim that waits for a caller that is gone; how many did."""
        freed = await asyncio.to_thread(free_stuck, self._layout)
        for pid in freed:
            log.warning("shim %d waited for a caller that is gone; it goes on", pid)
        return len(freed)

    async def kill(self, container_id: str) -> bool:
        """End the shim that holds a container, which ends its whole Pod; whether there was one.

        containerd sees the end of a shim, and cleans up after it.
        """
        shim = await asyncio.to_thread(shim_of, self._layout, container_id)
        if shim is None:
            return False
        log.warning("shim %d does not end container %s: killed", shim.pid, container_id)
        with suppress(ProcessLookupError):
            os.kill(shim.pid, signal.SIGKILL)
        return True


def free_stuck(layout: Layout) -> list[int]:
    """Open the other end of each removed pipe that a shim waits for; the pids of those shims. Reads /proc: blocks."""
    return [shim.pid for shim in process.find_shims(layout) if sum(map(_open, removed_pipes(shim.pid)))]


def removed_pipes(pid: int) -> Iterator[Path]:
    """Descriptors by which a process holds the place of named pipes that have been removed."""
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if str(descriptor.readlink()).endswith(_GONE) and _is_place(pid, descriptor):
                    yield descriptor


def _is_place(pid: int, descriptor: Path) -> bool:
    """Whether it only names a pipe: the end of a pipe that is open must not be touched."""
    if not stat.S_ISFIFO(descriptor.stat().st_mode):
        return False
    info = Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text(encoding="ascii")
    flags = next(line.split()[1] for line in info.splitlines() if line.startswith("flags:"))
    return bool(int(flags, 8) & os.O_PATH)


def _open(pipe: Path) -> bool:
    try:
        # For reading and writing at once: whichever end the shim waits for, there it is, and we never wait.
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def shim_of(layout: Layout, container_id: str) -> process.Process | None:
    """The shim that holds a container; the containers of a Pod share one. Reads /proc: blocks."""
    tasks = layout.state / "io.containerd.runtime.v2.task" / "k8s.io"
    address = _address(tasks / container_id)
    for shim in process.find_shims(layout):
        arguments = process.command_line(shim.pid)
        for option, value in itertools.pairwise(arguments):
            if option == "-id" and address and _address(tasks / value) == address:
                return shim
    return None


def _address(bundle: Path) -> str:
    with suppress(OSError):
        return (bundle / "address").read_text(encoding="utf-8")
    return ""
