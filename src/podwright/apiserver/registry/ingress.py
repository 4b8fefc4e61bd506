"""What is special about Ingresses: what they say of hosts and paths is checked and kept.

No Ingress is carried out by this server, as by no kube-apiserver: a controller that runs in a Pod does that. kubectl's
`apply --prune` asks every server for them. Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, not_supported, required
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, NONE, at, first_few
from podwright.apiserver.registry.strategy import Column, Strategy

_PATH_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATHS: Final = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_THEIR_END: Final = ("/..", "/.")
_ABSOLUTE: Final = "must be an absolute path"


def _hosts(ingress: Object, now: float) -> str:
    hosts = [rule["host"] for rule in (ingress.get("spec") or {}).get("rules") or () if rule.get("host")]
    return first_few(hosts) if hosts else "*"


def _address(ingress: Object, now: float) -> str:
    balancer = (ingress.get("status") or {}).get("loadBalancer") or {}
    return ",".join(place.get("ip") or place.get("hostname") or "" for place in balancer.get("ingress") or ())


def _ports(ingress: Object, now: float) -> str:
    return "80, 443" if (ingress.get("spec") or {}).get("tls") else "80"


class IngressStrategy(Strategy):
    """Ingresses."""

    status_subresource = True
    has_generation = True
    columns = (
        NAME,
        Column("Class", at("spec", "ingressClassName", absent=NONE), description="Whose controller carries it out."),
        Column("Hosts", _hosts, description="The hosts that it is for."),
        Column("Address", _address, description="Where it is reached."),
        Column("Ports", _ports, description="The ports it is reached at."),
        AGE,
    )

    def validate(self, obj: Object) -> list[FieldError]:
        """Rules, backends and certificates."""
        path, spec = Path("spec"), obj.get("spec") or {}
        rules, default = spec.get("rules") or (), spec.get("defaultBackend")
        errors: list[FieldError] = []
        if not rules and default is None:
            errors.append(invalid(path, [], "either `defaultBackend` or `rules` must be specified"))
        if default is not None:
            errors += _backend(path.child("defaultBackend"), default)
        for position, rule in enumerate(rules):
            errors += _rule(path.child("rules").index(position), rule)
        for position, tls in enumerate(spec.get("tls") or ()):
            errors += _tls(path.child("tls").index(position), tls)
        if spec.get("ingressClassName") is not None:
            errors += check.obeys(path.child("ingressClassName"), spec["ingressClassName"], names.dns_subdomain)
        return errors


def _host(path: Path, host: str) -> list[FieldError]:
    if "*" not in host:
        return check.obeys(path, host, names.dns_subdomain)
    if not host.startswith("*."):
        text = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain"
        return [invalid(path, host, text)]
    return [invalid(path, host, text) for text in names.dns_subdomain(host[2:])]


def _rule(path: Path, rule: Mapping[str, Any]) -> list[FieldError]:
    host, errors = rule.get("host") or "", []
    if host and not names.ip_address(host):
        errors.append(invalid(path.child("host"), host, "must be a DNS name, not an IP address"))
    elif host:
        errors += _host(path.child("host"), host)
    http = rule.get("http")
    if http is None:
        return errors
    where = path.child("http").child("paths")
    if not http.get("paths"):
        errors.append(required(where))
    for position, one in enumerate(http.get("paths") or ()):
        errors += _path(where.index(position), one)
    return errors


def _path(where: Path, one: Mapping[str, Any]) -> list[FieldError]:
    kind, text = one.get("pathType"), one.get("path") or ""
    errors: list[FieldError] = []
    at_path = where.child("path")
    if kind is None:
        errors.append(required(where.child("pathType"), "pathType must be specified"))
    elif kind not in _PATH_TYPES:
        errors.append(not_supported(where.child("pathType"), kind, _PATH_TYPES))
    elif kind == "ImplementationSpecific":
        errors += [invalid(at_path, text, _ABSOLUTE)] if text and not text.startswith("/") else []
    else:
        if not text.startswith("/"):
            errors.append(invalid(at_path, text, _ABSOLUTE))
        errors += [invalid(at_path, text, f"must not contain '{part}'") for part in _NOT_IN_PATHS if part in text]
        errors += [invalid(at_path, text, f"cannot end with '{p}'") for p in _NOT_AT_THEIR_END if text.endswith(p)]
    return errors + _backend(where.child("backend"), one.get("backend") or {})


def _backend(path: Path, backend: Mapping[str, Any]) -> list[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        return [invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        where = path.child("resource")
        return [required(where.child(field)) for field in ("kind", "name") if not resource.get(field)]
    if service is None:
        return [invalid(path, "", "resource or service backend is required")]
    where, port = path.child("service"), service.get("port") or {}
    errors = check.name(where.child("name"), service.get("name"), names.dns1035_label)
    if port.get("name") and port.get("number"):
        errors.append(invalid(path, "", "cannot set both port name & port number"))
    elif port.get("name"):
        errors += check.obeys(where.child("port", "name"), port["name"], names.port_name)
    elif port.get("number"):
        errors += check.port_number(where.child("port", "number"), port["number"])
    else:
        errors.append(required(path, "port name or number is required"))
    return errors


def _tls(path: Path, tls: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, host in enumerate(tls.get("hosts") or ()):
        errors += _host(path.child("hosts").index(position), host)
    if tls.get("secretName"):
        errors += check.obeys(path.child("secretName"), tls["secretName"], names.dns_subdomain)
    return errors
