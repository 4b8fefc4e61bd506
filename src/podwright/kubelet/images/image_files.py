"""The files of an image as a folder of the node, for volumes of type image where CRI can't mount them.

containerd before 2.1 has no image mounts in CRI, but its snapshot service shows the files of any unpacked image: a view
is taken under a name of the Pod, and mounted read-only into the Pod's folder. `way_of` and `plan` are pure.
Called by volumes/manager. Page: https://kubernetes.io/docs/concepts/storage/volumes/#image
"""

from __future__ import annotations

import asyncio
import enum
import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from podwright.cri.containerd_content import ContainerdContent
from podwright.cri.errors import CriError
from podwright.cri.generated import containerd_pb2 as containerd
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.volumes import mounts

_SINCE: Final = {"containerd": (2, 1), "cri-o": (1, 31)}
"""From which version on a runtime mounts images itself."""
_ROOT: Final = "containerd.io/gc.root"
"""The label by which containerd's collection leaves a snapshot alone."""


class ImageFilesError(Exception):
    """The files of an image can't be shown; the text says why."""


class Way(enum.Enum):
    """Who mounts an image."""

    RUNTIME = "the runtime"
    SNAPSHOT = "we, out of containerd's snapshots"


def way_of(name: str, version: str) -> Way:
    """Who does with this runtime. Raises ImageFilesError when nobody can."""
    since = _SINCE.get(name)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if since is None or numbers >= since:
        return Way.RUNTIME
    if name == "containerd":
        return Way.SNAPSHOT
    needed = ".".join(map(str, since))
    raise ImageFilesError(f"volumes of type image need {name} {needed} or newer; this node has {version}")


@dataclass(frozen=True, slots=True)
class Plan:
    """One mount. Overlays are made from `folder`, relative to which `lower` is: absolute paths of many layers are more
    than a mount's options may have."""

    bind: str = ""
    """the folder to show, for an image of one layer"""
    folder: str = ""
    lower: Sequence[str] = ()


def plan(parts: Sequence[containerd.MountPart]) -> Plan:
    """What to mount, out of what containerd would. Raises ImageFilesError for what no snapshotter of ours gives."""
    if len(parts) == 1 and parts[0].type == "bind":
        return Plan(bind=parts[0].source)
    lower = [option.removeprefix("lowerdir=") for part in parts for option in part.options if "lowerdir=" in option]
    if len(parts) != 1 or parts[0].type != "overlay" or len(lower) != 1:
        kinds = ", ".join(part.type for part in parts)
        raise ImageFilesError(f"the runtime's snapshotter gives mounts of another kind ({kinds or 'none'})")
    layers = lower[0].split(":")
    folder = os.path.commonpath(layers)
    return Plan(folder=folder, lower=[os.path.relpath(layer, folder) for layer in layers])


def carry_out(planned: Plan, target: Path) -> None:
    """Mount it, read-only. Blocks. Raises OSError, ImageFilesError."""
    target.mkdir(parents=True, exist_ok=True)
    if mounts.is_mount_point(target):
        return
    if planned.bind:
        mounts.mount(planned.bind, str(target), flags=mounts.BIND)
        mounts.mount("", str(target), flags=mounts.BIND | mounts.REMOUNT | mounts.RDONLY)
        return
    options = f"ro,lowerdir={':'.join(planned.lower)}"
    done = subprocess.run(
        ["mount", "-t", "overlay", "-o", options, "overlay", target],
        cwd=planned.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ImageFilesError(done.stderr.strip())


class Runtime(Protocol):
    """cri.client.RuntimeClient."""

    async def version(self) -> pb.VersionResponse:
        """Which runtime."""
        ...

    async def status(self, *, verbose: bool = False) -> pb.StatusResponse:
        """With its configuration in `info`."""
        ...


class Statuses(Protocol):
    """cri.image_client.ImageClient."""

    async def image_status(
        self, image: str, *, runtime_handler: str = "", verbose: bool = False
    ) -> pb.ImageStatusResponse:
        """With what the image is made of in `info`."""
        ...


class ImageFiles:
    """Implements `volumes.image.Files`."""

    def __init__(self, runtime: Runtime, images: Statuses, content: ContainerdContent) -> None:
        self._runtime = runtime
        self._images = images
        self._content = content
        self._way: Way | None = None
        self._snapshotter = ""

    async def by_runtime(self) -> bool:
        """Whether the runtime mounts images by itself. Raises ImageFilesError when nobody can."""
        try:
            if self._way is None:
                version = await self._runtime.version()
                way = way_of(version.runtime_name, version.runtime_version.removeprefix("v"))
                if way is Way.SNAPSHOT:
                    self._snapshotter = _snapshotter(await self._runtime.status(verbose=True))
                self._way = way
        except CriError as error:
            raise ImageFilesError(str(error)) from error
        return self._way is Way.RUNTIME

    async def mount(self, key: str, image_ref: str, target: Path) -> None:
        """Show the files of an image at `target`. `key`: of this volume of this Pod. Raises ImageFilesError."""
        try:
            status = await self._images.image_status(image_ref, verbose=True)
            chain = _chain_id(status)
            await self._content.view(key, chain, {_ROOT: "podwright"}, self._snapshotter)
            parts = await self._content.mounts(key, self._snapshotter)
            await asyncio.to_thread(carry_out, plan(parts), target)
        except (CriError, OSError) as error:
            raise ImageFilesError(str(error)) from error

    async def release(self, keys: Sequence[str]) -> None:
        """The volumes are gone, or about to go. Raises ImageFilesError."""
        try:
            if not await self.by_runtime():
                for key in keys:
                    await self._content.unview(key, self._snapshotter)
        except CriError as error:
            raise ImageFilesError(str(error)) from error


def _snapshotter(status: pb.StatusResponse) -> str:
    try:
        return str(json.loads(status.info.get("config") or "{}")["containerd"]["snapshotter"]) or "overlayfs"
    except (ValueError, KeyError, TypeError):
        return "overlayfs"


def _chain_id(status: pb.ImageStatusResponse) -> str:
    """The snapshot that has all layers of an image. Raises ImageFilesError."""
    if not status.HasField("image"):
        raise ImageFilesError("the image is gone")
    try:
        return str(json.loads(status.info["info"])["chainID"])
    except (ValueError, KeyError, TypeError):
        raise ImageFilesError("the runtime does not say which layers the image has") from None
