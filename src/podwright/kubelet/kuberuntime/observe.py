"""Reads what the runtime has of a Pod into plain values.

Called by `runtime.KubeRuntime` for pleg, the sync loop and the status. What cannot change any more is asked for once:
the addresses of a sandbox, a container that has ended, a container that still runs as it did. So a look at a settled
Pod is two calls, however many containers it has.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from podwright.api.reasons import Terminated
from podwright.cri.client import RuntimeClient
from podwright.cri.errors import NotFound
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.kuberuntime import labels
from podwright.kubelet.kuberuntime.collaborators import PodCgroups
from podwright.kubelet.kuberuntime.termination_message import termination_message
from podwright.kubelet.kuberuntime.together import beside, together
from podwright.kubelet.runtime_state import (
    ContainerState,
    ContainerStatus,
    ContainerSummary,
    PodRuntimeStatus,
    PodSummary,
    SandboxStatus,
    Sizes,
)

_STATES = {
    pb.ContainerState.CONTAINER_CREATED: ContainerState.CREATED,
    pb.ContainerState.CONTAINER_RUNNING: ContainerState.RUNNING,
    pb.ContainerState.CONTAINER_EXITED: ContainerState.EXITED,
    pb.ContainerState.CONTAINER_UNKNOWN: ContainerState.UNKNOWN,
}
_KILLED = 128 + 9
_SETTLED = (ContainerState.RUNNING, ContainerState.EXITED)

_log = logging.getLogger(__name__)


class Observer:
    """Looks at the runtime, and remembers which sandbox and container belongs to which Pod."""

    def __init__(self, runtime: RuntimeClient, cgroups: PodCgroups) -> None:
        self._runtime = runtime
        self._cgroups = cgroups
        self._sizes: dict[str, Sizes] = {}
        self._owners: dict[str, str] = {}
        self._sandboxes: dict[str, SandboxStatus] = {}
        self._containers: dict[str, ContainerStatus] = {}
        self._stopped: set[str] = set()

    def owner(self, id: str) -> str | None:
        """UID of the Pod that a sandbox or container belongs to, as far as it has been seen."""
        return self._owners.get(id)

    def created(self, id: str, uid: str) -> None:
        """A sandbox or container was just made for the Pod `uid`."""
        self._owners[id] = uid

    def removed(self, id: str) -> None:
        """It is gone from the runtime."""
        self._owners.pop(id, None)
        self._sandboxes.pop(id, None)
        self._containers.pop(id, None)
        self._sizes.pop(id, None)
        self._stopped.discard(id)
        self._cgroups.forget(id)

    def sized(self, id: str, sizes: Sizes) -> None:
        """A container was given these limits."""
        self._sizes[id] = sizes
        if (known := self._containers.get(id)) is not None:
            self._containers[id] = replace(known, sizes=sizes)

    def stopped(self, sandbox_id: str) -> None:
        """The runtime has said that the sandbox is stopped, its network taken down."""
        self._stopped.add(sandbox_id)

    def is_stopped(self, sandbox_id: str) -> bool:
        """Whether `stopped` was called for it."""
        return sandbox_id in self._stopped

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        """Everything the runtime has of one Pod. Raises CriError."""
        selector = {labels.POD_UID: uid}
        async with beside(self._runtime.list_pod_sandbox(pb.PodSandboxFilter(label_selector=selector))) as listing:
            containers = (await self._runtime.list_containers(pb.ContainerFilter(label_selector=selector))).containers
            sandboxes = (await listing).items
        self._owners.update(dict.fromkeys([*(s.id for s in sandboxes), *(c.id for c in containers)], uid))
        async with beside(together(self.sandbox(s) for s in sandboxes)) as looking:
            seen = await together(self._container(c) for c in containers)
            boxes = await looking
        meta = sandboxes[0].metadata if sandboxes else None
        own_labels: Mapping[str, str] = containers[0].labels if containers else {}
        return PodRuntimeStatus(
            uid=uid,
            name=meta.name if meta else own_labels.get(labels.POD_NAME, ""),
            namespace=meta.namespace if meta else own_labels.get(labels.POD_NAMESPACE, ""),
            sandboxes=sorted((b for b in boxes if b), key=lambda b: (b.created_at, b.attempt), reverse=True),
            containers=_newest_first(seen),
        )

    async def first_status(self, before: PodRuntimeStatus) -> PodRuntimeStatus:
        """What a Pod has after its first pass, which found nothing of it: no lists are needed. Raises CriError."""
        ids = [id for id, owner in self._owners.items() if owner == before.uid]
        sandboxes = [self._sandboxes[id] for id in ids if id in self._sandboxes]
        sandbox_id = sandboxes[0].id if sandboxes else ""
        seen = await together(self._look(id, sandbox_id) for id in ids if id not in self._sandboxes)
        return replace(before, sandboxes=sandboxes, containers=_newest_first(seen))

    async def list_pods(self) -> dict[str, PodSummary]:
        """Every Pod the runtime has, by UID. Raises CriError."""
        before = set(self._owners)
        async with beside(self._runtime.list_pod_sandbox()) as listing:
            containers = (await self._runtime.list_containers()).containers
            sandboxes = (await listing).items
        owners: dict[str, str] = {}
        names: dict[str, tuple[str, str]] = {}
        boxes: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        inside: defaultdict[str, list[ContainerSummary]] = defaultdict(list)
        for box in sandboxes:
            uid = owners[box.id] = box.metadata.uid
            names[uid] = (box.metadata.name, box.metadata.namespace)
            boxes[uid].append((box.id, box.state == pb.PodSandboxState.SANDBOX_READY))
        for container in containers:
            uid = owners[container.id] = container.labels.get(labels.POD_UID, "")
            names.setdefault(
                uid, (container.labels.get(labels.POD_NAME, ""), container.labels.get(labels.POD_NAMESPACE, ""))
            )
            inside[uid].append(ContainerSummary(container.id, container.metadata.name, _STATES[container.state]))
        self._owners.update(owners)
        # What was made while the lists were under way is not in them, and stays.
        for id in before - owners.keys():
            self.removed(id)
        return {
            uid: PodSummary(uid, name, namespace, tuple(sorted(boxes[uid])), tuple(sorted(inside[uid], key=_by_id)))
            for uid, (name, namespace) in names.items()
            if uid
        }

    async def sandbox(self, item: pb.PodSandbox) -> SandboxStatus | None:
        """One sandbox of a list, its addresses asked for once; None when it is gone meanwhile."""
        ready = item.state == pb.PodSandboxState.SANDBOX_READY
        known = self._sandboxes.get(item.id)
        if known is None and not ready:
            # A dead sandbox has no addresses that anybody may use.
            return SandboxStatus(
                id=item.id,
                ready=False,
                attempt=item.metadata.attempt,
                created_at=_moment(item.created_at) or _EPOCH,
                runtime_handler=item.runtime_handler,
            )
        if known is None or (not known.ips and not known.host_network):
            try:
                answer = await self._runtime.pod_sandbox_status(item.id)
            except NotFound:
                return None
            return self.remember(answer.status)
        return replace(known, ready=ready)

    def remember(self, status: pb.PodSandboxStatus) -> SandboxStatus:
        """A sandbox as the runtime just described it."""
        found = sandbox_status(status)
        self._sandboxes[found.id] = found
        return found

    async def _container(self, item: pb.Container) -> ContainerStatus | None:
        state = _STATES[item.state]
        known = self._containers.get(item.id)
        if known is not None and known.state is state:
            return known
        return await self._look(item.id, item.pod_sandbox_id)

    async def _look(self, id: str, sandbox_id: str) -> ContainerStatus | None:
        try:
            status = await self._explained((await self._runtime.container_status(id)).status)
        except NotFound:
            return None
        found = container_status(status, sandbox_id)
        if found.state is ContainerState.EXITED:
            said = await asyncio.to_thread(_last_words, status)
            if said:
                found = replace(found, message=": ".join(part for part in (found.message, said) if part))
        elif found.state is ContainerState.RUNNING:
            await self.watch_memory(found.id)
            found = replace(found, sizes=await self._sizes_of(found.id))
        if found.state in _SETTLED:
            self._containers[id] = found
        return found

    async def watch_memory(self, id: str) -> None:
        """Be able to tell of a container that is about to start, or runs already, that it ran out of memory."""
        try:
            await self._cgroups.watch_memory(self._owners.get(id, ""), id)
        except OSError as error:
            # What the runtime says of its end is right most of the time.
            _log.warning("the memory of container %s cannot be watched: %s", id, error)

    async def _explained(self, status: pb.ContainerStatus) -> pb.ContainerStatus:
        """With memory as the reason of its end where it was, and the runtime does not know yet or never will."""
        try:
            if is_unexplained(status) and await self._cgroups.ran_out_of_memory(status.id):
                status.reason = Terminated.OOM_KILLED
        except OSError as error:
            _log.warning("whether container %s ran out of memory cannot be told: %s", status.id, error)
        return status

    async def _sizes_of(self, id: str) -> Sizes | None:
        if id not in self._sizes:
            try:
                read = await self._cgroups.sizes(self._owners.get(id, ""), id)
            except OSError:
                return None
            if read is None:
                return None
            self._sizes[id] = read
        return self._sizes[id]


def is_unexplained(status: pb.ContainerStatus) -> bool:
    """Whether a container was killed and the runtime does not say that memory was the reason."""
    ended = status.state == pb.ContainerState.CONTAINER_EXITED
    return ended and status.exit_code == _KILLED and status.reason != Terminated.OOM_KILLED


_EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)


def _newest_first(seen: Iterable[ContainerStatus | None]) -> list[ContainerStatus]:
    return sorted((c for c in seen if c), key=lambda c: (c.created_at or _EPOCH, c.attempt), reverse=True)


def _by_id(summary: ContainerSummary) -> str:
    return summary.id


def _moment(nanoseconds: int) -> datetime.datetime | None:
    if nanoseconds <= 0:
        return None
    # Whole microseconds first: a float of nanoseconds since 1970 would lose the last digits.
    return _EPOCH + datetime.timedelta(microseconds=nanoseconds // 1000)


def sandbox_status(status: pb.PodSandboxStatus) -> SandboxStatus:
    """A sandbox from its CRI status."""
    addresses = [status.network.ip, *(extra.ip for extra in status.network.additional_ips)]
    host_network = status.linux.namespaces.options.network == pb.NamespaceMode.NODE
    return SandboxStatus(
        id=status.id,
        ready=status.state == pb.PodSandboxState.SANDBOX_READY,
        attempt=status.metadata.attempt,
        created_at=_moment(status.created_at) or _EPOCH,
        ips=() if host_network else tuple(ip for ip in addresses if ip),
        host_network=host_network,
        runtime_handler=status.runtime_handler,
    )


def container_status(status: pb.ContainerStatus, sandbox_id: str) -> ContainerStatus:
    """A container from its CRI status, without its last words."""
    notes = status.annotations
    started, finished = _moment(status.started_at), _moment(status.finished_at)
    if started is not None and finished is not None:
        # containerd notes the start when its call is done, and a short process has ended by then.
        started = min(started, finished)
    image = notes.get(labels.IMAGE) or status.image.user_specified_image or status.image.image
    return ContainerStatus(
        id=status.id,
        name=status.metadata.name,
        state=_STATES[status.state],
        attempt=status.metadata.attempt,
        image=image,
        image_ref=status.image_ref,
        created_at=_moment(status.created_at),
        started_at=started,
        finished_at=finished,
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        hash=notes.get(labels.HASH, ""),
        log_path=status.log_path,
        sandbox_id=sandbox_id,
    )


def _last_words(status: pb.ContainerStatus) -> str:
    path = status.annotations.get(labels.MESSAGE_PATH, "")
    file = next((m.host_path for m in status.mounts if path and m.container_path == path), "")
    to_log = status.annotations.get(labels.MESSAGE_POLICY) == "FallbackToLogsOnError" and status.exit_code != 0
    return termination_message(
        Path(file) if file else None, Path(status.log_path) if status.log_path else None, fall_back_to_log=to_log
    )
