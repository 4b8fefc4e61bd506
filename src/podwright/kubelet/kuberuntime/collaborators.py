"""What this folder asks of parts that are not in `kubelet.interfaces`, and all of them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from podwright.api.objects import Object
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.kubelet.cgroups.usage import Usage
from podwright.kubelet.interfaces import ContainerRef, Environment, EventWriter, Hooks, Images, ProbeState, Rescue
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.paths import Paths
from podwright.kubelet.runtime_state import Sizes


class DeliveredHooks(Hooks, Protocol):
    """lifecycle/hooks, which also knows what was delivered before a restart of ours."""

    async def post_start_due(self, ref: ContainerRef, container: Object, container_id: str) -> bool:
        """Whether a container that already runs still needs `post_start` called."""
        ...


class RuntimeHandlers(Protocol):
    """runtime_class: which handler runs a Pod."""

    async def handler(self, pod: Object) -> str:
        """ "" for the runtime's default. Raises TerminalError (no such class), SandboxError (could not find out)."""
        ...


class PodCgroups(Protocol):
    """cgroups/pods: the cgroup that a Pod's containers share."""

    def parent(self, pod: Object) -> str:
        """What the runtime is told as `cgroup_parent`. Raises ValueError for quantities that are none."""
        ...

    async def create(self, pod: Object) -> None:
        """Make it, with the Pod's limits. Safe to repeat. Raises OSError."""
        ...

    async def grow(self, pod: Object) -> None:
        """Raise its limits to those of `pod`, and lower none. Raises OSError."""
        ...

    async def sizes(self, uid: str, container_id: str) -> Sizes | None:
        """The limits of one container. Raises OSError."""
        ...

    async def usage(self, pod: Object, container_id: str = "") -> Usage | None:
        """What a Pod, or one container of it, uses; None when it has no cgroup. Raises OSError, ValueError."""
        ...

    async def watch_memory(self, uid: str, container_id: str) -> None:
        """Be able to answer `ran_out_of_memory` from now on. Safe to repeat. Raises OSError."""
        ...

    async def ran_out_of_memory(self, container_id: str) -> bool:
        """Whether memory was short in a container that has ended; False where it was not watched. Raises OSError."""
        ...

    def ending(self, container_id: str) -> None:
        """We are about to end this container: that it was killed needs no other reason, so none is waited for."""
        ...

    def forget(self, container_id: str) -> None:
        """The container is gone."""
        ...

    async def kill(self, uid: str, container_id: str) -> None:
        """Kill every process of one container, past the runtime. Raises OSError."""
        ...

    async def remove(self, uid: str) -> None:
        """Take it away in every hierarchy. Safe to repeat. Raises OSError when processes are left in it."""
        ...


class Tasks(Protocol):
    """cri/containerd_tasks: containerd's own view of a container's process."""

    async def end(self, container_id: str) -> None:
        """Kill what is left of a container, and forget its process. Raises CriError."""
        ...


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Everything that carries a Pod's actions out."""

    runtime: RuntimeClient
    image_client: ImageClient
    images: Images
    environment: Environment
    hooks: DeliveredHooks
    probes: ProbeState
    recorder: EventWriter
    handlers: RuntimeHandlers
    cgroups: PodCgroups
    paths: Paths
    facts: NodeFacts
    now: Callable[[], float]
    """seconds since the epoch"""
    rescue: Rescue | None = None
    """None: the runtime is somebody else's, and does as it likes"""
    tasks: Tasks | None = None
    """None: nothing is known of the runtime but CRI"""
