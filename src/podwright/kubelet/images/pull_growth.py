"""How far a pull is, where the runtime does not tell: what images have grown by, of what the registry says it weighs.

Only about right: layers grow unpacked and are packed in the manifest, other pulls add to the growth, and runtimes look
at their disk now and then. `size_of` and `variant` are pure.
Called by `podwright run` and `why` for runtimes that are no containerd.
Page: https://kubernetes.io/docs/concepts/containers/images/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.images import reference
from podwright.kubelet.images.pull_progress import Layer, PullProgress
from podwright.kubelet.images.registry_client import Manifest


class Usage(Protocol):
    """cri.image_client.ImageClient."""

    async def image_fs_info(self) -> pb.ImageFsInfoResponse:
        """What images use."""
        ...


class Registry(Protocol):
    """registry_client.RegistryClient."""

    async def manifest(self, image: str, credentials: Sequence[Credential]) -> Manifest:
        """Raises RegistryError."""
        ...


def variant(document: Mapping[str, Any], architecture: str) -> str:
    """The digest of an index's manifest for Linux on this architecture; "" when it has none, or is no index."""
    for entry in document.get("manifests") or ():
        made_for = entry.get("platform") or {}
        if (made_for.get("os"), made_for.get("architecture")) == ("linux", architecture):
            return str(entry.get("digest") or "")
    return ""


def size_of(document: Mapping[str, Any]) -> int:
    """Bytes of all layers of a manifest."""
    return sum(int(layer.get("size") or 0) for layer in document.get("layers") or ())


async def weigh(registry: Registry, image: str, credentials: Sequence[Credential], architecture: str) -> int:
    """Bytes that a pull of the image fetches when nothing of it is here. Raises RegistryError."""
    manifest = await registry.manifest(image, credentials)
    if digest := variant(manifest.document, architecture):
        manifest = await registry.manifest(f"{reference.parse(image).repository}@{digest}", credentials)
    return size_of(manifest.document)


class GrowthWatch:
    """Pulls of a runtime that tells nothing of them. `weight`: bytes of an image, 0 when nobody knows."""

    def __init__(self, usage: Usage, weight: Callable[[str], Awaitable[int]]) -> None:
        self._usage = usage
        self._weight = weight
        self._begun: dict[str, tuple[int, int]] = {}

    async def progress(self, image: str) -> PullProgress | None:
        """How far the pull of an image is since it was asked about first; None: nobody knows. Raises CriError."""
        used = sum(one.used_bytes.value for one in (await self._usage.image_fs_info()).image_filesystems)
        if image not in self._begun:
            self._begun[image] = (used, await self._weight(image))
        before, total = self._begun[image]
        if not total:
            return None
        return PullProgress([Layer("", min(max(used - before, 0), total), total)], exact=False)
