"""Whether a node is one that a Pod wants (selectors, affinity) and one that wants it (taints). Pure.

Called by `filter` (what must hold) and `score` (what is preferred).
Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/ and
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podwright.api.objects import Object
from podwright.api.selectors import requirement_from, selector_of_labels
from podwright.scheduler.demand import NodeState

UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def matches_term(term: Mapping[str, Any], node: NodeState) -> bool:
    """Whether a node meets every requirement of a NodeSelectorTerm; an empty term is met by none."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    try:
        return all(requirement_from(e).matches(node.labels) for e in expressions) and all(
            requirement_from(f).matches({"metadata.name": node.name}) for f in fields
        )
    except ValueError:
        # An operator that this version does not know selects nothing rather than everything.
        return False


def selects(pod: Object, node: NodeState) -> bool:
    """Whether spec.nodeSelector and the required node affinity both allow the node."""
    spec = pod.get("spec") or {}
    if not selector_of_labels(spec.get("nodeSelector") or {}).matches(node.labels):
        return False
    required = _node_affinity(pod).get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(matches_term(term, node) for term in required.get("nodeSelectorTerms") or ())


def preference(pod: Object, node: NodeState) -> int:
    """The sum of the weights of the preferred node affinity terms that the node meets."""
    preferred = _node_affinity(pod).get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return sum(p.get("weight") or 0 for p in preferred if matches_term(p.get("preference") or {}, node))


def _node_affinity(pod: Object) -> Mapping[str, Any]:
    return ((pod.get("spec") or {}).get("affinity") or {}).get("nodeAffinity") or {}


def tolerates(tolerations: Iterable[Mapping[str, Any]], taint: Mapping[str, Any]) -> bool:
    """Whether one of the tolerations allows the taint."""
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    match toleration.get("operator") or "Equal":
        case "Exists":
            return True
        case "Equal":
            return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")
        case _:
            return False


def tolerations_of(pod: Object) -> Iterable[Mapping[str, Any]]:
    """spec.tolerations"""
    return (pod.get("spec") or {}).get("tolerations") or ()
