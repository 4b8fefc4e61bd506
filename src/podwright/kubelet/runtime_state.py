"""What the runtime says is there: sandboxes and containers of a Pod, as plain values.

Made by `kuberuntime/observe` from CRI answers; read by the pure decisions (`kuberuntime/actions`,
`status/generate`, `pod_state`) and by `pleg`. Nothing here talks to the runtime.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


class ContainerState(enum.Enum):
    """The runtime's container states."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The limits of a container as its cgroup has them; None: no limit."""

    cpu_shares: int | None
    """None: not known"""
    cpu_quota: int | None
    """microseconds of CPU time in each period of 100 ms"""
    memory: int | None
    """bytes"""


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """One container that the runtime has, running or not."""

    id: str
    name: str
    state: ContainerState
    attempt: int
    """restartCount of this instance"""
    image: str
    """as the user wrote it"""
    image_ref: str
    """`imageID` in the API: a digest reference where the runtime knows one"""
    created_at: datetime.datetime | None = None
    started_at: datetime.datetime | None = None
    finished_at: datetime.datetime | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    hash: str = ""
    """of the parts of the container spec whose change restarts it, as annotated at creation"""
    log_path: str = ""
    """absolute"""
    sandbox_id: str = ""
    sizes: Sizes | None = None
    """of one that runs; None: not known"""


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """One sandbox that the runtime has."""

    id: str
    ready: bool
    attempt: int
    created_at: datetime.datetime
    ips: Sequence[str] = ()
    host_network: bool = False
    runtime_handler: str = ""


@dataclass(frozen=True, slots=True)
class PodRuntimeStatus:
    """All that the runtime has of one Pod; newest first in both lists."""

    uid: str
    name: str = ""
    namespace: str = ""
    sandboxes: Sequence[SandboxStatus] = ()
    containers: Sequence[ContainerStatus] = ()

    def newest(self, container: str) -> ContainerStatus | None:
        """The newest instance of a container."""
        return next((c for c in self.containers if c.name == container), None)

    def running(self) -> Iterator[ContainerStatus]:
        """Containers whose process may still be alive."""
        return (c for c in self.containers if c.state in (ContainerState.RUNNING, ContainerState.UNKNOWN))

    @property
    def sandbox(self) -> SandboxStatus | None:
        """The newest sandbox."""
        return self.sandboxes[0] if self.sandboxes else None

    @property
    def ips(self) -> Sequence[str]:
        """Pod addresses given by the newest ready sandbox (empty for host network)."""
        return self.sandbox.ips if self.sandbox and self.sandbox.ready else ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the Pod is left in the runtime."""
        return not self.sandboxes and not self.containers


@dataclass(frozen=True, slots=True)
class ContainerSummary:
    """A container as a relist shows it: enough to see that something changed."""

    id: str
    name: str
    state: ContainerState


@dataclass(frozen=True, slots=True)
class PodSummary:
    """A Pod as a relist shows it."""

    uid: str
    name: str
    namespace: str
    sandboxes: Sequence[tuple[str, bool]] = ()
    """(id, ready)"""
    containers: Sequence[ContainerSummary] = field(default=())


def still_true(status: PodRuntimeStatus, summary: PodSummary | None) -> bool:
    """Whether a look at the Pod would show nothing but `status`, going by what a relist has shown of it.

    Only where nothing else can change unseen: containers run or have ended, and the sandbox has its addresses.
    """
    sandbox = status.sandbox
    if summary is None or sandbox is None or not sandbox.ready or not (sandbox.ips or sandbox.host_network):
        return False
    if any(c.state not in (ContainerState.RUNNING, ContainerState.EXITED) for c in status.containers):
        return False
    return {(s.id, s.ready) for s in status.sandboxes} == set(summary.sandboxes) and (
        {(c.id, c.state) for c in status.containers} == {(c.id, c.state) for c in summary.containers}
    )
