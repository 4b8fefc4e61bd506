"""Requests go away: an hour after they were settled, a day after they were made if nobody looked at them.

Run by `manager`. Page: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#request-signing-process
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from podwright.api.certificates import APPROVED, DENIED, FAILED
from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Object, metadata, name_of, parse_time, uid_of
from podwright.api.resources import CERTIFICATE_SIGNING_REQUESTS
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.client.work_queue import WorkQueue
from podwright.controllers.certificates.conditions import decided

_SETTLED_STAYS = datetime.timedelta(hours=1)
_PENDING_STAYS = datetime.timedelta(hours=24)


def goes_at(request: Object) -> datetime.datetime:
    """When a request is to be deleted."""
    if not decided(request, APPROVED, DENIED, FAILED):
        return parse_time(metadata(request)["creationTimestamp"]) + _PENDING_STAYS
    told = [
        parse_time(condition["lastUpdateTime"])
        for condition in request["status"]["conditions"]
        if condition.get("lastUpdateTime")
    ]
    return max(told, default=parse_time(metadata(request)["creationTimestamp"])) + _SETTLED_STAYS


class Cleaning:
    """Deletes old requests."""

    def __init__(self, client: Client, informers: Informers, clock: Callable[[], datetime.datetime]) -> None:
        self._client = client
        self._requests = informers.of(CERTIFICATE_SIGNING_REQUESTS)
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Clear away until cancelled."""
        self._requests.add_handler(self._changed)
        await self._queue.run(self._look)

    def _changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    async def _look(self, name: str) -> None:
        request = self._requests.get(name)
        if request is None:
            return
        left = (goes_at(request) - self._clock()).total_seconds()
        if left > 0:
            self._queue.add_after(name, left)
            return
        try:
            await self._client.delete(CERTIFICATE_SIGNING_REQUESTS, name, options=DeleteOptions(uid=uid_of(request)))
        except (NotFound, Conflict):
            return  # gone already, or another one of the same name: the informer tells
