"""Removing every trace of one managed containerd: processes, containers, mounts, networks, cgroups, files.

Called by `podwright down --purge`, after the kubelet has stopped the Pods, and after crashes: nothing here relies on
containerd still working. Everything blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from podwright.containerd import process
from podwright.containerd.layout import Layout
from podwright.containerd.programs import Programs

_MNT_DETACH: Final = 2
_CNI_CACHE: Final = Path("/var/lib/cni/results")
"""libcni's; its place is fixed"""

CGROUP_ROOT: Final = Path("/sys/fs/cgroup")

MADE_WITH_A_DISK: Final = "lost+found"
"""the folder that a new file system of ext2 to ext4 has"""


def all_mount_points(mountinfo: str) -> list[str]:
    """Every mount point in the text of /proc/self/mountinfo, in its order."""
    lines = (line.split(" ")[4] for line in mountinfo.splitlines())
    return [re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point) for point in lines]


def mount_points(below: Sequence[Path], mountinfo: str) -> list[str]:
    """Mount points below these folders, the innermost first. `mountinfo`: text of /proc/self/mountinfo.

    A folder that is a mount point itself is left alone: that is a disk which the machine's owner put there.
    """
    points = all_mount_points(mountinfo)
    return [point for point in points if any(point.startswith(f"{folder}/") for folder in below)][::-1]


def strange_mounts(data_dir: Path, mountinfo: str) -> list[str]:
    """Mount points below a data directory that neither Podwright nor its Pods have made: what is in them is not ours.

    The data directory itself and each of its folders may lie on a disk of their own.
    """
    ours = [data_dir / "containerd", data_dir / "pods"]
    inside = mount_points(ours, mountinfo)
    return [
        point for point in mount_points([data_dir], mountinfo) if point not in inside and Path(point).parent != data_dir
    ]


def remove_tree(folder: Path, mountinfo: str) -> list[Path]:
    """Remove a folder with all in it, and return what stays: disks of their own are emptied, and stay where they are.

    Those are the folder itself and what is directly in it. A mount deeper down is an error. Raises OSError.
    """
    points = frozenset(all_mount_points(mountinfo))
    is_disk = str(folder) in points
    stays = [folder] if is_disk else []
    for entry in list(folder.iterdir()):
        if str(entry) in points:
            if entry.is_dir():
                _empty(entry)
            stays.append(entry)
        elif not (is_disk and entry.name == MADE_WITH_A_DISK):
            _remove(entry)
    if not stays:
        folder.rmdir()
    return stays


def _empty(disk: Path) -> None:
    for entry in list(disk.iterdir()):
        if entry.name != MADE_WITH_A_DISK:
            _remove(entry)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)


def read_mounts() -> str:
    """/proc/self/mountinfo. Raises OSError."""
    return Path("/proc/self/mountinfo").read_text(encoding="utf-8")


def unmount_all(below: Sequence[Path]) -> None:
    """Detach every mount below these folders. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    for point in mount_points(below, read_mounts()):
        if libc.umount2(os.fsencode(point), _MNT_DETACH):
            error = ctypes.get_errno()
            if error not in (2, 22):  # gone meanwhile, with the mount it was in
                raise OSError(error, os.strerror(error), point)


def kill_containers(layout: Layout, programs: Programs) -> None:
    """End every container and its shim, by force."""
    for bundle in sorted(layout.state.glob("io.containerd.runtime.v2.task/*/*")):
        handler = _handler_of(layout, bundle.name)
        binary = programs.runtimes.get(handler) or next(iter(programs.runtimes.values()))
        with contextlib.suppress(OSError, ValueError):
            pid = int((bundle / "init.pid").read_text(encoding="ascii"))
            # a folder that outlived a reboot may name a pid that is someone else's by now
            if bundle.name in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"):
                os.kill(pid, signal.SIGKILL)
        root = layout.state / "oci" / handler / "k8s.io"
        # what it can't delete is unmounted and removed as files below
        subprocess.run(
            [binary, "--root", root, "delete", "--force", bundle.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
    shims = process.find_shims(layout)
    for shim in shims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(shim.pid, signal.SIGKILL)
    _wait_gone(shims)


def _handler_of(layout: Layout, container_id: str) -> str:
    """Which runtime keeps this container: each handler has a state folder of its own."""
    for folder in sorted((layout.state / "oci").glob("*")):
        if (folder / "k8s.io" / container_id).exists():
            return folder.name
    return ""


def _wait_gone(processes: Iterable[process.Process], limit: float = 10.0) -> None:
    """Until each has ended; a pidfd becomes readable then."""
    import select

    deadline = time.monotonic() + limit
    for one in processes:
        try:
            descriptor = os.pidfd_open(one.pid)
        except ProcessLookupError:
            continue
        try:
            if one.alive:
                select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            process.reap(one)
        finally:
            os.close(descriptor)


def remove_cgroups(names: Sequence[str], root: Path = CGROUP_ROOT) -> None:
    """Remove these cgroups (paths below a hierarchy's root) with all below them, in every hierarchy.

    One that still has processes stays: they are not ours to end.
    """
    unified = (root / "cgroup.controllers").exists()
    hierarchies = [root] if unified else [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    for hierarchy in hierarchies:
        for name in names:
            top = hierarchy / name.strip("/")
            if top == hierarchy or not top.is_dir():
                continue
            folders = [Path(folder) for folder, _, _ in os.walk(top, topdown=False)]
            for folder in folders:
                with contextlib.suppress(OSError):
                    folder.rmdir()


def remove_files(layout: Layout) -> None:
    """Everything of this instance on disk, and shared folders when they are empty."""
    for folder in (layout.state, layout.home):
        with contextlib.suppress(FileNotFoundError):
            remove_tree(folder, read_mounts())
    if _CNI_CACHE.is_dir():
        for file in _CNI_CACHE.glob(f"{layout.network}-*"):
            file.unlink(missing_ok=True)
    for folder in (_CNI_CACHE, _CNI_CACHE.parent, Path("/run/containerd/s"), Path("/run/containerd"), layout.run_dir):
        with contextlib.suppress(OSError):  # not there, or others use it
            folder.rmdir()


def other_instances(layout: Layout) -> list[Path]:
    """State folders of other data directories' instances."""
    if not layout.run_dir.is_dir():
        return []
    return [path for path in layout.run_dir.iterdir() if path.is_dir() and path != layout.state]
