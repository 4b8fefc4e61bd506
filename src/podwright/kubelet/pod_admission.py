"""Decides whether this node takes a Pod that is bound to it.

Pure; called by `kubelet` once for each Pod, before anything of it is started. The scheduler has looked at the same
things, but a Pod can be bound by hand, come from a manifest, or meet a node that has changed meanwhile.
Texts are the kubelet's: `Node didn't have enough resource: cpu, requested: 2000, used: 100, capacity: 1000`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

from podwright.api.objects import Object, metadata, name_of
from podwright.api.pods import containers, is_static, qos_class, requests, spec_of
from podwright.api.quantity import parse_quantity
from podwright.api.selectors import requirement_from
from podwright.kubelet.status.generate import Verdict

_NATIVE = ("cpu", "memory", "ephemeral-storage")
_GROUPS = "supplementalGroupsPolicy"
CRITICAL_PRIORITY = 2_000_000_000
"""From here on the node, or the cluster, needs a Pod."""
_ANY_ADDRESS = ("", "0.0.0.0", "::")


def admit(pod: Object, others: Sequence[Object], node: Object) -> Verdict | None:
    """Why the node does not take `pod` beside `others` (those it has taken and that have not ended); None: it does.

    `node` is this node's own Node object: labels, taints, allocatable and conditions are read.
    """
    for reason, message in _complaints(pod, others, node):
        return Verdict(reason, f"Pod was rejected: {message}")
    return None


def _complaints(pod: Object, others: Sequence[Object], node: Object) -> Iterator[tuple[str, str]]:
    os_name = (spec_of(pod).get("os") or {}).get("name") or "linux"
    if os_name != "linux":
        yield "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"
    yield from _pressure(pod, node)
    if wants_strict_groups(pod) and not ((node.get("status") or {}).get("features") or {}).get(_GROUPS):
        # The groups that the image gives its user would come along, unasked.
        yield "SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node"
    yield from _resources(pod, others, node)
    if not matches_node(pod, node):
        yield _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    if host_port_conflict(pod, others):
        yield _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    if not is_static(pod) and not tolerates_no_execute(pod, node):
        yield _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def wants_strict_groups(pod: Object) -> bool:
    """Whether its processes may have no groups but those that the Pod itself names."""
    return (spec_of(pod).get("securityContext") or {}).get(_GROUPS) == "Strict"


def _predicate(name: str, why: str) -> tuple[str, str]:
    return name, f"Predicate {name} failed: {why}"


def is_critical(pod: Object) -> bool:
    """Whether the node needs this Pod so much that it takes it under pressure."""
    return is_static(pod) or (spec_of(pod).get("priority") or 0) >= CRITICAL_PRIORITY


def _pressure(pod: Object, node: Object) -> Iterator[tuple[str, str]]:
    conditions = (node.get("status") or {}).get("conditions") or ()
    met = [c["type"] for c in conditions if c["type"].endswith("Pressure") and c["status"] == "True"]
    if not met or is_critical(pod):
        return
    if met == ["MemoryPressure"] and qos_class(pod) != "BestEffort":
        return
    yield "Evicted", f"The node had condition: [{' '.join(met)}]. "


def _resources(pod: Object, others: Sequence[Object], node: Object) -> Iterator[tuple[str, str]]:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    room = {name: parse_quantity(value) for name, value in allocatable.items()}
    if "pods" in room and len(others) + 1 > room["pods"]:
        yield _short("pods", Decimal(1), Decimal(len(others)), room["pods"])
    wanted = {name: amount for name, amount in requests(pod).items() if amount > 0}
    # A resource that the node has never heard of is no business of its own: the scheduler, or nobody, counts it.
    wanted = {name: amount for name, amount in wanted.items() if name in room or name in _NATIVE}
    if not wanted:
        return
    used: dict[str, Decimal] = {}
    for other in others:
        for name, amount in requests(other).items():
            used[name] = used.get(name, Decimal(0)) + amount
    for name in sorted(wanted, key=lambda n: (_NATIVE.index(n) if n in _NATIVE else len(_NATIVE), n)):
        taken, capacity = used.get(name, Decimal(0)), room.get(name, Decimal(0))
        if wanted[name] > capacity - taken:
            yield _short(name, wanted[name], taken, capacity)


def shortage(pod: Object, others: Sequence[Object], node: Object) -> str:
    """Which resource the node has too little of, beside `others`, to give `pod` what it asks for; "": none."""
    return next((text for _, text in _resources(pod, others, node)), "")


def _short(name: str, requested: Decimal, used: Decimal, capacity: Decimal) -> tuple[str, str]:
    factor = 1000 if name == "cpu" else 1
    r, u, c = (int((x * factor).to_integral_value(ROUND_CEILING)) for x in (requested, used, capacity))
    text = f"Node didn't have enough resource: {name}, requested: {r}, used: {u}, capacity: {c}"
    return f"OutOf{name}", text


def matches_node(pod: Object, node: Object) -> bool:
    """Whether nodeSelector and the required node affinity of `pod` hold for `node`."""
    labels = metadata(node).get("labels") or {}
    spec = spec_of(pod)
    if any(labels.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_matches_term(term, labels, name_of(node)) for term in required.get("nodeSelectorTerms") or ())


def _matches_term(term: Mapping[str, Any], labels: Mapping[str, str], name: str) -> bool:
    expressions, field_expressions = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not field_expressions:
        return False
    return all(requirement_from(e).matches(labels) for e in expressions) and all(
        requirement_from(e).matches({"metadata.name": name}) for e in field_expressions
    )


def tolerates_no_execute(pod: Object, node: Object) -> bool:
    """Whether `pod` tolerates every NoExecute taint; other effects do not concern a Pod that is bound already."""
    tolerations = spec_of(pod).get("tolerations") or ()
    taints = (node.get("spec") or {}).get("taints") or ()
    return all(
        any(_tolerates(toleration, taint) for toleration in tolerations)
        for taint in taints
        if taint.get("effect") == "NoExecute"
    )


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("key") not in (None, "", taint.get("key")):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def host_port_conflict(pod: Object, others: Iterable[Object]) -> bool:
    """Whether a host port that `pod` asks for is one of another Pod's."""
    wanted = list(_host_ports(pod))
    if not wanted:
        return False
    taken = [port for other in others for port in _host_ports(other)]
    return any(_clash(a, b) for a in wanted for b in taken)


def _host_ports(pod: Object) -> Iterator[tuple[str, str, int]]:
    for at in containers(spec_of(pod), ("initContainers", "containers")):
        if at.field == "initContainers" and at.container.get("restartPolicy") != "Always":
            continue
        for port in at.container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("hostIP") or "", port.get("protocol") or "TCP", port["hostPort"]


def _clash(a: tuple[str, str, int], b: tuple[str, str, int]) -> bool:
    return a[1:] == b[1:] and (a[0] == b[0] or a[0] in _ANY_ADDRESS or b[0] in _ANY_ADDRESS)
