"""PersistentVolumeClaimResize: a claim may grow only where the class of its volume says so.

On by default. Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal
from podwright.api.errors import NotFound
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES
from podwright.api.volumes import class_of, requested
from podwright.client.interface import Client

_WHY = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


class PersistentVolumeClaimResize:
    """Looks at claims that are changed."""

    name = "PersistentVolumeClaimResize"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for a claim that asks for more than before and whose class does not let it."""
        new, old = attributes.obj, attributes.old
        if (
            attributes.resource != PERSISTENT_VOLUME_CLAIMS
            or attributes.subresource
            or attributes.operation is not Operation.UPDATE
            or new is None
            or old is None
            or requested(new) <= requested(old)
        ):
            return
        name = class_of(old) or ""
        try:
            storage_class = await self._client.get(STORAGE_CLASSES, name) if name else {}
        except NotFound:
            storage_class = {}
        if not storage_class.get("allowVolumeExpansion"):
            raise refusal(attributes, _WHY)
