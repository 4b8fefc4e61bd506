"""Which running containers do not have the CPU and memory that they were given, and how they get them.

What it decides: from the Pod and what the cgroups of its containers say, whether a container's limits are changed while
it runs, or whether it must be started anew because its resizePolicy says so. Pure; called by `sync_pod`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/#container-resize-policies
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podwright.api.objects import Object
from podwright.cri.generated import cri_pb2 as pb
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
    """Every running app container and sidecar whose limits differ from the spec's."""
    return tuple(_resizings(pod, status, facts))


def _resizings(pod: Object, status: PodRuntimeStatus, facts: NodeFacts) -> Iterator[Resizing]:
    for member in (*(m for m in init_containers(pod) if m.is_sidecar), *app_containers(pod)):
        instance = status.newest(member.name)
        if instance is None or instance.state is not ContainerState.RUNNING or instance.sizes is None:
            continue
        wanted = sizes_of(container_resources(pod, member, facts))
        changed = _changed(instance.sizes, wanted)
        if changed:
            yield Resizing(member, instance.id, wanted, bool(changed & _restarting(member)))


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
    """Resources whose change takes a new container; one that is never started again keeps running."""
    if member.restart_policy == "Never":
        return set()
    policies = member.spec.get("resizePolicy") or ()
    return {p["resourceName"] for p in policies if p.get("restartPolicy") == "RestartContainer"}
