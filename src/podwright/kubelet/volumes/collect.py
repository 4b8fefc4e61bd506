"""What the types of file volumes share: what a volume is to hold, and what it was made of.

`config_map.py`, `secret.py`, `downward_api.py` and `projected.py` each give a `Collected`; the manager writes it and
follows what it names.
Page: https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from podwright.api.objects import Object, namespace_of, resource_version_of
from podwright.api.resources import Resource
from podwright.client.interface import Client
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.environment.references import missing, read_reference
from podwright.kubelet.volumes.atomic_writer import File

DEFAULT_MODE = 0o644


class VolumeSourceError(Exception):
    """Why one volume cannot be made; the manager adds its name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A ConfigMap or Secret that a volume shows."""

    resource: Resource
    namespace: str
    name: str


@dataclass(slots=True)
class Collected:
    """The files of a volume by path, and when they have to be made again (None: only when something changes)."""

    files: dict[str, File] = field(default_factory=dict)
    refresh_at: datetime.datetime | None = None

    def add(self, path: str, content: bytes, mode: int, uid: int | None = None) -> None:
        """One more file; of two at the same path the later one stays, as upstream."""
        self.files[path] = File(content, mode, uid)

    def merge(self, other: Collected) -> None:
        """All of another one (a source of a projected volume)."""
        self.files.update(other.files)
        if other.refresh_at is not None:
            self.refresh_at = min(self.refresh_at or other.refresh_at, other.refresh_at)


@dataclass(slots=True)
class Collector:
    """What a volume type may use while it collects; it notes which objects were read, found or not."""

    client: Client
    pod: Object
    node: Callable[[], NodeFacts]
    now: datetime.datetime
    tokens: dict[str, Collected] = field(default_factory=dict)
    """tokens that the Pod has, by what was asked for; they are used until it is time for new ones"""
    in_place: frozenset[str] = frozenset()
    """volumes that the Pod has already"""
    read: dict[Reference, str] = field(default_factory=dict)
    """resourceVersion of each object that may change, "" for one that is not there"""

    async def object(self, resource: Resource, name: str, optional: bool) -> Object | None:
        """The object as it stands now; None when it is missing and optional.

        Raises VolumeSourceError when it is missing and needed, UnreadableReference when it cannot be read.
        """
        reference = Reference(resource, namespace_of(self.pod), name)
        obj = await read_reference(self.client, resource, reference.namespace, name)
        if obj is None or not obj.get("immutable"):
            self.read[reference] = resource_version_of(obj) if obj else ""
        if obj is None and not optional:
            raise VolumeSourceError(missing(resource, name))
        return obj


def choose(
    contents: Mapping[str, bytes], items: Sequence[Mapping[str, Any]], default_mode: int, optional: bool, absent: str
) -> Collected:
    """The keys that `items` names, at their paths; without items all of them.

    Raises VolumeSourceError, `absent` and the key, for an item whose key is not there, unless `optional`.
    """
    collected = Collected()
    if not items:
        for key, content in contents.items():
            collected.add(key, content, default_mode)
    for item in items:
        key = item["key"]
        if key in contents:
            mode = item.get("mode")
            collected.add(item["path"], contents[key], default_mode if mode is None else mode)
        elif not optional:
            raise VolumeSourceError(f"{absent}: {key}")
    return collected
