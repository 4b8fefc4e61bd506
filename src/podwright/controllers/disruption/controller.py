"""Keeps the status of PodDisruptionBudgets: how many of their Pods may be evicted now.

Run by `controllers.manager`. Page: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from podwright.api.objects import Key, Object, key_of, metadata, name_of, uid_of
from podwright.api.resources import (
    DEPLOYMENTS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)
from podwright.api.selectors import label_selector_from
from podwright.client.events import EventRecorder
from podwright.client.informer import Informer
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.disruption.decision import Expected, allowance, counts_controllers

_KEEPERS = (REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS, DEPLOYMENTS)
_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
    "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please "
    'set ".spec.minAvailable" field of the PDB to an integer value.'
)


class DisruptionBudgets:
    """The disruption controller."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        recorder: EventRecorder,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._budgets = informers.of(POD_DISRUPTION_BUDGETS)
        self._pods = informers.of(PODS)
        self._keepers: dict[Resource, Informer] = {resource: informers.of(resource) for resource in _KEEPERS}
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Control until cancelled."""
        for informer in (self._budgets, self._pods, *self._keepers.values()):
            await informer.wait_synced()
        self._budgets.add_handler(self._budget_changed)
        self._pods.add_handler(self._pod_changed)
        for informer in self._keepers.values():
            informer.add_handler(self._keeper_changed)
        await self._queue.run(self._sync, workers=2)

    def _budget_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _shown(old) == _shown(new):
            return
        for budget in self._budgets.items():
            if any(pod is not None and _selects(budget, pod) for pod in (old, new)):
                self._queue.add(key_of(budget))

    def _keeper_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _replicas(old) == _replicas(new):
            return
        namespace = key_of(new or old or {}).namespace
        for budget in self._budgets.items():
            if key_of(budget).namespace == namespace and counts_controllers(budget):
                self._queue.add(key_of(budget))

    async def _sync(self, key: Key) -> None:
        budget = self._budgets.by_key(key)
        if budget is None:
            return
        pods = [pod for pod in self._pods.items() if _selects(budget, pod)]
        if not pods:
            self._recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        expected = self._expected(budget, pods)
        found = allowance(budget, pods, expected, self._clock())
        if found.status != (budget.get("status") or {}):
            await self._client.update(POD_DISRUPTION_BUDGETS, {**budget, "status": found.status}, subresource="status")
        if found.again_after is not None:
            self._queue.add_after(key, found.again_after)

    def _expected(self, budget: Object, pods: Sequence[Object]) -> Expected:
        if not counts_controllers(budget):
            return Expected()
        keepers: dict[str, Object] = {}
        unmanaged: list[str] = []
        for pod in pods:
            reference = _controller(pod)
            if reference is None:
                unmanaged.append(name_of(pod))
                continue
            keeper = self._keeper(key_of(pod).namespace, reference)
            if keeper is None:
                why = f"found no controllers for pod {name_of(pod)!r}".replace("'", '"')
                text = f"Failed to calculate the number of expected pods: {why}"
                self._recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", text)
                return Expected(error=why)
            keepers[uid_of(keeper)] = keeper
        if unmanaged:
            selector = budget["spec"].get("selector") or {}
            self._recorder.event(budget, "Warning", "UnmanagedPods", _UNMANAGED.format(selector))
        return Expected(sum(map(_replicas, keepers.values())), unmanaged)

    def _keeper(self, namespace: str, reference: Object) -> Object | None:
        """Who says how many Pods there are to be: the controller, or the Deployment above a ReplicaSet."""
        for resource, informer in self._keepers.items():
            if (resource.kind, resource.api_version) == (reference.get("kind"), reference.get("apiVersion")):
                found = informer.get(reference.get("name") or "", namespace)
                if found is None or uid_of(found) != reference.get("uid"):
                    return None
                above = _controller(found)
                return self._keeper(namespace, above) or found if above is not None else found
        return None


def _controller(obj: Object) -> Object | None:
    return next((r for r in metadata(obj).get("ownerReferences") or () if r.get("controller")), None)


def _replicas(keeper: Object) -> int:
    replicas: int | None = (keeper.get("spec") or {}).get("replicas")
    return 1 if replicas is None else replicas


def _selects(budget: Object, pod: Object) -> bool:
    selector = (budget.get("spec") or {}).get("selector")
    if selector is None or key_of(budget).namespace != key_of(pod).namespace:
        return False
    return label_selector_from(selector).matches(metadata(pod).get("labels"))


def _shown(pod: Object) -> object:
    """Everything of a Pod that a budget looks at."""
    meta = metadata(pod)
    ready = next(
        (c.get("status") for c in (pod.get("status") or {}).get("conditions") or () if c.get("type") == "Ready"), None
    )
    return meta.get("labels"), meta.get("deletionTimestamp"), meta.get("ownerReferences"), ready
