"""What is wrong with a Service.

Called by `service.py`. Page: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, required
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check

_SPEC = Path("spec")
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_POLICIES = ("Cluster", "Local")
_LONGEST_AFFINITY = 86400
NONE = "None"


def validate_service(service: Object) -> list[FieldError]:
    """Errors of a new Service, or of a changed one by itself."""
    spec = service.get("spec") or {}
    kind, headless = spec.get("type"), NONE in (spec.get("clusterIPs") or ())
    errors = check.one_of(_SPEC.child("type"), kind, _TYPES)
    if not spec.get("ports") and not headless and kind != "ExternalName":
        errors.append(required(_SPEC.child("ports")))
    errors += _cluster_ips(spec)
    if kind == "ExternalName":
        host = (spec.get("externalName") or "").removesuffix(".")
        errors += check.name(_SPEC.child("externalName"), host, names.dns_subdomain)
    if headless and kind in ("LoadBalancer", "NodePort"):
        text = f"may not be set to 'None' for {kind} services"
        errors.append(invalid(_SPEC.child("clusterIPs").index(0), NONE, text))
    errors += _ports(_SPEC.child("ports"), spec.get("ports") or (), kind)
    errors += check.labels(_SPEC.child("selector"), spec.get("selector"))
    errors += check.one_of(_SPEC.child("sessionAffinity"), spec.get("sessionAffinity"), ("ClientIP", "None"))
    errors += _affinity(_SPEC.child("sessionAffinityConfig"), spec)
    errors += _external_ips(_SPEC.child("externalIPs"), spec.get("externalIPs") or ())
    return errors + _traffic(spec)


def validate_service_update(service: Object, old: Object) -> list[FieldError]:
    """Errors of a changed Service: an address that was handed out stays."""
    spec, was = service.get("spec") or {}, old.get("spec") or {}
    errors: list[FieldError] = []
    if "ExternalName" not in (spec.get("type"), was.get("type")):
        before, after = was.get("clusterIPs") or [], spec.get("clusterIPs") or []
        where = _SPEC.child("clusterIPs").index(0)
        if before and not after:
            errors.append(invalid(where, after, "primary clusterIP can not be unset"))
        elif before and before[0] != after[0]:
            errors.append(invalid(where, after, "may not change once set"))
    return errors + validate_service(service)


def _cluster_ips(spec: Mapping[str, Any]) -> list[FieldError]:
    addresses, where = spec.get("clusterIPs") or [], _SPEC.child("clusterIPs")
    if spec.get("type") == "ExternalName":
        errors = []
        if addresses:
            errors.append(forbidden(where, "may not be set for ExternalName services"))
        elif spec.get("clusterIP"):
            errors.append(forbidden(_SPEC.child("clusterIP"), "may not be set for ExternalName services"))
        return errors
    if spec.get("clusterIP") and addresses and addresses[0] != spec["clusterIP"]:
        return [invalid(where, addresses, "first value must match `clusterIP`")]
    if NONE in addresses:
        text = "must not be set to any other value once `None` was set"
        return [invalid(where.index(0), addresses[0], text)] if len(addresses) > 1 else []
    if len(addresses) > 2:
        return [invalid(where, addresses, "may only hold up to 2 values")]
    return [e for i, address in enumerate(addresses) for e in check.obeys(where.index(i), address, names.ip_address)]


def _ports(path: Path, ports: Sequence[Mapping[str, Any]], kind: str | None) -> list[FieldError]:
    errors: list[FieldError] = []
    taken: set[str] = set()
    sockets: set[tuple[Any, Any]] = set()
    node_sockets: set[tuple[Any, Any]] = set()
    for position, port in enumerate(ports):
        where, name = path.index(position), port.get("name") or ""
        if not name:
            if len(ports) > 1:
                errors.append(required(where.child("name")))
        else:
            errors += check.obeys(where.child("name"), name, names.dns_label)
            if name in taken:
                errors.append(duplicate(where.child("name"), name))
            taken.add(name)
        errors += check.port_number(where.child("port"), port.get("port") or 0)
        errors += check.one_of(where.child("protocol"), port.get("protocol"), ("SCTP", "TCP", "UDP"))
        target = port.get("targetPort")
        if isinstance(target, str):
            errors += check.obeys(where.child("targetPort"), target, names.port_name)
        elif target is not None:
            errors += check.port_number(where.child("targetPort"), target)
        if port.get("appProtocol"):
            errors += check.obeys(where.child("appProtocol"), port["appProtocol"], names.qualified_name)
        socket = (port.get("protocol"), port.get("port"))
        if socket in sockets:
            errors.append(duplicate(where, {"protocol": socket[0], "port": socket[1]}))
        sockets.add(socket)
        if port.get("nodePort"):
            errors += _node_port(where.child("nodePort"), port, kind, node_sockets)
    return errors


def _node_port(path: Path, port: Mapping[str, Any], kind: str | None, taken: set[tuple[Any, Any]]) -> list[FieldError]:
    if kind not in ("NodePort", "LoadBalancer"):
        return [forbidden(path, f"may not be used when `type` is '{kind}'")]
    errors = check.port_number(path, port["nodePort"])
    socket = (port.get("protocol"), port["nodePort"])
    if socket in taken:
        errors.append(duplicate(path, port["nodePort"]))
    taken.add(socket)
    return errors


def _affinity(path: Path, spec: Mapping[str, Any]) -> list[FieldError]:
    config = spec.get("sessionAffinityConfig")
    if config is None:
        return []
    if spec.get("sessionAffinity") != "ClientIP":
        return [forbidden(path, "must not be set when session affinity is None")]
    seconds = (config.get("clientIP") or {}).get("timeoutSeconds")
    where = path.child("clientIP").child("timeoutSeconds")
    if seconds is None:
        return [required(where, "must be provided when session affinity is ClientIP")]
    good = 0 < seconds <= _LONGEST_AFFINITY
    text = f"must be greater than 0 and less than {_LONGEST_AFFINITY}"
    return [] if good else [invalid(where, seconds, text)]


def _external_ips(path: Path, addresses: Sequence[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, address in enumerate(addresses):
        wrong = check.obeys(path.index(position), address, names.ip_address)
        errors += wrong or not_of_this_host(path.index(position), address)
    return errors


def not_of_this_host(path: Path, text: str) -> list[FieldError]:
    """What is wrong with an address that traffic from elsewhere must reach."""
    address = ipaddress.ip_address(text)
    errors: list[FieldError] = []
    if address.is_unspecified:
        errors.append(invalid(path, text, f"may not be unspecified ({text})"))
    if address.is_loopback:
        errors.append(invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
    if address.is_link_local:
        errors.append(invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"))
    if address.is_multicast and (address.version == 6 or address in ipaddress.ip_network("224.0.0.0/24")):
        errors.append(invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"))
    return errors


def _traffic(spec: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    internal, external = spec.get("internalTrafficPolicy"), spec.get("externalTrafficPolicy")
    errors += check.optional_one_of(_SPEC.child("internalTrafficPolicy"), internal, _POLICIES)
    reachable = spec.get("type") in ("NodePort", "LoadBalancer") or (
        spec.get("type") == "ClusterIP" and spec.get("externalIPs")
    )
    where = _SPEC.child("externalTrafficPolicy")
    if external and not reachable:
        errors.append(invalid(where, external, "may only be set for externally-accessible services"))
    else:
        errors += check.optional_one_of(where, external, _POLICIES)
    words = ("SingleStack", "PreferDualStack", "RequireDualStack")
    errors += check.optional_one_of(_SPEC.child("ipFamilyPolicy"), spec.get("ipFamilyPolicy"), words)
    for position, family in enumerate(spec.get("ipFamilies") or ()):
        errors += check.optional_one_of(_SPEC.child("ipFamilies").index(position), family, ("IPv4", "IPv6"))
    return errors
