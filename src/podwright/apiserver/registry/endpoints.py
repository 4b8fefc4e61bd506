"""What is special about Endpoints, the older list of the addresses behind a Service.

Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, required
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, NONE, first_few
from podwright.apiserver.registry.service_validation import not_of_this_host
from podwright.apiserver.registry.strategy import Column, Strategy


def _shown(endpoints: Object, now: float) -> str:
    shown: list[str] = []
    for subset in endpoints.get("subsets") or ():
        addresses = [a.get("ip") or "" for a in subset.get("addresses") or ()]
        ports = subset.get("ports")
        shown += [_joined(ip, p.get("port")) for p in ports for ip in addresses] if ports else addresses
    return first_few(shown) or NONE


def _joined(ip: str, port: Any) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


class EndpointsStrategy(Strategy):
    """Endpoints; a PUT creates one that is not there."""

    columns = (NAME, Column("Endpoints", _shown, description="The ready addresses with their ports."), AGE)
    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """Ports are TCP."""
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port["protocol"] = port.get("protocol") or "TCP"

    def validate(self, obj: Object) -> list[FieldError]:
        """Addresses that can be reached, and ports that can be told apart."""
        errors: list[FieldError] = []
        for position, subset in enumerate(obj.get("subsets") or ()):
            where = Path("subsets").index(position)
            if not subset.get("addresses") and not subset.get("notReadyAddresses"):
                errors.append(required(where, "must specify `addresses` or `notReadyAddresses`"))
            for field in ("addresses", "notReadyAddresses"):
                for i, address in enumerate(subset.get(field) or ()):
                    ip, at = address.get("ip") or "", where.child(field).index(i).child("ip")
                    errors += check.obeys(at, ip, names.ip_address) or not_of_this_host(at, ip)
            errors += _ports(where.child("ports"), subset.get("ports") or ())
        return errors


def _ports(path: Path, ports: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, port in enumerate(ports):
        where, name = path.index(position), port.get("name") or ""
        if name:
            errors += check.obeys(where.child("name"), name, names.dns_label)
        elif len(ports) > 1:
            errors.append(required(where.child("name")))
        errors += check.port_number(where.child("port"), port.get("port") or 0)
        errors += check.one_of(where.child("protocol"), port.get("protocol"), ("SCTP", "TCP", "UDP"))
    return errors
