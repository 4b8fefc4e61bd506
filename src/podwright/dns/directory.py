"""What names there are: an index over Services, EndpointSlices and Namespaces as the API shows them.

Kept by handlers that note and return; read by `records`. It holds the informers' objects, no copies.
Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Key, Object, key_of, metadata, namespace_of

SERVICE_NAME_LABEL = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready endpoint: its address, and the label under which the Service has it."""

    ip: str
    label: str
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Port:
    """A named port, as SRV records have it; `protocol` is `tcp`, `udp` or `sctp`."""

    name: str
    protocol: str
    number: int


class Directory:
    """The names of the cluster; its three handlers are for informers."""

    def __init__(self) -> None:
        self._namespaces: set[str] = set()
        self._services: dict[Key, Object] = {}
        self._slices: dict[Key, dict[Key, Object]] = {}
        self._by_ip: dict[str, dict[Key, None]] = {}

    def namespace_changed(self, old: Object | None, new: Object | None) -> None:
        """Handler for Namespaces."""
        name = key_of(new or old or {}).name
        (self._namespaces.discard if new is None else self._namespaces.add)(name)

    def service_changed(self, old: Object | None, new: Object | None) -> None:
        """Handler for Services."""
        key = key_of(new or old or {})
        if (before := self._services.pop(key, None)) is not None:
            self._unindex(key, _cluster_ips(before))
        if new is not None:
            self._services[key] = new
            self._index(key, _cluster_ips(new))

    def slice_changed(self, old: Object | None, new: Object | None) -> None:
        """Handler for EndpointSlices."""
        for obj, there in ((old, False), (new, True)):
            service = _service_of(obj)
            if obj is None or service is None:
                continue
            slices = self._slices.setdefault(service, {})
            if there:
                slices[key_of(obj)] = obj
                self._index(service, _addresses(obj))
            else:
                slices.pop(key_of(obj), None)
                still = {ip for other in slices.values() for ip in _addresses(other)}
                self._unindex(service, set(_addresses(obj)) - still)
            if not slices:
                del self._slices[service]

    def has_namespace(self, name: str) -> bool:
        """Whether there is such a namespace."""
        return name in self._namespaces

    def service(self, namespace: str, name: str) -> Object | None:
        """A Service."""
        return self._services.get(Key(namespace, name))

    def endpoints(self, namespace: str, name: str) -> list[Endpoint]:
        """The ready endpoints of a Service, by address."""
        found = {}
        for endpoint_slice in self._slices.get(Key(namespace, name), {}).values():
            if endpoint_slice.get("addressType") == "IPv4":
                ports = tuple(ports_of(endpoint_slice.get("ports") or ()))
                for endpoint in endpoint_slice.get("endpoints") or ():
                    if (endpoint.get("conditions") or {}).get("ready") is not False:
                        for ip in (endpoint.get("addresses") or ())[:1]:
                            label = (endpoint.get("hostname") or ip.replace(".", "-")).lower()
                            found[ip, label, ports] = Endpoint(ip, label, ports)
        return [found[key] for key in sorted(found, key=lambda key: key[:2])]

    def services_at(self, ip: str) -> Iterable[Key]:
        """The Services that have this address, or an endpoint with it."""
        return self._by_ip.get(ip, {})

    def _index(self, service: Key, ips: Iterable[str]) -> None:
        for ip in ips:
            self._by_ip.setdefault(ip, {})[service] = None

    def _unindex(self, service: Key, ips: Iterable[str]) -> None:
        for ip in ips:
            if (services := self._by_ip.get(ip)) is not None:
                services.pop(service, None)
                if not services:
                    del self._by_ip[ip]


def ports_of(ports: Iterable[Any]) -> Iterator[Port]:
    """The named ports of a Service or an EndpointSlice."""
    for port in ports:
        if port.get("name") and port.get("port"):
            yield Port(port["name"].lower(), (port.get("protocol") or "TCP").lower(), int(port["port"]))


def cluster_ip_of(service: Object) -> str:
    """The Service's IPv4 cluster IP; "" when it has none of its own."""
    return next(iter(_cluster_ips(service)), "")


def _cluster_ips(service: Object) -> list[str]:
    spec = service.get("spec") or {}
    given = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    return [ip for ip in given if ip not in ("", "None") and ":" not in ip]


def _service_of(endpoint_slice: Object | None) -> Key | None:
    if endpoint_slice is None:
        return None
    name = (metadata(endpoint_slice).get("labels") or {}).get(SERVICE_NAME_LABEL)
    return Key(namespace_of(endpoint_slice), name) if name else None


def _addresses(endpoint_slice: Object) -> Iterator[str]:
    for endpoint in endpoint_slice.get("endpoints") or ():
        yield from (endpoint.get("addresses") or ())[:1]
