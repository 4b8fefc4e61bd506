"""The CronJob controller: sleeps until a CronJob is due, carries out what `cron_decision` says.

Run by `controllers.manager`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from podwright.api.errors import AlreadyExists, NotFound, StatusError
from podwright.api.objects import Key, Object, copy_object, key_of, metadata, name_of, rfc3339, uid_of
from podwright.api.resources import CRON_JOBS, JOBS
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.client.own_writes import OwnWrites
from podwright.client.work_queue import WorkQueue
from podwright.controllers.jobs.cron_decision import CronPlan, decide, reference_to

_LONGEST_SLEEP = 3600.0
"""Seconds: the clock may be set meanwhile."""


class CronJobs:
    """Makes Jobs when it is their time."""

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
        self._cron_informer = informers.of(CRON_JOBS)
        self._job_informer = informers.of(JOBS)
        self._cron_jobs = OwnWrites(self._cron_informer)
        self._jobs = OwnWrites(self._job_informer)
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Control until cancelled."""
        await self._cron_informer.wait_synced()
        await self._job_informer.wait_synced()
        self._cron_informer.add_handler(self._cron_changed)
        self._job_informer.add_handler(self._job_changed)
        await self._queue.run(self._sync, workers=5)

    def _cron_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        owner = _owner_of(new or old or {})
        if owner is not None:
            self._queue.add(owner[0])

    async def _sync(self, key: Key) -> None:
        cron_job = self._cron_jobs.by_key(key)
        if cron_job is None:
            return
        jobs = [job for job in self._jobs.owned_by(uid_of(cron_job)) if _owner_of(job) == (key, uid_of(cron_job))]
        plan = decide(cron_job, jobs, self._clock())
        status = await self._carry_out(cron_job, plan)
        if status != (cron_job.get("status") or {}):
            written = await self._client.update(CRON_JOBS, {**cron_job, "status": status}, subresource="status")
            self._cron_jobs.wrote(written)
        for told in plan.events:
            self._recorder.event(cron_job, "Normal" if told.type == "Normal" else "Warning", told.reason, told.message)
        if plan.again_after is not None:
            self._queue.add_after(key, min(plan.again_after, _LONGEST_SLEEP))

    async def _carry_out(self, cron_job: Object, plan: CronPlan) -> Object:
        """Delete and create; the status that results."""
        for job in plan.delete:
            options = DeleteOptions(uid=uid_of(job), propagation_policy="Background")
            try:
                await self._client.delete(JOBS, name_of(job), key_of(job).namespace, options)
            except NotFound:
                continue
        if plan.create is None or plan.scheduled is None:
            return plan.status
        wanted = {**plan.create, "metadata": {**plan.create["metadata"]}}
        try:
            job = await self._client.create(JOBS, wanted, key_of(cron_job).namespace)
        except AlreadyExists:
            # Made before an interruption; or by somebody else, and then it is not ours.
            job = await self._client.get(JOBS, name_of(wanted), key_of(cron_job).namespace)
        except StatusError as error:
            self._recorder.event(cron_job, "Warning", "FailedCreate", f"Error creating job: {error.message}")
            raise
        else:
            self._recorder.event(cron_job, "Normal", "SuccessfulCreate", f"Created job {name_of(job)}")
        self._jobs.wrote(job)
        status = copy_object(plan.status)
        if _owner_of(job) == (key_of(cron_job), uid_of(cron_job)):
            status["active"] = [*(status.get("active") or ()), reference_to(job)]
        status["lastScheduleTime"] = rfc3339(plan.scheduled)
        return status


def _owner_of(job: Object) -> tuple[Key, str] | None:
    """Key and uid of the CronJob that controls a Job."""
    for reference in metadata(job).get("ownerReferences") or ():
        kind = reference.get("apiVersion"), reference.get("kind")
        if reference.get("controller") and kind == (CRON_JOBS.api_version, CRON_JOBS.kind):
            return Key(key_of(job).namespace, reference.get("name") or ""), reference.get("uid") or ""
    return None
