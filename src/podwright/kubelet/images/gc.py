"""Image collection: keeps the image file system below its threshold, and removes what nobody uses.

Built by the kubelet, which runs `run()`, asks for `prune()` under disk pressure and for `podwright image prune`.
Page: https://kubernetes.io/docs/concepts/architecture/garbage-collection/#container-image-garbage-collection
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from podwright.api.objects import Object
from podwright.api.pods import containers, is_terminal
from podwright.api.reasons import EventReason
from podwright.cri.client import RuntimeClient
from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.images import gc_decision, reference
from podwright.kubelet.images.gc_decision import FileSystem, GCPolicy, KnownImage
from podwright.kubelet.images.pins import PinsError, listed_name
from podwright.kubelet.images.pull_records import PullRecords
from podwright.kubelet.interfaces import EventWriter

log = logging.getLogger(__name__)

PERIOD = 300.0
"""seconds between two passes"""


class ImageStore(Protocol):
    """What collection needs of `cri.client.ImageClient`."""

    async def list_images(self, *, image: str = "") -> pb.ListImagesResponse:
        """Every image."""
        ...

    async def remove_image(self, image: str, *, runtime_handler: str = "") -> pb.RemoveImageResponse:
        """Remove one by its id."""
        ...

    async def image_fs_info(self) -> pb.ImageFsInfoResponse:
        """Where images lie."""
        ...


class GCError(Exception):
    """A pass did not free what it should have."""

    def __init__(self, reason: EventReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def images_in_use(runtime: RuntimeClient) -> set[str]:
    """Ids and names of images that any existing container was made from, exited ones included.

    Images of containers that are not there yet, and volumes, do not stand in the runtime's list: see `images_of`.
    """
    used: set[str] = set()
    for container in (await runtime.list_containers()).containers:
        used |= {container.image.image, container.image_ref, container.image_id}
    return used - {""}


def images_of(pod: Object) -> set[str]:
    """Names of the images that a Pod needs until it has ended, volumes included, as runtimes list them.

    A container that was not made yet, or is made again and again, needs its image as much as one that runs.
    """
    if is_terminal(pod):
        return set()
    spec = pod.get("spec") or {}
    written = [at.container.get("image") for at in containers(spec)]
    written += [(volume.get("image") or {}).get("reference") for volume in spec.get("volumes") or ()]
    used: set[str] = set()
    for image in filter(None, written):
        with suppress(reference.InvalidReferenceError):  # then there is no such image
            used.add(listed_name(image))
    return used


async def file_system(store: ImageStore) -> FileSystem:
    """The file system that images lie on. Raises CriError, OSError."""
    answer = await store.image_fs_info()
    for usage in answer.image_filesystems:
        stat = await asyncio.to_thread(os.statvfs, usage.fs_id.mountpoint)
        return FileSystem(stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize)
    raise OSError("the runtime names no image file system")


class ImageCollector:
    """Sees images come and go, and removes them. `in_use` is awaited at each pass; `node` is who events are about."""

    def __init__(
        self,
        store: ImageStore,
        in_use: Callable[[], Awaitable[Collection[str]]],
        records: PullRecords,
        recorder: EventWriter,
        *,
        node: Object,
        policy: GCPolicy,
        pods: Callable[[], Iterable[Object]] = tuple,
        pinned: Callable[[], Collection[str]] = tuple,
        now: Callable[[], float] = time.monotonic,
        measure: Callable[[ImageStore], Awaitable[FileSystem]] = file_system,
    ) -> None:
        self._store = store
        self._in_use = in_use
        self._records = records
        self._recorder = recorder
        self._node = node
        self._policy = policy
        self._pods = pods
        """those of this node: what they need stays, and they are told what collection would else have removed"""
        self._pinned = pinned
        """ids and names that a user or Podwright itself keeps (the sandbox image); called in a thread"""
        self._now = now
        self._measure = measure
        self._up_since = now()
        self._first_pass = True
        self._known: dict[tuple[str, str], KnownImage] = {}
        self._users: dict[str, list[Object]] = {}
        """by image id: the Pods that need it, as of the last look"""
        self._titles: dict[str, str] = {}

    async def run(self) -> None:
        """A pass every five minutes, until cancelled; from the second failure in a row on, each is an event."""
        if not self._policy.enabled:
            return
        failed_before = False
        while True:
            try:
                await self.collect()
                failed_before = False
            except (GCError, CriError, OSError, PinsError) as error:
                log.warning("image collection: %s", error)
                if isinstance(error, GCError):
                    self._recorder.event(self._node, "Warning", error.reason, str(error))
                if failed_before:
                    self._recorder.event(self._node, "Warning", EventReason.IMAGE_GC_FAILED, str(error))
                failed_before = True
            await asyncio.sleep(PERIOD)

    async def collect(self) -> int:
        """One pass; returns the bytes freed. Raises GCError, CriError, OSError, PinsError."""
        images = await self.look()
        now = self._now()
        old = gc_decision.too_old(images, self._policy, now, self._up_since)
        freed = await self._remove(old)
        usage = await self._measure(self._store)
        if usage.capacity == 0:
            raise GCError(EventReason.INVALID_DISK_CAPACITY, "invalid capacity 0 on image filesystem")
        wanted = gc_decision.bytes_to_free(usage, self._policy)
        if wanted:
            left = [image for image in images if image not in old and gc_decision.old_enough(image, self._policy, now)]
            freed_now = await self._remove(gc_decision.in_order_of_removal(left), wanted)
            freed += freed_now
            if freed_now < wanted:
                self._tell_users(gc_decision.spared(images, wanted - freed_now))
                raise GCError(
                    EventReason.FREE_DISK_SPACE_FAILED,
                    f"Insufficient free disk space on the node's image filesystem ({usage.used_percent}% of "
                    f"{gc_decision.size_text(usage.capacity)} used). Failed to free sufficient space by deleting "
                    f"unused images (freed {freed_now} bytes). Investigate disk usage, as it could be used by active "
                    "images, logs, volumes, or other data.",
                )
        return freed

    async def prune(self) -> int:
        """Remove every image that nobody uses, whatever its age; returns the bytes freed.

        Raises CriError, OSError, PinsError.
        """
        return await self._remove(gc_decision.in_order_of_removal(await self.look()))

    async def look(self) -> list[KnownImage]:
        """Images as they are now, and which are used. Those here at the first look may have been here for long.

        Raises CriError, OSError, PinsError.
        """
        # first what is in use, then what is there: an image that is taken into use between the two is seen as new
        in_use, pinned = set(await self._in_use()), set(await asyncio.to_thread(self._pinned))
        needed = [(pod, images_of(pod)) for pod in self._pods()]
        in_use.update(*(names for _, names in needed))
        listed = (await self._store.list_images()).images
        now = self._now()
        never = float("-inf")
        known: dict[tuple[str, str], KnownImage] = {}
        self._users = {}
        self._titles = {image.id: next(iter((*image.repo_tags, *image.repo_digests, image.id))) for image in listed}
        for image in listed:
            names = {image.id, *image.repo_tags, *image.repo_digests}
            used = not names.isdisjoint(in_use)
            self._users[image.id] = [pod for pod, wanted in needed if not names.isdisjoint(wanted)]
            before = self._known.get((image.id, image.spec.runtime_handler))
            one = KnownImage(
                image.id,
                image.size,
                before.first_seen if before else (never if self._first_pass else now),
                now if used else (before.last_used if before else self._up_since),
                used,
                image.pinned or not names.isdisjoint(pinned),
                image.spec.runtime_handler,
            )
            known[one.key] = one
        self._known, self._first_pass = known, False
        await self._records.prune({one.id for one in known.values()})
        return list(known.values())

    def _tell_users(self, images: Sequence[KnownImage]) -> None:
        for image in images:
            for pod in self._users.get(image.id, ()):
                text = (
                    f"Image collection would have removed image {self._titles[image.id]} "
                    f"({gc_decision.size_text(image.size)}) to free disk space; it stays because this Pod uses it"
                )
                self._recorder.event(pod, "Warning", EventReason.IMAGE_KEPT, text)

    async def _remove(self, images: Sequence[KnownImage], enough: int | None = None) -> int:
        freed = 0
        for image in images:
            if enough is not None and freed >= enough:
                break
            try:
                await self._store.remove_image(image.id, runtime_handler=image.handler)
            except CriError as error:
                log.warning("cannot remove image %s: %s", image.id, error)
                continue
            log.info("removed image %s, %d bytes", image.id, image.size)
            self._known.pop(image.key, None)
            freed += image.size
        return freed
