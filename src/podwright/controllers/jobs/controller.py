"""The Job controller: carries out what `decision` says, one step at a time, and looks again after each.

Every step is safe to repeat, and writes of the status name the version they were decided on, so that a restart in the
middle of anything goes on where it was. Run by `controllers.manager`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from functools import partial

from podwright.api.errors import NotFound
from podwright.api.objects import Key, Object, key_of, metadata, name_of, uid_of
from podwright.api.resources import JOBS, NAMESPACES, PODS
from podwright.api.selectors import LabelSelector, label_selector_from
from podwright.client.backoff import Backoff
from podwright.client.events import EventRecorder
from podwright.client.informers import UNCONTROLLED, Informers
from podwright.client.interface import Client, PatchType
from podwright.client.own_writes import OwnWrites
from podwright.client.together import together
from podwright.client.work_queue import WorkQueue
from podwright.controllers.jobs.decision import Plan, decide, is_finished, with_fewer_active
from podwright.controllers.jobs.labels import CONTROLLER, FINALIZER
from podwright.controllers.jobs.manage import NewPod
from podwright.controllers.jobs.new_pod import new_pod
from podwright.controllers.jobs.pods import is_tracked
from podwright.controllers.owned import claimed, controller_of, is_controlled_by, is_going
from podwright.controllers.pod_control import PodControl, slowly


class Jobs:
    """Brings every Job to its end."""

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
        self._job_informer = informers.of(JOBS)
        self._pod_informer = informers.of(PODS)
        self._namespaces = informers.of(NAMESPACES)
        self._jobs = OwnWrites(self._job_informer)
        self._pods = OwnWrites(self._pod_informer)
        self._control = PodControl(client, recorder, self._pods)
        self._queue: WorkQueue[Key] = WorkQueue(Backoff(base=0.05, cap=60.0))
        self._orphans: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Control until cancelled."""
        await self._job_informer.wait_synced()
        await self._pod_informer.wait_synced()
        await self._namespaces.wait_synced()
        self._job_informer.add_handler(self._job_changed)
        self._pod_informer.add_handler(self._pod_changed)
        self._namespaces.add_handler(self._namespace_changed)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run(self._sync, workers=5))
            group.create_task(self._orphans.run(self._release_orphan, workers=4))

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            if not is_finished(new):
                self._queue.add(key_of(new))
        elif old is not None:
            for pod in self._pods.owned_by(uid_of(old)):
                if is_tracked(pod):
                    self._orphans.add(key_of(pod))

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        """Pods that were kept for their successors hold up a namespace that is being deleted."""
        if new is None or not is_going(new):
            return
        for job in self._job_informer.items():
            if key_of(job).namespace == name_of(new):
                self._queue.add(key_of(job))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old or {}
        owner, before = _job_of(pod), _job_of(old) if old is not None else None
        if before is not None and before != owner:
            self._queue.add(before[0])
        if owner is None:
            if new is not None:
                self._offer(new)
            return
        key, uid = owner
        job = self._job_informer.by_key(key)
        if job is not None and uid_of(job) == uid:
            if not is_finished(job):
                self._queue.add(key)
        elif new is not None and is_tracked(new):
            self._orphans.add(key_of(new))

    def _offer(self, pod: Object) -> None:
        """Let Jobs know of a Pod that no Job has; nobody else's finalizer goes with what none of them wants."""
        takers = self._takers(pod)
        for job in takers:
            self._queue.add(key_of(job))
        if not takers and is_tracked(pod):
            self._orphans.add(key_of(pod))

    def _takers(self, pod: Object) -> list[Object]:
        """The Jobs that would adopt a Pod."""
        labels, key = metadata(pod).get("labels"), key_of(pod)
        if not labels or controller_of(pod) is not None or is_going(pod):
            return []
        jobs = [job for job in self._job_informer.items() if key_of(job).namespace == key.namespace]
        return [j for j in jobs if not is_finished(j) and not is_going(j) and _selector_of(j).matches(labels)]

    # Pods whose Job is gone

    async def _release_orphan(self, key: Key) -> None:
        pod = self._pods.by_key(key)
        if pod is None or not is_tracked(pod):
            return
        owner = _job_of(pod)
        if owner is not None:
            try:
                job = await self._client.get(JOBS, owner[0].name, owner[0].namespace)
            except NotFound:
                job = {}
            if uid_of(job) == owner[1]:
                self._queue.add(owner[0])
                return
        elif self._takers(pod):
            return
        await self._release(pod)

    # Jobs

    async def _sync(self, key: Key) -> None:
        job = self._jobs.by_key(key)
        if job is None or is_finished(job):
            return
        if job["spec"].get("managedBy") not in (None, CONTROLLER):
            return
        pods = await self._claim(job)
        namespace = self._namespaces.get(key.namespace)
        plan = decide(job, pods, self._clock(), namespace_ends=namespace is not None and is_going(namespace))
        await self._carry_out(job, plan)
        if plan.release or plan.stop or plan.drop or plan.create:
            self._queue.add(key)
        elif plan.again_after is not None:
            self._queue.add_after(key, plan.again_after)

    async def _claim(self, job: Object) -> list[Object]:
        """The Job's Pods, with those that it adopts, without those that its selector no longer finds."""
        selector, mine = _selector_of(job), (key_of(job), uid_of(job))
        candidates = [pod for pod in self._pods.owned_by(uid_of(job)) if _job_of(pod) == mine]
        free = self._pod_informer.by_index(UNCONTROLLED, key_of(job).namespace)
        candidates += [pod for pod in free if selector.matches(metadata(pod).get("labels"))]
        pods = await claimed(
            self._client,
            JOBS,
            job,
            PODS,
            {uid_of(pod): pod for pod in reversed(candidates)}.values(),
            selected=lambda pod: selector.matches(metadata(pod).get("labels")),
            finalizers=(FINALIZER,),
        )
        for pod in pods:
            self._pods.wrote(pod)
        return pods

    async def _carry_out(self, job: Object, plan: Plan) -> None:
        await together(plan.stop, lambda pod: self._control.delete(job, pod))
        await together(plan.drop, lambda pod: self._drop(job, pod))
        # What is refused must not keep the others from being counted.
        made = await slowly([partial(self._create_one, job, one) for one in plan.create])
        status = with_fewer_active(plan.status, len(plan.create) - made.done)
        if status != (job.get("status") or {}):
            written = await self._client.update(JOBS, {**job, "status": status}, subresource="status")
            self._jobs.wrote(written)
        for told in plan.events:
            self._recorder.event(job, "Normal" if told.type == "Normal" else "Warning", told.reason, told.message)
        await together(plan.release, self._release)
        if made.error is not None:
            raise made.error

    async def _create_one(self, job: Object, wanted: NewPod) -> None:
        await self._control.create(job, new_pod(job, wanted))

    async def _drop(self, job: Object, pod: Object) -> None:
        await self._release(pod)
        await self._control.delete(job, pod)

    async def _release(self, pod: Object) -> None:
        """Take the finalizer away, whatever else is being written about the Pod."""
        key = key_of(pod)
        change = {"metadata": {"uid": uid_of(pod), "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
        try:
            left = await self._client.patch(PODS, key.name, change, key.namespace, patch_type=PatchType.STRATEGIC)
        except NotFound:
            return
        self._pods.wrote(left)


def _selector_of(job: Object) -> LabelSelector:
    return label_selector_from((job.get("spec") or {}).get("selector"))


def _job_of(pod: Object) -> tuple[Key, str] | None:
    """Key and uid of the Job that controls a Pod."""
    reference = controller_of(pod)
    if reference is None or not is_controlled_by(pod, JOBS):
        return None
    return Key(key_of(pod).namespace, reference.get("name") or ""), reference.get("uid") or ""
