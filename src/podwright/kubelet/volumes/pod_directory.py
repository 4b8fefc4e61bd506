"""The directory of a Pod: making what its volumes need there, and removing all of it.

Everything here blocks; the manager calls it in threads. It keeps no memory: what is there is asked of the kernel.
Page: https://kubernetes.io/docs/concepts/storage/volumes/
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object
from podwright.kubelet.environment.references import UnreadableReference
from podwright.kubelet.images.image_files import ImageFilesError
from podwright.kubelet.interfaces import VolumeError
from podwright.kubelet.volumes import atomic_writer, empty_dir, host_path, local, mounts
from podwright.kubelet.volumes.collect import Collected, VolumeSourceError

_PRIVATE = 0o750
_FILES_MODE = 0o755
_FILES_SIZE = 16 * 1024 * 1024
"""Bytes of a tmpfs for files: ConfigMaps and Secrets end at 1 MiB each, two versions lie there for a moment."""


@dataclass(frozen=True, slots=True)
class PlannedVolume:
    """One volume to be put in place; exactly one of `files`, `empty_dir`, `host_path`, `local` is set."""

    name: str
    directory: str = ""
    files: Collected | None = None
    in_memory: bool = False
    empty_dir: Object | None = None
    size: int | None = None
    shared: bool = False
    host_path: Object | None = None
    local: Object | None = None
    read_only: bool = False
    gid: int | None = None
    change_policy: str = ""
    """fsGroupChangePolicy: whether what is there already is given to `gid` each time"""


@contextlib.contextmanager
def naming(volume: str) -> Iterator[None]:
    """Turns what goes wrong with one volume into a VolumeError that names it."""
    try:
        yield
    except (VolumeSourceError, UnreadableReference, ImageFilesError, ValueError, OSError) as error:
        raise VolumeError(f'MountVolume.SetUp failed for volume "{volume}" : {error}') from None


def set_up(pod_dir: Path, plans: Sequence[PlannedVolume], now: datetime.datetime) -> dict[str, str]:
    """Put the volumes in place, or up to date; host paths by volume name. Raises VolumeError."""
    paths = {}
    with naming(plans[0].name):
        make_private(pod_dir)
    for plan in plans:
        with naming(plan.name):
            if plan.host_path is not None:
                path = host_path.set_up(plan.host_path)
            elif plan.local is not None:
                path = local.set_up(plan.local, plan.gid, plan.change_policy)
            else:
                path = pod_dir / "volumes" / plan.directory / plan.name
                path.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
                if plan.empty_dir is not None:
                    empty_dir.set_up(path, plan.empty_dir, plan.gid, plan.size, plan.shared)
                elif plan.files is not None:
                    _write_files(path, plan, plan.files, now)
            paths[plan.name] = str(path)
    return paths


def make_private(pod_dir: Path) -> None:
    """The directory of a Pod, which only root may enter: what lies below may be readable for the Pod's user.

    Raises OSError.
    """
    pod_dir.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    # Whoever came first may have made it as a parent, and those get the default mode.
    pod_dir.chmod(_PRIVATE)


def _write_files(path: Path, plan: PlannedVolume, files: Collected, now: datetime.datetime) -> None:
    path.mkdir(mode=_FILES_MODE, exist_ok=True)
    if plan.in_memory and not empty_dir.is_own_file_system(path):
        size = max(_FILES_SIZE, 4 * sum(len(file.content) for file in files.files.values()))
        mounts.mount_tmpfs(path, _FILES_MODE, size)
    if plan.gid is not None:
        os.chown(path, -1, plan.gid)
        path.chmod(0o2775)
    atomic_writer.write(path, files.files, plan.gid, now)


def remove(pod_dir: Path) -> None:
    """Unmount all that is mounted below, then delete the directory; nothing happens when there is none.

    Nothing is deleted while something is still mounted: that could be a directory of the host. Raises OSError.
    """
    for point in reversed(mounts.mounted_below(pod_dir)):
        mounts.unmount(point)
    if left := mounts.mounted_below(pod_dir):
        raise OSError(f"still mounted: {', '.join(left)}")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(pod_dir)


def uids(pods_dir: Path) -> list[str]:
    """The Pods that have a directory."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(entry.name for entry in pods_dir.iterdir() if entry.is_dir())
    return []
