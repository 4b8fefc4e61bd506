"""image volumes: the files of an image, mounted by the runtime where it can, else by us.

Pulled by the same rules and with the same events as a container's image. A failure belongs to the containers that
mount the volume, so it is kept with the volume and not raised here.
Called by the manager. Page: https://kubernetes.io/docs/concepts/storage/volumes/#image
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from podwright.api.objects import Object
from podwright.kubelet.errors import WaitingError

DIRECTORY = "kubernetes.io~image"


class VolumeImages(Protocol):
    """images/manager: makes an image present, by the volume's pull policy."""

    async def ensure_for_volume(self, pod: Object, image: str, policy: str, runtime_handler: str) -> str:
        """The runtime's id of the image. Writes the events, which are about no container. Raises ImageError."""
        ...


class Files(Protocol):
    """images/image_files: the files of an image in a folder of the node. Its methods raise ImageFilesError."""

    async def by_runtime(self) -> bool:
        """Whether the runtime does it."""
        ...

    async def mount(self, key: str, image_ref: str, target: Path) -> None:
        """Show the files of an image at `target`, if they are not there yet."""
        ...

    async def release(self, keys: Sequence[str]) -> None:
        """Volumes are gone."""
        ...


def folder(pod_dir: Path) -> Path:
    """Where the image volumes of a Pod are mounted that the runtime does not mount."""
    return pod_dir / "volumes" / DIRECTORY


def key_of(uid: str, volume: str) -> str:
    """By which the runtime knows that a volume uses an image."""
    return f"podwright-{uid}-{volume}"


def mounted_names(pod_dir: Path) -> Sequence[str]:
    """The volumes that lie there. Reads the disk."""
    try:
        return sorted(path.name for path in folder(pod_dir).iterdir())
    except FileNotFoundError:
        return []


async def ensure(images: VolumeImages, pod: Object, volume: Object) -> str | WaitingError:
    """The runtime's id of the volume's image, or why it is not there."""
    source = volume["image"]
    reference = source.get("reference") or ""
    policy = source.get("pullPolicy") or "IfNotPresent"
    try:
        return await images.ensure_for_volume(pod, reference, policy, "")
    except WaitingError as error:
        return error
