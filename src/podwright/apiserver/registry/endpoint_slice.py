"""What is special about EndpointSlices: addresses of one type, and limits on how many a slice holds.

Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, invalid, required, too_many
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at, first_few
from podwright.apiserver.registry.service_validation import not_of_this_host
from podwright.apiserver.registry.strategy import Column, Strategy

_TYPES = ("FQDN", "IPv4", "IPv6")
_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS = 1000, 100, 20000
_UNSET = "<unset>"


def _ports(piece: Object, now: float) -> str:
    return first_few([str(p["port"]) if p.get("port") else "*" for p in piece.get("ports") or ()]) or _UNSET


def _endpoints(piece: Object, now: float) -> str:
    return first_few([a for e in piece.get("endpoints") or () for a in e.get("addresses") or ()]) or _UNSET


class EndpointSliceStrategy(Strategy):
    """EndpointSlices."""

    columns = (
        NAME,
        Column("AddressType", at("addressType"), description="What its addresses are."),
        Column("Ports", _ports, description="The ports that each endpoint offers."),
        Column("Endpoints", _endpoints, description="The addresses."),
        AGE,
    )
    has_generation = True

    def default(self, obj: Object) -> None:
        """Ports are TCP, and nameless where there is one."""
        for port in obj.get("ports") or ():
            port["protocol"] = port.get("protocol") or "TCP"
            if port.get("name") is None:
                port["name"] = ""

    def validate(self, obj: Object) -> list[FieldError]:
        """Type, addresses and ports."""
        kind = obj.get("addressType")
        errors = check.one_of(Path("addressType"), kind, _TYPES)
        endpoints, ports = obj.get("endpoints") or (), obj.get("ports") or ()
        if len(endpoints) > _MAX_ENDPOINTS:
            return [*errors, too_many(Path("endpoints"), len(endpoints), _MAX_ENDPOINTS)]
        for position, endpoint in enumerate(endpoints):
            errors += _endpoint(Path("endpoints").index(position), endpoint, kind)
        if len(ports) > _MAX_PORTS:
            return [*errors, too_many(Path("ports"), len(ports), _MAX_PORTS)]
        taken: set[str] = set()
        for position, port in enumerate(ports):
            where, name = Path("ports").index(position), port.get("name") or ""
            if name:
                errors += check.obeys(where.child("name"), name, names.dns_label)
            if name in taken:
                errors.append(duplicate(where.child("name"), name))
            taken.add(name)
            errors += check.one_of(where.child("protocol"), port.get("protocol"), ("SCTP", "TCP", "UDP"))
            if port.get("appProtocol"):
                errors += check.obeys(where.child("appProtocol"), port["appProtocol"], names.qualified_name)
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """The type of addresses stays."""
        where = Path("addressType")
        return self.validate(obj) + check.unchanged(where, obj.get("addressType"), old.get("addressType"))


def _endpoint(path: Path, endpoint: Mapping[str, Any], kind: str | None) -> list[FieldError]:
    where, addresses = path.child("addresses"), endpoint.get("addresses") or ()
    if not addresses:
        return [required(where, "must contain at least 1 address")]
    if len(addresses) > _MAX_ADDRESSES:
        return [too_many(where, len(addresses), _MAX_ADDRESSES)]
    errors: list[FieldError] = []
    for position, address in enumerate(addresses):
        errors += _address(where.index(position), address, kind)
    if endpoint.get("hostname"):
        errors += check.obeys(path.child("hostname"), endpoint["hostname"], names.dns_label)
    if endpoint.get("nodeName"):
        errors += check.obeys(path.child("nodeName"), endpoint["nodeName"], names.dns_subdomain)
    return errors


def _address(path: Path, address: str, kind: str | None) -> list[FieldError]:
    if kind == "FQDN":
        return check.obeys(path, address.removesuffix("."), names.dns_subdomain)
    if kind not in ("IPv4", "IPv6"):
        return []  # the type itself is wrong
    wrong = check.obeys(path, address, names.ip_address)
    if wrong:
        return wrong
    if f"IPv{ipaddress.ip_address(address).version}" != kind:
        return [invalid(path, address, f"must be an {kind} address")]
    return not_of_this_host(path, address)
