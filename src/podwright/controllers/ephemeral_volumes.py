"""A claim for each `ephemeral` volume of a Pod, made from its template and owned by the Pod, with which it goes.

Run by `manager`. Page: https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
"""

from __future__ import annotations

from podwright.api.errors import AlreadyExists
from podwright.api.objects import Key, Object, copy_object, key_of, metadata, namespace_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from podwright.api.volumes import ephemeral_claim, spec_of
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.owned import controller_reference


def claim_for(pod: Object, volume: Object) -> Object:
    """The claim of one `ephemeral` volume."""
    template = copy_object(volume["ephemeral"].get("volumeClaimTemplate") or {})
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            **{
                field: metadata(template)[field] for field in ("labels", "annotations") if metadata(template).get(field)
            },
            "name": ephemeral_claim(pod, volume),
            "namespace": namespace_of(pod),
            "ownerReferences": [controller_reference(pod, PODS)],
        },
        "spec": template.get("spec") or {},
    }


class EphemeralVolumes:
    """Makes the claims that are missing."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._pods = informers.of(PODS)
        self._claims = informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Make claims until cancelled."""
        await self._claims.wait_synced()
        self._pods.add_handler(self._pod_changed)
        self._claims.add_handler(self._claim_changed)
        await self._queue.run(self._attend, workers=2)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and any("ephemeral" in v for v in spec_of(new).get("volumes") or ()):
            self._queue.add(key_of(new))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            for reference in metadata(old).get("ownerReferences") or ():
                if reference.get("kind") == "Pod":
                    self._queue.add(Key(namespace_of(old), reference.get("name") or ""))

    async def _attend(self, key: Key) -> None:
        pod = self._pods.by_key(key)
        if pod is None or metadata(pod).get("deletionTimestamp"):
            return
        for volume in spec_of(pod).get("volumes") or ():
            if "ephemeral" in volume and self._claims.get(ephemeral_claim(pod, volume), key.namespace) is None:
                try:
                    await self._client.create(PERSISTENT_VOLUME_CLAIMS, claim_for(pod, volume), key.namespace)
                except AlreadyExists:
                    continue
