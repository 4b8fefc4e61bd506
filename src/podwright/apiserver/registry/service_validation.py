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
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_FAMILIES = ("IPv4", "IPv6")
_OF_BALANCERS = "may only be used when `type` is 'LoadBalancer'"
NONE = "None"


def externally_accessible(spec: Mapping[str, Any]) -> bool:
    """Whether the Service has a way in from outside."""
    kind = spec.get("type")
    return kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def has_health_port(spec: Mapping[str, Any]) -> bool:
    """Whether a load balancer has to ask each node if it has endpoints of the Service."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


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
    return errors + _traffic(spec) + _families(spec) + _balancer(spec)


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
    if spec.get("type") == was.get("type") == "LoadBalancer":
        chosen = spec.get("loadBalancerClass")
        if chosen != was.get("loadBalancerClass"):
            errors.append(invalid(_SPEC.child("loadBalancerClass"), chosen, "may not change once set"))
    if has_health_port(spec) and has_health_port(was) and was.get("healthCheckNodePort"):
        where = _SPEC.child("healthCheckNodePort")
        errors += check.unchanged(where, spec.get("healthCheckNodePort"), was["healthCheckNodePort"])
    return errors + validate_service(service)


def validate_service_status(service: Object) -> list[FieldError]:
    """Errors of what a load balancer says of itself."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    path = Path("status").child("loadBalancer", "ingress")
    if ingress and (service.get("spec") or {}).get("type") != "LoadBalancer":
        return [forbidden(path, 'may only be used when `spec.type` is "LoadBalancer"')]
    errors: list[FieldError] = []
    for position, one in enumerate(ingress):
        where, mode = path.index(position), one.get("ipMode")
        if one.get("ip"):
            errors += check.obeys(where.child("ip"), one["ip"], names.ip_address)
            errors += check.optional_one_of(where.child("ipMode"), mode, ("Proxy", "VIP"))
        elif mode is not None:
            errors.append(forbidden(where.child("ipMode"), "may not be specified when `ip` is not set"))
        if one.get("hostname"):
            errors += check.obeys(where.child("hostname"), one["hostname"], names.dns_subdomain)
            if not names.ip_address(one["hostname"]):
                text = "must be a DNS name, not an IP address"
                errors.append(invalid(where.child("hostname"), one["hostname"], text))
    return errors


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
    where = _SPEC.child("externalTrafficPolicy")
    if external and not externally_accessible(spec):
        errors.append(invalid(where, external, "may only be set for externally-accessible services"))
    else:
        errors += check.optional_one_of(where, external, _POLICIES)
    port = spec.get("healthCheckNodePort")
    if port and not has_health_port(spec):
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(invalid(_SPEC.child("healthCheckNodePort"), port, text))
    distribution = spec.get("trafficDistribution")
    return errors + check.optional_one_of(_SPEC.child("trafficDistribution"), distribution, _DISTRIBUTIONS)


def _families(spec: Mapping[str, Any]) -> list[FieldError]:
    policy, families = spec.get("ipFamilyPolicy"), spec.get("ipFamilies") or ()
    where, at_policy = _SPEC.child("ipFamilies"), _SPEC.child("ipFamilyPolicy")
    if spec.get("type") == "ExternalName":
        text = "may not be set for ExternalName services"
        return [forbidden(path, text) for path, given in ((at_policy, policy), (where, families)) if given]
    errors = check.optional_one_of(at_policy, policy, ("SingleStack", "PreferDualStack", "RequireDualStack"))
    for position, family in enumerate(families):
        errors += check.optional_one_of(where.index(position), family, _FAMILIES)
        if family in families[:position]:
            errors.append(duplicate(where.index(position), family))
    several = "IP families" if len(families) > 1 else "cluster IPs" if len(spec.get("clusterIPs") or ()) > 1 else ""
    if several and policy == "SingleStack":
        text = f"must be RequireDualStack or PreferDualStack when multiple {several} are specified"
        errors.append(invalid(at_policy, policy, text))
    return errors


def _balancer(spec: Mapping[str, Any]) -> list[FieldError]:
    """Of what only load balancers have."""
    fields, ranges = ("allocateLoadBalancerNodePorts", "loadBalancerClass"), spec.get("loadBalancerSourceRanges")
    at_ranges = _SPEC.child("loadBalancerSourceRanges")
    if spec.get("type") != "LoadBalancer":
        errors = [forbidden(_SPEC.child(field), _OF_BALANCERS) for field in fields if spec.get(field) is not None]
        return [*errors, forbidden(at_ranges, _OF_BALANCERS)] if ranges else errors
    errors = []
    if spec.get("loadBalancerClass") is not None:
        errors += check.obeys(_SPEC.child("loadBalancerClass"), spec["loadBalancerClass"], names.qualified_name)
    for position, text in enumerate(ranges or ()):
        try:
            ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            wrong = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            errors.append(invalid(at_ranges.index(position), text, wrong))
    return errors
