"""downwardAPI volumes: fields and resources of the Pod as files, made anew when its labels or annotations change.

Called by the manager, and by `projected.py` for one of its sources.
Page: https://kubernetes.io/docs/concepts/storage/volumes/#downwardapi
"""

from __future__ import annotations

from podwright.api.objects import Object
from podwright.kubelet.environment.downward_api import find_container, pod_field, resource_field
from podwright.kubelet.volumes.collect import Collected, Collector, VolumeSourceError

DIRECTORY = "kubernetes.io~downward-api"


def collect(collector: Collector, source: Object, default_mode: int) -> Collected:
    """The files of a downwardAPI source. Raises VolumeSourceError for a field that there is not."""
    collected = Collected()
    pod, node = collector.pod, collector.node()
    for item in source.get("items") or ():
        try:
            if reference := item.get("fieldRef"):
                text = pod_field(pod, reference["fieldPath"], node, ())
            elif reference := item.get("resourceFieldRef"):
                container = find_container(pod, reference.get("containerName") or "")
                text = resource_field(pod, container, reference["resource"], str(reference.get("divisor") or "1"), node)
            else:
                raise ValueError(f"item {item['path']} names no field")
        except ValueError as error:
            raise VolumeSourceError(str(error)) from None
        mode = item.get("mode")
        collected.add(item["path"], text.encode(), default_mode if mode is None else mode)
    return collected
