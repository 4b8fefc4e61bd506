"""What is not served here, said to who asks for it: a bare 404 leaves a user to guess whether he has mistyped.

Pure; called by `front.py` and `nonresource.py` when nothing is found. What is absent here is absent from discovery,
too, so that kubectl and Helm know it beforehand.
Page: https://kubernetes.io/docs/reference/using-api/
"""

from __future__ import annotations

from typing import Final

from podwright.apiserver.routes import Table

NOT_FOUND: Final = "the server could not find the requested resource"
_CUSTOM: Final = "custom resources are not served here yet; they come next"
_POLICIES: Final = (
    "admission policies are not served here yet, since they need expressions (CEL), which come next; "
    "a webhook configuration can do the same"
)
_AGGREGATION: Final = "API aggregation is not there yet, and comes next; all that is served is served by this program"
_AUTOSCALING: Final = (
    "HorizontalPodAutoscalers are not served here yet, and come next; kubectl scale sets replicas by hand"
)
_ISOLATION: Final = "network policies are not served, since nothing here would carry them out"
_METRICS: Final = "there is no metrics API here; it comes with autoscaling"
_GROUPS: Final = {
    "apiextensions.k8s.io": _CUSTOM,
    "apiregistration.k8s.io": _AGGREGATION,
    "autoscaling": _AUTOSCALING,
    "metrics.k8s.io": _METRICS,
    "custom.metrics.k8s.io": _METRICS,
    "external.metrics.k8s.io": _METRICS,
}
_RESOURCES: Final = {
    ("networking.k8s.io", "networkpolicies"): _ISOLATION,
    **{
        ("admissionregistration.k8s.io", f"{prefix}admission{suffix}"): _POLICIES
        for prefix in ("validating", "mutating")
        for suffix in ("policies", "policybindings")
    },
}


def not_found(table: Table, group: str, version: str = "", plural: str = "") -> str:
    """What a 404 says of a group, a version of it or a resource; "" for what is left out of the question."""
    why = _RESOURCES.get((group, plural)) or _GROUPS.get(group) or _elsewhere(table, group, version, plural)
    return f"{NOT_FOUND}: {why}" if why else NOT_FOUND


def _elsewhere(table: Table, group: str, version: str, plural: str) -> str:
    """Where the resource is served instead: in another version, or in the group it has moved to."""
    if not plural:
        return ""
    served = [row.resource for row in table.values() if row.resource.plural == plural]
    if any(resource.version == version and resource.group == group for resource in served):
        return ""
    listed = " and ".join(sorted(resource.api_version for resource in served))
    return f"{plural} are served in {listed}" if listed else ""
