"""What several rooms ask of a Pod: its containers, resources with overhead, QoS class, and what kind of Pod it is.

Pure functions over the JSON object. Page: https://kubernetes.io/docs/concepts/workloads/pods/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from podwright.api.objects import Object, metadata
from podwright.api.quantity import Value, add_resources, max_resources, parse_quantity

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
SOURCE_ANNOTATION = "kubernetes.io/config.source"
_TERMINAL = ("Succeeded", "Failed")
_QOS_RESOURCES = ("cpu", "memory")

T = TypeVar("T")
Totals = dict[str, Decimal]
"""Amounts by resource name, in base units (cores, bytes, pieces)."""


class ContainerAt(NamedTuple):
    """One container and where it stands."""

    field: str
    """`initContainers`, `containers` or `ephemeralContainers`"""
    position: int
    container: dict[str, Any]


def spec_of(pod: Object) -> dict[str, Any]:
    """The Pod's spec, or an empty mapping (not attached to the Pod) when it has none."""
    return pod.get("spec") or {}


def containers(
    spec: Mapping[str, Any],
    fields: tuple[str, ...] = ("initContainers", "containers", "ephemeralContainers"),
) -> Iterator[ContainerAt]:
    """Every container of a Pod's spec: init, app and ephemeral ones, each list in its own order."""
    for field in fields:
        for position, container in enumerate(spec.get(field) or ()):
            yield ContainerAt(field, position, container)


def is_sidecar(container: Mapping[str, Any]) -> bool:
    """Whether an init container keeps running beside the app containers."""
    return container.get("restartPolicy") == "Always"


def is_terminal(pod: Object) -> bool:
    """Whether the Pod's phase is one that never changes again."""
    return (pod.get("status") or {}).get("phase") in _TERMINAL


def is_mirror(pod: Object) -> bool:
    """Whether the Pod only shows in the API what runs from a static manifest."""
    return MIRROR_ANNOTATION in (metadata(pod).get("annotations") or {})


def is_static(pod: Object) -> bool:
    """Whether the kubelet got this Pod from somewhere else than the API."""
    source = (metadata(pod).get("annotations") or {}).get(SOURCE_ANNOTATION)
    return source is not None and source != "api"


def condition(pod: Object, kind: str) -> dict[str, Any] | None:
    """The Pod's condition of type `kind`, None when it has none."""
    for entry in (pod.get("status") or {}).get("conditions") or ():
        if entry.get("type") == kind:
            return dict(entry)
    return None


def condition_is_true(pod: Object, kind: str) -> bool:
    """Whether the Pod has the condition with status True."""
    found = condition(pod, kind)
    return found is not None and found.get("status") == "True"


def requests(pod: Object, *, overhead: bool = True) -> Totals:
    """What the Pod asks for: the most it needs at any time of its start and run, plus its overhead.

    Raises ValueError for a quantity that is none. Source: component-helpers/resource/helpers.go.
    """
    totals = _aggregate(pod, "requests")
    if overhead:
        _add(totals, _amounts(spec_of(pod).get("overhead")))
    return totals


def limits(pod: Object, *, overhead: bool = True) -> Totals:
    """What the Pod may use at most, for each resource that is limited at all; overhead raises only those.

    Raises ValueError for a quantity that is none.
    """
    totals = _aggregate(pod, "limits")
    if overhead:
        extra = _amounts(spec_of(pod).get("overhead"))
        _add(totals, {name: amount for name, amount in extra.items() if totals.get(name)})
    return totals


def containers_together(spec: Mapping[str, Any], kind: str) -> dict[str, str]:
    """What the containers ask for (`requests`) or are held to (`limits`) together, without what is set for the Pod.

    As quantities, which keep the form that they were written in. Raises ValueError for a quantity that is none.
    """
    return _together(spec, lambda container: _quantities(container, kind), add_resources, max_resources)


def qos_class(pod: Object) -> str:
    """`Guaranteed`, `Burstable` or `BestEffort`.

    Raises ValueError for a quantity that is none.
    Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
    """
    spec = spec_of(pod)
    asked: Totals = {}
    limited: Totals = {}
    guaranteed = True
    if spec.get("resources"):
        holders = [spec]
    else:
        holders = [c.container for c in containers(spec, ("containers", "initContainers"))]
    for holder in holders:
        resources = holder.get("resources") or {}
        limit = {k: v for k, v in _amounts(resources.get("limits")).items() if k in _QOS_RESOURCES and v > 0}
        request = {k: v for k, v in _amounts(resources.get("requests")).items() if k in _QOS_RESOURCES and v > 0}
        guaranteed = guaranteed and len(limit) == len(_QOS_RESOURCES)
        _add(asked, request)
        _add(limited, limit)
    if not asked and not limited:
        return "BestEffort"
    return "Guaranteed" if guaranteed and asked == limited else "Burstable"


def _aggregate(pod: Object, kind: str) -> Totals:
    """What the containers have together; what is set for the whole Pod counts instead of the sum."""
    spec = spec_of(pod)
    return _together(spec, lambda container: _of(container, kind), _sum, _largest) | _of(spec, kind)


def _together(
    spec: Mapping[str, Any],
    of: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    add: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, T]],
    largest: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, T]],
) -> dict[str, T]:
    """App containers and sidecars together, or the largest moment of initialization if that is more.

    `of`: what one container has; `add` and `largest` put two such amounts together, name by name.
    """
    totals: dict[str, T] = {}
    for at in containers(spec, ("containers",)):
        totals = add(totals, of(at.container))
    sidecars: dict[str, T] = {}
    peak: dict[str, T] = {}
    for at in containers(spec, ("initContainers",)):
        own = of(at.container)
        if is_sidecar(at.container):
            totals, sidecars, own = add(totals, own), add(sidecars, own), {}
        peak = largest(peak, add(sidecars, own))
    return largest(totals, peak)


def _of(holder: Mapping[str, Any], kind: str) -> Totals:
    return _amounts((holder.get("resources") or {}).get(kind))


def _quantities(holder: Mapping[str, Any], kind: str) -> Mapping[str, Value]:
    return (holder.get("resources") or {}).get(kind) or {}


def _amounts(quantities: Mapping[str, Any] | None) -> Totals:
    return {name: parse_quantity(value) for name, value in (quantities or {}).items()}


def _add(totals: Totals, more: Mapping[str, Decimal]) -> None:
    for name, amount in more.items():
        totals[name] = totals.get(name, Decimal(0)) + amount


def _sum(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> Totals:
    totals = dict(one)
    _add(totals, other)
    return totals


def _largest(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> Totals:
    return {name: max(one.get(name, Decimal(0)), other.get(name, Decimal(0))) for name in {**one, **other}}
