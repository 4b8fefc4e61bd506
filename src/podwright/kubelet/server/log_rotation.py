"""Keeps container logs small: a log that has grown too big is renamed, older ones are compressed, the oldest go.

    0.log                        written by the runtime
    0.log.20260102-030405        the newest rotated one, left readable for who still follows it
    0.log.20260101-030405.gz     older ones

Run by the kubelet's server's owner beside the server. One walk over the log folders is all that a quiet round costs.
Page: https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-rotation
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from podwright.cri.errors import CriError
from podwright.kubelet.pod_lifecycle import Clock
from podwright.kubelet.runtime_state import ContainerStatus, PodRuntimeStatus
from podwright.kubelet.volumes.in_thread import in_thread

log = logging.getLogger(__name__)

_UNFINISHED = ".tmp"
_COMPRESSED = ".gz"
_ROTATED = re.compile(r"\.\d{8}-\d{6}(\.gz)?$")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with rotated files before another one joins them."""

    remove: Sequence[str]
    compress: Sequence[str]


def plan(names: Iterable[str], live: str, max_files: int) -> Plan:
    """Decide by the names in a folder; `max_files` counts the live log and the one about to be rotated."""
    beside = sorted(name for name in names if name.startswith(f"{live}."))
    # What was being compressed when the kubelet was killed is done again from its original.
    unfinished = [name for name in beside if name.endswith(_UNFINISHED)]
    finished = {name for name in beside if name.endswith(_COMPRESSED)}
    originals = [name for name in beside if f"{name}{_COMPRESSED}" in finished]
    rotated = [name for name in beside if _ROTATED.search(name) and name not in originals]
    surplus = rotated[: max(0, len(rotated) - max(0, max_files - 2))]
    kept = [name for name in rotated if name not in surplus]
    return Plan((*unfinished, *originals, *surplus), tuple(name for name in kept if name not in finished))


class Runtime(Protocol):
    """What is needed of `interfaces.PodRuntime`."""

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        """What the runtime has of a Pod. Raises CriError."""


class Reopener(Protocol):
    """What is needed of `cri.client.RuntimeClient`."""

    async def reopen_container_log(self, container_id: str) -> Any:
        """Make the runtime open its log file again. Raises CriError."""


class LogRotation:
    """Rotates logs below `pod_logs`. `max_size` in bytes, `interval` in seconds; `max_files` of one container."""

    def __init__(
        self,
        pod_logs: Path,
        runtime: Runtime,
        reopener: Reopener,
        now: Clock,
        *,
        max_size: int,
        max_files: int,
        interval: float,
    ) -> None:
        self._pod_logs = pod_logs
        self._runtime = runtime
        self._reopener = reopener
        self._now = now
        self._max_size = max_size
        self._max_files = max_files
        self._interval = interval

    async def run(self) -> None:
        """Serve until cancelled; a negative max_size means that nothing is ever rotated."""
        while self._max_size >= 0:
            await asyncio.sleep(self._interval)
            await self.rotate_all()

    async def rotate_all(self) -> None:
        """Look at every log once. What can't be rotated is logged, and tried again the next time."""
        for path in await in_thread(too_big, self._pod_logs, self._max_size):
            try:
                container = await self._writer_of(path)
                if container is not None:
                    await self._rotate(path, container.id)
            except (OSError, CriError) as error:
                log.warning("the log %s was not rotated: %s", path, error)

    async def _writer_of(self, path: Path) -> ContainerStatus | None:
        """The running container that writes a log; None for the log of one that has ended, which grows no more."""
        uid = path.parent.parent.name.rpartition("_")[2]
        status = await self._runtime.pod_status(uid)
        return next((c for c in status.running() if c.log_path == str(path)), None)

    async def _rotate(self, path: Path, container_id: str) -> None:
        await in_thread(_tidy, path, self._max_files)
        rotated = path.with_name(f"{path.name}.{self._now():%Y%m%d-%H%M%S}")
        if not await in_thread(_rename, path, rotated):
            return
        try:
            await self._reopener.reopen_container_log(container_id)
        except CriError:
            # The runtime goes on writing into the file that it has: it gets its name back.
            await in_thread(_rename, rotated, path)
            raise


def too_big(pod_logs: Path, max_size: int) -> list[Path]:
    """The live logs (`<pod>/<container>/<attempt>.log`) of more than `max_size` bytes. Blocks."""
    found = []
    for folder in _folders(pod_logs):
        for container in _folders(folder):
            with suppress(FileNotFoundError), os.scandir(container) as entries:
                for entry in entries:
                    if entry.name.endswith(".log") and entry.stat(follow_symlinks=False).st_size > max_size:
                        found.append(Path(entry.path))  # noqa: PERF401 (a comprehension would lose what it has found)
    return found


def _folders(parent: Path) -> list[Path]:
    # Pods come and go while this walks.
    try:
        with os.scandir(parent) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _tidy(path: Path, max_files: int) -> None:
    planned = plan(os.listdir(path.parent), path.name, max_files)  # noqa: PTH208 (names are what is decided on)
    for name in planned.remove:
        path.with_name(name).unlink(missing_ok=True)
    for name in planned.compress:
        _compress(path.with_name(name))


def _compress(path: Path) -> None:
    unfinished = path.with_name(f"{path.name}{_COMPRESSED}{_UNFINISHED}")
    with path.open("rb") as source, gzip.open(unfinished, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    unfinished.chmod(path.stat().st_mode & 0o777)
    unfinished.rename(path.with_name(f"{path.name}{_COMPRESSED}"))
    path.unlink()


def _rename(old: Path, new: Path) -> bool:
    """Rename unless something has the new name already, which is not overwritten."""
    if new.exists():
        return False
    old.rename(new)
    return True
