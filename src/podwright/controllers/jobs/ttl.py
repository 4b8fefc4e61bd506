"""Jobs that are over and say how long they are to be kept are deleted when that time has passed.

Run by `controllers.manager`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Key, Object, key_of, metadata, parse_time, resource_version_of, uid_of
from podwright.api.resources import JOBS
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.client.work_queue import WorkQueue
from podwright.controllers.jobs.decision import finished_condition


def seconds_left(job: Object, now: datetime.datetime) -> float | None:
    """Seconds until the Job is to go, 0 when it is time; None when it stays."""
    ttl: int | None = (job.get("spec") or {}).get("ttlSecondsAfterFinished")
    end = finished_condition(job)
    if ttl is None or end is None or metadata(job).get("deletionTimestamp"):
        return None
    return max(ttl - (now - parse_time(end["lastTransitionTime"])).total_seconds(), 0.0)


class JobTtl:
    """Deletes Jobs whose time is over."""

    def __init__(self, client: Client, informers: Informers, clock: Callable[[], datetime.datetime]) -> None:
        self._client = client
        self._clock = clock
        self._jobs = informers.of(JOBS)
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Delete until cancelled."""
        await self._jobs.wait_synced()
        self._jobs.add_handler(self._changed)
        await self._queue.run(self._sync)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and seconds_left(new, self._clock()) is not None:
            self._queue.add(key_of(new))

    async def _sync(self, key: Key) -> None:
        job = self._jobs.by_key(key)
        left = seconds_left(job, self._clock()) if job is not None else None
        if job is None or left is None:
            return
        if left > 0:
            self._queue.add_after(key, left)
            return
        # The version too: the time to live may have been made longer meanwhile.
        options = DeleteOptions(
            uid=uid_of(job), resource_version=resource_version_of(job), propagation_policy="Foreground"
        )
        try:
            await self._client.delete(JOBS, key.name, key.namespace, options)
        except (NotFound, Conflict):
            # Changed meanwhile: its change brings it back here.
            return
