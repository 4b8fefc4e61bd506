"""What a PodDisruptionBudget allows: a pure function from it, its Pods and how many there should be.

Called by `controller`. Page: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, metadata, name_of, parse_time, rfc3339
from podwright.api.pods import condition_is_true
from podwright.controllers.shares import share_of

ALLOWED = "DisruptionAllowed"
"""The type of the condition that says whether an eviction is allowed now."""
UNCONFIRMED_SECONDS = 120.0
"""So long an eviction that was allowed counts as under way though its Pod does not go."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How many Pods there should be, by those who keep them."""

    total: int = 0
    unmanaged: Sequence[str] = ()
    """Names of Pods that nobody keeps"""
    error: str = ""
    """Why it cannot be said"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The status to write, and seconds until an unconfirmed eviction is given up."""

    status: dict[str, Any]
    again_after: float | None = None


def counts_controllers(budget: Object) -> bool:
    """Whether it has to be known how many Pods there should be, and not only how many there are."""
    spec = budget.get("spec") or {}
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def allowance(budget: Object, pods: Sequence[Object], expected: Expected, now: datetime.datetime) -> Allowance:
    """What the budget allows; `pods`: those it selects, `expected` is used where `counts_controllers`."""
    spec, before = budget.get("spec") or {}, budget.get("status") or {}
    disrupted, wait = _disrupted(before.get("disruptedPods") or {}, pods, now)
    total, desired = _bounds(spec, len(pods), expected.total)
    healthy = sum(_is_healthy(pod) and name_of(pod) not in disrupted for pod in pods)
    allowed = max(healthy - desired, 0) if total > 0 else 0
    if expected.error and counts_controllers(budget):
        # Nothing is allowed on a guess.
        condition = ("False", "SyncFailed", expected.error)
        allowed = 0
    else:
        condition = ("True", "SufficientPods", "") if allowed else ("False", "InsufficientPods", "")
    generation = metadata(budget).get("generation") or 0
    status: dict[str, Any] = {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": total,
        "observedGeneration": generation,
        "conditions": _conditions(before, condition, generation, now),
    }
    if disrupted:
        status["disruptedPods"] = disrupted
    return Allowance(status, wait)


def _bounds(spec: Mapping[str, Any], there: int, expected: int) -> tuple[int, int]:
    """How many Pods there should be, and how many are to be healthy."""
    if spec.get("maxUnavailable") is not None:
        return expected, max(expected - share_of(spec["maxUnavailable"], expected, up=True), 0)
    least = spec.get("minAvailable")
    if isinstance(least, str):
        return expected, share_of(least, expected, up=True)
    return there, least or 0


def _is_healthy(pod: Object) -> bool:
    return not metadata(pod).get("deletionTimestamp") and condition_is_true(pod, "Ready")


def _disrupted(
    noted: Mapping[str, str], pods: Sequence[Object], now: datetime.datetime
) -> tuple[dict[str, str], float | None]:
    """Evictions that were allowed and whose Pods are still there, and when the first of them is given up."""
    there = {name_of(pod) for pod in pods if not metadata(pod).get("deletionTimestamp")}
    kept: dict[str, str] = {}
    waits = []
    for name, since in noted.items():
        left = UNCONFIRMED_SECONDS - (now - parse_time(since)).total_seconds()
        if name in there and left > 0:
            kept[name] = since
            waits.append(left)
    return kept, min(waits, default=None)


def _conditions(
    before: Mapping[str, Any], wanted: tuple[str, str, str], generation: int, now: datetime.datetime
) -> list[dict[str, Any]]:
    """The budget's own condition beside those that others have set."""
    told = list(before.get("conditions") or ())
    status, reason, message = wanted
    place = next((at for at, c in enumerate(told) if c.get("type") == ALLOWED), len(told))
    old = told[place] if place < len(told) else {}
    changed = old.get("status") != status
    told[place : place + 1] = [
        {
            "type": ALLOWED,
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": generation,
            "lastTransitionTime": rfc3339(now) if changed else old.get("lastTransitionTime") or rfc3339(now),
        }
    ]
    return told
