"""KubeRuntime on a fake runtime, with collaborators that record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tests.fakes.cri import FakeImageService, FakeRuntime
from tests.kubelet.kuberuntime.pods import UID

from podwright.api.objects import Object
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.cri.errors import CriError
from podwright.kubelet.cgroups.usage import Usage
from podwright.kubelet.errors import ContainerConfigError, PostStartError, SandboxError, TerminalError, WaitingError
from podwright.kubelet.interfaces import ContainerRef, DnsConfig, MountedVolumes, RunOptions, SyncResult
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.paths import Paths
from podwright.kubelet.kuberuntime.runtime import KubeRuntime
from podwright.kubelet.restart_backoff import RestartBackoff
from podwright.kubelet.runtime_state import PodRuntimeStatus, Sizes


@dataclass
class Events:
    written: list[tuple[str, str, str, str]] = field(default_factory=list)

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        self.written.append((type, str(reason), message, field_path))

    def reasons(self) -> list[str]:
        return [reason for _, reason, _, _ in self.written]


@dataclass
class Images:
    fail: dict[str, WaitingError] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    cancelled: int = 0

    async def ensure(self, ref: ContainerRef, image: str, policy: str, runtime_handler: str) -> str:
        self.wanted.append(image)
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if ref.name in self.fail:
            raise self.fail[ref.name]
        return f"id-of-{image}"


@dataclass
class Environment:
    ips: list[Sequence[str]] = field(default_factory=list)
    fail: str = ""

    async def run_options(
        self, pod: Object, container: Object, volumes: MountedVolumes, pod_ips: Sequence[str]
    ) -> RunOptions:
        self.ips.append(tuple(pod_ips))
        if self.fail:
            raise ContainerConfigError(self.fail)
        return RunOptions(env=[("A", "1")], command=container.get("command") or (), args=())

    def hostname(self, pod: Object) -> str:
        return "web"

    def dns(self, pod: Object) -> DnsConfig:
        return DnsConfig()


@dataclass
class Hooks:
    calls: list[tuple[str, str, float]] = field(default_factory=list)
    fail_post_start: str = ""
    pre_stop_takes: float = 0
    due: set[str] = field(default_factory=set)

    async def post_start(self, ref: ContainerRef, container: Object, container_id: str, pod_ips: Sequence[str]) -> None:
        self.calls.append(("postStart", ref.name, 0))
        if self.fail_post_start:
            raise PostStartError(self.fail_post_start)

    async def post_start_due(self, ref: ContainerRef, container: Object, container_id: str) -> bool:
        self.calls.append(("due", ref.name, 0))
        return ref.name in self.due

    async def pre_stop(
        self, ref: ContainerRef, container: Object, container_id: str, pod_ips: Sequence[str], grace: float
    ) -> float:
        self.calls.append(("preStop", ref.name, grace))
        return self.pre_stop_takes


@dataclass
class Probes:
    restart: dict[str, str] = field(default_factory=dict)

    def is_started(self, uid: str, container: str, container_id: str) -> bool | None:
        return None

    def must_restart(self, uid: str, container: str, container_id: str) -> str:
        return self.restart.get(container_id, "")


@dataclass
class Handlers:
    error: TerminalError | SandboxError | None = None
    name: str = ""

    async def handler(self, pod: Object) -> str:
        if self.error:
            raise self.error
        return self.name


@dataclass
class Cgroups:
    made: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    killed: list[tuple[str, str]] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)
    found: dict[str, Sizes] = field(default_factory=dict)
    """What the cgroups of containers say that somebody else made."""
    used: dict[str, int] = field(default_factory=dict)
    """Bytes of memory that containers need, by id; the whole Pod's at ""."""
    watched: list[str] = field(default_factory=list)
    ran_out: set[str] = field(default_factory=set)
    """Ids of the containers in which memory was short."""
    fail_watch: str = ""
    ended_by_us: list[str] = field(default_factory=list)

    def parent(self, pod: Object) -> str:
        return "/podwright-test/kubepods/podx"

    async def create(self, pod: Object) -> None:
        self.made.append(pod["metadata"]["uid"])

    async def remove(self, uid: str) -> None:
        self.removed.append(uid)

    async def grow(self, pod: Object) -> None:
        self.grown.append(pod["metadata"]["uid"])

    async def sizes(self, uid: str, container_id: str) -> Sizes | None:
        return self.found.get(container_id)

    async def usage(self, pod: Object, container_id: str = "") -> Usage | None:
        used = self.used.get(container_id)
        return None if used is None else Usage(0, used, used, used, 1)

    async def watch_memory(self, uid: str, container_id: str) -> None:
        if self.fail_watch:
            raise OSError(self.fail_watch)
        self.watched.append(container_id)

    async def ran_out_of_memory(self, container_id: str) -> bool:
        if self.fail_watch:
            raise OSError(self.fail_watch)
        return container_id in self.watched and container_id in self.ran_out

    def ending(self, container_id: str) -> None:
        self.ended_by_us.append(container_id)

    def forget(self, container_id: str) -> None:
        self.watched = [id for id in self.watched if id != container_id]

    async def kill(self, uid: str, container_id: str) -> None:
        self.killed.append((uid, container_id))


@dataclass
class Rescue:
    """What a managed runtime offers; each help has the runtime answer again if it is the one named `helps`."""

    cri: FakeRuntime
    helps: str = ""
    given: list[str] = field(default_factory=list)

    def suspect(self) -> None:
        self.given.append("suspect")

    async def free(self) -> int:
        return self._give("free")

    async def kill(self, container_id: str) -> bool:
        return bool(self._give("kill"))

    def _give(self, help: str) -> int:
        self.given.append(help)
        if help == self.helps:
            self.cri.hold["StopContainer"].set()
        return 1


@dataclass
class Tasks:
    """containerd's own view of processes: which containers have had their task deleted."""

    error: CriError | None = None
    ended: list[str] = field(default_factory=list)

    async def end(self, container_id: str) -> None:
        self.ended.append(container_id)
        if self.error is not None:
            raise self.error


class Rig:
    def __init__(self, root: Path) -> None:
        self.cri, self.image_service = FakeRuntime(), FakeImageService()
        self.events, self.images, self.environment = Events(), Images(), Environment()
        self.hooks, self.probes, self.handlers, self.cgroups = Hooks(), Probes(), Handlers(), Cgroups()
        self.rescue: Rescue | None = None
        self.tasks = Tasks()
        self.time = 1_700_000_000.0
        self.paths = Paths(root / "logs", root / "links")
        self.runtime = self.fresh()

    def fresh(self) -> KubeRuntime:
        """A kubelet that was just started, on what the runtime has."""
        with_ = Collaborators(
            runtime=cast(RuntimeClient, self.cri),
            image_client=cast(ImageClient, self.image_service),
            images=self.images,
            environment=self.environment,
            hooks=self.hooks,
            probes=cast(Any, self.probes),
            recorder=self.events,
            handlers=self.handlers,
            cgroups=self.cgroups,
            paths=self.paths,
            facts=NodeFacts(memory_bytes=8 << 30),
            now=lambda: self.time,
            rescue=self.rescue,
            tasks=self.tasks,
        )
        return KubeRuntime(with_, RestartBackoff())

    async def status(self) -> PodRuntimeStatus:
        return await self.runtime.pod_status(UID)

    async def sync(self, pod: Object) -> SyncResult:
        return await self.runtime.sync_pod(pod, await self.status(), MountedVolumes())
