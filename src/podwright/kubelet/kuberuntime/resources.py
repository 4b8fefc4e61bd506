"""A container's and a Pod's resource requests and limits in the kernel's units.

Pure; called by `container_config`, `sandbox_config` and `cgroups`. Raises ValueError for a quantity that is none
(the API refuses those, a static manifest may not).
Page: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from podwright.api.objects import Object
from podwright.api.pods import containers_together, qos_class
from podwright.api.quantity import Value, ceil_value, milli_value, parse_quantity
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.cgroups.limits import PERIOD, quota, shares
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.pod_containers import Member, app_containers, pod_spec

_CRITICAL_PRIORITY = 2_000_000_000
_OOM_GUARANTEED, _OOM_BEST_EFFORT = -997, 1000


def milli(amount: Decimal) -> int:
    """Thousandths, rounded up."""
    return int((amount * 1000).to_integral_value(ROUND_CEILING))


def whole(amount: Decimal) -> int:
    """Base units, rounded up."""
    return int(amount.to_integral_value(ROUND_CEILING))


def oom_score_adj(pod: Object, member: Member, facts: NodeFacts) -> int:
    """How readily the kernel kills the container when memory runs out: by QoS class, never below what we may set."""
    return max(_oom_score_adj(pod, member, facts.memory_bytes), facts.minimum_oom_score_adj)


def _oom_score_adj(pod: Object, member: Member, capacity: int) -> int:
    if (pod_spec(pod).get("priority") or 0) >= _CRITICAL_PRIORITY:
        return _OOM_GUARANTEED
    qos = qos_class(pod)
    if qos == "Guaranteed":
        return _OOM_GUARANTEED
    if qos == "BestEffort":
        return _OOM_BEST_EFFORT
    share = _share_of_rest(pod)
    score = _burstable_score(member.spec, share, capacity)
    if member.is_sidecar:
        # A sidecar must not be killed before the containers that need it.
        return min([score, *(_burstable_score(m.spec, share, capacity) for m in app_containers(pod))])
    return score


def _share_of_rest(pod: Object) -> int:
    """What each container has of the memory that the Pod asks for as a whole and no container by itself, in bytes."""
    spec = pod_spec(pod)
    whole_pod = ceil_value(_amount(spec, "requests", "memory"))
    if not whole_pod:
        return 0
    rest = whole_pod - ceil_value(containers_together(spec, "requests").get("memory", 0))
    return rest // max(1, len(spec.get("containers") or ()) + len(spec.get("initContainers") or ()))


def _burstable_score(container: Object, share: int, capacity: int) -> int:
    request = ceil_value(_amount(container, "requests", "memory")) + share
    score = 1000 - 1000 * request // max(capacity, 1)
    return min(max(score, 1000 + _OOM_GUARANTEED), _OOM_BEST_EFFORT - 1)


def _amount(holder: Mapping[str, Any], kind: str, resource: str) -> Value:
    """Of a container, or of a Pod's spec."""
    value: Value = ((holder.get("resources") or {}).get(kind) or {}).get(resource) or 0
    return value


def _limit(pod: Object, container: Object, resource: str) -> Value:
    """The container's own limit, else the whole Pod's: more it can never have."""
    own = _amount(container, "limits", resource)
    return own if parse_quantity(own) else _amount(pod_spec(pod), "limits", resource)


def container_resources(pod: Object, member: Member, facts: NodeFacts) -> pb.LinuxContainerResources:
    """What the runtime writes into the container's cgroup."""
    container = member.spec
    limit = milli_value(_limit(pod, container, "cpu"))
    request = milli_value(_amount(container, "requests", "cpu"))
    if "cpu" not in ((container.get("resources") or {}).get("requests") or {}):
        request = limit
    resources = pb.LinuxContainerResources(
        cpu_shares=shares(request),
        memory_limit_in_bytes=ceil_value(_limit(pod, container, "memory")),
        oom_score_adj=oom_score_adj(pod, member, facts),
        hugepage_limits=_hugepages(container, facts),
    )
    if facts.cpu_cfs_quota and limit:
        resources.cpu_quota, resources.cpu_period = quota(limit), PERIOD
    if facts.cgroup_v2:
        # All processes of a container end together, as they do when the first one is killed.
        resources.unified["memory.oom.group"] = "1"
    return resources


def _hugepages(container: Object, facts: NodeFacts) -> list[pb.HugepageLimit]:
    """A limit for every size that the machine has: what a container did not ask for it gets none of."""
    limits = dict.fromkeys(facts.hugepage_sizes, 0)
    for resource, value in ((container.get("resources") or {}).get("limits") or {}).items():
        if resource.startswith("hugepages-"):
            limits[page_size(resource)] = ceil_value(value)
    return [pb.HugepageLimit(page_size=size, limit=limit) for size, limit in limits.items()]


def page_size(resource: str) -> str:
    """`hugepages-2Mi` as the kernel spells the size: `2MB`."""
    size = int(parse_quantity(resource.removeprefix("hugepages-")))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size}{unit}"
        size //= 1024
    raise AssertionError("the loop ends at GB")


def summed(amounts: dict[str, Decimal], limits: dict[str, Decimal], facts: NodeFacts) -> pb.LinuxContainerResources:
    """Requests and limits of a whole Pod as a sandbox is told them."""
    resources = pb.LinuxContainerResources(
        cpu_shares=shares(milli(amounts.get("cpu", Decimal(0)))),
        memory_limit_in_bytes=whole(limits.get("memory", Decimal(0))),
    )
    cpu = milli(limits.get("cpu", Decimal(0)))
    if facts.cpu_cfs_quota and cpu:
        resources.cpu_quota, resources.cpu_period = quota(cpu), PERIOD
    return resources
