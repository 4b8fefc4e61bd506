"""Which nodes are to run a DaemonSet's Pod, and which may keep one that they have.

Pure; called by `controller`. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, metadata, name_of
from podwright.api.selectors import requirement_from, selector_of_labels

_NO_EXECUTE, _NO_SCHEDULE = "NoExecute", "NoSchedule"
_TOLERATED = (
    ("not-ready", _NO_EXECUTE),
    ("unreachable", _NO_EXECUTE),
    ("disk-pressure", _NO_SCHEDULE),
    ("memory-pressure", _NO_SCHEDULE),
    ("pid-pressure", _NO_SCHEDULE),
    ("unschedulable", _NO_SCHEDULE),
)
_UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": _NO_SCHEDULE}


@dataclass(frozen=True, slots=True)
class Fit:
    """What a node is to a DaemonSet."""

    runs: bool
    """It is to have a Pod."""
    keeps: bool
    """A Pod that is there may stay."""


def tolerations(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The template's tolerations, and those that every Pod of a DaemonSet has: nodes in trouble need their agents."""
    own = [dict(t) for t in spec.get("tolerations") or ()]
    added = [*_TOLERATED, *([("network-unavailable", _NO_SCHEDULE)] if spec.get("hostNetwork") else [])]
    for name, effect in added:
        toleration = {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}
        if toleration not in own:
            own.append(toleration)
    return own


def fit(owner: Object, node: Object) -> Fit:
    """What `node` is to the DaemonSet `owner`."""
    spec = ((owner.get("spec") or {}).get("template") or {}).get("spec") or {}
    chosen = spec.get("nodeName")
    if (chosen and chosen != name_of(node)) or not _selects(spec, node):
        return Fit(runs=False, keeps=False)
    refused = {taint.get("effect") for taint in _taints(node) if not _is_tolerated(tolerations(spec), taint)}
    if _NO_EXECUTE in refused:
        return Fit(runs=False, keeps=False)
    return Fit(runs=_NO_SCHEDULE not in refused, keeps=True)


def shown(node: Object) -> object:
    """Everything of a node that decides about it."""
    spec = node.get("spec") or {}
    return metadata(node).get("labels"), spec.get("taints"), spec.get("unschedulable")


def _taints(node: Object) -> Iterable[Mapping[str, Any]]:
    spec = node.get("spec") or {}
    yield from spec.get("taints") or ()
    if spec.get("unschedulable"):
        yield _UNSCHEDULABLE


def _is_tolerated(given: Iterable[Mapping[str, Any]], taint: Mapping[str, Any]) -> bool:
    return any(_tolerates(toleration, taint) for toleration in given)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    for part in ("effect", "key"):
        if toleration.get(part) and toleration[part] != taint.get(part):
            return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def _selects(spec: Mapping[str, Any], node: Object) -> bool:
    labels = metadata(node).get("labels") or {}
    if not selector_of_labels(spec.get("nodeSelector") or {}).matches(labels):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_meets(term, labels, name_of(node)) for term in required.get("nodeSelectorTerms") or ())


def _meets(term: Mapping[str, Any], labels: Mapping[str, str], name: str) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    try:
        return all(requirement_from(e).matches(labels) for e in expressions) and all(
            requirement_from(f).matches({"metadata.name": name}) for f in fields
        )
    except ValueError:
        return False
