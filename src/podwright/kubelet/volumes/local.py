"""local PersistentVolumes: a directory of this node that must be there; a Pod's fsGroup gets what is in it.

Called by the manager, in a thread. Page: https://kubernetes.io/docs/concepts/storage/volumes/#local
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from podwright.api.objects import Object
from podwright.kubelet.volumes.collect import VolumeSourceError

_FOR_GROUP = 0o660
_DIRECTORY_FOR_GROUP = 0o2770


def set_up(source: Object, gid: int | None, change_policy: str) -> Path:
    """The directory, its files given to `gid` where there is one; with `OnRootMismatch` only if it was another's.

    Raises VolumeSourceError when there is none, OSError.
    """
    path = Path(source.get("path") or "")
    if not path.is_dir():
        raise VolumeSourceError(f'path "{path}" does not exist')
    if gid is not None and (change_policy != "OnRootMismatch" or not _has(path.stat(), gid)):
        for _, _, files, directory in os.fwalk(path, topdown=False):
            for name in files:
                _give(name, directory, gid, _FOR_GROUP)
            # After what is in it, so that one that was interrupted is seen to be unfinished.
            _give(".", directory, gid, _DIRECTORY_FOR_GROUP)
    return path


def _has(found: os.stat_result, gid: int) -> bool:
    return found.st_gid == gid and found.st_mode & _DIRECTORY_FOR_GROUP == _DIRECTORY_FOR_GROUP


def _give(name: str, directory: int, gid: int, bits: int) -> None:
    """Give one file to the group. What is changed is what was looked at, whatever stands at its name by then."""
    opened = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        mode = os.fstat(opened).st_mode
        if not stat.S_ISLNK(mode):
            same = Path(f"/proc/self/fd/{opened}")
            os.chown(same, -1, gid)
            same.chmod(stat.S_IMODE(mode) | bits)
    finally:
        os.close(opened)
