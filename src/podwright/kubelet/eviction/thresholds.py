"""Whether the node is short of something now, and which conditions say so.

What it decides: from what is left, which thresholds are met, which of them have been met for long enough to act on, and
which pressure conditions hold; a condition holds for a while after its last cause, so that it does not come and go.
Pure: what it must remember it gets back with the next call. Called by `manager`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-signals-and-thresholds
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.configuration_values import Threshold
from podwright.kubelet.node.machine import Machine, Usage

MEMORY, DISK, INODES, PIDS = "memory", "ephemeral-storage", "inodes", "pids"
"""What is reclaimed, as messages name it."""

RESOURCES = {
    "memory.available": MEMORY,
    "nodefs.available": DISK,
    "nodefs.inodesFree": INODES,
    "imagefs.available": DISK,
    "imagefs.inodesFree": INODES,
    "pid.available": PIDS,
}
"""By signal. The others that may be configured have no file system or cgroup of their own here."""
CONDITIONS = {MEMORY: "MemoryPressure", DISK: "DiskPressure", INODES: "DiskPressure", PIDS: "PIDPressure"}


@dataclass(frozen=True, slots=True)
class Level:
    """How much of something is left, and how much there is."""

    available: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """One threshold that is met."""

    signal: str
    quantity: int
    """the threshold, in base units"""
    available: int
    hard: bool

    @property
    def resource(self) -> str:
        """What is to be reclaimed."""
        return RESOURCES[self.signal]


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered from one look to the next; times are seconds of any one clock."""

    since: Mapping[tuple[str, bool], float] = field(default_factory=dict)
    """by signal and whether the threshold is hard: since when it is met"""
    conditions: Mapping[str, float] = field(default_factory=dict)
    """when a threshold of the condition was met last"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one look comes to."""

    act_on: Sequence[Shortage]
    """the most urgent first"""
    conditions: frozenset[str]
    past: Past


def levels(machine: Machine, usage: Usage) -> dict[str, Level]:
    """What is left, by signal; the file system of the data directory holds images, volumes and logs."""
    disk, inodes = Level(usage.disk_available, machine.disk), Level(usage.disk_inodes_free, usage.disk_inodes)
    return {
        "memory.available": Level(usage.memory_available, machine.memory),
        "nodefs.available": disk,
        "nodefs.inodesFree": inodes,
        "imagefs.available": disk,
        "imagefs.inodesFree": inodes,
        "pid.available": Level(usage.pids_available, machine.pids),
    }


def judge(now_left: Mapping[str, Level], config: KubeletConfiguration, past: Past, now: float) -> Judgement:
    """One look at what is left."""
    met = [
        *_met(config.evictionHard, now_left, config, past, hard=True),
        *_met(config.evictionSoft, now_left, config, past, hard=False),
    ]
    since = {(s.signal, s.hard): past.since.get((s.signal, s.hard), now) for s in met}
    seen = dict(past.conditions)
    act_on = []
    for shortage in met:
        grace = 0.0 if shortage.hard else config.evictionSoftGracePeriod.get(shortage.signal, 0.0)
        seen[CONDITIONS[shortage.resource]] = now
        if now - since[shortage.signal, shortage.hard] >= grace:
            act_on.append(shortage)
    transition = config.evictionPressureTransitionPeriod
    held = {kind: at for kind, at in seen.items() if at == now or now - at < transition}
    # Memory kills first: the kernel ends processes of its own choice when it is gone.
    act_on.sort(key=lambda s: (s.resource != MEMORY, not s.hard))
    return Judgement(act_on, frozenset(held), Past(since, held))


def _met(
    thresholds: Mapping[str, Threshold],
    now_left: Mapping[str, Level],
    config: KubeletConfiguration,
    past: Past,
    *,
    hard: bool,
) -> Sequence[Shortage]:
    met = []
    for signal, threshold in thresholds.items():
        level = now_left.get(signal)
        # A file system that does not count inodes has capacity 0 and is never short of them.
        if level is None or not level.capacity:
            continue
        quantity = threshold.of(level.capacity)
        enough = quantity
        reclaim = config.evictionMinimumReclaim.get(signal)
        if reclaim is not None and (signal, hard) in past.since:
            # Once it was met, it stays so until this much more is left.
            enough += reclaim.of(level.capacity)
        if level.available < enough:
            met.append(Shortage(signal, quantity, level.available, hard))
    return met
