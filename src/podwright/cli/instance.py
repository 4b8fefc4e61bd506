"""The one `podwright up` of a data directory: its lock, what it says about itself, and how to reach its process.

`up` holds a lock on `<data-dir>/podwright.lock` for as long as it lives, so that there is never a second one; what
it wrote there tells the other verbs where it listens. The lock goes with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

DEFAULT_DATA_DIR = Path("/var/lib/podwright")


def data_dir_option(command: Any) -> Any:
    """`--data-dir`, the same for every verb; the verb gets an absolute path."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
        default=DEFAULT_DATA_DIR,
        show_default=True,
        help="Where everything of this node lies.",
    )(command)


class Running(Exception):
    """Another `up` of the same data directory is alive."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"podwright is already up here (pid {pid})")
        self.pid = pid


@dataclass(frozen=True, slots=True)
class Instance:
    """What a running `up` says about itself."""

    pid: int
    url: str = ""
    """where its API is; "" until the node is Ready"""
    node: str = ""
    managed: bool = True
    """whether it runs its own containerd"""
    endpoint: str = ""
    """the CRI endpoint of the runtime that it was given instead"""
    flags: Sequence[str] = ()
    """the flags that it was given: `podwright run` starts a stopped node with them"""


def _lock_file(data_dir: Path) -> Path:
    return data_dir / "podwright.lock"


class NotOurs(Exception):
    """The directory is somebody else's: `down --purge` would remove what is not Podwright's."""


USERS_FILES = frozenset({"config.json", "registries", "credentials", "manifests", "preload", "lost+found"})
"""What a user may put into a data directory before the first `up`, and what a new disk for it has."""


def check_ours(data_dir: Path) -> None:
    """Raises NotOurs for a directory that holds something and was never a data directory."""
    if _lock_file(data_dir).exists() or not data_dir.exists():
        return
    strange = sorted({entry.name for entry in data_dir.iterdir()} - USERS_FILES)
    if strange:
        raise NotOurs(f"{data_dir} is no data directory of Podwright and not empty (it has {strange[0]})")


class Lock:
    """Held by `up`. Raises Running when another holds it, NotOurs, OSError when the directory can't be written."""

    def __init__(self, data_dir: Path) -> None:
        check_ours(data_dir)
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._file = os.open(_lock_file(data_dir), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            other = find(data_dir)
            raise Running(other.pid if other else 0) from None

    def say(self, instance: Instance) -> None:
        """Tell the other verbs."""
        text = json.dumps(asdict(instance)).encode()
        os.pwrite(self._file, text, 0)
        os.ftruncate(self._file, len(text))


def find(data_dir: Path) -> Instance | None:
    """The `up` that is alive for this data directory."""
    try:
        file = os.open(_lock_file(data_dir), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _said(file) or Instance(pid=0)  # it holds the lock and has not yet written
    finally:
        os.close(file)
    return None


def last(data_dir: Path) -> Instance | None:
    """What the last `up` of this data directory said, alive or not."""
    try:
        file = os.open(_lock_file(data_dir), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _said(file)
    finally:
        os.close(file)


def _said(file: int) -> Instance | None:
    try:
        return Instance(**json.loads(os.pread(file, 65536, 0)))
    except (ValueError, TypeError):
        return None


def end(instance: Instance, sig: signal.Signals) -> None:
    """Send a signal and wait until the process is gone."""
    try:
        process = os.pidfd_open(instance.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(process, sig)
        select.select([process], [], [])
    except ProcessLookupError:
        return
    finally:
        os.close(process)
