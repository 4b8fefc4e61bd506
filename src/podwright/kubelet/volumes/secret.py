"""secret volumes: the keys of a Secret as files that never touch a disk (the manager puts a tmpfs under them).

Called by the manager, and by `projected.py` for one of its sources.
Page: https://kubernetes.io/docs/concepts/storage/volumes/#secret
"""

from __future__ import annotations

from podwright.api.objects import Object
from podwright.api.resources import SECRETS
from podwright.kubelet.environment.references import contents
from podwright.kubelet.volumes.collect import Collected, Collector, choose

DIRECTORY = "kubernetes.io~secret"


async def collect(collector: Collector, source: Object, default_mode: int) -> Collected:
    """The files of a secret source; its name is `secretName`, in a projected volume `name`.

    Raises VolumeSourceError, UnreadableReference.
    """
    optional = bool(source.get("optional"))
    obj = await collector.object(SECRETS, source.get("secretName") or source.get("name") or "", optional)
    if obj is None:
        return Collected()
    absent = "references non-existent secret key"
    return choose(contents({**obj, "kind": "Secret"}), source.get("items") or (), default_mode, optional, absent)
