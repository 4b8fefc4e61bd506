"""Priority: the number behind a Pod's priorityClassName, and that only one class is everybody's default.

On by default. The two classes that every cluster has are known even while nobody has made their objects.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal, written_pod
from podwright.api.errors import NotFound
from podwright.api.objects import Object, name_of
from podwright.api.priorities import BUILT_IN
from podwright.api.resources import PRIORITY_CLASSES
from podwright.client.interface import Client

_POLICY = "PreemptLowerPriority"


@dataclass(frozen=True, slots=True)
class Computed:
    """What a class gives its Pods."""

    class_name: str
    priority: int
    preemption_policy: str


def of_class(found: Object) -> Computed:
    """What a PriorityClass gives."""
    return Computed(name_of(found), found.get("value") or 0, found.get("preemptionPolicy") or _POLICY)


def default_class(classes: Iterable[Object]) -> Object | None:
    """The class of Pods that name none; were there several, the one of lowest value."""
    defaults = [c for c in classes if c.get("globalDefault")]
    return min(defaults, key=lambda c: c.get("value") or 0, default=None)


class Priority:
    """Looks at Pods and PriorityClasses that are created or changed."""

    name = "Priority"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def admit(self, attributes: Attributes) -> None:
        """Raises Forbidden for a class that is not there, or a number that is not its own."""
        pod = written_pod(attributes, Operation.CREATE, Operation.UPDATE)
        if pod is None:
            return
        spec = pod["spec"]
        if attributes.operation is Operation.UPDATE:
            # A manifest that is applied again names neither: what was computed stays.
            before = (attributes.old or {}).get("spec") or {}
            for field in ("priorityClassName", "priority", "preemptionPolicy"):
                if spec.get(field) is None and before.get(field) is not None:
                    spec[field] = before[field]
            return
        computed = await self._computed(attributes, spec.get("priorityClassName") or "")
        given = spec.get("priority")
        if given is not None and given != computed.priority:
            raise refusal(
                attributes,
                f"the integer value of priority ({given}) must not be provided in pod spec; "
                f"priority admission controller computed {computed.priority} from the given PriorityClass name",
            )
        policy = spec.get("preemptionPolicy")
        if policy is not None and policy != computed.preemption_policy:
            raise refusal(
                attributes,
                f"the string value of PreemptionPolicy ({policy}) must not be provided in pod spec; priority "
                f"admission controller computed {computed.preemption_policy} from the given PriorityClass name",
            )
        if computed.class_name:
            spec["priorityClassName"] = computed.class_name
        spec["priority"], spec["preemptionPolicy"] = computed.priority, computed.preemption_policy

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for a second class that wants to be the default."""
        written = attributes.operation in (Operation.CREATE, Operation.UPDATE)
        if attributes.resource != PRIORITY_CLASSES or not written or attributes.subresource:
            return
        if attributes.obj is None or not attributes.obj.get("globalDefault"):
            return
        present = default_class((await self._client.list(PRIORITY_CLASSES)).items)
        if present is not None and name_of(present) != name_of(attributes.obj):
            text = f"PriorityClass {name_of(present)} is already marked as default. Only one default can exist"
            raise refusal(attributes, text)

    async def _computed(self, attributes: Attributes, name: str) -> Computed:
        if not name:
            found = default_class((await self._client.list(PRIORITY_CLASSES)).items)
            return of_class(found) if found is not None else Computed("", 0, _POLICY)
        try:
            return of_class(await self._client.get(PRIORITY_CLASSES, name))
        except NotFound:
            if name in BUILT_IN:
                return Computed(name, BUILT_IN[name], _POLICY)
            raise refusal(attributes, f"no PriorityClass with name {name} was found") from None
