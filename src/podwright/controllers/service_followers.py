"""Which Services are to be looked at again when something has changed.

The two controllers that write what is behind a Service wake up alike; only what they write differs.
Called by `endpoint_slice` and `endpoints`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from podwright.api.objects import Key, Object, key_of, metadata
from podwright.api.resources import PODS, SERVICES, Resource
from podwright.client.informers import Informers
from podwright.client.work_queue import WorkQueue
from podwright.controllers.service_backends import selects

ServiceOf = Callable[[Object], Key]


class ServiceFollower:
    """Gives the keys of Services to `sync` when they, their Pods or what was written about them change."""

    def __init__(self, informers: Informers, written: Resource, service_of: ServiceOf) -> None:
        """`written`: the resource that is kept for Services; `service_of` an object of it says whose it is."""
        self.services = informers.of(SERVICES)
        self.pods = informers.of(PODS)
        self.written = informers.of(written)
        self._service_of = service_of
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self, sync: Callable[[Key], Awaitable[None]]) -> None:
        """Follow until cancelled."""
        for informer in (self.services, self.pods, self.written):
            await informer.wait_synced()
        self.services.add_handler(self._service_changed)
        self.pods.add_handler(self._pod_changed)
        self.written.add_handler(self._written_changed)
        await self._queue.run(sync, workers=4)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _shown(old) == _shown(new):
            return
        for service in self.services.items():
            if any(pod is not None and selects(service, pod) for pod in (old, new)):
                self._queue.add(key_of(service))

    def _written_changed(self, old: Object | None, new: Object | None) -> None:
        key = self._service_of(new or old or {})
        if key.name:
            self._queue.add(key)


def _shown(pod: Object) -> object:
    """Everything of a Pod that what is written depends on."""
    status, meta = pod.get("status") or {}, metadata(pod)
    ready = next((c.get("status") for c in status.get("conditions") or () if c.get("type") == "Ready"), None)
    spec, phase = pod.get("spec"), status.get("phase")
    return (
        meta.get("labels"),
        meta.get("deletionTimestamp"),
        spec,
        phase,
        status.get("podIP"),
        status.get("podIPs"),
        ready,
    )
