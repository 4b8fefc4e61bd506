"""Which of the nodes that can take a Pod does best. Pure.

Weights are kube-scheduler's defaults: taints 3, node affinity 2, least allocated 1, balanced allocation 1; each
score is 0 to 100. Equal nodes are told apart by name, so that a decision can be repeated. Called by `scheduler`.
Source: https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from __future__ import annotations

from collections.abc import Sequence

from podwright.api.objects import Object
from podwright.scheduler.demand import Demand, NodeState
from podwright.scheduler.matching import preference, tolerates, tolerations_of

BEST = 100


def best(pod: Object, demand: Demand, nodes: Sequence[NodeState]) -> NodeState:
    """The node with the highest score. Raises ValueError without nodes."""
    if len(nodes) == 1:
        return nodes[0]
    wishes = _normalized([preference(pod, node) for node in nodes])
    dislikes = _normalized([_disliked(pod, node) for node in nodes])
    scores = [
        3 * (BEST - dislikes[i]) + 2 * wishes[i] + _least_allocated(demand, node) + _balanced(demand, node)
        for i, node in enumerate(nodes)
    ]
    return min(zip(scores, nodes, strict=True), key=lambda scored: (-scored[0], scored[1].name))[1]


def _normalized(values: Sequence[int]) -> list[int]:
    largest = max(values)
    return [BEST * value // largest if largest else 0 for value in values]


def _disliked(pod: Object, node: NodeState) -> int:
    """How many PreferNoSchedule taints the Pod does not tolerate."""
    tolerations = [t for t in tolerations_of(pod) if t.get("effect") in {None, "", "PreferNoSchedule"}]
    return sum(taint.get("effect") == "PreferNoSchedule" and not tolerates(tolerations, taint) for taint in node.taints)


def _fractions(demand: Demand, node: NodeState) -> list[float]:
    """How much of CPU and memory would be taken, 0 to 1."""
    wanted = {"cpu": node.weight_cpu + demand.weight_cpu, "memory": node.weight_memory + demand.weight_memory}
    return [min(1.0, taken / (node.allocatable.get(name) or 1)) for name, taken in wanted.items()]


def _least_allocated(demand: Demand, node: NodeState) -> int:
    fractions = _fractions(demand, node)
    return int(sum(BEST * (1 - fraction) for fraction in fractions) / len(fractions))


def _balanced(demand: Demand, node: NodeState) -> int:
    """Highest when CPU and memory are taken to the same part."""
    cpu, memory = _fractions(demand, node)
    return int(BEST * (1 - abs(cpu - memory) / 2))
