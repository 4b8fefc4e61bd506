"""What an object counts for in a ResourceQuota: pure functions from objects to amounts.

    usage_of      amounts by quota name (`requests.cpu`, `pods`, `count/jobs.batch`) that one object uses
    is_about      whether a quota's scopes take an object in
    unspecified   what containers must say so that the quota can count them
    sums, within  arithmetic with the amounts

Called by the ResourceQuota plugin, which charges, and by the quota controller, which counts again.
Page: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from podwright.api.objects import Object, metadata, parse_time
from podwright.api.pods import containers, is_terminal, limits, qos_class, requests, spec_of
from podwright.api.quantity import Family, family_of, format_quantity, parse_quantity
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES, Resource

Amounts = dict[str, Decimal]
"""Amounts by the names that stand in `spec.hard`."""

COUNT_PREFIX: Final = "count/"
STORAGE_CLASS_SUFFIX: Final = ".storageclass.storage.k8s.io/"
_BY_OLD_NAME: Final = frozenset((
    "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims",
))  # fmt: skip
_PLAIN: Final = ("cpu", "memory", "ephemeral-storage")
_MUST_SAY: Final = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_ZERO: Final = Decimal(0)


def count_name(resource: Resource) -> str:
    """`count/deployments.apps`: the name that every kind can be counted by."""
    return f"{COUNT_PREFIX}{resource.plural}.{resource.group}" if resource.group else f"{COUNT_PREFIX}{resource.plural}"


def resource_names(resource: Resource, hard: Iterable[str]) -> list[str]:
    """Those of the names in `hard` that objects of the resource can count for."""
    own = count_name(resource)
    old = resource.plural if not resource.group and resource.plural in _BY_OLD_NAME else ""
    return [name for name in hard if name in (own, old) or _concerns(resource, name)]


def _concerns(resource: Resource, name: str) -> bool:
    if resource == PODS:
        if name == "requests.storage" or STORAGE_CLASS_SUFFIX in name:
            return False
        return name in _PLAIN or name.startswith(("requests.", "limits.", "hugepages-"))
    if resource == SERVICES:
        return name.startswith("services.")
    if resource == PERSISTENT_VOLUME_CLAIMS:
        return name == "requests.storage" or STORAGE_CLASS_SUFFIX in name
    return False


def usage_of(resource: Resource, obj: Object, now: datetime.datetime) -> Amounts:
    """Everything that one object counts for. Raises ValueError for a quantity that is none."""
    used: Amounts = {count_name(resource): Decimal(1)}
    if resource == PODS:
        if not _is_over(obj, now):
            used |= {"pods": Decimal(1), **_pod_amounts(obj)}
    elif resource == SERVICES:
        used |= _service_amounts(obj)
    elif resource == PERSISTENT_VOLUME_CLAIMS:
        used |= _claim_amounts(obj)
    elif not resource.group and resource.plural in _BY_OLD_NAME:
        used[resource.plural] = Decimal(1)
    return used


def _is_over(pod: Object, now: datetime.datetime) -> bool:
    """Whether the Pod uses nothing any more: ended, or still there long after it should have gone."""
    meta = metadata(pod)
    if is_terminal(pod):
        return True
    deleted, grace = meta.get("deletionTimestamp"), meta.get("deletionGracePeriodSeconds")
    if not deleted or grace is None:
        return False
    return now > parse_time(deleted) + datetime.timedelta(seconds=grace)


def _pod_amounts(pod: Object) -> Amounts:
    used: Amounts = {}
    for name, amount in requests(pod).items():
        if name in _PLAIN or name.startswith("hugepages-"):
            used[name] = amount
        used[f"requests.{name}"] = amount
    for name, amount in limits(pod).items():
        if name in _PLAIN:
            used[f"limits.{name}"] = amount
    return used


def _service_amounts(service: Object) -> Amounts:
    spec = service.get("spec") or {}
    ports = spec.get("ports") or ()
    used: Amounts = {"services": Decimal(1), "services.nodeports": _ZERO, "services.loadbalancers": _ZERO}
    match spec.get("type"):
        case "NodePort":
            used["services.nodeports"] = Decimal(len(ports))
        case "LoadBalancer":
            given = spec.get("allocateLoadBalancerNodePorts") is not False
            taken = len(ports) if given else sum(bool(port.get("nodePort")) for port in ports)
            used |= {"services.nodeports": Decimal(taken), "services.loadbalancers": Decimal(1)}
    return used


def _claim_amounts(claim: Object) -> Amounts:
    spec = claim.get("spec") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    used: Amounts = {"persistentvolumeclaims": Decimal(1)}
    storage = parse_quantity(asked) if asked is not None else None
    if storage is not None:
        used["requests.storage"] = storage
    if name := spec.get("storageClassName"):
        used[f"{name}{STORAGE_CLASS_SUFFIX}persistentvolumeclaims"] = Decimal(1)
        if storage is not None:
            used[f"{name}{STORAGE_CLASS_SUFFIX}requests.storage"] = storage
    return used


# scopes


def scope_terms(quota: Object) -> list[Mapping[str, Any]]:
    """The quota's scopes, as terms of a scope selector."""
    spec = quota.get("spec") or {}
    terms = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    return [*terms, *((spec.get("scopeSelector") or {}).get("matchExpressions") or ())]


def is_about(quota: Object, resource: Resource, obj: Object) -> bool:
    """Whether the quota counts the object at all: one with scopes counts Pods that all of them take in."""
    terms = scope_terms(quota)
    return not terms or (resource == PODS and all(_in_scope(term, obj) for term in terms))


def _in_scope(term: Mapping[str, Any], pod: Object) -> bool:
    spec = spec_of(pod)
    match term.get("scopeName"):
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return qos_class(pod) == "BestEffort"
        case "NotBestEffort":
            return qos_class(pod) != "BestEffort"
        case "PriorityClass":
            return _matches_class(term, spec.get("priorityClassName") or "")
        case "CrossNamespacePodAffinity":
            return _looks_across(spec)
    return False


def _matches_class(term: Mapping[str, Any], name: str) -> bool:
    values = term.get("values") or ()
    match term.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "DoesNotExist":
            return not name
    return bool(name)


def _looks_across(spec: Mapping[str, Any]) -> bool:
    """Whether an affinity term names other namespaces than the Pod's own."""
    for kind in ("podAffinity", "podAntiAffinity"):
        affinity = (spec.get("affinity") or {}).get(kind) or {}
        terms = list(affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [weighted.get("podAffinityTerm") or {} for weighted in preferred]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False


# what has to be said


def unspecified(pod: Object, hard: Iterable[str]) -> str:
    """What containers leave out that the quota counts: `must specify limits.cpu for: a,b; ...`; "" for nothing."""
    spec = spec_of(pod)
    if spec.get("resources"):
        return ""
    missing: dict[str, set[str]] = {}
    for name in hard:
        if name not in _MUST_SAY:
            continue
        kind, _, plain = name.rpartition(".")
        for at in containers(spec, ("containers", "initContainers")):
            said = (at.container.get("resources") or {}).get(kind or "requests") or {}
            if plain not in said:
                missing.setdefault(name, set()).add(at.container.get("name") or "")
    if not missing:
        return ""
    return "must specify " + "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))


# arithmetic


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """Quantities as amounts. Raises ValueError."""
    return {name: parse_quantity(value) for name, value in (quantities or {}).items()}


def sums(parts: Iterable[Mapping[str, Decimal]], names: Iterable[str]) -> Amounts:
    """The sum of each of the names; 0 for one that no part has."""
    total = dict.fromkeys(names, _ZERO)
    for part in parts:
        for name in total.keys() & part.keys():
            total[name] += part[name]
    return total


def written(used: Mapping[str, Decimal], hard: Mapping[str, Any]) -> dict[str, str]:
    """Amounts as quantities, each in the manner in which its limit is written."""
    return {name: format_quantity(amount, _family(hard.get(name))) for name, amount in used.items()}


def _family(limit: Any) -> Family:
    return Family.DECIMAL_SI if limit is None else family_of(limit)


def listed(quantities: Mapping[str, Any], names: Sequence[str]) -> str:
    """`cpu=1,memory=2Gi`, as messages list them."""
    return ",".join(f"{name}={quantities[name]}" for name in sorted(names))
