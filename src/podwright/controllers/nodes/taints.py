"""Which taints a node's conditions give it.

    Ready False     not-ready:NoSchedule     and :NoExecute when its turn has come
    Ready Unknown   unreachable:NoSchedule   and :NoExecute when its turn has come
    a pressure      memory-pressure, disk-pressure, pid-pressure, network-unavailable: NoSchedule
    cordoned        unschedulable:NoSchedule

Whose turn it is depends on the other nodes (`zones`, `pace`). Pure; called by `controller`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

import datetime
from typing import Any

from podwright.api.objects import Object, rfc3339
from podwright.controllers.nodes.health import ready_condition

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"
_BY_CONDITION = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_OURS = frozenset((
    *((key, NO_SCHEDULE) for key in (NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_BY_CONDITION.values())),
    (NOT_READY, NO_EXECUTE), (UNREACHABLE, NO_EXECUTE),
))  # fmt: skip


def wanted_taints(node: Object, now: datetime.datetime, *, drive_away: bool) -> list[dict[str, Any]] | None:
    """The node's taints as they should be, None when they are so; others' taints stay.

    `drive_away`: whether Pods may be made to leave.
    """
    have = list((node.get("spec") or {}).get("taints") or ())
    wanted = _by_conditions(node, drive_away=drive_away)
    kept = [t for t in have if (mark := _mark(t)) not in _OURS or mark in wanted]
    there = {_mark(t) for t in kept}
    added = [
        {"key": key, "effect": effect, "timeAdded": rfc3339(now)}
        for key, effect in wanted
        if (key, effect) not in there
    ]
    made = [*kept, *added]
    return None if made == have else made


def drives_away(node: Object) -> bool:
    """Whether a node has a taint from here that makes Pods leave."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return any(taint.get("effect") == NO_EXECUTE and _mark(taint) in _OURS for taint in taints)


def _mark(taint: dict[str, Any]) -> tuple[str, str]:
    return taint.get("key") or "", taint.get("effect") or ""


def _by_conditions(node: Object, *, drive_away: bool) -> list[tuple[str, str]]:
    ready = ready_condition(node).get("status")
    wanted: list[tuple[str, str]] = []
    if ready != "True":
        key = UNREACHABLE if ready == "Unknown" else NOT_READY
        wanted.append((key, NO_SCHEDULE))
        # A node that has yet to say anything has no Pods that it could be kept from.
        if drive_away and ready is not None:
            wanted.append((key, NO_EXECUTE))
    for condition in (node.get("status") or {}).get("conditions") or ():
        key = _BY_CONDITION.get(condition.get("type") or "", "")
        if key and condition.get("status") == "True":
            wanted.append((key, NO_SCHEDULE))
    if (node.get("spec") or {}).get("unschedulable"):
        wanted.append((UNSCHEDULABLE, NO_SCHEDULE))
    return wanted
