"""The few calls to Linux about mounts that volumes need.

They block (a little), so they run in threads. What is mounted is always read from the kernel, never remembered, so
that it is right after a restart too.
Page: https://man7.org/linux/man-pages/man2/mount.2.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RDONLY = 0x1
NOSUID = 0x2
NODEV = 0x4
REMOUNT = 0x20
BIND = 0x1000
REC = 0x4000
PRIVATE = 0x40000
SHARED = 0x100000
_DETACH = 0x2
_NO_FOLLOW = 0x8

_libc = ctypes.CDLL(None, use_errno=True)
_OCTAL = re.compile(r"\\([0-7]{3})")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2). Raises OSError that names the target."""
    answer = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode() or None
    )
    if answer:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def mount_tmpfs(target: Path, mode: int, size: int | None = None) -> None:
    """A tmpfs of at most `size` bytes (None: half of the memory, as Linux has it) that never goes to swap.

    Kernels before 6.4 do not know `noswap`; there it is left out. Raises OSError.
    """
    options = [f"mode={mode:04o}"] + ([f"size={size}"] if size else [])
    try:
        mount("tmpfs", str(target), "tmpfs", NOSUID | NODEV, ",".join([*options, "noswap"]))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        mount("tmpfs", str(target), "tmpfs", NOSUID | NODEV, ",".join(options))


def make_shared(target: Path) -> None:
    """Make `target` a mount point of its own whose mounts go to and come from its copies. Raises OSError."""
    mount(str(target), str(target), flags=BIND | REC)
    mount("", str(target), flags=SHARED | REC)


def unmount(target: str) -> bool:
    """Take away the topmost mount at `target`, even when it is in use; False when nothing is mounted there.

    A symbolic link at its end is not followed. Raises OSError.
    """
    if _libc.umount2(os.fsencode(target), _DETACH | _NO_FOLLOW):
        code = ctypes.get_errno()
        if code in (errno.EINVAL, errno.ENOENT):
            return False
        raise OSError(code, os.strerror(code), target)
    return True


def mounted_below(directory: Path) -> list[str]:
    """Mount points at or below `directory`, in the order in which they were mounted.

    Raises OSError when the kernel does not tell.
    """
    prefix = os.fsencode(str(directory))
    points = (point for point, _ in _mounted())
    return [os.fsdecode(point) for point in points if point == prefix or point.startswith(prefix + b"/")]


def _mounted() -> Iterator[tuple[bytes, list[bytes]]]:
    """Mount points with their optional fields, in the order in which they were mounted."""
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        fields = line.split(b" ")
        point = fields[4]
        if b"\\" in point:
            point = _OCTAL.sub(lambda m: chr(int(m[1], 8)), point.decode("latin-1")).encode("latin-1")
        yield point, fields[6 : fields.index(b"-")]


@dataclass(frozen=True, slots=True)
class Propagation:
    """The mount that a path lies on, and whether mounts pass between it and its copies."""

    point: str
    shared: bool
    slave: bool


def propagation(path: Path) -> Propagation:
    """Of the mount that `path` lies on, links resolved. Raises OSError when the kernel does not tell."""
    real = os.fsencode(path.resolve())
    found = Propagation("/", shared=False, slave=False)
    for point, fields in _mounted():
        inside = point in {b"/", real} or real.startswith(point + b"/")
        # of several at one point the last is on top
        if inside and len(os.fsdecode(point)) >= len(found.point):
            tags = {field.partition(b":")[0] for field in fields}
            found = Propagation(os.fsdecode(point), b"shared" in tags, b"master" in tags)
    return found


def is_mount_point(path: Path) -> bool:
    """Whether something is mounted at exactly `path`; bind mounts of the same file system are seen too."""
    return str(path) in mounted_below(path)
