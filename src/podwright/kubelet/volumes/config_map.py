"""configMap volumes: the keys of a ConfigMap as files.

Called by the manager, and by `projected.py` for one of its sources.
Page: https://kubernetes.io/docs/concepts/storage/volumes/#configmap
"""

from __future__ import annotations

from podwright.api.objects import Object
from podwright.api.resources import CONFIG_MAPS
from podwright.kubelet.environment.references import contents
from podwright.kubelet.volumes.collect import Collected, Collector, choose

DIRECTORY = "kubernetes.io~configmap"


async def collect(collector: Collector, source: Object, default_mode: int) -> Collected:
    """The files of a configMap source. Raises VolumeSourceError, UnreadableReference."""
    optional = bool(source.get("optional"))
    obj = await collector.object(CONFIG_MAPS, source.get("name") or "", optional)
    if obj is None:
        return Collected()
    absent = "configmap references non-existent config key"
    return choose(contents({**obj, "kind": "ConfigMap"}), source.get("items") or (), default_mode, optional, absent)
