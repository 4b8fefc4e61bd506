"""The downward API: what a field or a resource of a Pod is as text.

Pure. `sources.py` calls it for variables, `volumes/downward_api.py` for files.
Page: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING

from podwright.api.objects import Object, metadata
from podwright.api.quantity import parse_quantity
from podwright.kubelet.environment.quoting import quote

_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['(.+)'\]")
_FALLBACK_TO_NODE = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a Pod may learn of its node."""

    name: str = ""
    host_ips: Sequence[str] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """quantities by resource name, the default of a limit that is not set"""


def pod_field(pod: Object, path: str, node: NodeFacts, pod_ips: Sequence[str]) -> str:
    """The value of `fieldRef.fieldPath`; a label or annotation that is not there is "".

    Raises ValueError for a path that is not a downward API field.
    """
    meta = metadata(pod)
    spec = pod.get("spec") or {}
    if subscript := _SUBSCRIPT.fullmatch(path):
        return str((meta.get(subscript[1].removeprefix("metadata.")) or {}).get(subscript[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return format_map(meta.get(path.removeprefix("metadata.")) or {})
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(meta.get(path.removeprefix("metadata.")) or "")
    if path == "spec.nodeName":
        return str(spec.get("nodeName") or node.name)
    if path == "spec.serviceAccountName":
        return str(spec.get("serviceAccountName") or "")
    if path in ("status.hostIP", "status.hostIPs"):
        return _addresses(path, node.host_ips)
    if path in ("status.podIP", "status.podIPs"):
        return _addresses(path, node.host_ips if spec.get("hostNetwork") else pod_ips)
    raise ValueError(f"error converting fieldPath: field label not supported: {path}")


def _addresses(path: str, addresses: Sequence[str]) -> str:
    return ",".join(addresses) if path.endswith("s") else next(iter(addresses), "")


def format_map(values: Mapping[str, str]) -> str:
    """Labels or annotations as a file has them: sorted `key="quoted value"` lines."""
    return "\n".join(f"{key}={quote(values[key])}" for key in sorted(values))


def resource_field(pod: Object, container: Object, resource: str, divisor: str, node: NodeFacts) -> str:
    """The value of a `resourceFieldRef` (`limits.cpu`) in units of `divisor`, rounded up.

    A limit that is not set is the Pod's, else what the node can allocate; a request that is not set is 0.
    Raises ValueError for an unknown resource or a divisor that is no quantity.
    """
    kind, _, name = resource.partition(".")
    known = name in _FALLBACK_TO_NODE or name.startswith("hugepages-")
    if kind not in ("limits", "requests") or not known:
        raise ValueError(f"unsupported container resource : {resource}")
    own = (container.get("resources") or {}).get(kind) or {}
    amount = own.get(name)
    if amount is None and kind == "limits":
        of_pod = ((pod.get("spec") or {}).get("resources") or {}).get("limits") or {}
        amount = of_pod.get(name)
        if amount is None and name in _FALLBACK_TO_NODE:
            amount = node.allocatable.get(name)
    unit = parse_quantity(divisor or "1") or parse_quantity("1")
    return str(int((parse_quantity(amount or "0") / unit).to_integral_value(ROUND_CEILING)))


def find_container(pod: Object, name: str) -> Object:
    """The container or init container `name` of the Pod. Raises ValueError."""
    spec = pod.get("spec") or {}
    for field_name in ("containers", "initContainers"):
        for container in spec.get(field_name) or ():
            if container.get("name") == name:
                return container  # type: ignore[no-any-return]
    raise ValueError(f"container {quote(name)} not found")
