"""Files of a volume, changed all at once.

The files lie in a directory with the time in its name; `..data` is a symbolic link to it, and what a container sees
are links through `..data`. A change writes a new directory and renames one link, so a reader sees the old files or the
new ones, never some of each, and a file that was opened stays whole until it is closed.

    token -> ..data/token      ..data -> ..2026_01_02_15_04_05.123456      ..2026_01_02_15_04_05.123456/token

Called by the manager, in a thread.
Page: https://kubernetes.io/docs/concepts/configuration/configmap/
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_DATA = "..data"
_NEW_DATA = "..data_tmp"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume: its bytes, its permission bits and its owner (None: root)."""

    content: bytes
    mode: int
    uid: int | None = None


Payload = Mapping[str, File]
"""Files by their path in the volume."""


def check_path(path: str) -> None:
    """Raises ValueError when `path` may not be the path of a file in a volume."""
    parts = path.split("/")
    if not path or path.startswith("/"):
        raise ValueError(f"invalid path: must be relative path: {path}")
    if ".." in parts:
        raise ValueError(f"invalid path: must not contain '..': {path}")
    if parts[0].startswith(".."):
        raise ValueError(f"invalid path: must not start with '..': {path}")
    if len(path) > 4096 or any(len(os.fsencode(part)) > 255 for part in parts):
        raise ValueError(f"invalid path: too long: {path}")


def write(volume: Path, payload: Payload, gid: int | None, now: datetime.datetime) -> bool:
    """Make the volume have exactly the files of `payload`; False when it had them already.

    `gid` (fsGroup) owns the files and may read them. Raises ValueError for a path that may not be, OSError.
    """
    for path in payload:
        check_path(path)
    old = _current(volume)
    if old is not None and _read(volume / old) == {p: (f.content, _mode(f, gid)) for p, f in payload.items()}:
        _link(volume, payload)
        return False
    # Left by a write that was interrupted; the name says nothing by itself, only `..data` does.
    for stale in volume.glob("..2*"):
        if stale.name != old:
            shutil.rmtree(stale)
    new = _write_new(volume, payload, gid, now)
    temporary = volume / _NEW_DATA
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(new)
    temporary.rename(volume / _DATA)
    _link(volume, payload)
    if old is not None:
        shutil.rmtree(volume / old)
    return True


def _current(volume: Path) -> str | None:
    try:
        return str((volume / _DATA).readlink())
    except FileNotFoundError:
        return None


def _read(directory: Path) -> dict[str, tuple[bytes, int]] | None:
    """What a version holds; None when it is not whole."""
    try:
        return {
            str(path.relative_to(directory)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
            for path in directory.rglob("*")
            if not path.is_dir()
        }
    except OSError:
        return None


def _mode(file: File, gid: int | None) -> int:
    # With an fsGroup the group must be able to read what the owner can.
    return file.mode | 0o440 if gid is not None else file.mode


def _write_new(volume: Path, payload: Payload, gid: int | None, now: datetime.datetime) -> str:
    name = now.strftime("..%Y_%m_%d_%H_%M_%S.%f")
    # The clock may have been set back to the moment of the version that is there.
    while (volume / name).exists():
        name += "0"
    directory = volume / name
    _make_directory(directory, gid)
    for path, file in payload.items():
        target = directory
        for part in Path(path).parts[:-1]:
            target /= part
            _make_directory(target, gid)
        fd = os.open(directory / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as stream:
            stream.write(file.content)
            if gid is not None or file.uid is not None:
                os.fchown(fd, -1 if file.uid is None else file.uid, -1 if gid is None else gid)
            os.fchmod(fd, _mode(file, gid))
    return name


def _make_directory(directory: Path, gid: int | None) -> None:
    with contextlib.suppress(FileExistsError):
        directory.mkdir()
    directory.chmod(0o755 if gid is None else 0o2775)
    if gid is not None:
        os.chown(directory, -1, gid)


def _link(volume: Path, payload: Payload) -> None:
    """The links that containers see: one for each first part of a path, and none for what is gone."""
    wanted = {Path(path).parts[0] for path in payload}
    there = {entry.name for entry in volume.iterdir() if not entry.name.startswith("..")}
    for name in wanted - there:
        (volume / name).symlink_to(f"{_DATA}/{name}")
    for name in there - wanted:
        (volume / name).unlink()
