"""Which cgroup hierarchies the machine has, and where: v1 controllers, the unified one, or both (hybrid).

Pure over the text of /proc/self/mountinfo. Page: https://kubernetes.io/docs/concepts/architecture/cgroups/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_CONTROLLERS = frozenset(
    {
        "blkio",
        "cpu",
        "cpuacct",
        "cpuset",
        "devices",
        "freezer",
        "hugetlb",
        "memory",
        "misc",
        "net_cls",
        "net_prio",
        "perf_event",
        "pids",
        "rdma",
    }
)


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """Mount points."""

    v1: Mapping[str, Path] = field(default_factory=dict)
    """by controller"""
    named: Sequence[Path] = ()
    """v1 hierarchies without a controller (systemd's)"""
    unified: Path | None = None

    @property
    def is_v2(self) -> bool:
        """Whether the unified hierarchy has the controllers that limits need."""
        return self.unified is not None and "memory" not in self.v1 and "cpu" not in self.v1

    @property
    def roots(self) -> Sequence[Path]:
        """Every mount point, each once."""
        unified = (self.unified,) if self.unified else ()
        return tuple(dict.fromkeys([*self.v1.values(), *self.named, *unified]))


def parse_mountinfo(text: str) -> Hierarchies:
    """The hierarchies in a /proc/<pid>/mountinfo."""
    v1: dict[str, Path] = {}
    named: list[Path] = []
    unified: Path | None = None
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if not separator or len(fields) < 5 or len(kind) < 3:
            continue
        path = Path(fields[4].encode().decode("unicode_escape"))
        if kind[0] == "cgroup2" and unified is None:
            unified = path
        elif kind[0] == "cgroup":
            found = [option for option in kind[2].split(",") if option in _CONTROLLERS]
            for controller in found:
                v1.setdefault(controller, path)
            if not found:
                named.append(path)
    return Hierarchies(v1, tuple(named), unified)


def read_hierarchies(mountinfo: Path = Path("/proc/self/mountinfo")) -> Hierarchies:
    """The hierarchies of this machine. Raises OSError."""
    return parse_mountinfo(mountinfo.read_text())
