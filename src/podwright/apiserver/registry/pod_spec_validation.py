"""What is wrong with a Pod's spec as a whole.

Called by `pod.py`; a strategy of workloads calls it for a template. Page:
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, required, too_long
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.container_validation import (
    validate_containers,
    validate_ephemeral_containers,
    validate_init_containers,
)
from podwright.apiserver.registry.resource_validation import validate_overhead, validate_pod_level
from podwright.apiserver.registry.scheduling_validation import (
    validate_affinity,
    validate_gates,
    validate_spread,
    validate_tolerations,
)
from podwright.apiserver.registry.security_validation import validate_host_namespaces, validate_pod_security
from podwright.apiserver.registry.volume_validation import validate_volumes

Spec = Mapping[str, Any]

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_CLAIM_ORIGINS = ("resourceClaimName", "resourceClaimTemplateName")
_LONGEST_DEADLINE = 2**31 - 1
_LONGEST_HOSTNAME = 64
"""what Linux takes"""
_NAMESERVERS, _SEARCH_PATHS, _SEARCH_CHARACTERS = 3, 32, 2048


def validate_pod_spec(path: Path, spec: Spec, *, trimmed_images: bool = True) -> list[FieldError]:
    """Errors of a spec at `path`; `trimmed_images`: images must not be padded with blanks (Pods, not templates).

    Templates may also leave out the host's ports on the host's network: each Pod gets them when it is created.
    """
    errors = validate_volumes(path.child("volumes"), spec.get("volumes") or ())
    errors += validate_containers(path.child("containers"), spec, trimmed_images=trimmed_images)
    errors += validate_init_containers(path.child("initContainers"), spec, trimmed_images=trimmed_images)
    errors += validate_ephemeral_containers(path.child("ephemeralContainers"), spec)
    if spec.get("resources"):
        errors += validate_pod_level(path, spec)
    errors += check.one_of(path.child("restartPolicy"), spec.get("restartPolicy"), _RESTART_POLICIES)
    errors += check.one_of(path.child("dnsPolicy"), spec.get("dnsPolicy"), _DNS_POLICIES)
    errors += check.labels(path.child("nodeSelector"), spec.get("nodeSelector"))
    errors += _host_ports(path.child("containers"), spec, unset=not trimmed_images)
    errors += validate_pod_security(path.child("securityContext"), spec.get("securityContext") or {}, spec)
    errors += validate_host_namespaces(path, spec)
    if spec.get("affinity"):
        errors += validate_affinity(path.child("affinity"), spec["affinity"])
    errors += _dns_config(path.child("dnsConfig"), spec)
    errors += validate_gates(path, spec)
    if spec.get("topologySpreadConstraints"):
        errors += validate_spread(path.child("topologySpreadConstraints"), spec["topologySpreadConstraints"])
    errors += _names(path, spec)
    if spec.get("hostnameOverride"):
        errors += _hostname_override(path.child("hostnameOverride"), spec)
    if spec.get("resourceClaims"):
        errors += _claims(path.child("resourceClaims"), spec)
    errors += validate_tolerations(path.child("tolerations"), spec.get("tolerations") or ())
    if spec.get("hostAliases"):
        errors += _host_aliases(path.child("hostAliases"), spec)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None:
        errors += check.between(path.child("activeDeadlineSeconds"), deadline, 1, _LONGEST_DEADLINE)
    if spec.get("overhead"):
        errors += validate_overhead(path.child("overhead"), spec["overhead"])
    if spec.get("os") is not None:
        errors += check.one_of(path.child("os").child("name"), spec["os"].get("name"), ("linux", "windows"))
    words = ("Never", "PreemptLowerPriority")
    return errors + check.optional_one_of(path.child("preemptionPolicy"), spec.get("preemptionPolicy"), words)


def _names(path: Path, spec: Spec) -> list[FieldError]:
    errors: list[FieldError] = []
    for field, rule in (
        ("serviceAccountName", names.dns_subdomain),
        ("nodeName", names.dns_subdomain),
        ("hostname", names.dns_label),
        ("subdomain", names.dns_label),
        ("priorityClassName", names.dns_subdomain),
        ("runtimeClassName", names.dns_subdomain),
        ("schedulerName", names.qualified_name),
    ):
        if spec.get(field):
            errors += check.obeys(path.child(field), spec[field], rule)
    return errors


def _hostname_override(path: Path, spec: Spec) -> list[FieldError]:
    """It is the whole name: nothing else may have a say in it."""
    override = spec["hostnameOverride"]
    errors = check.obeys(path, override, names.dns_subdomain)
    if len(override) > _LONGEST_HOSTNAME:
        errors.append(too_long(path, _LONGEST_HOSTNAME))
    if spec.get("hostNetwork"):
        errors.append(forbidden(path, "may not be specified when `hostNetwork` is true"))
    if spec.get("setHostnameAsFQDN"):
        errors.append(forbidden(path, "may not be specified when `setHostnameAsFQDN` is true"))
    return errors


def _claims(path: Path, spec: Spec) -> list[FieldError]:
    errors: list[FieldError] = []
    taken: set[str] = set()
    for position, claim in enumerate(spec.get("resourceClaims") or ()):
        where, name = path.index(position), claim.get("name") or ""
        errors += check.name(where.child("name"), name, names.dns_label)
        if name and name in taken:
            errors.append(duplicate(where.child("name"), name))
        taken.add(name)
        given = [field for field in _CLAIM_ORIGINS if claim.get(field)]
        for field in given:
            errors += check.obeys(where.child(field), claim[field], names.dns_subdomain)
        if len(given) != 1:
            listed = ", ".join(f"`{field}`" for field in _CLAIM_ORIGINS)
            text = "at most one of {} may be specified" if given else "must specify one of: {}"
            errors.append(invalid(where, dict(claim), text.format(listed)))
    return errors


def _host_ports(path: Path, spec: Spec, *, unset: bool) -> list[FieldError]:
    """On the host's network a container's port is the host's port; `unset`: it may be left out."""
    if not spec.get("hostNetwork"):
        return []
    text = "must match `hostPort` when `hostNetwork` is true"
    return [
        invalid(path.index(i).child("ports").index(j).child("containerPort"), port.get("containerPort"), text)
        for i, container in enumerate(spec.get("containers") or ())
        for j, port in enumerate(container.get("ports") or ())
        if port.get("hostPort") != port.get("containerPort") and not (unset and not port.get("hostPort"))
    ]


def _dns_config(path: Path, spec: Spec) -> list[FieldError]:
    config, alone = spec.get("dnsConfig"), spec.get("dnsPolicy") == "None"
    if config is None:
        return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")] if alone else []
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    errors: list[FieldError] = []
    where = path.child("nameservers")
    if alone and not servers:
        errors.append(required(where, "must provide at least one DNS nameserver when `dnsPolicy` is None"))
    if len(servers) > _NAMESERVERS:
        errors.append(invalid(where, servers, f"must not have more than {_NAMESERVERS} nameservers"))
    for position, server in enumerate(servers):
        errors += check.obeys(where.index(position), server, names.ip_address)
    where = path.child("searches")
    if len(searches) > _SEARCH_PATHS:
        errors.append(invalid(where, searches, f"must not have more than {_SEARCH_PATHS} search paths"))
    if len(" ".join(searches)) > _SEARCH_CHARACTERS:
        text = f"must not have more than {_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        errors.append(invalid(where, searches, text))
    for position, search in enumerate(searches):
        # A lone dot searches the root only; service names that programs look up may hold underscores.
        if search != "." and names.dns_subdomain(search.removesuffix(".").replace("_", "a")):
            errors += check.obeys(where.index(position), search, names.dns_subdomain)
    for position, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            errors.append(required(path.child("options").index(position), "must not be empty"))
    return errors


def _host_aliases(path: Path, spec: Spec) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, alias in enumerate(spec.get("hostAliases") or ()):
        where = path.index(position)
        errors += check.obeys(where.child("ip"), alias.get("ip") or "", names.ip_address)
        for i, host in enumerate(alias.get("hostnames") or ()):
            errors += check.obeys(where.child("hostnames").index(i), host, names.dns_subdomain)
    return errors
