"""Which Pods make room on this node for one that the node cannot do without.

What it decides: the Pods to end so that a critical Pod, for which cpu, memory or places are short, is admitted: as few
Guaranteed ones as possible, then as few Burstable ones, and of those that serve equally the smallest. Pure; called by
`kubelet`. Pods that wait for a node are the scheduler's to make room for.
Page: https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from podwright.api.objects import Object
from podwright.api.pods import qos_class, requests, spec_of
from podwright.api.quantity import parse_quantity
from podwright.kubelet.pod_admission import admit, is_critical
from podwright.kubelet.status.generate import Verdict

MESSAGE = "Preempted in order to admit critical pod"
_CONDITION = "Pod was preempted by Kubelet to accommodate a critical pod."
VERDICT = Verdict(
    "Preempting",
    MESSAGE,
    [{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": _CONDITION}],
)

_Amounts = Mapping[str, Decimal]


def victims(pod: Object, others: Sequence[Object], node: Object) -> Sequence[Object]:
    """The Pods to end for `pod`; empty: it is not critical, or their end would not help."""
    if not is_critical(pod):
        return []
    missing = _missing(pod, others, node)
    tiers: dict[str, list[Object]] = {"BestEffort": [], "Burstable": [], "Guaranteed": []}
    for other in others:
        if _may_preempt(pod, other):
            tiers[qos_class(other)].append(other)
    best_effort, burstable, guaranteed = tiers.values()
    chosen = _fewest(guaranteed, _left(missing, [*best_effort, *burstable]))
    chosen += _fewest(burstable, _left(missing, [*best_effort, *chosen]))
    chosen += _fewest(best_effort, _left(missing, chosen))
    rest = [other for other in others if other not in chosen]
    return chosen if chosen and admit(pod, rest, node) is None else []


def _may_preempt(pod: Object, other: Object) -> bool:
    if not is_critical(other):
        return True
    return int(spec_of(pod).get("priority") or 0) > int(spec_of(other).get("priority") or 0)


def _missing(pod: Object, others: Sequence[Object], node: Object) -> _Amounts:
    """By how much each resource is short."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    missing = {}
    for name, wanted in {**requests(pod), "pods": Decimal(1)}.items():
        if name in allocatable and wanted:
            used = sum((_gives(other).get(name, Decimal(0)) for other in others), Decimal(0))
            missing[name] = wanted + used - parse_quantity(allocatable[name])
    return _positive(missing)


def _gives(pod: Object) -> _Amounts:
    return {**requests(pod), "pods": Decimal(1)}


def _left(missing: _Amounts, ended: Iterable[Object]) -> _Amounts:
    """What is still short once these have ended."""
    left = dict(missing)
    for pod in ended:
        for name, amount in _gives(pod).items():
            if name in left:
                left[name] -= amount
    return _positive(left)


def _positive(amounts: _Amounts) -> _Amounts:
    return {name: amount for name, amount in amounts.items() if amount > 0}


def _fewest(pods: Sequence[Object], missing: _Amounts) -> list[Object]:
    """Pods that give what is missing, each time the one that brings it nearest; all of them if that is not enough."""
    rest, chosen = list(pods), list[Object]()
    while missing and rest:
        nearest = min(rest, key=lambda pod: (_distance(pod, missing), sum(_gives(pod).values())))
        rest.remove(nearest)
        chosen.append(nearest)
        missing = _left(missing, [nearest])
    return chosen


def _distance(pod: Object, missing: _Amounts) -> Decimal:
    left = _left(missing, [pod])
    return sum(((left.get(name, Decimal(0)) / amount) ** 2 for name, amount in missing.items()), Decimal(0))
