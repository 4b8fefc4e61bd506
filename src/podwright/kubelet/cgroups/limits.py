"""What a Pod's cgroup limits: CPU shares and quota, memory, processes; the Pod's overhead counted in.

What it decides: the numbers, and their form in the files of cgroup v1 and v2. Pure; called by `pods`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from podwright.api.objects import Object
from podwright.api.pods import limits, qos_class, requests, spec_of

PERIOD = 100_000
"""microseconds"""
MINIMUM_SHARES, MAXIMUM_SHARES = 2, 262_144
_MINIMUM_QUOTA = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one cgroup; None: not limited."""

    cpu_shares: int
    cpu_quota: int | None = None
    """microseconds of CPU time in each period"""
    memory: int | None = None
    """bytes"""
    pids: int | None = None


def shares(milli: int) -> int:
    """cpu.shares for thousandths of a core."""
    return min(max(milli * 1024 // 1000, MINIMUM_SHARES), MAXIMUM_SHARES)


def quota(milli: int) -> int:
    """Microseconds of CPU time in each period."""
    return max(milli * PERIOD // 1000, _MINIMUM_QUOTA)


def pod_limits(pod: Object, pids: int | None = None, *, cfs_quota: bool = True) -> Limits:
    """The limits of a Pod's cgroup; `pids` is the node's podPidsLimit. Raises ValueError for bad quantities.

    What one container leaves open cannot be limited for the Pod.
    """
    qos = qos_class(pod)
    if qos == "BestEffort":
        return Limits(MINIMUM_SHARES, pids=pids)
    most = limits(pod)
    cpu, memory = most.get("cpu"), most.get("memory")
    limited = qos == "Guaranteed"
    return Limits(
        cpu_shares=shares(_milli(requests(pod).get("cpu", Decimal(0)))),
        cpu_quota=quota(_milli(cpu)) if cfs_quota and cpu and (limited or _all_limit(pod, "cpu")) else None,
        memory=_whole(memory) if memory and (limited or _all_limit(pod, "memory")) else None,
        pids=pids,
    )


def _all_limit(pod: Object, resource: str) -> bool:
    spec = spec_of(pod)
    if resource in ((spec.get("resources") or {}).get("limits") or {}):
        return True
    holders = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return all(resource in ((c.get("resources") or {}).get("limits") or {}) for c in holders)


def v1_files(limit: Limits) -> Mapping[str, Mapping[str, str]]:
    """What is written where in cgroup v1: controller -> file -> text."""
    files: dict[str, dict[str, str]] = {"cpu": {"cpu.shares": str(limit.cpu_shares)}, "memory": {}, "pids": {}}
    if limit.cpu_quota is not None:
        files["cpu"] |= {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(limit.cpu_quota)}
    if limit.memory is not None:
        files["memory"]["memory.limit_in_bytes"] = str(limit.memory)
    if limit.pids is not None:
        files["pids"]["pids.max"] = str(limit.pids)
    return files


def v2_files(limit: Limits) -> Mapping[str, str]:
    """What is written in cgroup v2: file -> text."""
    files = {"cpu.weight": str(weight(limit.cpu_shares))}
    if limit.cpu_quota is not None:
        files["cpu.max"] = f"{limit.cpu_quota} {PERIOD}"
    if limit.memory is not None:
        files["memory.max"] = str(limit.memory)
    if limit.pids is not None:
        files["pids.max"] = str(limit.pids)
    return files


def weight(cpu_shares: int) -> int:
    """cpu.weight (1 to 10000) for cpu.shares (2 to 262144)."""
    return 1 + (cpu_shares - 2) * 9999 // 262_142


def shares_of_weight(cpu_weight: int) -> int:
    """cpu.shares that a cpu.weight stands for, about."""
    return 2 + (cpu_weight - 1) * 262_142 // 9999


def _milli(amount: Decimal) -> int:
    return int((amount * 1000).to_integral_value(ROUND_CEILING))


def _whole(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_CEILING))
