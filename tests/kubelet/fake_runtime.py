"""A container runtime in memory, behind `kubelet.interfaces.PodRuntime`, with what the kubelet's other parts need."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from podwright.kubelet.errors import TerminalError, WaitingError
from podwright.kubelet.eviction.local_limits import DiskUse
from podwright.kubelet.eviction.manager import MemoryUse
from podwright.kubelet.eviction.thresholds import Level
from podwright.kubelet.interfaces import MountedVolumes, SyncResult, VolumeError
from podwright.kubelet.node.runtime_info import Handler, RuntimeCondition, RuntimeState
from podwright.kubelet.runtime_state import (
    ContainerState,
    ContainerStatus,
    ContainerSummary,
    PodRuntimeStatus,
    PodSummary,
    SandboxStatus,
)

Object = dict[str, Any]
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


class FakeRuntime:
    """Starts every container of a Pod at once, and notes what it was asked."""

    def __init__(self) -> None:
        self.pods: dict[str, PodRuntimeStatus] = {}
        self.calls: list[tuple[str, str]] = []
        self.graces: list[int | None] = []
        self.resumed: list[bool] = []
        self.told: list[Collection[str]] = []
        self.unfinished: set[str] = set()
        """Ids of containers that an earlier kubelet had not started yet."""
        self.failures: dict[str, WaitingError] = {}
        self.terminal: TerminalError | None = None
        self.pull = asyncio.Event()
        self.pull.set()
        self.streaming = True
        self._events: asyncio.Queue[str] = asyncio.Queue()

    async def sync_pod(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
        uid = pod["metadata"]["uid"]
        self.calls.append(("sync", uid))
        if self.terminal:
            raise self.terminal
        await self.pull.wait()
        if self.failures:
            return SyncResult(self.failures, retry_after=3600)
        present = {c.name: c for c in status.containers}
        never = pod["spec"].get("restartPolicy") == "Never"
        started = [
            container(c["name"], present[c["name"]].attempt + 1 if c["name"] in present else 0, uid)
            for c in pod["spec"]["containers"]
            if c["name"] not in present or (not never and present[c["name"]].state is ContainerState.EXITED)
        ]
        if not started and status.sandboxes:
            return SyncResult()
        self.put(pod, [*started, *status.containers])
        return SyncResult(changed=True)

    def put(self, pod: Object, containers: Sequence[ContainerStatus]) -> None:
        meta = pod["metadata"]
        sandbox = SandboxStatus(f"sb-{meta['uid']}", True, 0, NOW, ips=["10.0.0.9"])
        self.pods[meta["uid"]] = PodRuntimeStatus(
            meta["uid"], meta["name"], meta["namespace"], [sandbox], list(containers)
        )

    def exit(self, uid: str, code: int, *, tell: bool = True) -> None:
        """Every container of the Pod ends by itself."""
        self._end(uid, code)
        if tell:
            self._events.put_nowait(uid)

    def _end(self, uid: str, code: int) -> None:
        status = self.pods[uid]
        ended = [
            replace(c, state=ContainerState.EXITED, exit_code=code, finished_at=NOW)
            if c.state is ContainerState.RUNNING
            else c
            for c in status.containers
        ]
        self.pods[uid] = replace(status, containers=ended)

    async def adopt(self, pod: Object, status: PodRuntimeStatus, told: Collection[str]) -> PodRuntimeStatus:
        self.told.append(told)
        kept = [c for c in status.containers if c.id not in self.unfinished]
        adopted = self.pods[status.uid] = replace(status, containers=kept)
        return adopted

    async def kill_pod(
        self, pod: Object | None, status: PodRuntimeStatus, grace: int | None, *, resumed: bool = False
    ) -> None:
        self.calls.append(("kill", status.uid))
        self.graces.append(grace)
        self.resumed.append(resumed)
        self._end(status.uid, 143)
        left = self.pods[status.uid]
        self.pods[status.uid] = replace(left, sandboxes=[replace(s, ready=False) for s in left.sandboxes])

    async def remove_pod(self, status: PodRuntimeStatus) -> None:
        self.calls.append(("remove", status.uid))
        self.pods.pop(status.uid, None)

    async def collect_garbage(self, pod: Object, status: PodRuntimeStatus) -> None:
        return

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        self.calls.append(("status", uid))
        return self.pods.get(uid) or PodRuntimeStatus(uid)

    async def first_status(self, before: PodRuntimeStatus) -> PodRuntimeStatus:
        self.calls.append(("first status", before.uid))
        return self.pods.get(before.uid, before)

    async def list_pods(self) -> Mapping[str, PodSummary]:
        return {
            uid: PodSummary(
                uid,
                s.name,
                s.namespace,
                [(b.id, b.ready) for b in s.sandboxes],
                [ContainerSummary(c.id, c.name, c.state) for c in s.containers],
            )
            for uid, s in self.pods.items()
        }

    async def events(self) -> AsyncIterator[str]:
        while self.streaming:
            yield await self._events.get()

    def did(self, what: str) -> int:
        return sum(call[0] == what for call in self.calls)


def container(name: str, attempt: int = 0, uid: str = "u") -> ContainerStatus:
    return ContainerStatus(
        f"{uid}-{name}-{attempt}", name, ContainerState.RUNNING, attempt, f"{name}:1", f"{name}@1", NOW, NOW
    )


class FakeVolumes:
    """Mounts by noting it."""

    def __init__(self) -> None:
        self.mounted: set[str] = set()
        self.error = ""

    async def mount(self, pod: Object) -> MountedVolumes:
        if self.error:
            raise VolumeError(self.error)
        self.mounted.add(pod["metadata"]["uid"])
        return MountedVolumes()

    async def unmount(self, uid: str) -> None:
        self.mounted.discard(uid)

    async def left_behind(self) -> Sequence[str]:
        return sorted(self.mounted)


class FakeCgroups:
    """Notes what is kept."""

    def __init__(self) -> None:
        self.kept: list[Collection[str]] = []

    async def sweep(self, keep: Collection[str]) -> None:
        self.kept.append(keep)


class FakeMeters:
    """A node with room for everything, until a test says otherwise."""

    def __init__(self) -> None:
        self.levels = {"memory.available": Level(1 << 30, 2 << 30)}
        self.memory: dict[str, int] = {}
        self.disk: dict[str, DiskUse] = {}

    async def left(self) -> Mapping[str, Level]:
        return self.levels

    async def memory_use(self, pod: Object) -> MemoryUse | None:
        used = self.memory.get(pod["metadata"]["name"])
        return None if used is None else MemoryUse(used, 1, {c["name"]: used for c in pod["spec"]["containers"]})

    async def disk_use(self, pod: Object) -> DiskUse:
        return self.disk.get(pod["metadata"]["name"], DiskUse())


class NoProbes:
    """No container has probes."""

    def add_pod(self, pod: Object) -> None: ...
    def observe(self, status: PodRuntimeStatus) -> None: ...
    def stop_liveness_and_startup(self, uid: str) -> None: ...
    def remove_pod(self, uid: str) -> None: ...
    def is_ready(self, uid: str, container: str, container_id: str) -> bool | None:
        return None

    def is_started(self, uid: str, container: str, container_id: str) -> bool | None:
        return None

    def must_restart(self, uid: str, container: str, container_id: str) -> str:
        return ""


class Events:
    """Events as (type, reason, message)."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, str]] = []

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        self.written.append((type, str(reason), message))


class FakeRuntimeInfo:
    """A runtime that is ready, until it is told not to be."""

    def __init__(self) -> None:
        self.network = RuntimeCondition(True)
        self.asked = 0
        self.on_ask: Callable[[], None] = lambda: None

    async def state(self) -> RuntimeState:
        self.asked += 1
        self.on_ask()
        return RuntimeState(
            "containerd", "1.6.20", RuntimeCondition(True), self.network, [Handler(""), Handler("runc")]
        )

    async def images(self) -> Sequence[Object]:
        return [{"names": ["a:1"], "sizeBytes": 5}]
