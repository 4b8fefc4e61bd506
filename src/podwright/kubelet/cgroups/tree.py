"""Makes, fills and removes cgroups of one name in every hierarchy of the machine. All calls block: use a thread.

Called by `pods`. Knows nothing of Pods.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from podwright.kubelet.cgroups.hierarchy import Hierarchies
from podwright.kubelet.cgroups.limits import Limits, v1_files, v2_files

_V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
_NO_LIMITS: Mapping[str, Mapping[str, str]] = {"cpu": {}, "memory": {}, "pids": {}}
_DYING_LIMIT, _DYING_PAUSE = 2.0, 0.01


class CgroupTree:
    """The cgroups of a machine; names are absolute paths as the runtime is given them (`/podwright-1/kubepods`)."""

    def __init__(self, hierarchies: Hierarchies) -> None:
        self._has = hierarchies

    def create(self, name: str, limit: Limits | None) -> None:
        """Make the cgroup (its parents too) and write its limits. Safe to repeat. Raises OSError."""
        if self._has.is_v2:
            self._create_v2(name, limit)
            return
        # The other hierarchies' cgroups the runtime makes with the first container.
        files: Mapping[str, Mapping[str, str]] = v1_files(limit) if limit else _NO_LIMITS
        for controller, values in files.items():
            root = self._has.v1.get(controller)
            if root is not None:
                directory = root / name.lstrip("/")
                directory.mkdir(parents=True, exist_ok=True)
                _write(directory, values)

    def _create_v2(self, name: str, limit: Limits | None) -> None:
        assert self._has.unified is not None
        directory = self._has.unified
        for part in name.strip("/").split("/"):
            _delegate(directory)
            directory /= part
            directory.mkdir(exist_ok=True)
        # Its children are the containers: the runtime limits each of them.
        _delegate(directory)
        if limit is not None:
            _write(directory, v2_files(limit))

    def remove(self, name: str) -> None:
        """Remove the cgroup with all below it, everywhere. Processes left in it are killed first.

        Nothing happens where it is not. Raises OSError when something stays.
        """
        for root in self._has.roots:
            directory = root / name.lstrip("/")
            if directory.is_dir():
                _remove(directory)

    def kill(self, name: str) -> None:
        """Kill every process in it and below it. Nothing happens where it is not."""
        for root in self._has.roots:
            _kill(root / name.lstrip("/"))

    def children(self, name: str) -> set[str]:
        """Names of the cgroups directly below, in whichever hierarchy. Raises OSError."""
        found: set[str] = set()
        for root in self._has.roots:
            with contextlib.suppress(FileNotFoundError):
                found.update(entry.name for entry in os.scandir(root / name.lstrip("/")) if entry.is_dir())
        return found

    def directory(self, controller: str, name: str) -> Path | None:
        """Where a cgroup of that name is, or would be; None where there is no such controller."""
        root = self._has.unified if self._has.is_v2 else self._has.v1.get(controller)
        return root / name.lstrip("/") if root is not None else None

    def read(self, controller: str, name: str, file: str) -> str | None:
        """A file of a cgroup; None where there is no such cgroup, file or controller. Raises OSError."""
        directory = self.directory(controller, name)
        if directory is None:
            return None
        try:
            return (directory / file).read_text()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            # A cgroup that is removed while its file is open.
            if error.errno == errno.ENODEV:
                return None
            raise


def _write(directory: Path, values: Mapping[str, str]) -> None:
    for file, text in values.items():
        try:
            (directory / file).write_text(text)
        except OSError as error:
            raise OSError(error.errno, f"cannot write {text} to {directory / file}: {error.strerror}") from error


def _delegate(directory: Path) -> None:
    """Let the cgroups below use every controller that this one has."""
    offered = (directory / "cgroup.controllers").read_text().split()
    control = directory / "cgroup.subtree_control"
    given = control.read_text().split()
    wanted = [f"+{c}" for c in _V2_CONTROLLERS if c in offered and c not in given]
    if wanted:
        try:
            control.write_text(" ".join(wanted))
        except OSError as error:
            raise OSError(error.errno, f"cannot enable {' '.join(wanted)} in {control}: {error.strerror}") from error


def _remove(directory: Path) -> None:
    until = time.monotonic() + _DYING_LIMIT
    while True:
        try:
            for below in _bottom_up(directory):
                with contextlib.suppress(FileNotFoundError):
                    below.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                raise
            _kill(directory)
            # A killed process leaves its cgroup when the kernel gets round to it; v1 has nothing to wait on.
            time.sleep(_DYING_PAUSE)
        else:
            return


def _bottom_up(directory: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):
        for entry in sorted(os.scandir(directory), key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                yield from _bottom_up(Path(entry.path))
    yield directory


def _kill(directory: Path) -> None:
    for below in _bottom_up(directory):
        with contextlib.suppress(OSError):
            for pid in (below / "cgroup.procs").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
