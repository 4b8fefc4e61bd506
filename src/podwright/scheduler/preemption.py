"""Which Pods make room for one of higher priority that fits nowhere. Pure.

On each node all Pods of lower priority are thought away; where the new one then fits, those come back that may (first
those that a PodDisruptionBudget protects, then the most precious), and what is left are that node's victims. The node
is taken whose victims matter least. A budget is kept where that is possible, and no further. Called by `scheduler`.
Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.api.selectors import label_selector_from
from podwright.scheduler.demand import Demand, NodeState, demand_of, node_state

CONDITION = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "PreemptionByScheduler",
    "message": "default-scheduler: preempting to accommodate a higher priority pod",
}
TERMINATING = "not eligible due to a terminating pod on the nominated node."


@dataclass(frozen=True, slots=True)
class Place:
    """A node and the Pods on it; `taken` is what else is promised there."""

    node: Object
    pods: Sequence[Object]
    taken: Sequence[Demand] = ()


@dataclass(frozen=True, slots=True)
class Preemption:
    """The node that is made room on, and who goes."""

    node: str
    victims: Sequence[Object]
    breaches: int = 0
    """how many of them a PodDisruptionBudget protects"""


def priority_of(pod: Object) -> int:
    """spec.priority"""
    return int((pod.get("spec") or {}).get("priority") or 0)


def may_preempt(pod: Object) -> bool:
    """Whether its policy lets it."""
    return (pod.get("spec") or {}).get("preemptionPolicy") != "Never"


def waits_for_victims(pod: Object, places: Iterable[Place]) -> bool:
    """Whether somebody already ends on the node that was promised to it."""
    nominated = (pod.get("status") or {}).get("nominatedNodeName")
    return any(
        metadata(other).get("deletionTimestamp") and priority_of(other) < priority_of(pod)
        for place in places
        if name_of(place.node) == nominated
        for other in place.pods
    )


def preemption(
    pod: Object, places: Iterable[Place], fits: Callable[[NodeState], bool], budgets: Sequence[Object] = ()
) -> Preemption | None:
    """Where to make room for `pod`; None: nowhere would it help.

    `fits` says whether a node takes it; `budgets` are all PodDisruptionBudgets.
    """
    found = []
    for place in places:
        victims, breaches = _victims(pod, place, fits, budgets)
        if victims:
            found.append(Preemption(name_of(place.node), victims, breaches))
    return min(found, key=_cost, default=None)


def protected(pods: Iterable[Object], budgets: Sequence[Object]) -> set[str]:
    """Names (with namespace) of those whose end, with the ends of those before them, a budget does not allow."""
    left = {uid_of(budget): int((budget.get("status") or {}).get("disruptionsAllowed") or 0) for budget in budgets}
    found = set()
    for pod in pods:
        for budget in budgets:
            if _covers(budget, pod):
                left[uid_of(budget)] -= 1
                if left[uid_of(budget)] < 0:
                    found.add(_id(pod))
    return found


def _covers(budget: Object, pod: Object) -> bool:
    selector = (budget.get("spec") or {}).get("selector")
    # Whose end is written down in the budget already has been counted.
    noted = (budget.get("status") or {}).get("disruptedPods") or {}
    return (
        namespace_of(budget) == namespace_of(pod)
        and selector is not None
        and name_of(pod) not in noted
        and label_selector_from(selector).matches(metadata(pod).get("labels") or {})
    )


def _id(pod: Object) -> str:
    return f"{namespace_of(pod)}/{name_of(pod)}"


def _victims(
    pod: Object, place: Place, fits: Callable[[NodeState], bool], budgets: Sequence[Object]
) -> tuple[Sequence[Object], int]:
    lower = [other for other in place.pods if priority_of(other) < priority_of(pod)]
    stays = [*place.taken, *(demand_of(other) for other in place.pods if other not in lower)]
    if not lower or not fits(node_state(place.node, stays)):
        return [], 0
    ordered = sorted(lower, key=_preciousness)
    spared = protected(ordered, budgets)
    victims = []
    for other in sorted(ordered, key=lambda one: _id(one) not in spared):
        demand = demand_of(other)
        if fits(node_state(place.node, [*stays, demand])):
            stays.append(demand)
        else:
            victims.append(other)
    return victims, sum(_id(victim) in spared for victim in victims)


def _preciousness(pod: Object) -> tuple[int, str]:
    """The highest priority first, of equals the one that has run longest."""
    return -priority_of(pod), _started(pod)


def _cost(choice: Preemption) -> tuple[int, int, int, int, str]:
    """The fewest breaches, then the lowest highest priority, the lowest sum, the fewest, those that started last."""
    priorities = [priority_of(victim) for victim in choice.victims]
    highest = max(priorities)
    first = min(_started(victim) for victim in choice.victims if priority_of(victim) == highest)
    # Times are texts that sort; the latest start is to come first.
    latest = "".join(chr(0x10FFFF - ord(letter)) for letter in first)
    return choice.breaches, highest, sum(priority + 2**31 for priority in priorities), len(priorities), latest


def _started(pod: Object) -> str:
    return (pod.get("status") or {}).get("startTime") or "9999"
