"""A container runtime in memory: `cri.client.RuntimeClient` and `ImageClient` as far as the kubelet uses them.

`calls` lists (method, subject) in order; `fail_next` makes a call fail; `hold` makes calls of a method wait for an
event; `exit` ends a container's process. Time is a counter of seconds, so that what was made later is newer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from podwright.cri.errors import CriError, NotFound, Unimplemented
from podwright.cri.generated import cri_pb2 as pb

SECOND = 1_000_000_000
START = 1_700_000_000


@dataclass
class FakeSandbox:
    id: str
    config: pb.PodSandboxConfig
    handler: str
    created: int
    ip: str
    ready: bool = True


@dataclass
class FakeContainer:
    id: str
    sandbox: str
    config: pb.ContainerConfig
    created: int
    state: int = pb.ContainerState.CONTAINER_CREATED
    started: int = 0
    finished: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    stop_timeout: int | None = None
    resources: pb.LinuxContainerResources | None = None


@dataclass
class FakeRuntime:
    sandboxes: dict[str, FakeSandbox] = field(default_factory=dict)
    containers: dict[str, FakeContainer] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    events: asyncio.Queue[pb.ContainerEventResponse | CriError] | None = None
    hold: dict[str, asyncio.Event] = field(default_factory=dict)
    exec_result: pb.ExecSyncResponse | CriError = field(default_factory=pb.ExecSyncResponse)
    stop_exit_code: int = 143
    _failures: dict[str, list[CriError]] = field(default_factory=lambda: defaultdict(list))
    _clock: int = START

    def fail_next(self, method: str, error: CriError) -> None:
        self._failures[method].append(error)

    def called(self, *methods: str) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] in methods]

    def by_name(self, name: str) -> FakeContainer:
        """The newest container of that name."""
        return max((c for c in self.containers.values() if c.config.metadata.name == name), key=lambda c: c.created)

    def exit(self, name: str, code: int, at: int | None = None) -> None:
        container = self.by_name(name)
        container.state = pb.ContainerState.CONTAINER_EXITED
        container.exit_code = code
        container.reason = "Completed" if code == 0 else "Error"
        container.finished = self._tick() if at is None else at

    def _tick(self) -> int:
        self._clock += 1
        return self._clock

    async def _enter(self, method: str, subject: str) -> None:
        self.calls.append((method, subject))
        await asyncio.sleep(0)
        if method in self.hold:
            await self.hold[method].wait()
        if self._failures[method]:
            raise self._failures[method].pop(0)

    def _sandbox(self, id: str) -> FakeSandbox:
        if id not in self.sandboxes:
            raise NotFound("NotFound", f"an error occurred when try to find sandbox: {id!r}: not found")
        return self.sandboxes[id]

    def _container(self, id: str) -> FakeContainer:
        if id not in self.containers:
            raise NotFound("NotFound", f"an error occurred when try to find container {id!r}: not found")
        return self.containers[id]

    async def wait_until_serving(self, timeout: float) -> pb.VersionResponse:
        await self._enter("Version", "")
        return pb.VersionResponse(runtime_name="fake")

    async def run_pod_sandbox(
        self, config: pb.PodSandboxConfig, *, runtime_handler: str = ""
    ) -> pb.RunPodSandboxResponse:
        await self._enter("RunPodSandbox", config.metadata.name)
        now = self._tick()
        copy = pb.PodSandboxConfig()
        copy.CopyFrom(config)
        made = FakeSandbox(f"box-{now}", copy, runtime_handler, now, f"10.0.0.{len(self.sandboxes) + 2}")
        self.sandboxes[made.id] = made
        return pb.RunPodSandboxResponse(pod_sandbox_id=made.id)

    async def stop_pod_sandbox(self, pod_sandbox_id: str) -> pb.StopPodSandboxResponse:
        await self._enter("StopPodSandbox", pod_sandbox_id)
        self._sandbox(pod_sandbox_id).ready = False
        for container in self.containers.values():
            if container.sandbox == pod_sandbox_id and container.state == pb.ContainerState.CONTAINER_RUNNING:
                container.state, container.exit_code = pb.ContainerState.CONTAINER_EXITED, 137
        return pb.StopPodSandboxResponse()

    async def remove_pod_sandbox(self, pod_sandbox_id: str) -> pb.RemovePodSandboxResponse:
        await self._enter("RemovePodSandbox", pod_sandbox_id)
        self.sandboxes.pop(pod_sandbox_id, None)
        for id in [c.id for c in self.containers.values() if c.sandbox == pod_sandbox_id]:
            del self.containers[id]
        return pb.RemovePodSandboxResponse()

    async def pod_sandbox_status(self, pod_sandbox_id: str, *, verbose: bool = False) -> pb.PodSandboxStatusResponse:
        await self._enter("PodSandboxStatus", pod_sandbox_id)
        box = self._sandbox(pod_sandbox_id)
        options = box.config.linux.security_context.namespace_options
        return pb.PodSandboxStatusResponse(
            status=pb.PodSandboxStatus(
                id=box.id,
                metadata=box.config.metadata,
                state=_sandbox_state(box),
                created_at=box.created * SECOND,
                network=pb.PodSandboxNetworkStatus(ip=box.ip),
                linux=pb.LinuxPodSandboxStatus(namespaces=pb.Namespace(options=options)),
                labels=box.config.labels,
                runtime_handler=box.handler,
            )
        )

    async def list_pod_sandbox(self, filter: pb.PodSandboxFilter | None = None) -> pb.ListPodSandboxResponse:
        await self._enter("ListPodSandbox", "")
        wanted = dict(filter.label_selector) if filter else {}
        return pb.ListPodSandboxResponse(
            items=[
                pb.PodSandbox(
                    id=box.id,
                    metadata=box.config.metadata,
                    state=_sandbox_state(box),
                    created_at=box.created * SECOND,
                    labels=box.config.labels,
                    runtime_handler=box.handler,
                )
                for box in self.sandboxes.values()
                if wanted.items() <= dict(box.config.labels).items()
            ]
        )

    async def create_container(
        self, pod_sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> pb.CreateContainerResponse:
        await self._enter("CreateContainer", config.metadata.name)
        self._sandbox(pod_sandbox_id)
        now = self._tick()
        copy = pb.ContainerConfig()
        copy.CopyFrom(config)
        made = FakeContainer(f"{config.metadata.name}-{now}", pod_sandbox_id, copy, now)
        self.containers[made.id] = made
        return pb.CreateContainerResponse(container_id=made.id)

    async def start_container(self, container_id: str) -> pb.StartContainerResponse:
        await self._enter("StartContainer", self._container(container_id).config.metadata.name)
        container = self._container(container_id)
        container.state, container.started = pb.ContainerState.CONTAINER_RUNNING, self._tick()
        return pb.StartContainerResponse()

    async def update_container_resources(
        self, container_id: str, linux: pb.LinuxContainerResources
    ) -> pb.UpdateContainerResourcesResponse:
        container = self._container(container_id)
        await self._enter("UpdateContainerResources", container.config.metadata.name)
        container.resources = linux
        return pb.UpdateContainerResourcesResponse()

    async def stop_container(self, container_id: str, *, timeout: int) -> pb.StopContainerResponse:
        container = self._container(container_id)
        container.stop_timeout = timeout
        await self._enter("StopContainer", container.config.metadata.name)
        if container.state == pb.ContainerState.CONTAINER_RUNNING:
            container.state, container.exit_code = pb.ContainerState.CONTAINER_EXITED, self.stop_exit_code
            container.finished, container.reason = self._tick(), "Error"
        return pb.StopContainerResponse()

    async def remove_container(self, container_id: str) -> pb.RemoveContainerResponse:
        await self._enter("RemoveContainer", container_id)
        self.containers.pop(container_id, None)
        return pb.RemoveContainerResponse()

    async def list_containers(self, filter: pb.ContainerFilter | None = None) -> pb.ListContainersResponse:
        await self._enter("ListContainers", "")
        wanted = dict(filter.label_selector) if filter else {}
        return pb.ListContainersResponse(
            containers=[
                pb.Container(
                    id=c.id,
                    pod_sandbox_id=c.sandbox,
                    metadata=c.config.metadata,
                    state=c.state,  # type: ignore[arg-type]
                    created_at=c.created * SECOND,
                    labels=c.config.labels,
                )
                for c in self.containers.values()
                if wanted.items() <= dict(c.config.labels).items()
            ]
        )

    async def container_status(self, container_id: str, *, verbose: bool = False) -> pb.ContainerStatusResponse:
        await self._enter("ContainerStatus", container_id)
        c = self._container(container_id)
        return pb.ContainerStatusResponse(
            status=pb.ContainerStatus(
                id=c.id,
                metadata=c.config.metadata,
                state=c.state,  # type: ignore[arg-type]
                created_at=c.created * SECOND,
                started_at=c.started * SECOND,
                finished_at=c.finished * SECOND,
                exit_code=c.exit_code,
                reason=c.reason,
                message=c.message,
                image=pb.ImageSpec(image=c.config.image.image),
                image_ref=f"sha256:{c.config.image.image}",
                labels=c.config.labels,
                annotations=c.config.annotations,
                mounts=c.config.mounts,
                log_path=f"{self._sandbox_log(c)}/{c.config.log_path}",
            )
        )

    def _sandbox_log(self, container: FakeContainer) -> str:
        box = self.sandboxes.get(container.sandbox)
        return box.config.log_directory if box else ""

    async def exec_sync(self, container_id: str, cmd: Sequence[str], *, timeout: float = 0) -> pb.ExecSyncResponse:
        await self._enter("ExecSync", " ".join(cmd))
        if isinstance(self.exec_result, CriError):
            raise self.exec_result
        return self.exec_result

    async def get_container_events(self) -> AsyncIterator[pb.ContainerEventResponse]:
        await self._enter("GetContainerEvents", "")
        if self.events is None:
            raise Unimplemented("Unimplemented", "unknown method GetContainerEvents")
        while True:
            event = await self.events.get()
            if isinstance(event, CriError):
                raise event
            yield event


@dataclass
class FakeImageService:
    images: dict[str, pb.Image] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    async def image_status(self, image: str, **_: Any) -> pb.ImageStatusResponse:
        self.calls.append(image)
        return pb.ImageStatusResponse(image=self.images.get(image))


def _sandbox_state(box: FakeSandbox) -> Any:
    return pb.PodSandboxState.SANDBOX_READY if box.ready else pb.PodSandboxState.SANDBOX_NOTREADY
