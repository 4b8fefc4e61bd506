"""One informer a resource, shared by those who live in the same room.

Who needs a resource asks `of`; `run` follows every resource that was asked for. Each can be searched by the uid of
an owner (`by_index(OWNER, uid)`), and by namespace for what no owner controls (`by_index(UNCONTROLLED, namespace)`).
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from podwright.api.objects import Object, metadata
from podwright.api.resources import Resource
from podwright.client.informer import Informer
from podwright.client.interface import Client

OWNER = "owner"
UNCONTROLLED = "uncontrolled"


def owner_uids(obj: Object) -> Iterable[str]:
    """The uids of an object's owners."""
    return [reference.get("uid") or "" for reference in metadata(obj).get("ownerReferences") or ()]


def namespace_if_uncontrolled(obj: Object) -> Iterable[str]:
    """The namespace of an object that has no controlling owner."""
    meta = metadata(obj)
    if any(reference.get("controller") for reference in meta.get("ownerReferences") or ()):
        return ()
    return (meta.get("namespace") or "",)


class Informers:
    """Informers over all namespaces; ask for all of them before `run`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._informers: dict[Resource, Informer] = {}

    def of(self, resource: Resource) -> Informer:
        """The informer of a resource."""
        if resource not in self._informers:
            indexers = {OWNER: owner_uids, UNCONTROLLED: namespace_if_uncontrolled}
            self._informers[resource] = Informer(self._client, resource, indexers=indexers)
        return self._informers[resource]

    async def wait_synced(self) -> None:
        """Return once every informer has its first list."""
        for informer in list(self._informers.values()):
            await informer.wait_synced()

    async def run(self) -> None:
        """Follow everything until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())
