"""The cgroup of each Pod, below its QoS class, below a root of this instance alone.

    /<instance>/kubepods/pod<uid>              Guaranteed
    /<instance>/kubepods/burstable/pod<uid>
    /<instance>/kubepods/besteffort/pod<uid>

Called by `kuberuntime/sandbox` (create, before the sandbox), `kuberuntime/garbage` (remove) and the stats of the
kubelet's server. Every method is one trip to a thread.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from podwright.api.objects import Object, uid_of
from podwright.api.pods import qos_class
from podwright.kubelet.cgroups.limits import (
    MAXIMUM_SHARES,
    MINIMUM_SHARES,
    Limits,
    pod_limits,
    shares,
    shares_of_weight,
)
from podwright.kubelet.cgroups.memory_watch import MemoryWatch, watch_memory
from podwright.kubelet.cgroups.tree import CgroupTree
from podwright.kubelet.cgroups.usage import Usage, read_sizes, read_usage
from podwright.kubelet.runtime_state import Sizes

_TIERS = {"Guaranteed": "", "Burstable": "/burstable", "BestEffort": "/besteffort"}


def instance_name(data_dir: Path) -> str:
    """A name of its own for each data directory, so that two instances live side by side."""
    return "podwright-" + hashlib.blake2s(str(data_dir.resolve()).encode(), digest_size=4).hexdigest()


class PodCgroups:
    """`kuberuntime.collaborators.PodCgroups`.

    `instance` as of `instance_name`; `pids` is podPidsLimit, None for none; `cfs_quota` is cpuCFSQuota.
    """

    def __init__(self, tree: CgroupTree, instance: str, *, pids: int | None = None, cfs_quota: bool = True) -> None:
        self._tree = tree
        self._instance = f"/{instance}"
        self._root = f"{self._instance}/kubepods"
        self._pids = pids
        self._cfs_quota = cfs_quota
        self._lock = threading.Lock()
        self._watches: dict[str, MemoryWatch] = {}
        self._ended_by_us: set[str] = set()

    async def start(self, allocatable_milli_cpu: int, allocatable_memory: int | None) -> None:
        """Make the root and the QoS classes; all Pods together get what is allocatable (memory None: no limit).

        Raises OSError.
        """
        await asyncio.to_thread(self._start, Limits(shares(allocatable_milli_cpu), memory=allocatable_memory))

    def _start(self, root: Limits) -> None:
        self._tree.create(self._root, root)
        self._tree.create(self._root + _TIERS["BestEffort"], Limits(MINIMUM_SHARES))
        self._share_burstable()

    def parent(self, pod: Object) -> str:
        """What the runtime is told as `cgroup_parent` (cgroupfs driver). Raises ValueError for bad quantities."""
        return self._name(qos_class(pod), uid_of(pod))

    async def create(self, pod: Object) -> None:
        """Make the Pod's cgroup with its limits. Safe to repeat. Raises OSError, ValueError."""
        await asyncio.to_thread(self._create, pod)

    def _create(self, pod: Object) -> None:
        qos = qos_class(pod)
        self._tree.create(self._name(qos, uid_of(pod)), pod_limits(pod, self._pids, cfs_quota=self._cfs_quota))
        if qos == "Burstable":
            self._share_burstable()

    async def grow(self, pod: Object) -> None:
        """Raise the limits of the Pod's cgroup to those of `pod`, and lower none: its containers are resized after it.

        Raises OSError, ValueError.
        """
        await asyncio.to_thread(self._grow, pod)

    def _grow(self, pod: Object) -> None:
        name = self.parent(pod)
        wanted = pod_limits(pod, self._pids, cfs_quota=self._cfs_quota)
        now = read_sizes(self._tree, name)
        if now is None:
            return
        memory, cpu = wanted.memory, wanted.cpu_quota
        self._tree.create(
            name,
            replace(
                wanted,
                memory=memory if memory and now.memory and memory > now.memory else None,
                cpu_quota=cpu if cpu and now.cpu_quota and cpu > now.cpu_quota else None,
            ),
        )

    async def sizes(self, uid: str, container_id: str) -> Sizes | None:
        """The limits of a container; None when it has no cgroup here. Raises OSError."""
        return await asyncio.to_thread(self._sizes, uid, container_id)

    def _sizes(self, uid: str, container_id: str) -> Sizes | None:
        found = (read_sizes(self._tree, f"{self._name(qos, uid)}/{container_id}") for qos in _TIERS)
        return next((sizes for sizes in found if sizes is not None), None)

    async def watch_memory(self, uid: str, container_id: str) -> None:
        """Be able to answer `ran_out_of_memory` for a container from now on. Safe to repeat. Raises OSError."""
        if container_id not in self._watches:
            watch = await asyncio.to_thread(self._watch_memory, uid, container_id)
            if watch is not None:
                self._watches.setdefault(container_id, watch)

    def _watch_memory(self, uid: str, container_id: str) -> MemoryWatch | None:
        found = (watch_memory(self._tree, self._name(qos, uid), container_id) for qos in _TIERS)
        return next((watch for watch in found if watch is not None), None)

    async def ran_out_of_memory(self, container_id: str) -> bool:
        """Whether memory was short in a container that has ended; False where it was not watched. Raises OSError."""
        watch = self._watches.get(container_id)
        patient = container_id not in self._ended_by_us
        return watch is not None and await asyncio.to_thread(watch.ran_out, patient=patient)

    def ending(self, container_id: str) -> None:
        """We are about to end this container: that it was killed needs no other reason, so none is waited for."""
        self._ended_by_us.add(container_id)

    def forget(self, container_id: str) -> None:
        """The container is gone: no more is asked of it."""
        self._watches.pop(container_id, None)
        self._ended_by_us.discard(container_id)

    async def kill(self, uid: str, container_id: str) -> None:
        """Kill every process of one container. Raises OSError."""
        await asyncio.to_thread(self._kill, uid, container_id)

    def _kill(self, uid: str, container_id: str) -> None:
        for qos in _TIERS:
            self._tree.kill(f"{self._name(qos, uid)}/{container_id}")

    async def remove(self, uid: str) -> None:
        """Take the Pod's cgroup away everywhere; processes left in it are killed. Raises OSError when some stays."""
        await asyncio.to_thread(self._remove, uid)

    def _remove(self, uid: str) -> None:
        for qos in _TIERS:
            self._tree.remove(self._name(qos, uid))
        self._share_burstable()

    async def sweep(self, keep: Collection[str]) -> None:
        """Remove the cgroups of Pods that are not in `keep` (UIDs): what a killed kubelet may leave. Raises OSError."""
        await asyncio.to_thread(self._sweep, frozenset(keep))

    def _sweep(self, keep: Collection[str]) -> None:
        for tier in _TIERS.values():
            for name in self._tree.children(self._root + tier):
                if name.startswith("pod") and name.removeprefix("pod") not in keep:
                    self._tree.remove(f"{self._root}{tier}/{name}")
        self._share_burstable()

    async def remove_all(self) -> None:
        """Remove everything of this instance, everywhere: for `down --purge`. Raises OSError."""
        await asyncio.to_thread(self._tree.remove, self._instance)

    async def usage(self, pod: Object, container_id: str = "") -> Usage | None:
        """What a Pod, or one container of it, uses; None when it has no cgroup. Raises OSError."""
        name = self.parent(pod) + (f"/{container_id}" if container_id else "")
        return await asyncio.to_thread(read_usage, self._tree, name)

    def _name(self, qos: str, uid: str) -> str:
        return f"{self._root}{_TIERS[qos]}/pod{uid}"

    def _share_burstable(self) -> None:
        """Give the Burstable class as many CPU shares as its Pods have together, read from their cgroups."""
        tier = self._root + _TIERS["Burstable"]
        with self._lock:
            total = sum(
                self._shares_of(f"{tier}/{name}") for name in self._tree.children(tier) if name.startswith("pod")
            )
            self._tree.create(tier, Limits(min(max(total, MINIMUM_SHARES), MAXIMUM_SHARES)))

    def _shares_of(self, name: str) -> int:
        v1 = self._tree.read("cpu", name, "cpu.shares")
        if v1 is not None:
            return int(v1)
        v2 = self._tree.read("cpu", name, "cpu.weight")
        return shares_of_weight(int(v2)) if v2 is not None else 0
