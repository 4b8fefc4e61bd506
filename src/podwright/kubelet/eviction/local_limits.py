"""Which Pods use more local disk than they may, whatever the node has left.

Pure; called by `manager` with what was measured of Pods that have such limits: an emptyDir's sizeLimit, and limits of
ephemeral-storage of containers.
Page: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/#resource-emphemeralstorage-consumption
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from podwright.api.objects import Object
from podwright.api.pods import containers, limits, spec_of
from podwright.api.quantity import canonical, format_quantity, parse_quantity
from podwright.kubelet.eviction.thresholds import DISK


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What a Pod has written to the node's disk, in bytes."""

    volumes: Mapping[str, int] = field(default_factory=dict)
    """by name: its emptyDirs on the disk"""
    containers: Mapping[str, int] = field(default_factory=dict)
    """by name: writable layer and logs"""

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.volumes.values()) + sum(self.containers.values())


def is_limited(pod: Object) -> bool:
    """Whether there is anything to measure."""
    spec = spec_of(pod)
    return any(_size_limit(volume) for volume in spec.get("volumes") or ()) or any(
        _limit(at.container) for at in containers(spec, ("initContainers", "containers"))
    )


def breach(pod: Object, use: DiskUse) -> str:
    """What it has exceeded, in words; "": nothing."""
    spec = spec_of(pod)
    for volume in spec.get("volumes") or ():
        limit = _size_limit(volume)
        if limit and use.volumes.get(volume["name"], 0) > parse_quantity(limit):
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{canonical(limit)}". '
    total = limits(pod).get(DISK, Decimal(0))
    if total and all(_limit(c) for c in spec.get("containers") or ()) and use.total > total:
        text = format_quantity(total)
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {text}. "
    for at in containers(spec, ("initContainers", "containers")):
        limit = _limit(at.container)
        if limit and use.containers.get(at.container["name"], 0) > parse_quantity(limit):
            name = at.container["name"]
            return f'Container {name} exceeded its local ephemeral storage limit "{canonical(limit)}". '
    return ""


def _size_limit(volume: Object) -> str:
    source = volume.get("emptyDir") or {}
    return str(source.get("sizeLimit") or "") if source.get("medium") in (None, "") else ""


def _limit(container: Object) -> str:
    return str(((container.get("resources") or {}).get("limits") or {}).get(DISK) or "")
