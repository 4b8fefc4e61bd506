"""Removes what has ended: containers, sandboxes, and at the end everything of a Pod.

What it decides (pure): which dead containers and sandboxes of a living Pod are not needed any more. The newest dead
instance of each container stays, for its status and `kubectl logs --previous`. Called by `runtime`.
Page: https://kubernetes.io/docs/concepts/architecture/garbage-collection/#containers-images
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.observe import Observer
from podwright.kubelet.kuberuntime.paths import Paths, log_path, message_path
from podwright.kubelet.kuberuntime.removal import Removal
from podwright.kubelet.kuberuntime.sandbox import Sandboxes
from podwright.kubelet.kuberuntime.together import all_of
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus, SandboxStatus


def dead_containers(status: PodRuntimeStatus) -> Sequence[ContainerStatus]:
    """Ended instances that a newer ended instance of the same container has made superfluous."""
    kept: set[str] = set()
    superfluous: list[ContainerStatus] = []
    for container in status.containers:
        if container.state is not ContainerState.EXITED:
            continue
        if container.name in kept:
            superfluous.append(container)
        kept.add(container.name)
    return superfluous


def dead_sandboxes(status: PodRuntimeStatus, removed: Sequence[ContainerStatus]) -> Sequence[SandboxStatus]:
    """Sandboxes that are not ready, not the newest, and empty once `removed` are gone."""
    gone = {container.id for container in removed}
    in_use = {container.sandbox_id for container in status.containers if container.id not in gone}
    return [s for s in status.sandboxes[1:] if not s.ready and s.id not in in_use]


class Garbage:
    """Removes what `dead_containers` and `dead_sandboxes` name, or everything."""

    def __init__(self, with_: Collaborators, observer: Observer) -> None:
        self._with = with_
        self._observer = observer
        self._sandboxes = Sandboxes(with_, observer)
        self._removal = Removal(with_)

    async def collect(self, status: PodRuntimeStatus) -> None:
        """Remove what a living Pod no longer needs. Raises the first error after trying everything."""
        containers = dead_containers(status)
        sandboxes = dead_sandboxes(status, containers)
        if containers:
            _raise_first(await all_of(self._remove_container(status, c) for c in containers))
        if sandboxes:
            _raise_first(await all_of(self._sandboxes.remove(s.id) for s in sandboxes))

    async def remove_pod(self, status: PodRuntimeStatus) -> None:
        """Remove containers, sandboxes, logs, messages and cgroup. Raises the first error; safe to repeat."""
        # Removing a sandbox removes its containers with it, but not those whose own sandbox is gone already.
        _raise_first(await all_of(self._remove_container(status, c, keep_files=True) for c in status.containers))
        _raise_first(await all_of(self._sandboxes.remove(s.id) for s in status.sandboxes))
        cleaning = [self._with.cgroups.remove(status.uid), asyncio.to_thread(remove_files, self._with.paths, status)]
        _raise_first(await all_of(cleaning))

    async def _remove_container(
        self, status: PodRuntimeStatus, container: ContainerStatus, *, keep_files: bool = False
    ) -> None:
        await self._removal.remove(container.id)
        self._observer.removed(container.id)
        if not keep_files:
            await asyncio.to_thread(remove_container_files, self._with.paths, status, container)


def remove_files(paths: Paths, status: PodRuntimeStatus) -> None:
    """A Pod's logs and termination messages, and the links to them. Raises OSError."""
    if not status.name or not status.namespace:
        return
    logs = paths.log_directory(status.namespace, status.name, status.uid)
    _remove_links(paths.container_logs, logs)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(logs)


def remove_container_files(paths: Paths, status: PodRuntimeStatus, container: ContainerStatus) -> None:
    """One container's logs and termination message, and the links to them. Raises OSError."""
    logs = paths.log_directory(status.namespace, status.name, status.uid)
    log = logs / log_path(container.name, container.attempt)
    # Rotation has put more beside it: 0.log.20260101-000000, perhaps with .gz after it.
    for rotated in log.parent.glob(f"{log.name}*"):
        rotated.unlink(missing_ok=True)
    (logs / message_path(container.name, container.attempt)).unlink(missing_ok=True)
    for link in paths.container_logs.glob(f"*-{container.id}.log"):
        link.unlink(missing_ok=True)


def _remove_links(links: Path, logs: Path) -> None:
    for link in list(links.iterdir()) if links.is_dir() else []:
        # Names of links may be cut short; where one leads is what tells whose it is. Other Pods end at the same time:
        # that one of theirs goes between two looks must not end the search for ours.
        with contextlib.suppress(OSError):
            if link.readlink().is_relative_to(logs):
                link.unlink(missing_ok=True)


def _raise_first(errors: Sequence[Exception]) -> None:
    for error in errors:
        raise error
