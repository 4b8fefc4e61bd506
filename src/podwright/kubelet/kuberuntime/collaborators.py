"""What this folder asks of parts that are not in `kubelet.interfaces`: events, cgroups, handlers, paths, time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from podwright.api.objects import Object
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.kubelet.interfaces import Environment, Hooks, Images, ProbeState
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.paths import Paths


class Recorder(Protocol):
    """client/events: writes Events; returns at once."""

    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        """`type` is Normal or Warning."""
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

    async def remove(self, uid: str) -> None:
        """Take it away in every hierarchy. Safe to repeat. Raises OSError when processes are left in it."""
        ...


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Everything that carries a Pod's actions out."""

    runtime: RuntimeClient
    image_client: ImageClient
    images: Images
    environment: Environment
    hooks: Hooks
    probes: ProbeState
    recorder: Recorder
    handlers: RuntimeHandlers
    cgroups: PodCgroups
    paths: Paths
    facts: NodeFacts
    now: Callable[[], float]
    """seconds since the epoch"""
