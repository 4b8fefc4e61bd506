"""Counts what namespaces use of their quotas.

The ResourceQuota plugin adds what comes; this controller counts everything again when something goes or a quota
changes. A count that is lower than the status waits a moment, in which nothing more may be charged: what the plugin has
just charged for may not be in the store yet. Run by `manager`.
Page: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from podwright.api import quota as q
from podwright.api.objects import Key, Object, key_of, resource_version_of
from podwright.api.pods import is_terminal
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES, Resource
from podwright.client.informer import Informer
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue

SETTLING_SECONDS = 0.2
_MEASURED = (PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS)
"""Resources of which an object can come to use more or less."""


def counted(quota: Object, objects: Sequence[tuple[Resource, Object]], now: datetime.datetime) -> dict[str, Any]:
    """The status of a quota for these objects of its namespace."""
    hard: dict[str, Any] = (quota.get("spec") or {}).get("hard") or {}
    parts = []
    for resource, obj in objects:
        try:
            if q.is_about(quota, resource, obj):
                parts.append(q.usage_of(resource, obj, now))
        except ValueError:
            # A quantity that is none cannot have been stored by this server; it counts for nothing.
            continue
    return {"hard": dict(hard), "used": q.written(q.sums(parts, hard), hard)}


def lowers(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether anything is less used than the status says."""
    known, new = q.amounts(before.get("used")), q.amounts(after["used"])
    return any(new[name] < amount for name, amount in known.items() if name in new)


class QuotaCounts:
    """The resource quota controller."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        resources: Sequence[Resource],
        clock: Callable[[], datetime.datetime],
    ) -> None:
        """`resources`: all namespaced ones that can be counted."""
        self._client = client
        self._clock = clock
        self._quotas = informers.of(RESOURCE_QUOTAS)
        self._informers: dict[Resource, Informer] = {r: informers.of(r) for r in resources if r.namespaced}
        self._doubted: dict[Key, tuple[str, float]] = {}
        """Quotas of which less is used than their status says: in which version, and since when (monotonic)"""
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Count until cancelled."""
        for informer in (self._quotas, *self._informers.values()):
            await informer.wait_synced()
        self._quotas.add_handler(self._quota_changed)
        for resource, informer in self._informers.items():
            informer.add_handler(partial(self._changed, resource))
        await self._queue.run(self._sync)

    def _quota_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        if old is not None and old.get("spec") == new.get("spec"):
            # Charged by the plugin, perhaps for an object that never came.
            self._queue.add_after(key_of(new), SETTLING_SECONDS)
        else:
            self._queue.add(key_of(new))

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if old is None:
            # What comes has been charged for; at the start every quota is counted anyway.
            return
        if new is not None and (resource not in _MEASURED or not _freed(resource, old, new)):
            return
        namespace = key_of(old).namespace
        for quota in self._quotas.items():
            hard = (quota.get("spec") or {}).get("hard") or {}
            if key_of(quota).namespace == namespace and q.resource_names(resource, hard):
                self._queue.add(key_of(quota))

    async def _sync(self, key: Key) -> None:
        quota = self._quotas.by_key(key)
        if quota is None:
            self._doubted.pop(key, None)
            return
        before = quota.get("status") or {}
        status = counted(quota, self._objects(quota), self._clock())
        if status == before:
            self._doubted.pop(key, None)
            return
        if lowers(before, status) and (left := self._unsettled(key, resource_version_of(quota))) > 0:
            self._queue.add_after(key, left)
            return
        self._doubted.pop(key, None)
        await self._client.update(RESOURCE_QUOTAS, {**quota, "status": status}, subresource="status")

    def _unsettled(self, key: Key, version: str) -> float:
        """Seconds that a quota has to stay in this version before a lower count is believed."""
        now = asyncio.get_running_loop().time()
        known, since = self._doubted.get(key, ("", now))
        if known != version:
            self._doubted[key] = version, now
            return SETTLING_SECONDS
        return SETTLING_SECONDS - (now - since)

    def _objects(self, quota: Object) -> list[tuple[Resource, Object]]:
        namespace = key_of(quota).namespace
        hard = (quota.get("spec") or {}).get("hard") or {}
        return [
            (resource, obj)
            for resource, informer in self._informers.items()
            if q.resource_names(resource, hard)
            for obj in informer.items()
            if key_of(obj).namespace == namespace
        ]


def _freed(resource: Resource, old: Object, new: Object) -> bool:
    """Whether a change can have made an object use something else."""
    if resource == PODS:
        return is_terminal(new) != is_terminal(old) or old.get("spec") != new.get("spec")
    return old.get("spec") != new.get("spec")
