"""For which machines an image is made, and which of its variants is here.

A containerd keeps the index that an image came with; other runtimes only tell what the variant here is made for.
Called by `podwright image ls --platforms` and `why`.
Page: https://kubernetes.io/docs/concepts/containers/images/#multi-architecture-images-with-image-indexes
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.images import registry_client


@dataclass(frozen=True, slots=True)
class Platforms:
    """`os/architecture[/variant]`"""

    here: str
    """"": unknown"""
    offered: Sequence[str] = ()
    """all that the index has; none for an image without an index"""

    def text(self) -> str:
        """`linux/amd64 of linux/amd64, linux/arm64`"""
        of = f" of {', '.join(self.offered)}" if self.offered else ""
        return f"{self.here or '?'}{of}"


class Names(Protocol):
    """cri.containerd_content.ContainerdContent."""

    async def target(self, name: str) -> str:
        """The digest that a full name stands for, "" for an unknown one."""
        ...

    async def read(self, digest: str) -> bytes:
        """A manifest or an index."""
        ...


class Statuses(Protocol):
    """cri.image_client.ImageClient."""

    async def image_status(
        self, image: str, *, runtime_handler: str = "", verbose: bool = False
    ) -> pb.ImageStatusResponse:
        """With the image's configuration in `info`."""
        ...


def of_config(info: Mapping[str, str]) -> str:
    """The platform in what a runtime says of an image when it is asked for more; "" when it does not."""
    try:
        spec = json.loads(info.get("info", "{}")).get("imageSpec") or {}
        parts = [spec.get(key) or "" for key in ("os", "architecture", "variant")]
    except (ValueError, AttributeError):
        return ""
    return "/".join(filter(None, parts))


class ImagePlatforms:
    """One runtime's images."""

    def __init__(self, images: Statuses, names: Names) -> None:
        self._images = images
        self._names = names

    async def of(self, name: str) -> Platforms:
        """Of an image by its full name. Raises CriError."""
        here = of_config((await self._images.image_status(name, verbose=True)).info)
        try:
            digest = await self._names.target(name)
            document = json.loads(await self._names.read(digest)) if digest else {}
        except CriError as error:
            if error.code != "Unimplemented":  # no containerd
                raise
            document = {}
        return Platforms(here, registry_client.platforms(document))
