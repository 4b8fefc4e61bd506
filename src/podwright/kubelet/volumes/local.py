"""local PersistentVolumes: a directory of this node that must be there.

Called by the manager, in a thread. Page: https://kubernetes.io/docs/concepts/storage/volumes/#local
"""

from __future__ import annotations

from pathlib import Path

from podwright.api.objects import Object
from podwright.kubelet.volumes.collect import VolumeSourceError


def set_up(source: Object) -> Path:
    """The directory. Raises VolumeSourceError when there is none."""
    path = Path(source.get("path") or "")
    if not path.is_dir():
        raise VolumeSourceError(f'path "{path}" does not exist')
    return path
