"""What a Pod has been given of the node, when its spec asks for something else: changing resources in place.

What it decides (pure): whether the node can give a running Pod the resources that its spec now asks for, never can, or
cannot now. `Allocations` remembers what each Pod was given last: that is what everything else of the kubelet sees in
its spec. Called by `kubelet` for each update of a Pod; after a restart what was given is read from the Pod's status.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING
from typing import Any

from podwright.api.objects import Object, copy_object, metadata, uid_of
from podwright.api.pods import condition_is_true, containers, is_static, is_terminal, requests
from podwright.api.quantity import parse_quantity
from podwright.kubelet.pod_admission import shortage
from podwright.kubelet.status.resize import PENDING, Pending, Resize

Resources = Mapping[tuple[str, str], Mapping[str, Any]]
"""By field and name of a container; those of the whole Pod at WHOLE, where it has some."""

WHOLE = ("", "")
_FIELDS = ("initContainers", "containers")
_STATUSES = {"initContainers": "initContainerStatuses", "containers": "containerStatuses"}


def judge(pod: Object, others: Sequence[Object], node: Object) -> Pending | None:
    """Why the node does not give `pod` what it asks for beside `others`; None: it does."""
    if is_static(pod):
        return Pending("Infeasible", "In-place resize of static-pods is not supported")
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    for name, amount in requests(pod).items():
        if name in ("cpu", "memory") and name in allocatable and amount > parse_quantity(allocatable[name]):
            factor = 1000 if name == "cpu" else 1
            asked, has = (
                int((value * factor).to_integral_value(ROUND_CEILING))
                for value in (amount, parse_quantity(allocatable[name]))
            )
            text = f"Node didn't have enough capacity: {name}, requested: {asked}, capacity: {has}"
            return Pending("Infeasible", text)
    short = shortage(pod, others, node)
    return Pending("Deferred", short) if short else None


def asked_of(pod: Object) -> Resources:
    """What the spec asks for."""
    spec = pod["spec"]
    asked = {(at.field, at.container["name"]): at.container.get("resources") or {} for at in containers(spec, _FIELDS)}
    return asked | {WHOLE: spec["resources"]} if spec.get("resources") else asked


def given_by_status(pod: Object) -> Resources:
    """What the status says that the Pod was given; of a container that it says nothing of, what the spec asks for."""
    given, told = dict(asked_of(pod)), pod.get("status") or {}
    for field, statuses in _STATUSES.items():
        for status in told.get(statuses) or ():
            key = (field, status["name"])
            if key in given and "resources" in status:
                given[key] = _told(status)
    if "resources" in told:
        given[WHOLE] = _told(told)
    else:
        given.pop(WHOLE, None)
    return given


def _told(status: Mapping[str, Any]) -> Mapping[str, Any]:
    resources = dict(status["resources"])
    if "allocatedResources" in status:
        resources["requests"] = status["allocatedResources"]
    return resources


def with_resources(pod: Object, given: Resources) -> Object:
    """The Pod as if its spec asked for what it was given."""
    changed = copy_object(pod)
    for at in containers(changed["spec"], _FIELDS):
        at.container["resources"] = copy_object(dict(given[at.field, at.container["name"]]))
    changed["spec"].pop("resources", None)
    if WHOLE in given:
        changed["spec"]["resources"] = copy_object(dict(given[WHOLE]))
    return changed


@dataclass(slots=True)
class _Entry:
    given: Resources
    state: Resize
    pod: Object


class Allocations:
    """What each Pod on this node was given, and how far a change of it is."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def take(self, pod: Object, others: Sequence[Object], node: Object) -> Object:
        """A Pod as a source has it, with the resources that it has been given; what it asks for is judged."""
        uid, asked = uid_of(pod), asked_of(pod)
        entry = self._entries.get(uid)
        if entry is None:
            given = given_by_status(pod) if condition_is_true(pod, PENDING) else asked
            entry = self._entries[uid] = _Entry(given, Resize(), pod)
        entry.pod = pod
        if entry.given == asked:
            entry.state = replace(entry.state, pending=None)
            return pod
        if metadata(pod).get("deletionTimestamp") or is_terminal(pod):
            return with_resources(pod, entry.given)
        pending = judge(pod, others, node)
        if pending is not None:
            entry.state = replace(entry.state, pending=pending)
            return with_resources(pod, entry.given)
        entry.given = asked
        entry.state = Resize(in_progress=True, generation=metadata(pod).get("generation") or 0)
        return pod

    def state(self, uid: str) -> Resize:
        """How far a change of a Pod's resources is."""
        entry = self._entries.get(uid)
        return entry.state if entry is not None else Resize()

    def carried_out(self, uid: str, error: str = "") -> None:
        """The runtime was told of what the Pod was given; `error`: and could not do it, yet."""
        entry = self._entries.get(uid)
        if entry is not None:
            entry.state = replace(entry.state, in_progress=bool(error), error=error)

    def deferred(self) -> Sequence[Object]:
        """Pods, as their source has them, that wait for room."""
        return [e.pod for e in self._entries.values() if e.state.pending and e.state.pending.reason == "Deferred"]

    def forget(self, uid: str) -> None:
        """The Pod is gone."""
        self._entries.pop(uid, None)
