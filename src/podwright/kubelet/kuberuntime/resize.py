"""Which running containers do not have the CPU and memory that they were given, and how they get them.

What it decides: from the Pod and what the cgroups of its containers say, whether a container's limits are changed while
it runs, or whether it must be started anew because its resizePolicy says so; and whether a limit of memory would be
below what is used. Pure; called by `sync_pod`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/#container-resize-policies
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podwright.api.objects import Object
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.interfaces import ContainerKind
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.pod_containers import Member, app_containers, init_containers
from podwright.kubelet.kuberuntime.resources import container_resources
from podwright.kubelet.runtime_state import ContainerState, PodRuntimeStatus, Sizes

_PAGE = mmap.PAGESIZE


@dataclass(frozen=True, slots=True)
class Resizing:
    """One container whose limits are not those it was given."""

    member: Member
    container_id: str
    sizes: Sizes
    restart: bool
    """it takes a new container"""
    shrinks: bool
    """it may use less memory than before"""


def below_usage(what: str, limit: int, used: int) -> str:
    """Why the memory of `what` is not limited to `limit` bytes while it needs `used`; "": it can be."""
    # The kernel would kill for it at once (cgroup v2), or refuse (v1).
    return f"attempting to set {what} memory limit ({limit}) below current usage ({used})" if used > limit else ""


def sizes_of(resources: pb.LinuxContainerResources) -> Sizes:
    """What a container's cgroup says once the runtime has written these."""
    return Sizes(resources.cpu_shares, resources.cpu_quota or None, resources.memory_limit_in_bytes or None)


def limits_of(sizes: Sizes, resources: pb.LinuxContainerResources) -> pb.LinuxContainerResources:
    """Only what a running container is given anew."""
    return pb.LinuxContainerResources(
        cpu_shares=sizes.cpu_shares or 0,
        cpu_quota=sizes.cpu_quota or 0,
        cpu_period=resources.cpu_period,
        memory_limit_in_bytes=sizes.memory or 0,
    )


def resizings(pod: Object, status: PodRuntimeStatus, facts: NodeFacts) -> Sequence[Resizing]:
    """Every running container whose limits differ from the spec's, but for ephemeral ones."""
    return tuple(_resizings(pod, status, facts))


def _resizings(pod: Object, status: PodRuntimeStatus, facts: NodeFacts) -> Iterator[Resizing]:
    for member in (*init_containers(pod), *app_containers(pod)):
        instance = status.newest(member.name)
        if instance is None or instance.state is not ContainerState.RUNNING or instance.sizes is None:
            continue
        wanted = sizes_of(container_resources(pod, member, facts))
        changed = _changed(instance.sizes, wanted)
        if changed:
            shrinks = wanted.memory is not None and (instance.sizes.memory or wanted.memory + 1) > wanted.memory
            yield Resizing(member, instance.id, wanted, bool(changed & _restarting(member)), shrinks)


def _changed(actual: Sizes, wanted: Sizes) -> set[str]:
    changed = set()
    if actual.cpu_quota != wanted.cpu_quota or actual.cpu_shares not in (None, wanted.cpu_shares):
        changed.add("cpu")
    if _pages(actual.memory) != _pages(wanted.memory):
        changed.add("memory")
    return changed


def _pages(memory: int | None) -> int | None:
    """The kernel keeps limits in whole pages: 100M is a little less there."""
    return None if memory is None else memory // _PAGE


def _restarting(member: Member) -> set[str]:
    """Resources whose change takes a new container; one that is never started again, or is to end, keeps running."""
    if member.restart_policy == "Never" or (member.kind is ContainerKind.INIT and not member.is_sidecar):
        return set()
    policies = member.spec.get("resizePolicy") or ()
    return {p["resourceName"] for p in policies if p.get("restartPolicy") == "RestartContainer"}
