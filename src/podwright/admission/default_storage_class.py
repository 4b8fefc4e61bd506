"""DefaultStorageClass: a new claim that names no storage class gets the default one.

On by default. An empty name is a name: such a claim waits for a volume without a class.
Page: https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation
from podwright.api.objects import name_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES
from podwright.api.volumes import class_of, default_class
from podwright.client.interface import Client


class DefaultStorageClass:
    """Looks at claims that are created."""

    name = "DefaultStorageClass"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def admit(self, attributes: Attributes) -> None:
        """Without a default class the claim stays as it is, and gets one when there is one."""
        claim = attributes.obj
        if (
            claim is None
            or attributes.resource != PERSISTENT_VOLUME_CLAIMS
            or attributes.subresource
            or attributes.operation is not Operation.CREATE
            or class_of(claim) is not None
        ):
            return
        chosen = default_class((await self._client.list(STORAGE_CLASSES)).items)
        if chosen is not None:
            claim.setdefault("spec", {})["storageClassName"] = name_of(chosen)
