"""Rolls all Deployments from template to template. Run by `manager`.

Each round claims the ReplicaSets, finds or makes the newest, resizes what `rollout` says, and writes one status. A
round decides by what the ReplicaSets say, so one that was broken off is simply done again.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from podwright.api.errors import AlreadyExists, NotFound, StatusError
from podwright.api.objects import Key, Object, copy_object, key_of, metadata, name_of, namespace_of, uid_of
from podwright.api.pods import is_terminal
from podwright.api.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from podwright.api.selectors import LabelSelector, label_selector_from
from podwright.client.events import EventRecorder
from podwright.client.informers import OWNER, UNCONTROLLED, Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.client.work_queue import WorkQueue
from podwright.controllers.deployment import status as told
from podwright.controllers.deployment.rollout import (
    Resize,
    available_of,
    empty_old,
    replicas_of,
    rescale,
    roll,
    size_of_new,
)
from podwright.controllers.deployment.sets import (
    DESIRED,
    REVISION,
    Sets,
    is_scaling,
    new_set,
    next_revision,
    refreshed,
    revision_of,
    size_annotations,
    sorted_sets,
    surplus_history,
    template_of,
)
from podwright.controllers.owned import claimed, controller_of, controller_uid, is_controlled_by, is_going
from podwright.controllers.pod_control import is_terminating_namespace
from podwright.controllers.pod_templates import same_template

COMPONENT = "deployment-controller"
_SELECTS_ALL = "This deployment is selecting all pods. A non-empty selector is required."


def _selector_of(deployment: Object) -> LabelSelector:
    return label_selector_from((deployment.get("spec") or {}).get("selector"))


def _is_recreate(deployment: Object) -> bool:
    return ((deployment.get("spec") or {}).get("strategy") or {}).get("type") == "Recreate"


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
            if deployment is not None and _is_recreate(deployment):
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
        await _Round(self._client, self._recorder, self._clock, seen, self._pods_of).run(mine)
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


class _Round:
    """One look at one Deployment."""

    def __init__(
        self,
        client: Client,
        recorder: EventRecorder,
        clock: Callable[[], datetime.datetime],
        seen: Object,
        pods_of: Callable[[Object], Sequence[Object]],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._seen = seen
        self._pods_of = pods_of
        self._deployment = copy_object(seen)
        self._spec: dict[str, Any] = seen.get("spec") or {}
        self._conditions = told.conditions_of(seen)

    async def run(self, mine: Sequence[Object]) -> None:
        sets = sorted_sets(self._seen, mine)
        if is_going(self._seen):
            await self._write(told.counted(self._seen, sets, self._conditions, self._clock()))
            return
        self._conditions = told.after_pause(self._spec, self._conditions, self._clock())
        if self._spec.get("paused") or is_scaling(self._seen, mine):
            sets = await self._found(sets)
            sets = await self._resize(sets, self._rescaled(sets))
            if self._spec.get("paused"):
                await self._forget_history(sets)
            await self._write(told.counted(self._seen, sets, self._conditions, self._clock()))
        elif _is_recreate(self._seen):
            await self._recreate(sets)
        else:
            await self._roll(sets)

    async def _roll(self, sets: Sets) -> None:
        sets = await self._found(sets, create=True)
        if sets.new is None:
            return
        todo = roll(self._spec, sets.new, sets.old)
        await self._finish(await self._resize(sets, todo), moved=bool(todo))

    async def _recreate(self, sets: Sets) -> None:
        sets = await self._found(sets)
        todo = empty_old(sets.old)
        if todo or self._has_old_pods(sets):
            await self._finish(await self._resize(sets, todo), moved=True)
            return
        sets = await self._found(sets, create=True)
        if sets.new is None:
            return
        wanted = self._spec.get("replicas") or 0
        todo = [Resize(sets.new, wanted)] if replicas_of(sets.new) != wanted else []
        await self._finish(await self._resize(sets, todo), moved=bool(todo))

    def _has_old_pods(self, sets: Sets) -> bool:
        return any(
            (one.get("status") or {}).get("replicas") or any(not is_terminal(pod) for pod in self._pods_of(one))
            for one in sets.old
        )

    async def _finish(self, sets: Sets, *, moved: bool) -> None:
        now = self._clock()
        if not moved and told.is_complete(self._seen, self._seen.get("status") or {}):
            await self._forget_history(sets)
        status = told.counted(self._seen, sets, self._conditions, now)
        await self._write(told.with_progress(self._seen, sets, status, now))

    def _rescaled(self, sets: Sets) -> list[Resize]:
        wanted, new = self._spec.get("replicas") or 0, sets.new
        saturated = (
            new is not None
            and replicas_of(new) == wanted == available_of(new)
            and (metadata(new).get("annotations") or {}).get(DESIRED) == str(wanted)
        )
        replicas = (self._seen.get("status") or {}).get("replicas") or 0
        return rescale(self._spec, new, sets.old, told_replicas=replicas, is_saturated=saturated)

    # the newest set

    async def _found(self, sets: Sets, *, create: bool = False) -> Sets:
        """The sets, the newest with its revision and annotations as they are to be; made, if it is missing."""
        revision = next_revision(sets)
        new = sets.new
        if new is None:
            new = await self._created(sets, revision) if create else None
            if new is None:
                return sets
        elif (changed := refreshed(self._seen, new, revision)) is not None:
            new = await self._client.update(REPLICA_SETS, changed)
        self._note_revision(max(revision_of(new), 1))
        if told.has_deadline(self._spec) and told.find(self._conditions, told.PROGRESSING) is None:
            self._say(told.FOUND, f'Found new replica set "{name_of(new)}"')
        return Sets(new, sets.old)

    async def _created(self, sets: Sets, revision: int) -> Object | None:
        collisions = (self._seen.get("status") or {}).get("collisionCount")
        body = new_set(self._seen, revision, size_of_new(self._spec, 0, sets.old), collisions)
        try:
            new = await self._client.create(REPLICA_SETS, body, namespace_of(self._seen))
        except AlreadyExists:
            return await self._existing(body)
        except StatusError as error:
            if is_terminating_namespace(error):
                return None
            await self._tell_refusal(body, error)
            raise
        size = replicas_of(new)
        if size:
            text = f"Scaled up replica set {name_of(new)} from 0 to {size}"
            self._recorder.event(self._seen, "Normal", "ScalingReplicaSet", text)
        if told.has_deadline(self._spec):
            self._say(told.CREATED, f'Created new replica set "{name_of(new)}"')
        return new

    async def _existing(self, body: Object) -> Object | None:
        """Ours, made a moment ago; or another template has the hash, and the next try takes another."""
        found = await self._client.get(REPLICA_SETS, name_of(body), namespace_of(body))
        if controller_uid(found) == uid_of(self._seen) and same_template(template_of(found), template_of(body)):
            return found
        status = dict(self._seen.get("status") or {})
        status["collisionCount"] = (status.get("collisionCount") or 0) + 1
        await self._write(status)
        return None

    async def _tell_refusal(self, body: Object, error: StatusError) -> None:
        text = f'Failed to create new replica set "{name_of(body)}": {error}'
        self._recorder.event(self._seen, "Warning", told.CREATE_FAILED, text)
        if told.has_deadline(self._spec):
            self._say(told.CREATE_FAILED, text, value="False")
            await self._write({**(self._seen.get("status") or {}), "conditions": self._conditions})

    def _say(self, reason: str, message: str, value: str = "True") -> None:
        new = told.made_condition(told.PROGRESSING, value, reason, message, self._clock())
        self._conditions = told.with_condition(self._conditions, new)

    def _note_revision(self, revision: int) -> None:
        meta = self._deployment["metadata"]
        meta["annotations"] = {**(meta.get("annotations") or {}), REVISION: str(revision)}

    # carrying out

    async def _resize(self, sets: Sets, todo: Sequence[Resize]) -> Sets:
        noted, changed = size_annotations(self._seen), {}
        for resize in todo:
            one, before = resize.replica_set, replicas_of(resize.replica_set)
            annotations = metadata(one).get("annotations") or {}
            if before == resize.replicas and noted.items() <= annotations.items():
                continue
            body = {
                **one,
                "metadata": {**one["metadata"], "annotations": {**annotations, **noted}},
                "spec": {**one["spec"], "replicas": resize.replicas},
            }
            changed[name_of(one)] = await self._client.update(REPLICA_SETS, body)
            if before != resize.replicas:
                way = "up" if resize.replicas > before else "down"
                text = f"Scaled {way} replica set {name_of(one)} from {before} to {resize.replicas}"
                self._recorder.event(self._seen, "Normal", "ScalingReplicaSet", text)
        return sets.with_sizes(changed)

    async def _forget_history(self, sets: Sets) -> None:
        for one in surplus_history(self._seen, sets.old):
            try:
                await self._client.delete(REPLICA_SETS, name_of(one), namespace_of(one), DeleteOptions(uid=uid_of(one)))
            except NotFound:
                continue

    async def _write(self, status: dict[str, Any]) -> None:
        self._deployment["status"] = status
        if self._deployment != self._seen:
            await self._client.update(DEPLOYMENTS, self._deployment, subresource="status")
