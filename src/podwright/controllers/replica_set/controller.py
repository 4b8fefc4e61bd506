"""Keeps the Pods of all ReplicaSets, or of all ReplicationControllers. Run by `manager`.

    changed -> queued -> claim Pods -> make or delete what `decision` says -> write the status

Source: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from podwright.api.objects import Key, Object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import PODS, REPLICA_SETS, REPLICATION_CONTROLLERS, Resource
from podwright.api.selectors import LabelSelector, label_selector_from, selector_of_labels
from podwright.client.events import EventRecorder
from podwright.client.informers import OWNER, Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.owned import claimed, controller_reference, controller_uid, is_going
from podwright.controllers.owned_pods import OwnedPods
from podwright.controllers.pod_control import Failure as Refusal
from podwright.controllers.pod_control import PodControl, all_at_once, is_terminating_namespace, slowly
from podwright.controllers.pod_health import is_active, next_available_in
from podwright.controllers.pod_templates import pod_from
from podwright.controllers.replica_set.decision import Failure, Plan, plan, status


def _of_replica_set(owner: Object) -> LabelSelector:
    return label_selector_from((owner.get("spec") or {}).get("selector"))


def _of_replication_controller(owner: Object) -> LabelSelector:
    labels: Mapping[str, str] = (owner.get("spec") or {}).get("selector") or {}
    return selector_of_labels(labels) if labels else LabelSelector(selects_nothing=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between the two kinds."""

    resource: Resource
    component: str
    """Who events say they are from."""
    selector_of: Callable[[Object], LabelSelector]
    tells_terminating: bool
    """Whether the status counts Pods that are being deleted."""


OF_REPLICA_SETS = Kind(REPLICA_SETS, "replicaset-controller", _of_replica_set, tells_terminating=True)
OF_REPLICATION_CONTROLLERS = Kind(
    REPLICATION_CONTROLLERS, "replication-controller", _of_replication_controller, tells_terminating=False
)
KINDS = (OF_REPLICA_SETS, OF_REPLICATION_CONTROLLERS)


class Replicas:
    """The controller of one of the two kinds."""

    def __init__(
        self,
        kind: Kind,
        client: Client,
        informers: Informers,
        recorder: EventRecorder,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._kind = kind
        self._client = client
        self._clock = clock
        self._queue: WorkQueue[Key] = WorkQueue()
        self._owned = OwnedPods(informers, kind.resource, kind.selector_of, self._queue)
        self._control = PodControl(client, recorder, self._owned.pods)

    async def run(self) -> None:
        """Keep them until cancelled."""
        await self._owned.follow()
        await self._queue.run(self._sync, workers=8)

    async def _sync(self, key: Key) -> None:
        owner = self._owned.owners.by_key(key)
        if owner is None:
            return
        selector = self._kind.selector_of(owner)
        candidates = self._owned.candidates(owner, selector)
        active = await claimed(
            self._client,
            self._kind.resource,
            owner,
            PODS,
            filter(is_active, candidates),
            selected=lambda pod: selector.matches(metadata(pod).get("labels")),
        )
        refusal, failure = None, None
        acts = not is_going(owner)
        if acts:
            wanted = (owner.get("spec") or {}).get("replicas") or 0
            todo = plan(active, wanted, self._related(owner, active), self._clock())
            refusal = await self._carry_out(owner, todo)
            if refusal is not None:
                failure = Failure("FailedCreate" if todo.create else "FailedDelete", str(refusal))
        await self._tell(key, owner, active, candidates, failure=failure, acted=acts)
        if refusal is not None:
            raise refusal

    def _related(self, owner: Object, active: Sequence[Object]) -> Sequence[Object]:
        """The Pods of all sets with the same owner: a Deployment's sets share its nodes."""
        holder = controller_uid(owner)
        if not holder:
            return active
        siblings = [one for one in self._owned.owners.by_index(OWNER, holder) if controller_uid(one) == holder]
        return [pod for one in siblings for pod in self._owned.pods.owned_by(uid_of(one))]

    async def _carry_out(self, owner: Object, todo: Plan) -> Refusal | None:
        if todo.create:
            pod = self._new_pod(owner)
            outcome = await slowly([partial(self._control.create, owner, pod)] * todo.create)
            return None if outcome.error is None or is_terminating_namespace(outcome.error) else outcome.error
        if todo.delete:
            return (await all_at_once([partial(self._control.delete, owner, pod) for pod in todo.delete])).error
        return None

    def _new_pod(self, owner: Object) -> Object:
        reference = controller_reference(owner, self._kind.resource)
        pod = pod_from((owner.get("spec") or {}).get("template") or {}, reference, namespace_of(owner))
        pod["metadata"]["generateName"] = f"{name_of(owner)}-"
        return pod

    async def _tell(
        self,
        key: Key,
        owner: Object,
        active: Sequence[Object],
        candidates: Sequence[Object],
        *,
        failure: Failure | None,
        acted: bool,
    ) -> None:
        now = self._clock()
        going = sum(is_going(pod) and controller_uid(pod) == uid_of(owner) for pod in candidates)
        terminating = going if self._kind.tells_terminating else None
        made: dict[str, Any] = status(owner, active, now, terminating=terminating, failure=failure, acted=acted)
        wait = next_available_in(active, (owner.get("spec") or {}).get("minReadySeconds") or 0, now)
        if wait is not None:
            self._queue.add_after(key, wait)
        if made != owner.get("status"):
            await self._client.update(self._kind.resource, {**owner, "status": made}, subresource="status")
