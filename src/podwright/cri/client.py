"""The runtime service as a client: one method for each call, plain arguments, the answer as its message.

Called by kuberuntime (which changes the runtime), pleg and stats (which read it) and the node status.
Every method raises `CriError`; `timeout`s are seconds.
Page: https://kubernetes.io/docs/concepts/architecture/cri/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, TypeVar

from google.protobuf.message import Message

from podwright.cri.channel import Channel
from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.cri.image_client import ImageClient

__all__ = ["CALL_TIMEOUT", "ImageClient", "RuntimeClient"]

CALL_TIMEOUT: Final = 120.0
"""the kubelet's runtimeRequestTimeout"""

SANDBOX_TIMEOUT: Final = 2 * CALL_TIMEOUT
"""a sandbox may have to get its own image first"""

EXEC_SLACK: Final = 5.0
"""the runtime itself ends a command at its limit; this is for its answer to arrive"""

NOT_INITIALIZED: Final = "server is not initialized yet"

R = TypeVar("R", bound=Message)


class RuntimeClient:
    """`runtime.v1.RuntimeService` on a socket. Connects at the first call and again when the runtime returns."""

    def __init__(self, endpoint: str, *, call_timeout: float = CALL_TIMEOUT) -> None:
        self._channel = Channel(endpoint)
        self._timeout = call_timeout

    @property
    def endpoint(self) -> str:
        """As given."""
        return self._channel.endpoint

    async def close(self) -> None:
        """End the connection and every running call."""
        await self._channel.close()

    async def _call(self, name: str, request: Message, response: type[R], timeout: float | None = -1) -> R:
        limit = self._timeout if timeout == -1 else timeout
        return await self._channel.call(f"/runtime.v1.RuntimeService/{name}", request, response, limit)

    # ---- the runtime itself

    async def version(self) -> pb.VersionResponse:
        """Name and version of the runtime."""
        return await self._call("Version", pb.VersionRequest(version="v1"), pb.VersionResponse)

    async def wait_until_serving(self, timeout: float) -> pb.VersionResponse:
        """The first answer of a runtime that is just starting. Raises DeadlineExceeded, CriError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            try:
                return await self._channel.call(
                    "/runtime.v1.RuntimeService/Version",
                    pb.VersionRequest(version="v1"),
                    pb.VersionResponse,
                    max(0.0, deadline - loop.time()),
                    wait=True,
                )
            except CriError as error:
                # containerd listens a few milliseconds before its CRI part has read its state, and says so
                if NOT_INITIALIZED not in error.message:
                    raise
                await asyncio.sleep(0.005)

    async def status(self, *, verbose: bool = False) -> pb.StatusResponse:
        """Conditions (RuntimeReady, NetworkReady), handlers and features."""
        return await self._call("Status", pb.StatusRequest(verbose=verbose), pb.StatusResponse)

    async def runtime_config(self) -> pb.RuntimeConfigResponse:
        """The cgroup driver. Unimplemented before containerd 2.0."""
        return await self._call("RuntimeConfig", pb.RuntimeConfigRequest(), pb.RuntimeConfigResponse)

    # ---- sandboxes

    async def run_pod_sandbox(
        self, config: pb.PodSandboxConfig, *, runtime_handler: str = ""
    ) -> pb.RunPodSandboxResponse:
        """Create and start a sandbox."""
        request = pb.RunPodSandboxRequest(config=config, runtime_handler=runtime_handler)
        return await self._call("RunPodSandbox", request, pb.RunPodSandboxResponse, SANDBOX_TIMEOUT)

    async def stop_pod_sandbox(self, pod_sandbox_id: str) -> pb.StopPodSandboxResponse:
        """Stop its containers by force and take its network down. Safe to repeat."""
        request = pb.StopPodSandboxRequest(pod_sandbox_id=pod_sandbox_id)
        return await self._call("StopPodSandbox", request, pb.StopPodSandboxResponse)

    async def remove_pod_sandbox(self, pod_sandbox_id: str) -> pb.RemovePodSandboxResponse:
        """Remove a sandbox with all its containers. Safe to repeat."""
        request = pb.RemovePodSandboxRequest(pod_sandbox_id=pod_sandbox_id)
        return await self._call("RemovePodSandbox", request, pb.RemovePodSandboxResponse)

    async def pod_sandbox_status(self, pod_sandbox_id: str, *, verbose: bool = False) -> pb.PodSandboxStatusResponse:
        """State and addresses. Raises NotFound."""
        request = pb.PodSandboxStatusRequest(pod_sandbox_id=pod_sandbox_id, verbose=verbose)
        return await self._call("PodSandboxStatus", request, pb.PodSandboxStatusResponse)

    async def list_pod_sandbox(self, filter: pb.PodSandboxFilter | None = None) -> pb.ListPodSandboxResponse:
        """Every sandbox, or those that the filter lets through."""
        return await self._call("ListPodSandbox", pb.ListPodSandboxRequest(filter=filter), pb.ListPodSandboxResponse)

    async def create_container(
        self, pod_sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> pb.CreateContainerResponse:
        """Create a container in a sandbox, from an image that is there."""
        request = pb.CreateContainerRequest(pod_sandbox_id=pod_sandbox_id, config=config, sandbox_config=sandbox_config)
        return await self._call("CreateContainer", request, pb.CreateContainerResponse)

    async def start_container(self, container_id: str) -> pb.StartContainerResponse:
        """Start a created container."""
        request = pb.StartContainerRequest(container_id=container_id)
        return await self._call("StartContainer", request, pb.StartContainerResponse)

    async def stop_container(self, container_id: str, *, timeout: int) -> pb.StopContainerResponse:
        """Stop signal, then SIGKILL after `timeout` seconds (0: at once). Safe to repeat."""
        request = pb.StopContainerRequest(container_id=container_id, timeout=timeout)
        return await self._call("StopContainer", request, pb.StopContainerResponse, self._timeout + timeout)

    async def remove_container(self, container_id: str) -> pb.RemoveContainerResponse:
        """Remove a container, by force when it runs. Safe to repeat."""
        request = pb.RemoveContainerRequest(container_id=container_id)
        return await self._call("RemoveContainer", request, pb.RemoveContainerResponse)

    async def list_containers(self, filter: pb.ContainerFilter | None = None) -> pb.ListContainersResponse:
        """Every container, or those that the filter lets through."""
        return await self._call("ListContainers", pb.ListContainersRequest(filter=filter), pb.ListContainersResponse)

    async def container_status(self, container_id: str, *, verbose: bool = False) -> pb.ContainerStatusResponse:
        """State, exit code, times, mounts. Raises NotFound."""
        request = pb.ContainerStatusRequest(container_id=container_id, verbose=verbose)
        return await self._call("ContainerStatus", request, pb.ContainerStatusResponse)

    async def update_container_resources(
        self, container_id: str, linux: pb.LinuxContainerResources, *, annotations: Mapping[str, str] | None = None
    ) -> pb.UpdateContainerResourcesResponse:
        """Change the limits of a running container."""
        request = pb.UpdateContainerResourcesRequest(container_id=container_id, linux=linux, annotations=annotations)
        return await self._call("UpdateContainerResources", request, pb.UpdateContainerResourcesResponse)

    async def reopen_container_log(self, container_id: str) -> pb.ReopenContainerLogResponse:
        """After its log file was renamed: write into a new one."""
        request = pb.ReopenContainerLogRequest(container_id=container_id)
        return await self._call("ReopenContainerLog", request, pb.ReopenContainerLogResponse)

    def get_container_events(self) -> AsyncIterator[pb.ContainerEventResponse]:
        """What happens to containers, until the runtime ends it. Unimplemented before containerd 1.7."""
        return self._channel.stream(
            "/runtime.v1.RuntimeService/GetContainerEvents", pb.GetEventsRequest(), pb.ContainerEventResponse
        )

    # ---- commands and streams

    async def exec_sync(self, container_id: str, cmd: Sequence[str], *, timeout: float = 0) -> pb.ExecSyncResponse:
        """Run a command to its end. `timeout` 0: no limit; the runtime counts whole seconds, so it is rounded up."""
        seconds = int(-(-timeout // 1))
        request = pb.ExecSyncRequest(container_id=container_id, cmd=cmd, timeout=seconds)
        return await self._call("ExecSync", request, pb.ExecSyncResponse, seconds + EXEC_SLACK if seconds else None)

    async def exec(
        self,
        container_id: str,
        cmd: Sequence[str],
        *,
        tty: bool = False,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> pb.ExecResponse:
        """Prepare a command with streams; the answer is the URL to connect to."""
        request = pb.ExecRequest(container_id=container_id, cmd=cmd, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)
        return await self._call("Exec", request, pb.ExecResponse)

    async def attach(
        self, container_id: str, *, tty: bool = False, stdin: bool = False, stdout: bool = True, stderr: bool = True
    ) -> pb.AttachResponse:
        """Prepare streams to the container's own process; the answer is the URL to connect to."""
        request = pb.AttachRequest(container_id=container_id, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)
        return await self._call("Attach", request, pb.AttachResponse)

    async def port_forward(self, pod_sandbox_id: str, ports: Sequence[int] = ()) -> pb.PortForwardResponse:
        """Prepare connections to ports of a sandbox; the answer is the URL to connect to."""
        request = pb.PortForwardRequest(pod_sandbox_id=pod_sandbox_id, port=ports)
        return await self._call("PortForward", request, pb.PortForwardResponse)

    # ---- what is used

    async def list_container_stats(
        self, filter: pb.ContainerStatsFilter | None = None
    ) -> pb.ListContainerStatsResponse:
        """The same of every container, or of those that the filter lets through."""
        return await self._call(
            "ListContainerStats", pb.ListContainerStatsRequest(filter=filter), pb.ListContainerStatsResponse
        )
