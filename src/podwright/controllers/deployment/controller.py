"""Rolls all Deployments from template to template. Run by `manager`.

Each round claims the ReplicaSets, finds or makes the newest, resizes what `rollout` says, and writes one status. A
round decides by what the ReplicaSets say, so one that was broken off is simply done again.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from podwright.api.objects import Key, Object, key_of, metadata, namespace_of, uid_of
from podwright.api.pods import is_terminal
from podwright.api.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from podwright.api.selectors import LabelSelector, label_selector_from
from podwright.client.events import EventRecorder
from podwright.client.informers import OWNER, UNCONTROLLED, Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.deployment import status as told
from podwright.controllers.deployment.rollout import is_recreate
from podwright.controllers.deployment.round import Round
from podwright.controllers.owned import claimed, controller_of, is_controlled_by, is_going

COMPONENT = "deployment-controller"
_SELECTS_ALL = "This deployment is selecting all pods. A non-empty selector is required."


def _selector_of(deployment: Object) -> LabelSelector:
    return label_selector_from((deployment.get("spec") or {}).get("selector"))


class Deployments:
    """The controller of Deployments."""

    def __init__(
        self, client: Client, informers: Informers, recorder: EventRecorder, clock: Callable[[], datetime.datetime]
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._deployments = informers.of(DEPLOYMENTS)
        self._sets = informers.of(REPLICA_SETS)
        self._pods = informers.of(PODS)
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Roll until cancelled."""
        for informer in (self._deployments, self._sets, self._pods):
            await informer.wait_synced()
        self._deployments.add_handler(lambda old, new: self._queue.add(key_of(new or old or {})))
        self._sets.add_handler(self._set_changed)
        self._pods.add_handler(self._pod_changed)
        await self._queue.run(self._sync, workers=8)

    # what wakes a Deployment

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        for one in (old, new):
            if one is not None and is_controlled_by(one, DEPLOYMENTS):
                reference = controller_of(one) or {}
                self._queue.add(Key(namespace_of(one), reference.get("name") or ""))
        if new is not None and controller_of(new) is None:
            labels = metadata(new).get("labels")
            for deployment in self._deployments.items():
                same_place = namespace_of(deployment) == namespace_of(new)
                if labels and same_place and _selector_of(deployment).matches(labels):
                    self._queue.add(key_of(deployment))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """A Deployment that recreates waits for the last old Pod's end."""
        if new is not None and not is_terminal(new):
            return
        pod = new or old or {}
        reference = controller_of(pod)
        if reference is None or not is_controlled_by(pod, REPLICA_SETS):
            return
        replica_set = self._sets.get(reference.get("name") or "", namespace_of(pod))
        holder = controller_of(replica_set) if replica_set is not None else None
        if holder is not None:
            key = Key(namespace_of(pod), holder.get("name") or "")
            deployment = self._deployments.by_key(key)
            if deployment is not None and is_recreate(deployment.get("spec") or {}):
                self._queue.add(key)

    # one round

    async def _sync(self, key: Key) -> None:
        seen = self._deployments.by_key(key)
        if seen is None:
            return
        selector = _selector_of(seen)
        if not selector:
            self._recorder.event(seen, "Warning", "SelectingAll", _SELECTS_ALL)
            return
        candidates = {uid_of(one): one for one in self._sets.by_index(OWNER, uid_of(seen))}
        for one in self._sets.by_index(UNCONTROLLED, key.namespace):
            if selector.matches(metadata(one).get("labels")):
                candidates[uid_of(one)] = one
        mine = await claimed(
            self._client,
            DEPLOYMENTS,
            seen,
            REPLICA_SETS,
            candidates.values(),
            selected=lambda one: selector.matches(metadata(one).get("labels")),
        )
        await Round(self._client, self._recorder, self._clock, seen, self._pods_of).run(mine)
        self._wake_at_deadline(key)

    def _pods_of(self, replica_set: Object) -> Sequence[Object]:
        return list(self._pods.by_index(OWNER, uid_of(replica_set)))

    def _wake_at_deadline(self, key: Key) -> None:
        deployment = self._deployments.by_key(key)
        if deployment is None or is_going(deployment):
            return
        spec = deployment.get("spec") or {}
        wait = told.seconds_to_deadline(spec, told.conditions_of(deployment), self._clock())
        if wait:
            # Times are told in whole seconds: one more, and it is over for sure.
            self._queue.add_after(key, wait + 1)
