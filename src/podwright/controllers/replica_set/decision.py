"""How many Pods to make, which to delete, and what the status then says.

Pure; called by `controller`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, metadata, rfc3339
from podwright.controllers.pod_health import is_available, is_ready
from podwright.controllers.pod_order import first_to_go

BURST = 500
"""Pods made or deleted in one go, at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen to the Pods now: one of the two, or nothing."""

    create: int = 0
    delete: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the Pods could not be made what they are to be."""

    reason: str
    """`FailedCreate` or `FailedDelete`"""
    message: str


def plan(active: Sequence[Object], wanted: int, related: Iterable[Object], now: datetime.datetime) -> Plan:
    """`active`: the owner's Pods that count; `related`: those, and the ones of sets with the same owner."""
    surplus = len(active) - wanted
    if surplus < 0:
        return Plan(create=min(-surplus, BURST))
    if surplus > 0:
        return Plan(delete=tuple(first_to_go(active, related, min(surplus, BURST), now)))
    return Plan()


def status(
    owner: Object,
    active: Sequence[Object],
    now: datetime.datetime,
    *,
    terminating: int | None = None,
    failure: Failure | None = None,
    acted: bool = True,
) -> dict[str, Any]:
    """The owner's status. `acted`: Pods were looked after in this round, so that no failure means there is none."""
    spec, old = owner.get("spec") or {}, owner.get("status") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    least = spec.get("minReadySeconds") or 0
    counts = {
        "fullyLabeledReplicas": sum(labels.items() <= (metadata(p).get("labels") or {}).items() for p in active),
        "readyReplicas": sum(is_ready(pod) for pod in active),
        "availableReplicas": sum(is_available(pod, least, now) for pod in active),
        "observedGeneration": metadata(owner).get("generation") or 0,
    }
    made: dict[str, Any] = {"replicas": len(active)} | {name: value for name, value in counts.items() if value}
    if terminating is not None:
        made["terminatingReplicas"] = terminating
    conditions = _conditions(old.get("conditions") or (), failure, acted, now)
    if conditions:
        made["conditions"] = conditions
    return made


def _conditions(
    old: Sequence[Mapping[str, Any]], failure: Failure | None, acted: bool, now: datetime.datetime
) -> list[dict[str, Any]]:
    found = next((c for c in old if c.get("type") == "ReplicaFailure"), None)
    others = [dict(c) for c in old if c.get("type") != "ReplicaFailure"]
    if failure is None:
        return [dict(c) for c in old] if found is not None and not acted else others
    if found is not None:
        # The first failure is the one that is told until all is well again.
        return [dict(c) for c in old]
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": failure.reason,
        "message": failure.message,
    }
    return [*others, condition]
