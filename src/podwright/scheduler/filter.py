"""Which nodes can take a Pod, and the text that says why none can. Pure.

Checks run in kube-scheduler's order and a node is turned down by the first that fails; texts are kube-scheduler's.
Called by `scheduler`. Source: https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from podwright.api.objects import Object
from podwright.scheduler.demand import Demand, NodeState
from podwright.scheduler.matching import UNSCHEDULABLE_TAINT, selects, tolerates, tolerations_of

NO_NODES = "no nodes available to schedule pods"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why one node cannot take a Pod. `lasting`: it could not even if no other Pod were there."""

    reasons: tuple[str, ...]
    lasting: bool


def obstacle(pod: Object, demand: Demand, node: NodeState) -> Obstacle | None:
    """Why the node cannot take the Pod; None when it can."""
    tolerations = tolerations_of(pod)
    if (node.node.get("spec") or {}).get("unschedulable") and not tolerates(tolerations, UNSCHEDULABLE_TAINT):
        return Obstacle(("node(s) were unschedulable",), lasting=True)
    for taint in node.taints:
        if taint.get("effect") in {"NoSchedule", "NoExecute"} and not tolerates(tolerations, taint):
            text = f"node(s) had untolerated taint {{{taint.get('key', '')}: {taint.get('value', '')}}}"
            return Obstacle((text,), lasting=True)
    if not selects(pod, node):
        return Obstacle(("node(s) didn't match Pod's node affinity/selector",), lasting=True)
    if any(mine.conflicts(other) for mine in demand.ports for other in node.ports):
        return Obstacle(("node(s) didn't have free ports for the requested pod ports",), lasting=False)
    return _shortage(demand, node)


def _shortage(demand: Demand, node: NodeState) -> Obstacle | None:
    reasons, lasting = [], False
    if node.pods + 1 > node.allocatable.get("pods", 0):
        reasons.append("Too many pods")
    for name, amount in demand.requests.items():
        allocatable = node.allocatable.get(name, 0)
        if amount > allocatable - node.used.get(name, 0):
            reasons.append(f"Insufficient {name}")
            lasting = lasting or amount > allocatable
    return Obstacle(tuple(reasons), lasting) if reasons else None


def explanation(pod: Object, obstacles: Sequence[Obstacle]) -> str:
    """The message of the FailedScheduling event, from the obstacle on every node there is."""
    if not obstacles:
        return NO_NODES
    return f"{availability(obstacles)} {_about_preemption(pod, obstacles)}"


def availability(obstacles: Sequence[Obstacle]) -> str:
    """Its first sentence, which is all there is to say when others make room."""
    counts = Counter(reason for one in obstacles for reason in one.reasons)
    return f"0/{len(obstacles)} nodes are available: {_counted(counts)}."


def refusal(pod: Object, why: str, nodes: int) -> str:
    """The message when something about the Pod itself keeps it from every one of so many nodes."""
    if not nodes:
        return NO_NODES
    against = [Obstacle((why,), lasting=True)] * nodes
    return f"0/{nodes} nodes are available: {why}. {_about_preemption(pod, against)}"


def _about_preemption(pod: Object, obstacles: Sequence[Obstacle]) -> str:
    if (pod.get("spec") or {}).get("preemptionPolicy") == "Never":
        return "no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
    counts = Counter(
        "Preemption is not helpful for scheduling" if one.lasting else "No preemption victims found for incoming pod"
        for one in obstacles
    )
    return f"no new claims to deallocate, preemption: 0/{len(obstacles)} nodes are available: {_counted(counts)}."


def _counted(counts: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
