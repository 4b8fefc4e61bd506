"""StorageObjectInUseProtection: claims and volumes that are in use are not removed under those who use them.

It adds the finalizers; `controllers/volume_protection.py` takes them away. On by default.
Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from podwright.api.volumes import PV_PROTECTION, PVC_PROTECTION

_FINALIZERS = {PERSISTENT_VOLUME_CLAIMS: PVC_PROTECTION, PERSISTENT_VOLUMES: PV_PROTECTION}


class StorageObjectInUseProtection:
    """Looks at claims and volumes that are created."""

    name = "StorageObjectInUseProtection"

    async def admit(self, attributes: Attributes) -> None:
        """Never refuses."""
        finalizer = _FINALIZERS.get(attributes.resource)
        if finalizer is None or attributes.subresource or attributes.operation is not Operation.CREATE:
            return
        if attributes.obj is not None:
            meta = attributes.obj.setdefault("metadata", {})
            finalizers = meta["finalizers"] = meta.get("finalizers") or []
            if finalizer not in finalizers:
                finalizers.append(finalizer)
