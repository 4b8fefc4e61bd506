"""What comes next for a StatefulSet's Pods.

    in order   one at a time from the lowest ordinal, each only when all below it are available; down from the highest
    parallel   all that are missing or too many at once
    updated    from the highest ordinal down to the partition, as many at once as may be unavailable (one by default)

Pure; called by `controller`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from podwright.api.objects import Object
from podwright.api.pods import is_terminal
from podwright.controllers.owned import is_going
from podwright.controllers.pod_health import available_in, is_ready
from podwright.controllers.shares import share_of
from podwright.controllers.stateful_set.identity import first_ordinal, keeps_identity, ordinal_of, revision_of


@dataclass(slots=True)
class Plan:
    """What is to happen now."""

    create: list[int] = field(default_factory=list)
    """Ordinals."""
    delete: list[Object] = field(default_factory=list)
    condemned: list[Object] = field(default_factory=list)
    """Those of `delete` that go because the set has become smaller."""
    relabel: list[Object] = field(default_factory=list)
    """Pods that have lost the labels of their identity."""
    look_again: float | None = None
    """Seconds until a Pod that is ready has been so for long enough."""


@dataclass(frozen=True, slots=True)
class Places:
    """The Pods by their place."""

    first: int
    slots: tuple[Object | None, ...]
    """By ordinal, from the first; None where there is no Pod."""
    condemned: tuple[Object, ...]
    """Beyond what is wanted, the highest ordinal first."""


def places(owner: Object, pods: Sequence[Object]) -> Places:
    """Where each of the set's Pods belongs."""
    first, wanted = first_ordinal(owner), (owner.get("spec") or {}).get("replicas") or 0
    by_ordinal = {ordinal: pod for pod in pods if (ordinal := ordinal_of(owner, pod)) is not None}
    slots = tuple(by_ordinal.get(first + i) for i in range(wanted))
    beyond = sorted((o for o in by_ordinal if not first <= o < first + wanted), reverse=True)
    return Places(first, slots, tuple(by_ordinal[o] for o in beyond))


def is_serving(pod: Object | None) -> bool:
    """Whether a Pod is there, runs, is ready, and is to stay."""
    if pod is None or is_going(pod):
        return False
    return (pod.get("status") or {}).get("phase") == "Running" and is_ready(pod)


def of_old_revision(owner: Object, ordinal: int) -> bool:
    """Whether a Pod that is made now for `ordinal` is still of the current revision: the update stops above it."""
    strategy = (owner.get("spec") or {}).get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    return strategy.get("type") == "RollingUpdate" and ordinal < first_ordinal(owner) + partition


def decide(owner: Object, pods: Sequence[Object], update_revision: str, now: datetime.datetime) -> Plan:
    """`pods`: all of the set; `update_revision`: the name of the revision that Pods are to be of."""
    plan = Plan()
    if is_going(owner):
        return plan
    spec, where = owner.get("spec") or {}, places(owner, pods)
    ordered, least = spec.get("podManagementPolicy") != "Parallel", spec.get("minReadySeconds") or 0
    if _fill(plan, where, least, now, ordered=ordered) or _shrink(plan, where, least, now, ordered=ordered):
        return plan
    _update(plan, spec, where, update_revision, now)
    return plan


def _fill(plan: Plan, where: Places, least: int, now: datetime.datetime, *, ordered: bool) -> bool:
    """Create what is missing, from the lowest ordinal; whether this is all that can be done now."""
    stop = False
    for position, pod in enumerate(where.slots):
        ordinal = where.first + position
        if pod is None:
            plan.create.append(ordinal)
            if ordered:
                return True
            continue
        if is_terminal(pod):
            # Its successor comes when it is gone: names are given once.
            if not is_going(pod):
                plan.delete.append(pod)
            stop = True
            if ordered:
                return True
            continue
        if ordered:
            if not is_serving(pod):
                return True
            wait = available_in(pod, least, now)
            if wait:
                plan.look_again = wait
                return True
        if not keeps_identity(pod, ordinal):
            plan.relabel.append(pod)
    return stop


def _shrink(plan: Plan, where: Places, least: int, now: datetime.datetime, *, ordered: bool) -> bool:
    """Delete what is too much, from the highest ordinal; whether this is all that can be done now."""
    weakest = next((pod for pod in where.slots if not is_serving(pod)), None)
    if weakest is None:
        weakest = next((pod for pod in reversed(where.condemned) if not is_serving(pod)), None)
    for pod in where.condemned:
        if is_going(pod):
            if ordered:
                return True
            continue
        if ordered and pod is not weakest:
            # A lower ordinal that does not serve might need this one.
            if not is_serving(pod):
                return True
            wait = available_in(pod, least, now)
            if wait:
                plan.look_again = wait
                return True
        plan.delete.append(pod)
        plan.condemned.append(pod)
        if ordered:
            return True
    return bool(plan.condemned)


def _update(plan: Plan, spec: Mapping[str, Any], where: Places, revision: str, now: datetime.datetime) -> None:
    """Delete Pods of an older revision, from the highest ordinal: they come back as the newest."""
    least = spec.get("minReadySeconds") or 0
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return
    rolling = strategy.get("rollingUpdate") or {}
    allowed = max(1, share_of(rolling.get("maxUnavailable", 1), spec.get("replicas") or 0, up=True))
    for pod in reversed(where.slots[rolling.get("partition") or 0 :]):
        if pod is None:
            allowed -= 1
        elif revision_of(pod) != revision and not is_going(pod):
            plan.delete.append(pod)
            allowed -= 1
        elif not is_serving(pod):
            allowed -= 1
        elif wait := available_in(pod, least, now):
            plan.look_again = min(wait, plan.look_again or wait)
            allowed -= 1
        if allowed <= 0:
            return
