"""Claims that Pods use, and volumes that claims have, stay until they are used no more.

A claim that is being deleted keeps its finalizer while a Pod with a node uses it, a volume while it is Bound. The
finalizers come from `admission/storage_object_in_use_protection.py`. Run by `manager`.
Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from podwright.api.errors import NotFound
from podwright.api.objects import Key, Object, copy_object, key_of, metadata, name_of, namespace_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, Resource
from podwright.api.volumes import PV_PROTECTION, PVC_PROTECTION, claims_of, spec_of
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue


class _Item(NamedTuple):
    resource: Resource
    key: Key


def is_used(claim: Object, pods: Iterable[Object]) -> bool:
    """Whether one of the Pods (of the claim's namespace) has a node and uses the claim."""
    return any(
        spec_of(pod).get("nodeName") and any(name == name_of(claim) for _, name, _ in claims_of(pod)) for pod in pods
    )


class VolumeProtection:
    """Takes the finalizers away."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._claims = informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._volumes = informers.of(PERSISTENT_VOLUMES)
        self._pods = informers.of(PODS)
        self._queue: WorkQueue[_Item] = WorkQueue()

    async def run(self) -> None:
        """Let go what is used no more until cancelled."""
        await self._claims.wait_synced()
        self._claims.add_handler(lambda old, new: self._changed(PERSISTENT_VOLUME_CLAIMS, new))
        self._volumes.add_handler(lambda old, new: self._changed(PERSISTENT_VOLUMES, new))
        self._pods.add_handler(self._pod_changed)
        await self._queue.run(self._attend, workers=2)

    def _changed(self, resource: Resource, new: Object | None) -> None:
        if new is not None and metadata(new).get("deletionTimestamp"):
            self._queue.add(_Item(resource, key_of(new)))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            for _, name, _ in claims_of(old):
                self._queue.add(_Item(PERSISTENT_VOLUME_CLAIMS, Key(namespace_of(old), name)))

    async def _attend(self, item: _Item) -> None:
        informer = self._claims if item.resource is PERSISTENT_VOLUME_CLAIMS else self._volumes
        obj = informer.by_key(item.key)
        finalizer = PVC_PROTECTION if item.resource is PERSISTENT_VOLUME_CLAIMS else PV_PROTECTION
        meta = metadata(obj or {})
        if obj is None or not meta.get("deletionTimestamp") or finalizer not in (meta.get("finalizers") or ()):
            return
        if item.resource is PERSISTENT_VOLUMES:
            in_use = (obj.get("status") or {}).get("phase") == "Bound"
        else:
            # A cache may not know yet of a Pod that was made a moment ago.
            listed = await self._client.list(PODS, item.key.namespace)
            in_use = is_used(obj, listed.items)
        if in_use:
            return
        new = copy_object(obj)
        new["metadata"]["finalizers"].remove(finalizer)
        try:
            await self._client.update(item.resource, new)
        except NotFound:
            return
