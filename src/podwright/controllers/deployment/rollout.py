"""How large each ReplicaSet of a Deployment is to be next.

    rolling   the newest grows while no more than replicas + maxSurge Pods are asked for; the old ones shrink while at
              least replicas - maxUnavailable are available, those that are not available first
    recreate  the old ones go to nothing; when their last Pod has ended, the newest gets all
    resized   in the middle of a roll a change of size is shared out in proportion

Pure; called by `controller`. ReplicaSets are given oldest first.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, metadata, name_of
from podwright.controllers.shares import share_of

Spec = Mapping[str, Any]
_MAXIMUM = "deployment.kubernetes.io/max-replicas"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a roll may go from the wanted number of Pods."""

    surge: int
    unavailable: int


@dataclass(frozen=True, slots=True)
class Resize:
    """One ReplicaSet, and the number of Pods it is to have."""

    replica_set: Object
    replicas: int


def replicas_of(replica_set: Object) -> int:
    """spec.replicas"""
    return (replica_set.get("spec") or {}).get("replicas") or 0


def available_of(replica_set: Object) -> int:
    """status.availableReplicas"""
    return (replica_set.get("status") or {}).get("availableReplicas") or 0


def asked_for(sets: Iterable[Object]) -> int:
    """How many Pods the sets ask for together."""
    return sum(map(replicas_of, sets))


def is_recreate(spec: Spec) -> bool:
    """Whether old Pods end before new ones start."""
    return (spec.get("strategy") or {}).get("type") == "Recreate"


def limits(spec: Spec) -> Limits:
    """Of a Deployment's spec; not both are none, or nothing could ever move."""
    if is_recreate(spec):
        return Limits(0, 0)
    rolling, wanted = (spec.get("strategy") or {}).get("rollingUpdate") or {}, spec.get("replicas") or 0
    surge = share_of(rolling.get("maxSurge"), wanted, up=True)
    unavailable = share_of(rolling.get("maxUnavailable"), wanted, up=False)
    if not surge and not unavailable:
        unavailable = 1
    return Limits(surge, min(unavailable, wanted))


def size_of_new(spec: Spec, new_size: int, others: Sequence[Object]) -> int:
    """How large the newest set may be now, `others` being what they are."""
    wanted = spec.get("replicas") or 0
    if is_recreate(spec):
        return wanted
    room = wanted + limits(spec).surge - asked_for(others) - new_size
    return new_size + min(room, wanted - new_size) if room > 0 else new_size


def roll(spec: Spec, new: Object, old: Sequence[Object]) -> list[Resize]:
    """The next step of a rolling update: the newest set, or when that has nothing to do, the old ones."""
    wanted, size = spec.get("replicas") or 0, replicas_of(new)
    target = wanted if size > wanted else size_of_new(spec, size, old) if size < wanted else size
    return [Resize(new, target)] if target != size else shrink_old(spec, new, old)


def shrink_old(spec: Spec, new: Object, old: Sequence[Object]) -> list[Resize]:
    """Which old sets lose how many Pods now."""
    active = [one for one in old if replicas_of(one)]
    if not active:
        return []
    least = (spec.get("replicas") or 0) - limits(spec).unavailable
    sizes = {name_of(one): replicas_of(one) for one in active}
    unready = replicas_of(new) - available_of(new)
    room = asked_for((*active, new)) - least - unready
    if room <= 0:
        return []
    for one in active:
        # Those that serve nobody go first: they only stand in the way.
        dead = max(0, sizes[name_of(one)] - available_of(one))
        gone = min(room, dead)
        sizes[name_of(one)] -= gone
        room -= gone
    spare = sum(map(available_of, (*active, new))) - least
    for one in active:
        gone = min(sizes[name_of(one)], max(0, spare))
        sizes[name_of(one)] -= gone
        spare -= gone
    return [Resize(one, sizes[name_of(one)]) for one in active if sizes[name_of(one)] != replicas_of(one)]


def empty_old(old: Iterable[Object]) -> list[Resize]:
    """All old sets that still have Pods, to nothing."""
    return [Resize(one, 0) for one in old if replicas_of(one)]


def rescale(
    spec: Spec, new: Object | None, old: Sequence[Object], *, told_replicas: int, is_saturated: bool
) -> list[Resize]:
    """The sizes after the Deployment's own size has changed, sets that only have to note it included.

    `told_replicas`: the Deployment's status.replicas; `is_saturated`: the newest set has all Pods, and they serve.
    """
    wanted = spec.get("replicas") or 0
    sets = [*old, *([new] if new is not None else [])]
    active = [one for one in sets if replicas_of(one)]
    if len(active) <= 1:
        only = active[0] if active else new if new is not None else (old[-1] if old else None)
        return [] if only is None or replicas_of(only) == wanted else [Resize(only, wanted)]
    if new is not None and is_saturated:
        return empty_old(old)
    if is_recreate(spec):
        return []
    return _in_proportion(spec, active, told_replicas)


def _in_proportion(spec: Spec, active: Sequence[Object], told_replicas: int) -> list[Resize]:
    wanted = spec.get("replicas") or 0
    ceiling = wanted + limits(spec).surge if wanted else 0
    to_add = ceiling - asked_for(active)
    # The largest first; of equal ones the newer when there is more to give, the older when there is less.
    ages = {name_of(one): position for position, one in enumerate(active)}
    order = sorted(active, key=lambda s: (-replicas_of(s), -ages[name_of(s)] if to_add > 0 else ages[name_of(s)]))
    added, sizes = 0, []
    for one in order:
        share = 0
        if replicas_of(one) and to_add and added != to_add:
            fair, left = _fair_share(spec, one, told_replicas), to_add - added
            share = min(fair, left) if to_add > 0 else max(fair, left)
        sizes.append(replicas_of(one) + share)
        added += share
    if to_add and sizes:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return [Resize(one, size) for one, size in zip(order, sizes, strict=True)]


def _fair_share(spec: Spec, one: Object, told_replicas: int) -> int:
    wanted, size = spec.get("replicas") or 0, replicas_of(one)
    if not wanted:
        return -size
    noted = (metadata(one).get("annotations") or {}).get(_MAXIMUM) or ""
    before = int(noted) if noted.isdecimal() else told_replicas
    if not before:
        return 0
    exact = size * (wanted + limits(spec).surge) / before
    return math.floor(exact + 0.5) - size
