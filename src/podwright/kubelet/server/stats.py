"""What the node, its Pods and their containers use, measured when somebody asks.

`summary` is the answer of /stats/summary; `metrics` shows the same measurement as metrics. Called by `server`.
Page: https://kubernetes.io/docs/reference/instrumentation/node-metrics/
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from podwright.api.objects import Object, name_of, namespace_of, rfc3339, uid_of
from podwright.kubelet.cgroups.usage import Usage
from podwright.kubelet.pod_lifecycle import Clock
from podwright.kubelet.server.containers import bare_id, status_entries
from podwright.kubelet.volumes.in_thread import in_thread

_BUSY = (0, 1, 2, 5, 6, 7)
"""Columns of /proc/stat that count work: user, nice, system, irq, softirq, steal."""


class CgroupUsage(Protocol):
    """What is needed of `cgroups.pods.PodCgroups`."""

    async def usage(self, pod: Object, container_id: str = "") -> Usage | None:
        """What a Pod or a container uses. Raises OSError."""


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """The machine. Sizes in bytes, CPU since it started."""

    started: datetime.datetime
    cpu_nanoseconds: int
    memory_total: int
    memory_available: int
    memory_free: int
    memory_anonymous: int
    disk_total: int
    disk_available: int
    disk_free: int
    inodes: int
    inodes_free: int
    processes: int
    max_processes: int


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """One running container."""

    name: str
    started_at: str
    """RFC 3339"""
    usage: Usage


@dataclass(frozen=True, slots=True)
class PodUsage:
    """One Pod with a running container; `usage` is None where it has no cgroup."""

    pod: Object
    usage: Usage | None
    containers: Sequence[ContainerUsage]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything, at one moment."""

    at: datetime.datetime
    node: NodeUsage
    pods: Sequence[PodUsage]


class Pods(Protocol):
    """What is needed of `kubelet.Kubelet`."""

    def pods(self) -> Iterable[Object]:
        """The Pods of this node with their newest status."""


class Stats:
    """Measures one node. `disk`: a path on the file system that holds its data."""

    def __init__(self, pods: Pods, cgroups: CgroupUsage, node_name: str, disk: Path, now: Clock) -> None:
        self._pods = pods
        self._cgroups = cgroups
        self._disk = disk
        self._now = now
        self._last: Measured | None = None
        self.node_name = node_name

    async def measure(self) -> Measured:
        """Look at everything. Raises OSError."""
        node = await in_thread(read_node, self._disk)
        pods = [await self._pod(pod) for pod in list(self._pods.pods()) if any(running_containers(pod))]
        return Measured(self._now(), node, pods)

    async def summary(self) -> Object:
        """The answer of /stats/summary. CPU rates are over the time since the last one. Raises OSError."""
        measured = await self.measure()
        last, self._last = self._last, measured
        return summary(self.node_name, measured, last)

    async def _pod(self, pod: Object) -> PodUsage:
        containers = []
        for name, container_id, started_at in running_containers(pod):
            usage = await self._cgroups.usage(pod, container_id)
            if usage is not None:
                containers.append(ContainerUsage(name, started_at, usage))
        return PodUsage(pod, await self._cgroups.usage(pod), containers)


def running_containers(pod: Object) -> Iterable[tuple[str, str, str]]:
    """Name, id and start of each container that runs, as the Pod's status says."""
    for entry in status_entries(pod):
        running = (entry.get("state") or {}).get("running")
        if running is not None and entry.get("containerID"):
            yield entry["name"], bare_id(entry["containerID"]), running.get("startedAt") or ""


def read_node(disk: Path, proc: Path = Path("/proc")) -> NodeUsage:
    """Measure the machine. Blocks. Raises OSError."""
    stat = {words[0]: words[1:] for line in (proc / "stat").read_text().splitlines() if (words := line.split())}
    pairs = (line.split() for line in (proc / "meminfo").read_text().splitlines())
    memory = {words[0].rstrip(":"): int(words[1]) * 1024 for words in pairs if len(words) == 3}
    ticks = sum(int(stat["cpu"][column]) for column in _BUSY)
    fs = os.statvfs(disk)
    return NodeUsage(
        started=datetime.datetime.fromtimestamp(int(stat["btime"][0]), datetime.UTC),
        cpu_nanoseconds=ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK"),
        memory_total=memory["MemTotal"],
        memory_available=memory["MemAvailable"],
        memory_free=memory["MemFree"],
        memory_anonymous=memory.get("AnonPages", 0),
        disk_total=fs.f_blocks * fs.f_frsize,
        disk_available=fs.f_bavail * fs.f_frsize,
        disk_free=fs.f_bfree * fs.f_frsize,
        inodes=fs.f_files,
        inodes_free=fs.f_ffree,
        processes=int((proc / "loadavg").read_text().split()[3].partition("/")[2]),
        max_processes=int((proc / "sys/kernel/pid_max").read_text()),
    )


def summary(node_name: str, measured: Measured, last: Measured | None) -> Object:
    """A stats Summary; rates (usageNanoCores) of what was there at `last`, too. Pure."""
    at, node = rfc3339(measured.at), measured.node
    seconds = (measured.at - last.at).total_seconds() if last else 0.0
    before = _cpu_times(last) if last else {}

    def cpu(key: tuple[str, str], total: int) -> Object:
        shown: Object = {"time": at, "usageCoreNanoSeconds": total}
        if seconds > 0 and total >= before.get(key, total + 1):
            shown["usageNanoCores"] = int((total - before[key]) / seconds)
        return shown

    def pod_stats(pod: PodUsage) -> Object:
        uid = uid_of(pod.pod)
        shown: Object = {
            "podRef": {"name": name_of(pod.pod), "namespace": namespace_of(pod.pod), "uid": uid},
            "startTime": (pod.pod.get("status") or {}).get("startTime"),
            "containers": [
                {
                    "name": c.name,
                    "startTime": c.started_at or None,
                    "cpu": cpu((uid, c.name), c.usage.cpu_nanoseconds),
                    "memory": _memory(at, c.usage),
                }
                for c in pod.containers
            ],
        }
        if pod.usage is not None:
            shown["cpu"] = cpu((uid, ""), pod.usage.cpu_nanoseconds)
            shown["memory"] = _memory(at, pod.usage)
            shown["process_stats"] = {"process_count": pod.usage.processes}
        return shown

    return {
        "node": {
            "nodeName": node_name,
            "startTime": rfc3339(node.started),
            "cpu": cpu(("", ""), node.cpu_nanoseconds),
            "memory": {
                "time": at,
                "availableBytes": node.memory_available,
                "usageBytes": node.memory_total - node.memory_free,
                "workingSetBytes": node.memory_total - node.memory_available,
                "rssBytes": node.memory_anonymous,
            },
            "fs": {
                "time": at,
                "availableBytes": node.disk_available,
                "capacityBytes": node.disk_total,
                "usedBytes": node.disk_total - node.disk_free,
                "inodesFree": node.inodes_free,
                "inodes": node.inodes,
                "inodesUsed": node.inodes - node.inodes_free,
            },
            "rlimit": {"time": at, "maxpid": node.max_processes, "curproc": node.processes},
        },
        "pods": [pod_stats(pod) for pod in measured.pods],
    }


def _memory(at: str, usage: Usage) -> dict[str, Any]:
    return {
        "time": at,
        "usageBytes": usage.memory_bytes,
        "workingSetBytes": usage.working_set_bytes,
        "rssBytes": usage.rss_bytes,
    }


def _cpu_times(measured: Measured) -> dict[tuple[str, str], int]:
    times = {("", ""): measured.node.cpu_nanoseconds}
    for pod in measured.pods:
        uid = uid_of(pod.pod)
        if pod.usage is not None:
            times[uid, ""] = pod.usage.cpu_nanoseconds
        times.update({(uid, c.name): c.usage.cpu_nanoseconds for c in pod.containers})
    return times
