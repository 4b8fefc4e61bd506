"""Volume types that this kubelet does not have: refused by name, so that nobody waits for them.

Called by the manager. Page: https://kubernetes.io/docs/concepts/storage/volumes/#volume-types
"""

from __future__ import annotations

from podwright.api.objects import Object
from podwright.kubelet.volumes.collect import VolumeSourceError

SUPPORTED = "emptyDir, hostPath, persistentVolumeClaim, ephemeral, configMap, secret, downwardAPI, projected, image"


def refusal(volume: Object) -> VolumeSourceError:
    """The error that names the volume's type and what there is instead."""
    kind = next((key for key in volume if key != "name"), "no type")
    return VolumeSourceError(f"volumes of type {kind} are not supported here; there are {SUPPORTED}")
