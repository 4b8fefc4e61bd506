"""What hooks wrote and how they ended, kept with the Pod's logs.

Kubernetes throws a hook's output away, and puts none of it into events, since it may hold secrets. Here it stays on the
node, in a file that only root can read: one JSON object a line, the newest last. `podwright logs POD --hooks` and `why`
show it.
Called by `hooks.py`, in a thread.
Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#debugging-hook-handlers
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

FILE_NAME = "hooks.log"
OUTPUT_LIMIT = 16 * 1024
"""Bytes of output that are kept of each run, its end."""
_FILE_LIMIT = 1024 * 1024
_KEPT_RUNS = 20


@dataclass(frozen=True, slots=True)
class HookRun:
    """One run of a hook, as it stands in the file."""

    time: str
    """RFC 3339, when it began"""
    container: str
    containerID: str
    hook: str
    """postStart or preStop"""
    handler: str
    """exec, httpGet, tcpSocket or sleep"""
    result: str
    """Succeeded, Failed, TimedOut or Cancelled"""
    seconds: float
    exitCode: int | None = None
    httpStatus: int | None = None
    message: str = ""
    output: str = ""
    outputBytes: int = 0
    """how much there was before it was cut"""


def tail(output: bytes) -> str:
    """The end of the output as text; what is not UTF-8 is marked."""
    return output[-OUTPUT_LIMIT:].decode(errors="replace")


def append(log_dir: Path, run: HookRun) -> None:
    """Add one run to the Pod's log directory. Raises OSError."""
    log_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = log_dir / FILE_NAME
    line = msgspec.json.encode(run) + b"\n"
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(fd, line)
        too_long = os.fstat(fd).st_size > _FILE_LIMIT
    finally:
        os.close(fd)
    if too_long:
        _shorten(path)


def _shorten(path: Path) -> None:
    kept = path.read_bytes().splitlines(keepends=True)[-_KEPT_RUNS:]
    new = path.with_name(f".{path.name}.new")
    new.touch(mode=0o600)
    new.write_bytes(b"".join(kept))
    new.replace(path)


def read(log_dir: Path) -> Sequence[HookRun]:
    """All runs that are kept, the oldest first; none when there is no file. Raises OSError.

    A line that was cut off by a crash is left out.
    """
    try:
        lines = (log_dir / FILE_NAME).read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    runs = []
    for line in lines:
        try:
            runs.append(msgspec.json.decode(line, type=HookRun))
        except msgspec.DecodeError:
            continue
    return runs
