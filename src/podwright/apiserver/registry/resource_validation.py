"""What is wrong with resource requests and limits, and with a Pod's overhead.

Called by `container_validation.py`, `pod_spec_validation.py` and `runtime_class.py`.
Page: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid, not_found, not_supported, required
from podwright.api.pods import containers_together
from podwright.api.quantity import canonical, parse_quantity
from podwright.apiserver.registry import field_checks as check

_FOR_CONTAINERS = ("cpu", "memory", "ephemeral-storage")
_STANDARD = frozenset({
    *_FOR_CONTAINERS, "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
    "persistentvolumeclaims", "storage", "services.nodeports", "services.loadbalancers",
    "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage",
    "limits.cpu", "limits.memory", "limits.ephemeral-storage",
})  # fmt: skip
_HUGE = "hugepages-"
_POD_LEVEL = ("cpu", "memory")


def validate_requirements(
    path: Path, resources: Mapping[str, Any], claims: frozenset[str] = frozenset(), *, pod_level: bool = False
) -> list[FieldError]:
    """Errors of `limits`, `requests` and `claims`; `claims` are the names in the Pod's resourceClaims."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    errors: list[FieldError] = []
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            where = path.child(kind).key(name)
            errors += _name(where, name, pod_level=pod_level)
            errors += check.quantity(where, value, whole=_counted(name))
            if kind == "requests":
                errors += _within_limit(path, name, value, limits)
    huge = any(name.startswith(_HUGE) for name in (*limits, *requests))
    if huge and not any(name in (*limits, *requests) for name in ("cpu", "memory")):
        errors.append(forbidden(path, "HugePages require cpu or memory"))
    for position, claim in enumerate(resources.get("claims") or ()):
        if claim.get("name") not in claims:
            errors.append(not_found(path.child("claims").index(position).child("name"), claim.get("name") or ""))
    return errors


def validate_pod_level(spec_path: Path, spec: Mapping[str, Any]) -> list[FieldError]:
    """Errors of `spec.resources`, those of a whole Pod, by itself and with those of the containers."""
    path = spec_path.child("resources")
    if (spec.get("os") or {}).get("name") == "windows":
        return [forbidden(path, "may not be set for a windows pod")]
    resources = spec["resources"]
    if resources.get("claims"):
        return [forbidden(path.child("claims"), "claims are not supported for pod-level resources")]
    errors = validate_requirements(path, resources, pod_level=True)
    try:
        return errors + _fitting(spec_path, resources, spec)
    except ValueError:
        return errors  # said where the quantity stands


def _fitting(path: Path, resources: Mapping[str, Any], spec: Mapping[str, Any]) -> list[FieldError]:
    """What the containers have must fit into what the Pod has."""
    errors: list[FieldError] = []
    for kind in ("requests", "limits"):
        amounts = resources.get(kind) or {}
        for name, together in containers_together(spec, kind).items():
            # Containers may be limited to more than the Pod together, but not in what cannot be shared out twice.
            counts = kind == "requests" or name.startswith(_HUGE)
            if counts and name in amounts and parse_quantity(together) > parse_quantity(amounts[name]):
                text = f"must be greater than or equal to aggregate container {kind} of {together}"
                errors.append(invalid(path.child("resources", kind).key(name), canonical(amounts[name]), text))
    limits = resources.get("limits") or {}
    for position, container in enumerate(spec.get("containers") or ()):
        where = path.child("containers").index(position).child("resources", "limits")
        for name, value in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in limits and parse_quantity(value) > parse_quantity(limits[name]):
                text = f"must be less than or equal to pod limits of {canonical(limits[name])}"
                errors.append(invalid(where.key(name), canonical(value), text))
    return errors


def validate_overhead(path: Path, overhead: Mapping[str, Any]) -> list[FieldError]:
    """Errors of an overhead; kube-apiserver words its paths as limits, `overhead.limits[cpu]`."""
    return validate_requirements(path, {"limits": overhead})


def _within_limit(path: Path, name: str, value: Any, limits: Mapping[str, Any]) -> list[FieldError]:
    # Only what the node can hand out more than once may be asked for with less certainty than its limit.
    overcommits = "/" not in name and not name.startswith(_HUGE)
    if name not in limits:
        text = "Limit must be set for non overcommitable resources"
        return [] if overcommits else [required(path.child("limits"), text)]
    try:
        request, limit = parse_quantity(value), parse_quantity(limits[name])
    except ValueError:
        return []  # said where the quantity stands
    if request > limit:
        rule = "must be less than or equal to"
    elif request != limit and not overcommits:
        rule = "must be equal to"
    else:
        return []
    return [invalid(path.child("requests"), canonical(value), f"{rule} {name} limit of {canonical(limits[name])}")]


def _counted(name: str) -> bool:
    """Resources that come in whole pieces: extended ones."""
    return "/" in name and not name.partition("/")[0].endswith("kubernetes.io")


def _name(path: Path, name: str, *, pod_level: bool) -> list[FieldError]:
    errors = check.obeys(path, name, names.qualified_name)
    if errors:
        return errors
    if "/" not in name:
        if pod_level:
            allowed = name in _POD_LEVEL or name.startswith(_HUGE)
            return [] if allowed else [not_supported(path, name, (*_POD_LEVEL, _HUGE))]
        if name not in _STANDARD and not name.startswith(_HUGE):
            errors.append(invalid(path, name, "must be a standard resource type or fully qualified"))
        if name not in _FOR_CONTAINERS and not name.startswith(_HUGE):
            errors.append(invalid(path, name, "must be a standard resource for containers"))
        return errors
    if pod_level:
        return [not_supported(path, name, (*_POD_LEVEL, _HUGE))]
    native = name.partition("/")[0].endswith("kubernetes.io")
    # A quota must be able to name it as `requests.<name>`.
    if not native and (name.startswith("requests.") or names.qualified_name(f"requests.{name}")):
        return [invalid(path, name, "doesn't follow extended resource name standard")]
    return []
