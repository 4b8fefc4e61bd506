"""status.images of the Node: what is here, the largest first.

Called by the node status. Page: https://kubernetes.io/docs/reference/node/node-status/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from podwright.cri.generated import cri_pb2 as pb

MAX_IMAGES = 50
"""nodeStatusMaxImages"""
MAX_NAMES = 5
FRESH_FOR = 30.0
"""seconds"""


class ImageLister(Protocol):
    """What is needed of `cri.client.ImageClient`."""

    async def list_images(self, *, image: str = "") -> pb.ListImagesResponse:
        """Every image."""
        ...


def status_images(images: Iterable[pb.Image], most: int = MAX_IMAGES) -> list[dict[str, Any]]:
    """ContainerImage objects; `most` -1: all of them. Names are digests, then tags."""
    ordered = sorted(images, key=lambda image: (-image.size, image.id))
    entries = [
        {"names": [*image.repo_digests, *image.repo_tags][:MAX_NAMES], "sizeBytes": image.size} for image in ordered
    ]
    return entries if most < 0 else entries[:most]


class NodeImages:
    """The list, asked for at most every 30 s."""

    def __init__(
        self, client: ImageLister, most: int = MAX_IMAGES, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._most = most
        self._monotonic = monotonic
        self._cached: list[dict[str, Any]] = []
        self._at: float | None = None

    async def list(self) -> list[dict[str, Any]]:
        """ContainerImage objects for the Node's status. Raises CriError."""
        now = self._monotonic()
        if self._at is None or now - self._at >= FRESH_FOR:
            self._cached = status_images((await self._client.list_images()).images, self._most)
            self._at = now
        return self._cached
