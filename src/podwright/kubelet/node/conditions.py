"""Decides the conditions of the Node: whether it is ready, and what it is short of.

Pure; called by `manager` with each heartbeat. Reasons and messages are those that `kubectl describe node` users know.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api.objects import rfc3339
from podwright.kubelet.configuration_values import Threshold
from podwright.kubelet.node.machine import Machine, Usage
from podwright.kubelet.node.runtime_info import RuntimeState

Condition = dict[str, Any]

PRESSURES = {
    "MemoryPressure": (
        ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ),
    "DiskPressure": (
        ("KubeletHasDiskPressure", "kubelet has disk pressure"),
        ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ),
    "PIDPressure": (
        ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ),
}
"""By condition: reason and message when the node is short, and when it is not."""


def pressures(machine: Machine, usage: Usage, thresholds: Mapping[str, Threshold]) -> frozenset[str]:
    """The pressure conditions that hold: something is below its evictionHard threshold."""
    measured = {
        "memory.available": ("MemoryPressure", usage.memory_available, machine.memory),
        "nodefs.available": ("DiskPressure", usage.disk_available, machine.disk),
        "nodefs.inodesFree": ("DiskPressure", usage.disk_inodes_free, usage.disk_inodes),
        "imagefs.available": ("DiskPressure", usage.disk_available, machine.disk),
        "imagefs.inodesFree": ("DiskPressure", usage.disk_inodes_free, usage.disk_inodes),
        "pid.available": ("PIDPressure", usage.pids_available, machine.pids),
    }
    return frozenset(
        kind
        for signal, (kind, available, capacity) in measured.items()
        # A file system that does not count inodes has capacity 0 and is never short of them.
        if signal in thresholds and capacity and available < thresholds[signal].of(capacity)
    )


def network_error(state: RuntimeState | None) -> str:
    """Why the runtime cannot give a Pod a network; "": it can."""
    if state is None:
        return "container runtime status check may not have completed yet"
    if state.network.ok:
        return ""
    return "container runtime network not ready: " + _told("NetworkReady", state.network.reason, state.network.message)


def not_ready(state: RuntimeState | None, *, runtime_error: str = "", shutting_down: bool = False) -> str:
    """Why the node is not ready; "": it is. `runtime_error`: what asking the runtime failed with."""
    problems = []
    if shutting_down:
        problems.append("node is shutting down")
    if runtime_error:
        problems.append(f"container runtime is down: {runtime_error}")
    elif state is None:
        problems.append("container runtime status check may not have completed yet")
    elif not state.runtime.ok:
        told = _told("RuntimeReady", state.runtime.reason, state.runtime.message)
        problems.append(f"container runtime not ready: {told}")
    if state is not None and not runtime_error and (problem := network_error(state)):
        problems.append(problem)
    return "".join(problems) if len(problems) < 2 else f"[{', '.join(problems)}]"


def node_conditions(
    short_of: frozenset[str], problem: str, previous: Sequence[Condition], now: datetime.datetime
) -> list[Condition]:
    """All conditions of the Node; `problem` is what `not_ready` says, times of transition are kept."""
    conditions = []
    for kind, (bad, good) in PRESSURES.items():
        reason, message = bad if kind in short_of else good
        conditions.append({"type": kind, "status": str(kind in short_of), "reason": reason, "message": message})
    conditions.append(
        {
            "type": "Ready",
            "status": str(not problem),
            "reason": "KubeletNotReady" if problem else "KubeletReady",
            "message": problem or "kubelet is posting ready status",
        }
    )
    before = {c["type"]: c for c in previous}
    stamp = rfc3339(now)
    for condition in conditions:
        old = before.get(condition["type"])
        same = old is not None and old.get("status") == condition["status"]
        condition["lastHeartbeatTime"] = stamp
        condition["lastTransitionTime"] = old.get("lastTransitionTime") or stamp if old and same else stamp
    return conditions


def transitions(previous: Sequence[Condition], conditions: Sequence[Condition]) -> list[str]:
    """The words of the events that say what has changed: NodeReady, NodeNotReady, NodeHasDiskPressure, ..."""
    before = {c["type"]: c.get("status") for c in previous}
    words = []
    for condition in conditions:
        if before.get(condition["type"]) == condition["status"]:
            continue
        if condition["type"] == "Ready":
            words.append("NodeReady" if condition["status"] == "True" else "NodeNotReady")
        else:
            words.append(condition["reason"].replace("Kubelet", "Node", 1))
    return words


def _told(kind: str, reason: str, message: str) -> str:
    return f"{kind}=false reason:{reason} message:{message}"
