"""What the pure decisions must know of the machine that Pods run on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """Found out once, when the kubelet starts."""

    memory_bytes: int
    """capacity; the oom score of a Burstable container is a share of it"""
    cgroup_v2: bool = False
    minimum_oom_score_adj: int = -1000
    """the lowest that a process here may be given (our own, without CAP_SYS_RESOURCE)"""
    hugepage_sizes: Sequence[str] = ()
    """sizes whose use can be limited, as `2MB`; empty where the hugetlb controller cannot be used"""
    seccomp_profiles: Path = Path("/var/lib/kubelet/seccomp")
    """where `localhostProfile`s lie"""
    seccomp_default: bool = False
    """whether a container without a seccomp profile gets the runtime's"""
    cpu_cfs_quota: bool = True
    """whether CPU limits are enforced"""


_CAP_SYS_RESOURCE = 24


def minimum_oom_score_adj(status: str, own_score: int) -> int:
    """From /proc/self/status and our own score: without CAP_SYS_RESOURCE nobody gets lower than we are."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return -1000 if int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1 else own_score
    return own_score


def read_minimum_oom_score_adj(proc: Path = Path("/proc/self")) -> int:
    """`minimum_oom_score_adj` of this process. Raises OSError."""
    return minimum_oom_score_adj((proc / "status").read_text(), int((proc / "oom_score_adj").read_text()))
