"""Takes away what Pods have left behind that nobody knows any more: volumes and logs.

Run by `kubelet`, slowly. A Pod that ends in the ordinary way leaves nothing; this is for what a crash or a power cut
has left. Cgroups are swept once, before the first Pod is made.
Page: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from podwright.kubelet.interfaces import VolumeError

log = logging.getLogger(__name__)

FIRST, PERIOD = 5.0, 120.0
"""Seconds after the start, and between rounds."""


class LeftVolumes(Protocol):
    """volumes/manager, as housekeeping sees it."""

    async def left_behind(self) -> Sequence[str]:
        """UIDs of Pods that have a directory."""
        ...

    async def unmount(self, uid: str) -> None:
        """Remove everything of that Pod. Raises VolumeError."""
        ...


class LeftCgroups(Protocol):
    """cgroups/pods, as the kubelet's start sees it."""

    async def sweep(self, keep: Collection[str]) -> None:
        """Remove the cgroups of all Pods but those with the UIDs in `keep`. Raises OSError."""
        ...


class Housekeeping:
    """Removes volumes and logs of Pods that are not known."""

    def __init__(self, volumes: LeftVolumes, pod_logs: Path, is_known: Callable[[str], bool]) -> None:
        """`pod_logs`: the folder of Pods' log folders; `is_known` says whether a UID is still somebody's."""
        self._volumes = volumes
        self._pod_logs = pod_logs
        self._is_known = is_known

    async def run(self) -> None:
        """A round now and then, until cancelled."""
        await asyncio.sleep(FIRST)
        while True:
            await self.round()
            await asyncio.sleep(PERIOD)

    async def round(self) -> None:
        """Look once. Whether a UID is known is asked after its folder was seen: a Pod is known before it has one."""
        for uid in await self._volumes.left_behind():
            if self._is_known(uid):
                continue
            try:
                await self._volumes.unmount(uid)
                log.info("removed volumes that pod %s had left", uid)
            except VolumeError as error:
                log.warning("%s", error)
        for folder in await asyncio.to_thread(log_folders, self._pod_logs):
            if not self._is_known(folder.name.rpartition("_")[2]):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                log.info("removed logs that %s had left", folder.name)


def log_folders(pod_logs: Path) -> Sequence[Path]:
    """The Pods' log folders, `<namespace>_<name>_<uid>`. Reads the disk."""
    if not pod_logs.is_dir():
        return []
    return [folder for folder in pod_logs.iterdir() if folder.name.count("_") == 2 and folder.is_dir()]
