"""What a Pod asks of a node, and what a node has: in whole numbers. Pure.

CPU counts in thousandths of a core, everything else in its base unit. Called by `filter`, `score` and `scheduler`.
Source: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers and
https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from podwright.api.objects import Object, metadata, name_of
from podwright.api.quantity import Value, ceil_value, max_resources, milli_value

ANY_ADDRESS = "0.0.0.0"
DEFAULT_MILLI_CPU = 100
_RESIZING = ("PodResizePending", "PodResizeInProgress")
DEFAULT_MEMORY = 200 * 1024 * 1024


class HostPort(NamedTuple):
    """A port of the node; `address` is 0.0.0.0 for all of its addresses."""

    address: str
    protocol: str
    port: int

    def conflicts(self, other: HostPort) -> bool:
        """Whether both cannot be had at once."""
        return (self.protocol, self.port) == (other.protocol, other.port) and (
            self.address == other.address or ANY_ADDRESS in {self.address, other.address}
        )


@dataclass(frozen=True, slots=True)
class Demand:
    """What one Pod takes from its node as long as it is there."""

    requests: Mapping[str, int] = field(default_factory=dict)
    ports: frozenset[HostPort] = frozenset()
    weight_cpu: int = 0
    weight_memory: int = 0
    """For scoring: as requested, or what a container without a request is taken to need."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node, and what the Pods on it take."""

    node: Object
    allocatable: Mapping[str, int]
    used: Mapping[str, int]
    ports: frozenset[HostPort]
    pods: int
    weight_cpu: int = 0
    weight_memory: int = 0

    @property
    def name(self) -> str:
        """metadata.name"""
        return name_of(self.node)

    @property
    def labels(self) -> Mapping[str, str]:
        """metadata.labels"""
        return metadata(self.node).get("labels") or {}

    @property
    def taints(self) -> Iterable[Mapping[str, str]]:
        """spec.taints"""
        return (self.node.get("spec") or {}).get("taints") or ()


def amounts(resources: Mapping[str, Value]) -> dict[str, int]:
    """A resource list in whole numbers, rounded up."""
    return {name: milli_value(value) if name == "cpu" else ceil_value(value) for name, value in resources.items()}


def demand_of(pod: Object) -> Demand:
    """What a Pod takes.

    App containers and sidecars run together, and so do an init container and the sidecars before it; the larger
    counts. The Pod's own request replaces what its containers add up to, and its overhead comes on top.
    """
    spec = pod.get("spec") or {}
    containers = _as_given(pod, spec.get("containers") or (), "containerStatuses")
    inits = _as_given(pod, spec.get("initContainers") or (), "initContainerStatuses")
    requests = _together(containers, inits, defaults={})
    if spec.get("resources"):
        has = (pod.get("status") or {}).get("allocatedResources") or {}
        requests.update(amounts(_counted(spec["resources"].get("requests") or {}, has, _is_hopeless(pod))))
    weights = _together(containers, inits, defaults={"cpu": DEFAULT_MILLI_CPU, "memory": DEFAULT_MEMORY})
    for name, amount in amounts(spec.get("overhead") or {}).items():
        requests[name] = requests.get(name, 0) + amount
        weights[name] = weights.get(name, 0) + amount
    listening = [*containers, *(c for c in inits if c.get("restartPolicy") == "Always")]
    return Demand(
        {name: amount for name, amount in requests.items() if amount > 0},
        frozenset(_ports(listening)),
        weights.get("cpu", 0),
        weights.get("memory", 0),
    )


def _as_given(pod: Object, containers: Sequence[Object], statuses: str) -> Sequence[Object]:
    """The containers with what they were given where that is not what they ask for: a resize that is under way."""
    status, hopeless = pod.get("status") or {}, _is_hopeless(pod)
    given = {s["name"]: s["allocatedResources"] for s in status.get(statuses) or () if s.get("allocatedResources")}
    if not given or hopeless is None:
        return containers
    return [_with_given(c, given[c["name"]], hopeless) if c["name"] in given else c for c in containers]


def _is_hopeless(pod: Object) -> bool | None:
    """Whether a resize that is under way can never be done on the node; None: none is under way."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    waiting = [c for c in conditions if c.get("type") in _RESIZING and c.get("status") == "True"]
    return any(c.get("reason") == "Infeasible" for c in waiting) if waiting else None


def _with_given(container: Object, has: Mapping[str, Value], hopeless: bool) -> Object:
    resources = container.get("resources") or {}
    counts = _counted(resources.get("requests") or {}, has, hopeless)
    return {**container, "resources": {**resources, "requests": counts}}


def _counted(asked: Mapping[str, Value], has: Mapping[str, Value], hopeless: bool | None) -> Mapping[str, Value]:
    """What counts while a resize is under way: the larger; of a wish that can never be fulfilled, what was given."""
    if hopeless is None:
        return asked
    return {**asked, **has} if hopeless else max_resources(asked, has)


def _together(
    containers: Iterable[Mapping[str, Any]], inits: Iterable[Mapping[str, Any]], *, defaults: Mapping[str, int]
) -> dict[str, int]:
    running: Counter[str] = Counter()
    for container in containers:
        running.update(_requested(container, defaults))
    sidecars: Counter[str] = Counter()
    largest: Counter[str] = Counter()
    for container in inits:
        asked = Counter(_requested(container, defaults))
        if container.get("restartPolicy") == "Always":
            sidecars += asked
            largest |= sidecars
        else:
            largest |= sidecars + asked
    return dict((running + sidecars) | largest)


def _requested(container: Mapping[str, Any], defaults: Mapping[str, int]) -> dict[str, int]:
    return {**defaults, **amounts((container.get("resources") or {}).get("requests") or {})}


def _ports(containers: Iterable[Mapping[str, Any]]) -> Iterable[HostPort]:
    for container in containers:
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield HostPort(port.get("hostIP") or ANY_ADDRESS, port.get("protocol") or "TCP", port["hostPort"])


def node_state(node: Object, demands: Iterable[Demand]) -> NodeState:
    """A node with the Pods that are on it, or on their way to it."""
    used: Counter[str] = Counter()
    ports: set[HostPort] = set()
    pods = cpu = memory = 0
    for demand in demands:
        pods += 1
        used.update(demand.requests)
        ports |= demand.ports
        cpu += demand.weight_cpu
        memory += demand.weight_memory
    status = node.get("status") or {}
    allocatable = amounts(status.get("allocatable") or status.get("capacity") or {})
    return NodeState(node, allocatable, used, frozenset(ports), pods, cpu, memory)
