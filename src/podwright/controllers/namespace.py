"""A namespace that is being deleted is emptied, and then let go.

    Active --deleted--> Terminating --Pods gone--> the rest deleted --all gone--> finalized

Pods go first and have their grace period, since what they use must not vanish under them; then everything else. Once
nothing is left the `kubernetes` finalizer is taken away. Run by `manager`.
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Sequence

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Object, metadata, name_of, namespace_of, rfc3339, uid_of
from podwright.api.resources import NAMESPACES, PODS, Resource
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.client.work_queue import WorkQueue
from podwright.controllers.namespace_conditions import conditions

FINALIZER = "kubernetes"
_LOOK_AGAIN_SECONDS = 5.0
"""For resources that no informer follows; all others wake us when they go."""
_DELETIONS = 32
"""Deletions under way at once."""


Content = tuple[Resource, Object]


class NamespaceDeletion:
    """Empties terminating namespaces of the given resources."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        clock: Callable[[], datetime.datetime],
        *,
        resources: Sequence[Resource],
        followed: Sequence[Resource],
    ) -> None:
        """`resources`: everything that may be in a namespace; `followed`: those of them that informers follow."""
        self._client = client
        self._clock = clock
        self._namespaces = informers.of(NAMESPACES)
        self._resources = [r for r in resources if r.namespaced and r != PODS]
        self._followed = [informers.of(r) for r in followed if r.namespaced]
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Empty what is to be emptied until cancelled."""
        self._namespaces.add_handler(self._namespace_changed)
        for informer in self._followed:
            informer.add_handler(self._content_changed)
        await self._queue.run(self._empty, workers=4)

    def _namespace_changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None and metadata(new).get("deletionTimestamp"):
            self._queue.add(name_of(new))

    def _content_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            namespace = self._namespaces.get(namespace_of(old))
            if namespace is not None and metadata(namespace).get("deletionTimestamp"):
                self._queue.add(name_of(namespace))

    async def _empty(self, name: str) -> None:
        try:
            namespace = await self._client.get(NAMESPACES, name)
        except NotFound:
            return
        finalizers = (namespace.get("spec") or {}).get("finalizers") or []
        if not metadata(namespace).get("deletionTimestamp") or FINALIZER not in finalizers:
            return
        remaining = await self._delete_all([PODS], name) or await self._delete_all(self._resources, name)
        if remaining:
            await self._explain(namespace, remaining)
            self._queue.add_after(name, _LOOK_AGAIN_SECONDS)
            return
        spec = {**namespace["spec"], "finalizers": [f for f in finalizers if f != FINALIZER]}
        await self._client.update(NAMESPACES, {**namespace, "spec": spec}, subresource="finalize")

    async def _explain(self, namespace: Object, remaining: Sequence[Content]) -> None:
        """Say in its status what it waits for."""
        status = namespace.get("status") or {}
        current = status.get("conditions") or []
        wanted = conditions(remaining, rfc3339(self._clock()), current)
        if wanted != current:
            body = {"metadata": {"uid": uid_of(namespace)}, "status": {"conditions": wanted}}
            await self._client.patch(NAMESPACES, name_of(namespace), body, subresource="status")

    async def _delete_all(self, resources: Sequence[Resource], namespace: str) -> list[Content]:
        """Delete all objects of these resources; those that are still there afterwards."""
        found = await self._contents(resources, namespace)
        pending = [(r, obj) for r, obj in found if not metadata(obj).get("deletionTimestamp")]
        for start in range(0, len(pending), _DELETIONS):
            batch = [self._delete(r, obj) for r, obj in pending[start : start + _DELETIONS]]
            # All of them end before the first failure is heard, so that none is left running.
            for outcome in await asyncio.gather(*batch, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
        return await self._contents(resources, namespace) if found else []

    async def _contents(self, resources: Sequence[Resource], namespace: str) -> list[Content]:
        return [(r, obj) for r in resources for obj in (await self._client.list(r, namespace)).items]

    async def _delete(self, resource: Resource, obj: Object) -> None:
        options = DeleteOptions(uid=uid_of(obj), propagation_policy="Background")
        try:
            await self._client.delete(resource, name_of(obj), namespace_of(obj), options)
        except (NotFound, Conflict):
            # Gone already, or replaced: the next look finds out.
            return
