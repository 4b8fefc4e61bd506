"""EndpointSlices: the addresses behind every Service that selects Pods, for the proxy and the DNS server.

One slice for each IP family and set of ports, of a hundred endpoints at most; slices that are there are changed rather
than replaced. Run by `manager`.
Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Key, Object, metadata
from podwright.api.resources import ENDPOINT_SLICES, SERVICES
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.controllers.service_backends import (
    Backend,
    Port,
    backends,
    families_of,
    is_headless,
    is_selecting,
    publishes_not_ready,
)
from podwright.controllers.service_followers import ServiceFollower
from podwright.controllers.slice_writer import (
    MANAGED_BY,
    MAX_ENDPOINTS,
    SERVICE_NAME,
    kept_for,
    new_slice,
    reconcile,
    remove,
)

MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"


@dataclass(frozen=True, slots=True)
class Slice:
    """What one EndpointSlice is to say."""

    address_type: str
    ports: tuple[Port, ...]
    endpoints: tuple[Backend, ...]


def slices(service: Object, behind: Sequence[Backend]) -> list[Slice]:
    """The slices that a Service is to have: at least one for each IP family, an empty one if need be."""
    wanted = []
    for family in families_of(service):
        groups: dict[tuple[Port, ...], list[Backend]] = defaultdict(list)
        for backend in behind:
            if backend.address_of(family):
                groups[backend.ports].append(backend)
        for ports, members in sorted(groups.items(), key=str) or [((), [])]:
            wanted += [
                Slice(family, ports, tuple(members[start : start + MAX_ENDPOINTS]))
                for start in range(0, max(1, len(members)), MAX_ENDPOINTS)
            ]
    return wanted


def slice_body(service: Object, wanted: Slice) -> dict[str, Any]:
    """An EndpointSlice without its name."""
    published = publishes_not_ready(service)
    labels = {name: value for name, value in (metadata(service).get("labels") or {}).items() if name != HEADLESS}
    if is_headless(service):
        labels[HEADLESS] = ""
    return new_slice(
        service,
        SERVICES,
        MANAGER,
        labels=labels,
        family=wanted.address_type,
        endpoints=[_endpoint(backend, wanted.address_type, published) for backend in wanted.endpoints],
        ports=[_port(port) for port in wanted.ports],
    )


def _endpoint(backend: Backend, family: str, published: bool) -> dict[str, Any]:
    endpoint: dict[str, Any] = {
        "addresses": [backend.address_of(family)],
        "conditions": {
            "ready": published or (backend.serving and not backend.terminating),
            "serving": backend.serving,
            "terminating": backend.terminating,
        },
        "targetRef": backend.target(),
    }
    if backend.hostname:
        endpoint["hostname"] = backend.hostname
    if backend.node:
        endpoint["nodeName"] = backend.node
    return endpoint


def _port(port: Port) -> dict[str, Any]:
    body: dict[str, Any] = {"name": port.name, "protocol": port.protocol, "port": port.number}
    return {**body, "appProtocol": port.app_protocol} if port.app_protocol else body


def service_of(endpoint_slice: Object) -> Key:
    """The Service that a slice of ours is about; no name for somebody else's."""
    return kept_for(endpoint_slice, MANAGER)


class EndpointSlices:
    """Keeps the slices of all Services."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._follower = ServiceFollower(informers, ENDPOINT_SLICES, service_of)

    async def run(self) -> None:
        """Keep them right until cancelled."""
        await self._follower.run(self._sync)

    async def _sync(self, key: Key) -> None:
        service = self._follower.services.by_key(key)
        present = [s for s in self._follower.written.items() if service_of(s) == key]
        if service is None or not is_selecting(service):
            # Of a Service that is gone they are garbage; of one that no longer selects they stay as they are.
            await remove(self._client, present if service is None else ())
            return
        wanted = [slice_body(service, one) for one in slices(service, backends(service, self._follower.pods.items()))]
        selector = f"{SERVICE_NAME}={key.name},{MANAGED_BY}={MANAGER}"
        await reconcile(self._client, wanted, present, selector, key.namespace)
