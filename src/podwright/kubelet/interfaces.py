"""The seams inside the kubelet: what its parts ask of each other.

`kubelet.py` (wiring) builds one of each and hands them over; tests hand over fakes that record. A `pod` is the
whole JSON object; implementations take typed views of it.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from podwright.api.objects import Object
from podwright.client.events import EventType
from podwright.kubelet.errors import WaitingError
from podwright.kubelet.runtime_state import PodRuntimeStatus, PodSummary


class ContainerKind(enum.Enum):
    """Where a container stands in the Pod spec; the value is the field."""

    INIT = "initContainers"
    APP = "containers"
    EPHEMERAL = "ephemeralContainers"


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a container. Either `host_path` or `image` is set."""

    container_path: str
    host_path: str = ""
    image: str = ""
    image_sub_path: str = ""
    read_only: bool = False
    recursive_read_only: bool = False
    propagation: str = "None"
    """None, HostToContainer, Bidirectional"""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a container will see, beside its image: final environment, expanded command and args, mounts."""

    env: Sequence[tuple[str, str]] = ()
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    mounts: Sequence[Mount] = ()


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """What becomes the sandbox's /etc/resolv.conf; all empty: the runtime's own copy of the host's file."""

    servers: Sequence[str] = ()
    searches: Sequence[str] = ()
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MountedVolumes:
    """Host paths of a Pod's volumes by volume name; image volumes are by image reference id instead."""

    paths: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    image_errors: Mapping[str, WaitingError] = field(default_factory=dict)
    """why an image volume is not there; it holds back only the containers that mount it"""
    read_only: frozenset[str] = frozenset()
    """volumes that no container may write to, whatever it asks for"""


class Volumes(Protocol):
    """volumes/manager: puts a Pod's volumes in place before its containers start, and takes them away after."""

    async def mount(self, pod: Object) -> MountedVolumes:
        """Safe to repeat; refreshes what can be refreshed. Raises VolumeError (an event FailedMount; try again)."""
        ...

    async def unmount(self, uid: str) -> None:
        """Remove everything of that Pod; nothing happens when there is nothing."""
        ...


class VolumeError(Exception):
    """A volume could not be put in place; the text names the volume and says why."""


class Environment(Protocol):
    """environment/environment: what a container sees of itself and of the cluster."""

    async def run_options(
        self,
        pod: Object,
        container: Object,
        volumes: MountedVolumes,
        pod_ips: Sequence[str],
    ) -> RunOptions:
        """Raises ContainerConfigError."""
        ...

    def hostname(self, pod: Object) -> str:
        """The sandbox's hostname ("" for host network). Raises SandboxError when setHostnameAsFQDN is too long."""
        ...

    def dns(self, pod: Object) -> DnsConfig:
        """From dnsPolicy and dnsConfig."""
        ...


@dataclass(frozen=True, slots=True)
class ContainerRef:
    """The container that an image, a hook or a probe is for; events carry its field path."""

    pod: Object
    name: str
    kind: ContainerKind

    @property
    def field_path(self) -> str:
        """`spec.containers{web}`"""
        return f"spec.{self.kind.value}{{{self.name}}}"


class EventWriter(Protocol):
    """client/events: tells the users of an object what happened to it."""

    def event(self, obj: Object, type: EventType, reason: str, message: str, field_path: str = "") -> None:
        """Write one event; never waits, never fails."""
        ...


class Images(Protocol):
    """images/manager: makes an image present, by the container's pull policy."""

    async def ensure(self, ref: ContainerRef, image: str, policy: str, runtime_handler: str) -> str:
        """The runtime's id of the image to create the container from. Writes the events. Raises ImageError."""
        ...


class Hooks(Protocol):
    """lifecycle/hooks: postStart and preStop."""

    async def post_start(self, ref: ContainerRef, container: Object, container_id: str, pod_ips: Sequence[str]) -> None:
        """Run the hook. Raises PostStartError with the handler's full message."""
        ...

    async def pre_stop(
        self, ref: ContainerRef, container: Object, container_id: str, pod_ips: Sequence[str], grace: float
    ) -> float:
        """Run the hook for at most `grace` seconds and return the seconds it took; a failure is an event only."""
        ...


class ProbeState(Protocol):
    """prober/manager, as the others see it."""

    def add_pod(self, pod: Object) -> None:
        """Begin to probe its containers (those that run and have probes)."""
        ...

    def observe(self, status: PodRuntimeStatus) -> None:
        """What the runtime has of a Pod now: probing follows its containers. Call it whenever that was read."""
        ...

    def stop_liveness_and_startup(self, uid: str) -> None:
        """Termination begins."""
        ...

    def remove_pod(self, uid: str) -> None:
        """Forget the Pod."""
        ...

    def is_ready(self, uid: str, container: str, container_id: str) -> bool | None:
        """Result of the readiness probe; None: the container has none."""
        ...

    def is_started(self, uid: str, container: str, container_id: str) -> bool | None:
        """Result of the startup probe; None: the container has none."""
        ...

    def must_restart(self, uid: str, container: str, container_id: str) -> str:
        """Why the container must be restarted: "", "liveness" or "startup"."""
        ...


class ExecRunner(Protocol):
    """kuberuntime/exec: commands inside a container, for hooks and probes."""

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        """Run to the end; `timeout` in seconds, 0 for none. Raises CriError, TimeoutError."""
        ...


class Rescue(Protocol):
    """What helps when the runtime does not answer for a container; only a managed runtime has it."""

    def suspect(self) -> None:
        """A call to the runtime was broken off, after which containerd 1.6 may be stuck: have it looked at soon."""
        ...

    async def free(self) -> int:
        """Free what waits for callers that are gone; how many containers' keepers did."""
        ...

    async def kill(self, container_id: str) -> bool:
        """End the process that keeps a container, and its Pod with it; whether there was one."""
        ...


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command in a container ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What one pass over a Pod came to."""

    failures: Mapping[str, WaitingError] = field(default_factory=dict)
    """by container name: why it is waiting"""
    sandbox_failure: str = ""
    """event text when no sandbox could be made"""
    retry_after: float | None = None
    """seconds until the next pass makes sense; None: only when something changes"""
    changed: bool = False
    """whether anything in the runtime was changed, so that its state should be read again"""
    resize_error: str = ""
    """why containers do not have the resources yet that they were given"""


class PodRuntime(Protocol):
    """kuberuntime: the only part that changes the runtime (with images/puller)."""

    async def adopt(self, pod: Object, status: PodRuntimeStatus, told: Collection[str]) -> PodRuntimeStatus:
        """Forget the containers whose start an earlier kubelet did not finish; returns what the Pod has then.

        `told`: ids of the containers whose end its status tells.
        """
        ...

    async def sync_pod(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
        """Make the runtime have what the Pod asks for, one pass. Raises TerminalError."""
        ...

    async def kill_pod(
        self, pod: Object | None, status: PodRuntimeStatus, grace: int | None, *, resumed: bool = False
    ) -> None:
        """Stop every container (hooks, grace seconds; None: as spec and annotations say), then the sandbox.

        `pod` is None when the API no longer has it: what is needed is read from container annotations. `resumed`: an
        earlier kubelet may have been killed in the middle of it.
        """
        ...

    async def remove_pod(self, status: PodRuntimeStatus) -> None:
        """Remove the stopped containers, the sandboxes and the log directory."""
        ...

    async def collect_garbage(self, pod: Object, status: PodRuntimeStatus) -> None:
        """Remove dead containers and sandboxes that are no longer needed (the newest dead one per container stays)."""
        ...

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        """Everything the runtime has of this Pod."""
        ...

    async def first_status(self, before: PodRuntimeStatus) -> PodRuntimeStatus:
        """The same after a Pod's first pass, which found nothing of it and went well; cheaper."""
        ...

    async def list_pods(self) -> Mapping[str, PodSummary]:
        """Every Pod the runtime has, by UID; cheap (two CRI lists)."""
        ...

    def events(self) -> AsyncIterator[str]:
        """UIDs of Pods in which something has changed, as the runtime tells them; "" means: relist all.

        Ends at once where the runtime has no event stream.
        """
        ...
