"""One look at one Deployment: its next step carried out, and told.

Called by `controller`. What the step is stands in `sets`, `rollout` and `status`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from podwright.api.errors import AlreadyExists, NotFound, StatusError
from podwright.api.objects import Object, copy_object, metadata, name_of, namespace_of, uid_of
from podwright.api.pods import is_terminal
from podwright.api.resources import DEPLOYMENTS, REPLICA_SETS
from podwright.client.events import EventRecorder
from podwright.client.interface import Client, DeleteOptions
from podwright.controllers.deployment import status as told
from podwright.controllers.deployment.rollout import (
    Resize,
    available_of,
    empty_old,
    is_recreate,
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
from podwright.controllers.owned import controller_uid, is_going
from podwright.controllers.pod_control import is_terminating_namespace
from podwright.controllers.pod_templates import same_template


class Round:
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
        """`mine`: the Deployment's ReplicaSets. Raises what the API refused; the next round begins anew."""
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
        elif is_recreate(self._spec):
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
