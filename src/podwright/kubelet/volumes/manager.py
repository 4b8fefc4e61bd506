"""Puts a Pod's volumes in place, keeps them up to date, takes them away.

    <data>/pods/<uid>/volumes/<type>/<name>      what containers mount
    <data>/pods/<uid>/volume-subpaths/...        parts of them (environment/mounts.py)

A mount asks the API for what it needs and then does all file work in one thread. Nothing is polled: a changed ConfigMap
or Secret is told by a watch, a changed Pod by the kubelet, a token by its time. What is on the disk and in the kernel's
mount table is the only record, so that a new process can go on with it.
Page: https://kubernetes.io/docs/concepts/storage/volumes/
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podwright.api.objects import Object, metadata, uid_of
from podwright.client.interface import Client
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.errors import WaitingError
from podwright.kubelet.images.image_files import ImageFilesError
from podwright.kubelet.interfaces import MountedVolumes, VolumeError
from podwright.kubelet.volumes import (
    config_map,
    downward_api,
    empty_dir,
    image,
    persistent_volume_claim,
    pod_directory,
    projected,
    secret,
)
from podwright.kubelet.volumes.collect import DEFAULT_MODE, Collected, Collector, Reference
from podwright.kubelet.volumes.follower import Follower
from podwright.kubelet.volumes.in_thread import in_thread
from podwright.kubelet.volumes.pod_directory import PlannedVolume, naming
from podwright.kubelet.volumes.unsupported import refusal

_log = logging.getLogger(__name__)
_RETRY = datetime.timedelta(seconds=10)

Clock = Callable[[], datetime.datetime]


@dataclass(slots=True)
class _Entry:
    """What the manager knows of one Pod."""

    pod: Object
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    made_of: Any = None
    mounted: MountedVolumes | None = None
    images: dict[str, str] = field(default_factory=dict)
    """the runtime's ids of the images that are volumes, by volume"""
    tokens: dict[str, Collected] = field(default_factory=dict)
    reads: frozenset[Reference] = frozenset()
    refresh_at: datetime.datetime | None = None
    gone: bool = False
    trouble: str = ""
    """why the last refresh failed; told once"""


class VolumeManager:
    """Implements interfaces.Volumes. `run` keeps what is mounted up to date.

    `on_change` is called with a Pod's UID when an object that its volumes waited for has changed, so that it can be
    tried again at once; `clock` gives the time in UTC.
    """

    def __init__(
        self,
        client: Client,
        images: image.VolumeImages,
        image_files: image.Files,
        pods_dir: Path,
        *,
        node: Callable[[], NodeFacts],
        on_change: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._client = client
        self._images = images
        self._image_files = image_files
        self._pods_dir = pods_dir
        self._node = node
        self._on_change = on_change
        self._clock = clock
        self._pods: dict[str, _Entry] = {}
        self._users: dict[Reference, set[str]] = {}
        self._follower = Follower(client, self._object_changed)
        self._sooner = asyncio.Event()

    async def run(self) -> None:
        """Follow changes and renew tokens until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follower.run(), name="volumes: changes")
            group.create_task(self._renew(), name="volumes: tokens")

    async def mount(self, pod: Object) -> MountedVolumes:
        """Safe to repeat; does nothing when nothing that the volumes are made of has changed. Raises VolumeError."""
        uid = uid_of(pod)
        entry = self._pods.setdefault(uid, _Entry(pod))
        entry.pod = pod
        made_of = _made_of(pod)
        if entry.mounted is not None and entry.made_of == made_of and not entry.mounted.image_errors:
            return entry.mounted
        async with entry.lock:
            if entry.gone:
                raise VolumeError("the Pod has been removed")
            return await self._mount(uid, entry)

    async def unmount(self, uid: str) -> None:
        """Take away all that lies below the Pod's directory, mounts first. Raises VolumeError when something stays."""
        if entry := self._pods.get(uid):
            async with entry.lock:
                entry.gone = True
                self._set_reads(uid, entry, {})
                del self._pods[uid]
        try:
            if shown := await in_thread(image.mounted_names, self._pods_dir / uid):
                await self._image_files.release([image.key_of(uid, name) for name in shown])
            await in_thread(pod_directory.remove, self._pods_dir / uid)
        except (OSError, ImageFilesError) as error:
            raise VolumeError(f"volumes of pod {uid} could not be removed: {error}") from None

    async def left_behind(self) -> Sequence[str]:
        """UIDs of all Pods that have a directory; those that are not wanted any more should be unmounted."""
        return await in_thread(pod_directory.uids, self._pods_dir)

    async def _mount(self, uid: str, entry: _Entry) -> MountedVolumes:
        pod = entry.pod
        in_place = frozenset(entry.mounted.paths) if entry.mounted else frozenset()
        collector = Collector(self._client, pod, self._node, self._clock(), entry.tokens, in_place)
        plans: list[PlannedVolume] = []
        images: dict[str, str | WaitingError] = {}
        volumes = (pod.get("spec") or {}).get("volumes") or ()
        try:
            for volume in volumes:
                with naming(volume["name"]):
                    if "image" in volume:
                        images[volume["name"]] = await self._image(entry, volume)
                    else:
                        plans.append(await self._plan(collector, volume))
            paths = {}
            if plans:
                paths = await in_thread(pod_directory.set_up, self._pods_dir / uid, plans, collector.now)
            shown = await self._show_images(uid, {n: ref for n, ref in images.items() if isinstance(ref, str)})
        except BaseException:
            # What was not reached this time is still shown, or waited for.
            self._set_reads(uid, entry, dict.fromkeys(entry.reads, "") | collector.read)
            raise
        self._set_reads(uid, entry, collector.read)
        entry.made_of = _made_of(pod)
        entry.refresh_at = min((p.files.refresh_at for p in plans if p.files and p.files.refresh_at), default=None)
        self._sooner.set()
        entry.images = {name: found for name, found in images.items() if isinstance(found, str)}
        entry.mounted = MountedVolumes(
            paths=paths | shown,
            images={name: ref for name, ref in entry.images.items() if name not in shown},
            image_errors={name: found for name, found in images.items() if isinstance(found, WaitingError)},
            read_only=frozenset(plan.name for plan in plans if plan.read_only) | shown.keys(),
        )
        return entry.mounted

    async def _plan(self, collector: Collector, volume: Object) -> PlannedVolume:
        pod, name = collector.pod, volume["name"]
        gid = ((pod.get("spec") or {}).get("securityContext") or {}).get("fsGroup")
        if "hostPath" in volume:
            return PlannedVolume(name, host_path=volume["hostPath"])
        if "emptyDir" in volume or volume.keys() == {"name"}:
            source = volume.get("emptyDir") or {}
            size = empty_dir.memory_size(pod, source, self._node().allocatable)
            return PlannedVolume(
                name, empty_dir.DIRECTORY, empty_dir=source, gid=gid, size=size, shared=_propagates(pod, name)
            )
        if "persistentVolumeClaim" in volume or "ephemeral" in volume:
            claimed = await persistent_volume_claim.resolve(collector, volume)
            spec = claimed.volume["spec"]
            return PlannedVolume(
                name,
                host_path=spec.get("hostPath"),
                local=spec.get("local"),
                read_only=claimed.read_only,
                gid=None if claimed.read_only else gid,
                change_policy=((pod.get("spec") or {}).get("securityContext") or {}).get("fsGroupChangePolicy") or "",
            )
        for kind, directory, collect, in_memory in _FILE_TYPES:
            if kind in volume:
                source = volume[kind]
                mode = source.get("defaultMode")
                files = collect(collector, source, DEFAULT_MODE if mode is None else mode)
                files = files if isinstance(files, Collected) else await files
                return PlannedVolume(name, directory, files=files, gid=gid, in_memory=in_memory, read_only=True)
        raise refusal(volume)

    async def _image(self, entry: _Entry, volume: Object) -> str | WaitingError:
        # Once it is there it stays: a new token or a changed ConfigMap is no reason to ask the registry again.
        known = entry.images.get(volume["name"])
        return known or await image.ensure(self._images, entry.pod, volume)

    async def _show_images(self, uid: str, images: Mapping[str, str]) -> dict[str, str]:
        """Where the images are that the runtime does not mount itself. Raises VolumeError."""
        shown: dict[str, str] = {}
        for name, image_ref in images.items():
            with naming(name):
                if await self._image_files.by_runtime():
                    break
                pod_dir = self._pods_dir / uid
                await in_thread(pod_directory.make_private, pod_dir)
                target = image.folder(pod_dir) / name
                await self._image_files.mount(image.key_of(uid, name), image_ref, target)
                shown[name] = str(target)
        return shown

    def _set_reads(self, uid: str, entry: _Entry, read: Mapping[Reference, str]) -> None:
        """Follow what the Pod's volumes show now, and no longer what they showed before."""
        for reference in entry.reads - read.keys():
            users = self._users[reference]
            users.discard(uid)
            if not users:
                del self._users[reference]
                self._follower.unfollow(reference)
        for reference in read:
            self._users.setdefault(reference, set()).add(uid)
        self._follower.follow(read)
        entry.reads = frozenset(read)

    async def _object_changed(self, reference: Reference) -> None:
        for uid in tuple(self._users.get(reference, ())):
            await self._refresh(uid)

    async def _refresh(self, uid: str) -> None:
        """Make a Pod's volumes anew where they stand; one that waits is left to the kubelet, who tells why it waits."""
        entry = self._pods.get(uid)
        if entry is None:
            return
        if entry.mounted is None:
            self._on_change(uid)
            return
        async with entry.lock:
            if entry.gone:
                return
            try:
                await self._mount(uid, entry)
            except VolumeError as error:
                # What is there stays, as with an object that was deleted: the containers run on with it.
                if entry.trouble != str(error):
                    entry.trouble = str(error)
                    _log.warning("volumes of pod %s keep their old content: %s", uid, error)
                entry.refresh_at = self._clock() + _RETRY
                self._sooner.set()
            else:
                entry.trouble = ""

    async def _renew(self) -> None:
        while True:
            now = self._clock()
            times = [(e.refresh_at, uid) for uid, e in self._pods.items() if e.refresh_at is not None]
            due = [uid for at, uid in times if at <= now]
            for uid in due:
                await self._refresh(uid)
            if due:
                continue
            wait = min((at for at, _ in times), default=None)
            self._sooner.clear()
            try:
                async with asyncio.timeout((wait - now).total_seconds() if wait else None):
                    await self._sooner.wait()
            except TimeoutError:
                continue


def _made_of(pod: Object) -> Any:
    """The parts of a Pod that its volumes show; they are made again when these change."""
    spec, meta = pod.get("spec") or {}, metadata(pod)
    volumes = spec.get("volumes") or ()
    parts = [volumes]
    if any("downwardAPI" in v or "projected" in v for v in volumes):
        resources = [c.get("resources") for f in ("initContainers", "containers") for c in spec.get(f) or ()]
        parts += [meta.get("labels"), meta.get("annotations"), resources]
    return parts


def _propagates(pod: Object, volume: str) -> bool:
    """Whether a container wants mounts in this volume to pass between it and the host."""
    spec = pod.get("spec") or {}
    return any(
        mount.get("name") == volume and (mount.get("mountPropagation") or "None") != "None"
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(kind) or ()
        for mount in container.get("volumeMounts") or ()
    )


_FILE_TYPES = (
    ("configMap", config_map.DIRECTORY, config_map.collect, False),
    ("secret", secret.DIRECTORY, secret.collect, True),
    ("downwardAPI", downward_api.DIRECTORY, downward_api.collect, True),
    ("projected", projected.DIRECTORY, projected.collect, True),
)
"""field of the volume, directory, what collects its files, whether they lie in memory"""
