"""Endpoints: the older form of what is behind a Service, for clients that still read it.

Run by `manager`. Source: https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from podwright.api.errors import AlreadyExists, NotFound
from podwright.api.objects import Key, Object, metadata, name_of, namespace_of
from podwright.api.resources import ENDPOINTS
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

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
HEADLESS = "service.kubernetes.io/headless"


def subsets(service: Object, behind: Sequence[Backend]) -> list[dict[str, Any]]:
    """The subsets: Pods with the same ports together, ready ones apart from others, only of the first IP family."""
    family, published = families_of(service)[0], publishes_not_ready(service)
    groups: dict[tuple[Port, ...], tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for backend in behind:
        if not backend.address_of(family) or (backend.terminating and not published):
            continue
        if not backend.ports and not is_headless(service):
            continue
        groups[backend.ports][not (published or backend.serving)].append(_address(backend, family))
    found = []
    for ports, (ready, not_ready) in sorted(groups.items(), key=lambda group: str(group[0])):
        parts = {"addresses": ready, "notReadyAddresses": not_ready, "ports": [_port(port) for port in ports]}
        found.append({name: part for name, part in parts.items() if part})
    return found


def _address(backend: Backend, family: str) -> dict[str, Any]:
    address: dict[str, Any] = {"ip": backend.address_of(family), "targetRef": backend.target()}
    if backend.hostname:
        address["hostname"] = backend.hostname
    if backend.node:
        address["nodeName"] = backend.node
    return address


def _port(port: Port) -> dict[str, Any]:
    body: dict[str, Any] = {"port": port.number, "protocol": port.protocol}
    if port.name:
        body["name"] = port.name
    if port.app_protocol:
        body["appProtocol"] = port.app_protocol
    return body


def service_of(endpoints: Object) -> Key:
    """Endpoints have the name of their Service; no name for what is not managed here."""
    ours = (metadata(endpoints).get("labels") or {}).get(MANAGED_BY) == MANAGER
    return Key(namespace_of(endpoints), name_of(endpoints) if ours else "")


class EndpointsOfServices:
    """Keeps the Endpoints of all Services that select Pods."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._follower = ServiceFollower(informers, ENDPOINTS, service_of)

    async def run(self) -> None:
        """Keep them right until cancelled."""
        await self._follower.run(self._sync)

    async def _sync(self, key: Key) -> None:
        service = self._follower.services.by_key(key)
        current = self._follower.written.by_key(key)
        if service is None:
            if current is not None and service_of(current) == key:
                await self._delete(key)
            return
        if not is_selecting(service):
            return
        labels = {**(metadata(service).get("labels") or {}), MANAGED_BY: MANAGER}
        labels.pop(HEADLESS, None)
        if is_headless(service):
            labels[HEADLESS] = ""
        wanted = subsets(service, backends(service, self._follower.pods.items()))
        if current is None:
            await self._create(key, labels, wanted)
        elif (current.get("subsets") or [], metadata(current).get("labels")) != (wanted, labels):
            meta = {**current["metadata"], "labels": labels}
            await self._client.update(ENDPOINTS, {**current, "metadata": meta, "subsets": wanted})

    async def _create(self, key: Key, labels: dict[str, str], wanted: list[dict[str, Any]]) -> None:
        body = {
            "apiVersion": ENDPOINTS.api_version,
            "kind": ENDPOINTS.kind,
            "metadata": {"name": key.name, "namespace": key.namespace, "labels": labels},
            "subsets": wanted,
        }
        try:
            await self._client.create(ENDPOINTS, body, key.namespace)
        except AlreadyExists:
            # Not seen yet; its coming into view brings the Service back here.
            return

    async def _delete(self, key: Key) -> None:
        try:
            await self._client.delete(ENDPOINTS, key.name, key.namespace)
        except NotFound:
            return
