"""Starts one container: image, environment, configuration, create, start, postStart.

Carries out one start of `actions`. Every way to fail is a WaitingError whose words stand in the container's status, and
an event. Called by `sync_pod`.
Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object, uid_of
from podwright.api.reasons import EventReason
from podwright.client.events import EventType
from podwright.cri.errors import CriError
from podwright.kubelet.errors import ContainerConfigError, CreateError, PostStartError, RunError
from podwright.kubelet.interfaces import MountedVolumes, RunOptions
from podwright.kubelet.kuberuntime.attempt import Prepared, known_attempt, prepare
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.container_config import (
    ContainerInput,
    container_config,
    target_of,
    wants_message_file,
)
from podwright.kubelet.kuberuntime.killing import Killer, Target
from podwright.kubelet.kuberuntime.observe import Observer
from podwright.kubelet.kuberuntime.paths import log_path
from podwright.kubelet.kuberuntime.pod_containers import Member
from podwright.kubelet.kuberuntime.removal import Removal
from podwright.kubelet.kuberuntime.resize import sizes_of
from podwright.kubelet.kuberuntime.sandbox import Sandbox
from podwright.kubelet.kuberuntime.security import ImageUser, needs_image_user
from podwright.kubelet.kuberuntime.together import beside, uncut
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus

_log = logging.getLogger(__name__)

HALF_STARTED = 3.0
"""Seconds that a start may still take when its Pod is ended: containerd calls one that is broken off failed."""


@dataclass(frozen=True, slots=True)
class Start:
    """One container to start."""

    pod: Object
    member: Member
    sandbox: Sandbox
    status: PodRuntimeStatus
    volumes: MountedVolumes
    pod_ips: Sequence[str]


class Starter:
    """Starts containers."""

    def __init__(self, with_: Collaborators, observer: Observer, killer: Killer) -> None:
        self._with = with_
        self._observer = observer
        self._killer = killer
        self._removal = Removal(with_)
        self._hooked: dict[str, set[str]] = {}
        """by Pod UID: containers whose postStart hook is known to be over"""

    async def start(self, start: Start, image: Awaitable[str]) -> None:
        """Make the container run; `image` gives the runtime's id of its image. Raises WaitingError."""
        try:
            async with beside(self._prepare(start)) as preparing, beside(self._options(start)) as looking_up:
                image_id = await image
                try:
                    options, prepared = await looking_up, await preparing
                except OSError as error:
                    raise ContainerConfigError(f"prepare container {start.member.name}: {error}") from error
            container_id = await self._create(start, image_id, options, prepared)
            await self._run(start, container_id, prepared)
        except (ContainerConfigError, CreateError, RunError) as error:
            # Errors of images and hooks have told their own events.
            self._event(start, "Warning", EventReason.FAILED, f"Error: {error.message}")
            raise
        await self._post_start(start.pod, start.member, container_id, start.pod_ips)

    async def redeliver(self, pod: Object, member: Member, container_id: str, pod_ips: Sequence[str]) -> None:
        """Run the postStart hook of a container that already runs, if it was cut short when we were stopped.

        Raises PostStartError. The record of hooks is asked once for each container.
        """
        if not _has_post_start(member) or container_id in self._hooked.get(uid_of(pod), ()):
            return
        if await self._with.hooks.post_start_due(member.ref(pod), member.spec, container_id):
            await self._post_start(pod, member, container_id, pod_ips)
        else:
            self._hooked.setdefault(uid_of(pod), set()).add(container_id)

    def forget(self, uid: str) -> None:
        """The Pod is gone."""
        self._hooked.pop(uid, None)

    async def _options(self, start: Start) -> RunOptions:
        return await self._with.environment.run_options(start.pod, start.member.spec, start.volumes, start.pod_ips)

    async def _prepare(self, start: Start) -> Prepared:
        name = start.member.name
        newest = start.status.newest(name)
        if newest is not None and newest.state is ContainerState.CREATED:
            await self._discard(newest)
        logs = self._with.paths.pod_log_directory(start.pod)
        message = wants_message_file(start.member)
        return await asyncio.to_thread(prepare, logs, name, known_attempt(newest), with_message=message)

    async def _discard(self, unstarted: ContainerStatus) -> None:
        try:
            await self._removal.remove(unstarted.id)
        except CriError as error:
            raise OSError(f"cannot remove container {unstarted.id}, which was never started: {error}") from error
        self._observer.removed(unstarted.id)

    async def _create(self, start: Start, image_id: str, options: RunOptions, prepared: Prepared) -> str:
        handler = start.sandbox.status.runtime_handler
        given = ContainerInput(
            pod=start.pod,
            member=start.member,
            attempt=prepared.attempt,
            image=image_id,
            options=options,
            image_user=await self._image_user(start, image_id),
            message_file=prepared.message_file,
            target_id=_target_id(start),
            runtime_handler=handler,
        )
        config = container_config(given, self._with.facts)
        try:
            made = await self._with.runtime.create_container(start.sandbox.id, config, start.sandbox.config)
        except CriError as error:
            raise CreateError(error.message) from error
        self._observer.created(made.container_id, uid_of(start.pod))
        self._observer.sized(made.container_id, sizes_of(config.linux.resources))
        await self._observer.watch_memory(made.container_id)
        self._event(start, "Normal", EventReason.CREATED, "Container created")
        return made.container_id

    async def _image_user(self, start: Start, image_id: str) -> ImageUser | None:
        if not needs_image_user(start.pod, start.member.spec):
            return None
        try:
            image = (await self._with.image_client.image_status(image_id)).image
        except CriError as error:
            raise ContainerConfigError(f"cannot tell the user of the image: {error.message}") from error
        return ImageUser(image.uid.value if image.HasField("uid") else None, image.username)

    async def _run(self, start: Start, container_id: str, prepared: Prepared) -> None:
        with_, name = self._with, start.member.name
        log = with_.paths.pod_log_directory(start.pod) / log_path(name, prepared.attempt)
        link = with_.paths.log_link(start.pod, name, container_id)
        async with beside(asyncio.to_thread(_link, link, log)) as linking:
            try:
                await uncut(with_.runtime.start_container(container_id), HALF_STARTED)
            except CriError as error:
                # An id in the text would make every attempt's event another one.
                raise RunError(error.message.replace(container_id, name)) from error
            self._event(start, "Normal", EventReason.STARTED, "Container started")
            await linking

    async def _post_start(self, pod: Object, member: Member, container_id: str, pod_ips: Sequence[str]) -> None:
        if not _has_post_start(member):
            return
        ref = member.ref(pod)
        try:
            await self._with.hooks.post_start(ref, member.spec, container_id, pod_ips)
        except PostStartError:
            target = Target(ref, member.spec, container_id)
            try:
                await self._killer.kill(target, pod_ips, EventReason.FAILED_POST_START_HOOK)
            except CriError as error:
                # The next pass asks again whether the hook is due, and comes back to this.
                _log.warning("container %s, whose postStart hook failed, was not stopped: %s", container_id, error)
            raise
        self._hooked.setdefault(uid_of(pod), set()).add(container_id)

    def _event(self, start: Start, type: EventType, reason: str, message: str) -> None:
        self._with.recorder.event(start.pod, type, reason, message, start.member.ref(start.pod).field_path)


def _has_post_start(member: Member) -> bool:
    return bool((member.spec.get("lifecycle") or {}).get("postStart"))


def _target_id(start: Start) -> str:
    name = target_of(start.member)
    if not name:
        return ""
    target = start.status.newest(name)
    if target is None or target.state is not ContainerState.RUNNING:
        raise ContainerConfigError(f'unable to find target container "{name}"')
    return target.id


def _link(link: Path, log: Path) -> None:
    """Link a container's log under its flat name; an old link of that name makes way."""
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(log)
    except OSError as error:
        # Only log agents use the link: the container runs without it.
        _log.warning("cannot link %s to %s: %s", link, log, error)
