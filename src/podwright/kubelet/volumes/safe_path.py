"""Opening a path inside a volume without ever leaving it.

A container writes to its volumes, so any name in them may have become a symbolic link to the host's files in the
moment before we use it. The kernel resolves the path here (openat2 with RESOLVE_BENEATH), and what is then mounted
or read is the opened file itself, not the path.
Called by `environment/mounts.py` (subPath) and `environment/sources.py` (files of variables).
Page: https://man7.org/linux/man-pages/man2/openat2.2.html
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from podwright.kubelet.volumes import mounts

_OPENAT2 = 437
_NO_MAGICLINKS = 0x02
_BENEATH = 0x08

_libc = ctypes.CDLL(None, use_errno=True)


class EscapeError(OSError):
    """The path leads out of the volume."""


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def _open_beneath(directory: int, path: str, flags: int) -> int:
    how = _How(flags | os.O_CLOEXEC, 0, _BENEATH | _NO_MAGICLINKS)
    for _ in range(100):
        fd: int = _libc.syscall(_OPENAT2, directory, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        # EAGAIN: something was renamed while the kernel looked; it asks to be asked again.
        if code != errno.EAGAIN:
            break
    if code == errno.EXDEV:
        raise EscapeError(code, "leads out of the volume", path)
    if code == errno.ENOSYS:
        raise OSError(code, "subPath needs Linux 5.6 or newer (openat2)", path)
    raise OSError(code, os.strerror(code), path)


@contextlib.contextmanager
def opened(root: Path, path: str, *, create: bool = False, flags: int = os.O_PATH) -> Iterator[int]:
    """A file descriptor of `path` below `root`, closed at the end.

    Symbolic links are followed as long as they stay below `root`. With `create`, directories that are missing are
    made with the mode and owner of the directory that they stand in. Raises EscapeError, OSError.
    """
    base = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if create:
            _make_directories(base, path)
        fd = _open_beneath(base, path, flags)
        try:
            yield fd
        finally:
            os.close(fd)
    finally:
        os.close(base)


def _make_directories(base: int, path: str) -> None:
    try:
        os.close(_open_beneath(base, path, os.O_PATH))
    except FileNotFoundError:
        pass
    else:
        return
    parent = os.dup(base)
    made = ""
    try:
        for part in Path(path).parts:
            made = f"{made}/{part}" if made else part
            try:
                child = _open_beneath(base, made, os.O_PATH | os.O_DIRECTORY)
            except FileNotFoundError:
                _make_directory(parent, part)
                child = _open_beneath(base, made, os.O_PATH | os.O_DIRECTORY)
            os.close(parent)
            parent = child
    finally:
        os.close(parent)


def _make_directory(parent: int, name: str) -> None:
    like = os.fstat(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, mode=0o700, dir_fd=parent)
        # The mode of mkdir passes through the umask; and no link is followed, should somebody have replaced it.
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            os.fchown(fd, like.st_uid, like.st_gid)
            os.fchmod(fd, stat.S_IMODE(like.st_mode))
        finally:
            os.close(fd)


def bind_sub_path(root: Path, path: str, target: Path) -> None:
    """Bind-mount `path` below `root` to `target` (made here), in place of what is mounted there.

    Raises EscapeError, OSError.
    """
    with opened(root, path, create=True) as fd:
        while mounts.unmount(str(target)):
            pass
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            if not target.is_dir():
                target.unlink(missing_ok=True)
                target.mkdir(mode=0o750)
        else:
            if target.is_dir():
                target.rmdir()
            target.touch(mode=0o640)
        mounts.mount(f"/proc/self/fd/{fd}", str(target), flags=mounts.BIND | mounts.REC)


def read_beneath(root: Path, path: str, limit: int) -> bytes:
    """Content of the regular file `path` below `root`.

    Raises EscapeError, OSError; EFBIG when it is larger than `limit` bytes, EINVAL when it is no regular file.
    """
    # O_NONBLOCK: a pipe that a container put there must not hold the thread.
    with opened(root, path, flags=os.O_RDONLY | os.O_NONBLOCK) as fd:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", path)
        content = b""
        while chunk := os.read(fd, limit + 1 - len(content)):
            content += chunk
        if len(content) > limit:
            raise OSError(errno.EFBIG, f"is larger than {limit} bytes", path)
        return content
