"""How far a pull is: bytes here, bytes in all, by layer.

`progress_of` is pure; `PullWatch` asks a containerd, whose content store knows the manifest as soon as the pull does.
Called by `podwright run`, `why` and `image pull`. The kubelet needs none of it.
Page: https://kubernetes.io/docs/concepts/containers/images/
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from podwright.cri.generated import containerd_pb2 as pb
from podwright.kubelet.images import reference

_SOURCE: Final = "containerd.io/distribution.source."
_CHILD: Final = "containerd.io/gc.ref.content."


@dataclass(frozen=True, slots=True)
class Layer:
    """One blob of an image; bytes."""

    digest: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One pull at one moment."""

    layers: Sequence[Layer]
    exact: bool = True
    """whether the runtime tells; else it is guessed, as one layer (see pull_growth)"""

    @property
    def done(self) -> int:
        """Bytes that are here."""
        return sum(layer.done for layer in self.layers)

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(layer.total for layer in self.layers)

    @property
    def layers_done(self) -> int:
        """Layers that are here as a whole."""
        return sum(layer.done == layer.total for layer in self.layers)


class Content(Protocol):
    """cri.containerd_content.ContainerdContent."""

    async def downloads(self) -> Mapping[str, tuple[int, int]]:
        """(bytes here, bytes in total) of what is being fetched, by digest."""
        ...

    async def blobs(self, *filters: str) -> Sequence[pb.ContentInfo]:
        """What is here."""
        ...

    async def read(self, digest: str) -> bytes:
        """A manifest."""
        ...


def progress_of(
    manifest: Mapping[str, Any], here: Collection[str], downloads: Mapping[str, tuple[int, int]]
) -> PullProgress:
    """Out of an image's manifest, the digests of what is here as a whole, and what is on its way."""
    layers = []
    for blob in manifest.get("layers") or ():
        digest, size = str(blob["digest"]), int(blob["size"])
        done = size if digest in here else min(downloads.get(digest, (0, 0))[0], size)
        layers.append(Layer(digest, done, size))
    return PullProgress(layers)


def source_label(registry: str) -> str:
    """The label by which containerd notes on a blob what repositories of a registry it came from: without the port."""
    host, colon, port = registry.rpartition(":")
    return _SOURCE + (host if colon and port.isdigit() else registry).strip("[]")


def is_from(labels: Mapping[str, str], registry: str, path: str) -> bool:
    """Whether a blob was fetched from this repository."""
    return path in labels.get(source_label(registry), "").split(",")


def children(labels: Mapping[str, str]) -> Collection[str]:
    """The blobs that a manifest or an index leads to."""
    return {digest for label, digest in labels.items() if label.startswith(_CHILD)}


class PullWatch:
    """Pulls of one containerd."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._manifests: dict[str, Mapping[str, Any]] = {}

    async def progress(self, image: str) -> PullProgress | None:
        """How far the pull of an image is; None: nothing is on its way. Raises CriError, InvalidReferenceError.

        containerd notes where blobs come from, and not for which tag: two tags of one repository that are pulled at
        the same time are told as one.
        """
        name = reference.parse(image)
        downloads = await self._content.downloads()
        if not downloads:
            return None
        found = await self._content.blobs(f'labels."{source_label(name.registry)}"')
        wanted = [
            info.digest
            for info in found
            if is_from(info.labels, name.registry, name.path) and not downloads.keys().isdisjoint(children(info.labels))
        ]
        layers: dict[str, Layer] = {}
        for digest in wanted:
            manifest = await self._manifest(digest)
            blobs = [str(blob["digest"]) for blob in manifest.get("layers") or ()]
            here = {info.digest for info in await self._content.blobs(*(f"digest=={blob}" for blob in blobs))}
            layers.update({layer.digest: layer for layer in progress_of(manifest, here, downloads).layers})
        return PullProgress(list(layers.values())) if layers else None

    async def _manifest(self, digest: str) -> Mapping[str, Any]:
        if digest not in self._manifests:
            self._manifests[digest] = json.loads(await self._content.read(digest))
        return self._manifests[digest]
