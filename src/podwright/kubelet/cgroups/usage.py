"""What a cgroup uses: CPU time, memory, processes. Blocks: use a thread.

Called by `pods`, for the kubelet's stats and for resizes.
Page: https://kubernetes.io/docs/reference/instrumentation/node-metrics/
"""

from __future__ import annotations

from dataclasses import dataclass

from podwright.kubelet.cgroups.tree import CgroupTree
from podwright.kubelet.runtime_state import Sizes

_NO_LIMIT = 1 << 62
"""What v1 says where there is none is a little less than 2^63."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Since the cgroup was made (CPU), and now (the rest)."""

    cpu_nanoseconds: int
    memory_bytes: int
    working_set_bytes: int
    """memory that cannot be taken back easily: without inactive file cache"""
    rss_bytes: int
    processes: int


def read_usage(tree: CgroupTree, name: str) -> Usage | None:
    """The usage of a cgroup; None when there is none of that name. Raises OSError."""
    v1 = tree.read("cpuacct", name, "cpuacct.usage")
    if v1 is not None:
        cpu = int(v1)
        memory = tree.read("memory", name, "memory.usage_in_bytes")
        inactive_key, rss_key = "total_inactive_file", "total_rss"
    else:
        stat = tree.read("cpu", name, "cpu.stat")
        if stat is None:
            return None
        cpu = 1000 * _keyed(stat).get("usage_usec", 0)
        memory = tree.read("memory", name, "memory.current")
        inactive_key, rss_key = "inactive_file", "anon"
    used = int(memory or 0)
    stats = _keyed(tree.read("memory", name, "memory.stat") or "")
    return Usage(
        cpu_nanoseconds=cpu,
        memory_bytes=used,
        working_set_bytes=max(0, used - stats.get(inactive_key, 0)),
        rss_bytes=stats.get(rss_key, 0),
        processes=int(tree.read("pids", name, "pids.current") or 0),
    )


def read_sizes(tree: CgroupTree, name: str) -> Sizes | None:
    """The limits of a cgroup; None when there is none of that name. Raises OSError."""
    shares = tree.read("cpu", name, "cpu.shares")
    if shares is not None:
        quota = int(tree.read("cpu", name, "cpu.cfs_quota_us") or -1)
        memory = int(tree.read("memory", name, "memory.limit_in_bytes") or _NO_LIMIT)
        return Sizes(int(shares), quota if quota > 0 else None, memory if memory < _NO_LIMIT else None)
    most = tree.read("cpu", name, "cpu.max")
    if most is None:
        return None
    cpu, limit = most.split()[0], (tree.read("memory", name, "memory.max") or "max").strip()
    # What shares a weight was made from cannot be told.
    return Sizes(None, None if cpu == "max" else int(cpu), None if limit == "max" else int(limit))


def _keyed(text: str) -> dict[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
