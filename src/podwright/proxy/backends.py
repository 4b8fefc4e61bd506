"""Which endpoints a port of a Service leads to at this moment. Pure; called by `rules`.

Source: https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-to-terminating-endpoints
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from podwright.api.objects import Object


class Target(NamedTuple):
    """Where a connection ends: an IPv4 address and a port."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class Backends:
    """`everywhere`: all endpoints that take traffic; `here`: those on this node."""

    everywhere: tuple[Target, ...] = ()
    here: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class _Endpoint:
    target: Target
    ready: bool
    lingering: bool
    """It is being deleted and still serves."""
    here: bool


def ipv4(text: Any) -> str:
    """An IPv4 address in its one spelling. Raises ValueError."""
    return str(ipaddress.IPv4Address(text))


def backends(slices: Iterable[Object], port_name: str, protocol: str, node: str) -> Backends:
    """The endpoints behind the port `port_name` of a Service. Raises ValueError for an address that is none."""
    found = {e.target: e for s in slices for e in _endpoints(s, port_name, protocol, node)}
    endpoints = [found[target] for target in sorted(found)]
    return Backends(_chosen(endpoints), _chosen([e for e in endpoints if e.here]))


def _chosen(endpoints: list[_Endpoint]) -> tuple[Target, ...]:
    """The ready ones; when all that is left is on its way out, what still serves, so that no request is lost."""
    return tuple(e.target for e in endpoints if e.ready) or tuple(e.target for e in endpoints if e.lingering)


def _endpoints(endpoint_slice: Object, port_name: str, protocol: str, node: str) -> Iterable[_Endpoint]:
    if endpoint_slice.get("addressType") != "IPv4":
        return
    for port in endpoint_slice.get("ports") or ():
        same = (port.get("name") or "") == port_name and (port.get("protocol") or "TCP").lower() == protocol
        if not same or not port.get("port"):
            continue
        for endpoint in endpoint_slice.get("endpoints") or ():
            conditions = endpoint.get("conditions") or {}
            # not said means ready, and serving follows ready
            ready = conditions.get("ready") is not False
            serving = ready if conditions.get("serving") is None else bool(conditions.get("serving"))
            # all addresses of an endpoint are the same Pod, so the first one will do
            for address in (endpoint.get("addresses") or ())[:1]:
                yield _Endpoint(
                    Target(ipv4(address), int(port["port"])),
                    ready=ready,
                    lingering=serving and bool(conditions.get("terminating")),
                    here=bool(node) and endpoint.get("nodeName") == node,
                )
