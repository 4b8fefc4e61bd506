"""Which Pods of a DaemonSet to make and to delete now.

    node is to run it, has none        -> one is made
    node may not keep it, has one      -> it is deleted
    Pod failed or succeeded            -> deleted, with a back-off for each node; then another is made
    two on one node                    -> the newer goes; while surging two may be there until the new one is available
    template changed                   -> old Pods go (or new ones come first) within the limits of the strategy

Pure; called by `controller`. Page: https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podwright.api.objects import Object, name_of
from podwright.client.events import EventType
from podwright.controllers.daemon_set.nodes import Fit
from podwright.controllers.daemon_set.pods import is_updated
from podwright.controllers.owned import is_going
from podwright.controllers.pod_health import is_available, is_ready
from podwright.controllers.shares import share_of

PodsByNode = Mapping[str, Sequence[Object]]


@dataclass(slots=True)
class Plan:
    """What is to happen now."""

    create: list[str] = field(default_factory=list)
    """Names of nodes."""
    delete: list[Object] = field(default_factory=list)
    ended: list[Object] = field(default_factory=list)
    """Those of `delete` that have ended by themselves, which is told."""


@dataclass(frozen=True, slots=True)
class Look:
    """A DaemonSet at one moment."""

    owner: Object
    stamp: str
    """The hash of its template's revision."""
    fits: Mapping[str, Fit]
    """By node."""
    pods: PodsByNode
    """By node, the oldest first."""
    now: datetime.datetime

    @property
    def least(self) -> int:
        """minReadySeconds"""
        return (self.owner.get("spec") or {}).get("minReadySeconds") or 0

    def available(self, pod: Object) -> bool:
        """Whether a Pod has been ready for long enough."""
        return is_available(pod, self.least, self.now)

    def limits(self) -> tuple[int, int]:
        """(maxSurge, maxUnavailable) as numbers of nodes; not both are none."""
        strategy = (self.owner.get("spec") or {}).get("updateStrategy") or {}
        rolling = strategy.get("rollingUpdate") or {}
        if strategy.get("type") != "RollingUpdate":
            return 0, 0
        wanted = sum(one.runs for one in self.fits.values())
        surge = share_of(rolling.get("maxSurge"), wanted, up=True)
        unavailable = share_of(rolling.get("maxUnavailable", 1), wanted, up=True)
        return surge, unavailable or (0 if surge else 1)


def manage(look: Look) -> Plan:
    """One Pod on each node that is to have it."""
    plan = Plan()
    surging = look.limits()[0] > 0
    for node, fits in look.fits.items():
        here = look.pods.get(node) or ()
        if fits.runs and not here:
            plan.create.append(node)
        elif fits.keeps:
            _thin_out(plan, look, here, surging=surging)
        else:
            plan.delete += [pod for pod in here if not is_going(pod)]
    for node, here in look.pods.items():
        if node not in look.fits:
            # Meant for a node that is gone and never bound: nobody else will clean it up.
            plan.delete += [p for p in here if not is_going(p) and not (p.get("spec") or {}).get("nodeName")]
    return plan


def _thin_out(plan: Plan, look: Look, here: Sequence[Object], *, surging: bool) -> None:
    running = []
    for pod in here:
        if is_going(pod):
            continue
        if (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            plan.delete.append(pod)
            plan.ended.append(pod)
        else:
            running.append(pod)
    if len(running) < 2:
        return
    running.sort(key=lambda pod: not (pod.get("spec") or {}).get("nodeName"))
    if not surging:
        plan.delete += running[1:]
        return
    new = [pod for pod in running if is_updated(pod, look.owner, look.stamp)]
    old = [pod for pod in running if pod not in new]
    plan.delete += [*new[1:], *old[1:]]
    if new and old and (not is_ready(old[0]) or look.available(new[0])):
        plan.delete.append(old[0])


def roll(look: Look) -> Plan:
    """The next step from Pods of old templates to Pods of the newest."""
    surge, unavailable = look.limits()
    return _roll_with_surge(look, surge) if surge else _roll_in_place(look, unavailable)


def _pair(look: Look, here: Sequence[Object]) -> tuple[Object | None, Object | None] | None:
    """(new, old) Pod of a node; None when there is more than one of a kind, which `manage` puts right."""
    new = old = None
    for pod in here:
        if is_going(pod):
            continue
        if is_updated(pod, look.owner, look.stamp):
            if new is not None:
                return None
            new = pod
        else:
            if old is not None:
                return None
            old = pod
    return new, old


def _roll_in_place(look: Look, allowed: int) -> Plan:
    plan, down, candidates = Plan(), 0, []
    for node, fits in look.fits.items():
        if not fits.runs and node not in look.pods:
            continue
        pair = _pair(look, look.pods.get(node) or ())
        if pair is None:
            down += 1
            continue
        new, old = pair
        if (new is None) == (old is None):
            # Neither is there, or both: `manage` is at work here.
            down += 1
        elif new is not None:
            down += not look.available(new)
        elif old is not None and not look.available(old):
            # It serves nobody as it is.
            plan.delete.append(old)
            down += 1
        elif old is not None:
            candidates.append(old)
    return Plan(delete=[*plan.delete, *candidates[: max(0, allowed - down)]])


def _roll_with_surge(look: Look, surge: int) -> Plan:
    plan, surging, candidates = Plan(), 0, []
    for node, here in look.pods.items():
        if not look.fits.get(node, Fit(runs=False, keeps=False)).runs:
            continue
        pair = _pair(look, here)
        if pair is None:
            surging += 1
            continue
        new, old = pair
        if old is None:
            continue
        if new is None:
            if look.available(old):
                candidates.append(node)
            else:
                plan.create.append(node)
        elif not look.available(old) or look.available(new):
            plan.delete.append(old)
        else:
            surging += 1
    plan.create += candidates[: max(0, surge - surging)]
    return plan


def describe_end(pod: Object, node: str, namespace: str) -> tuple[EventType, str, str]:
    """(type, reason, message) of the event about a Pod that has ended by itself."""
    where = f"{namespace}/{name_of(pod)} on node {node}"
    if (pod.get("status") or {}).get("phase") == "Failed":
        return "Warning", "FailedDaemonPod", f"Found failed daemon pod {where}, will try to kill it"
    return "Normal", "SucceededDaemonPod", f"Found succeeded daemon pod {where}, will try to delete it"
