"""emptyDir volumes: a directory that lives as long as the Pod, on the disk or in memory.

The size limit of one in memory is held by the kernel; one on the disk is measured by the kubelet's eviction.
Called by the manager, in a thread.
Page: https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from podwright.api.objects import Object
from podwright.api.quantity import parse_quantity
from podwright.kubelet.volumes import mounts
from podwright.kubelet.volumes.collect import VolumeSourceError

DIRECTORY = "kubernetes.io~empty-dir"
_MODE = 0o777
_SETGID = 0o2000


def memory_size(pod: Object, source: Object, allocatable: Mapping[str, str]) -> int | None:
    """Bytes that an emptyDir in memory may hold: the least of its limit, the Pod's memory limit and the node's memory.

    None when nothing bounds it.
    """
    bounds = [parse_quantity(source["sizeLimit"])] if source.get("sizeLimit") else []
    limits = _memory_limits(pod)
    if limits is not None:
        bounds.append(limits)
    if "memory" in allocatable:
        bounds.append(parse_quantity(allocatable["memory"]))
    return int(min(bounds)) if bounds else None


def _memory_limits(pod: Object) -> Decimal | None:
    """The memory that all containers together may use; None when one of them is not limited."""
    spec = pod.get("spec") or {}
    of_pod = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
    if of_pod:
        return parse_quantity(of_pod)
    total = Decimal(0)
    for container in spec.get("containers") or ():
        amount = ((container.get("resources") or {}).get("limits") or {}).get("memory")
        if not amount:
            return None
        total += parse_quantity(amount)
    return total or None


def set_up(path: Path, source: Object, gid: int | None, size: int | None, shared: bool) -> None:
    """Make the directory, once. With `shared`, mounts made in it pass between the containers and the host.

    Raises VolumeSourceError, OSError.
    """
    medium = source.get("medium") or ""
    if medium not in ("", "Memory"):
        raise VolumeSourceError(f"emptyDir medium {medium} is not supported here; use Memory or none")
    new = not path.exists()
    path.mkdir(mode=_MODE, parents=True, exist_ok=True)
    in_memory = medium == "Memory"
    if in_memory and not is_own_file_system(path):
        mounts.mount_tmpfs(path, _MODE, size)
        new = True
    if new:
        if gid is not None:
            os.chown(path, -1, gid)
        path.chmod(_MODE | (_SETGID if gid is not None else 0))
    if shared and (in_memory or not mounts.is_mount_point(path)):
        mounts.make_shared(path)


def is_own_file_system(path: Path) -> bool:
    """Whether a file system of its own is mounted at `path`."""
    return path.stat().st_dev != path.parent.stat().st_dev
