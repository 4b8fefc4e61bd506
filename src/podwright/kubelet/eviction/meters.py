"""Measures what the node has left and what a Pod uses: from /proc, cgroups, the disk and the runtime.

`manager.Meters` for a real node. Disks are walked in a thread, and only when somebody has to know.
Page: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from podwright.api.objects import Object, uid_of
from podwright.api.pods import containers, spec_of
from podwright.cri.client import RuntimeClient
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.cgroups.usage import Usage
from podwright.kubelet.eviction.local_limits import DiskUse
from podwright.kubelet.eviction.manager import MemoryUse
from podwright.kubelet.eviction.thresholds import Level, levels
from podwright.kubelet.kuberuntime import labels
from podwright.kubelet.node.machine import read_machine, read_usage
from podwright.kubelet.volumes.empty_dir import DIRECTORY


class CgroupUsage(Protocol):
    """What is needed of `cgroups.pods.PodCgroups`."""

    async def usage(self, pod: Object, container_id: str = "") -> Usage | None:
        """What a Pod or a container uses. Raises OSError."""
        ...


class NodeMeters:
    """`data_dir` is on the file system that the node's thresholds are about; `logs` gives a Pod's log directory."""

    def __init__(
        self, data_dir: Path, cgroups: CgroupUsage, runtime: RuntimeClient, logs: Callable[[Object], Path]
    ) -> None:
        self._data_dir = data_dir
        self._cgroups = cgroups
        self._runtime = runtime
        self._logs = logs

    async def left(self) -> Mapping[str, Level]:
        """What the node has left, by signal. Raises OSError."""
        return await asyncio.to_thread(self._left)

    def _left(self) -> Mapping[str, Level]:
        return levels(read_machine(self._data_dir, ("",)), read_usage(self._data_dir))

    async def memory_use(self, pod: Object) -> MemoryUse | None:
        """Of one Pod; None when it has no cgroup. Raises OSError."""
        whole = await self._cgroups.usage(pod)
        if whole is None:
            return None
        parts = {}
        for name, container_id in _running(pod).items():
            usage = await self._cgroups.usage(pod, container_id)
            if usage is not None:
                parts[name] = usage.working_set_bytes
        return MemoryUse(whole.working_set_bytes, whole.processes, parts)

    async def disk_use(self, pod: Object) -> DiskUse:
        """Of one Pod. Raises OSError, CriError."""
        selector = pb.ContainerStatsFilter(label_selector={labels.POD_UID: uid_of(pod)})
        layers = {
            stats.attributes.metadata.name: stats.writable_layer.used_bytes.value
            for stats in (await self._runtime.list_container_stats(selector)).stats
        }
        names = [at.container["name"] for at in containers(spec_of(pod))]
        logs = await asyncio.to_thread(_sizes, self._logs(pod), names)
        folder = self._data_dir / "pods" / uid_of(pod) / "volumes" / DIRECTORY
        volumes = await asyncio.to_thread(_sizes, folder, _on_disk(pod))
        return DiskUse(volumes, {name: layers.get(name, 0) + logs[name] for name in names})


def _running(pod: Object) -> dict[str, str]:
    """Ids of running containers, by name."""
    status = pod.get("status") or {}
    return {
        one["name"]: one["containerID"].partition("://")[2]
        for kind in ("initContainerStatuses", "containerStatuses")
        for one in status.get(kind) or ()
        if "running" in (one.get("state") or {}) and one.get("containerID")
    }


def _on_disk(pod: Object) -> list[str]:
    return [
        volume["name"]
        for volume in spec_of(pod).get("volumes") or ()
        if "emptyDir" in volume and (volume["emptyDir"] or {}).get("medium") in (None, "")
    ]


def _sizes(folder: Path, names: Sequence[str]) -> dict[str, int]:
    return {name: size_on_disk(folder / name) for name in names}


def size_on_disk(folder: Path) -> int:
    """Bytes that a folder's content takes, each file once; what goes meanwhile does not count. Reads the disk."""
    seen: set[int] = set()
    total = 0
    for place, _, files in os.walk(folder, onerror=None):
        for name in files:
            try:
                found = Path(place, name).lstat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode) and found.st_ino not in seen:
                seen.add(found.st_ino)
                total += found.st_blocks * 512
    return total
