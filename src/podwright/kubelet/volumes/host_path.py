"""hostPath volumes: a file or directory of the node.

Called by the manager, in a thread. Page: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from podwright.api.objects import Object
from podwright.kubelet.volumes.collect import VolumeSourceError

_CHECKS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def set_up(source: Object) -> Path:
    """The path, checked and if need be created by the volume's type.

    Raises VolumeSourceError when something else stands there, OSError.
    """
    path, kind = Path(source["path"]), source.get("type") or ""
    if not kind:
        return path
    if kind not in _CHECKS:
        raise VolumeSourceError(f"hostPath type {kind} is not known")
    if kind == "DirectoryOrCreate":
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o755, parents=True)
    elif kind == "FileOrCreate":
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    is_right, what = _CHECKS[kind]
    try:
        right = is_right(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        right = False
    if not right:
        raise VolumeSourceError(f"hostPath type check failed: {path} is not {what}")
    return path
