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

from podwright.api.errors import NotFound
from podwright.api.objects import Key, Object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import ENDPOINT_SLICES
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

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
MAX_ENDPOINTS = 100


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
    labels = {
        **(metadata(service).get("labels") or {}),
        SERVICE_NAME: name_of(service),
        MANAGED_BY: MANAGER,
        **({HEADLESS: ""} if is_headless(service) else {}),
    }
    owner = {
        "apiVersion": "v1",
        "kind": "Service",
        "name": name_of(service),
        "uid": uid_of(service),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {"namespace": namespace_of(service), "labels": labels, "ownerReferences": [owner]},
        "addressType": wanted.address_type,
        "endpoints": [_endpoint(backend, wanted.address_type, published) for backend in wanted.endpoints],
        "ports": [_port(port) for port in wanted.ports],
    }


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
    labels = metadata(endpoint_slice).get("labels") or {}
    ours = labels.get(MANAGED_BY) == MANAGER
    return Key(namespace_of(endpoint_slice), labels.get(SERVICE_NAME, "") if ours else "")


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
            for endpoint_slice in present if service is None else ():
                await self._delete(endpoint_slice)
            return
        wanted = [slice_body(service, one) for one in slices(service, backends(service, self._follower.pods.items()))]
        if not _differ(wanted, present):
            return
        # What was written a moment ago may not have been seen yet, and must not be written a second time.
        selector = f"{SERVICE_NAME}={key.name},{MANAGED_BY}={MANAGER}"
        listed = await self._client.list(ENDPOINT_SLICES, key.namespace, label_selector=selector)
        await self._write(wanted, listed.items)

    async def _write(self, wanted: Sequence[Object], present: Sequence[Object]) -> None:
        """Create, change and delete until what is present is what is wanted, changing as few as possible."""
        left = list(present)
        missing = []
        for body in wanted:
            same = next((s for s in left if _content(s) == _content(body)), None)
            if same is None:
                missing.append(body)
            else:
                left.remove(same)
        for body in missing:
            reusable = next((s for s in left if s.get("addressType") == body["addressType"]), None)
            if reusable is None:
                name = f"{body['metadata']['labels'][SERVICE_NAME]}-"
                await self._client.create(
                    ENDPOINT_SLICES,
                    {**body, "metadata": {**body["metadata"], "generateName": name}},
                    body["metadata"]["namespace"],
                )
            else:
                left.remove(reusable)
                changed = {**reusable["metadata"], **body["metadata"]}
                await self._client.update(ENDPOINT_SLICES, {**body, "metadata": changed})
        for surplus in left:
            await self._delete(surplus)

    async def _delete(self, endpoint_slice: Object) -> None:
        try:
            await self._client.delete(ENDPOINT_SLICES, name_of(endpoint_slice), namespace_of(endpoint_slice))
        except NotFound:
            return


def _differ(wanted: Sequence[Object], present: Sequence[Object]) -> bool:
    return sorted(map(str, map(_content, wanted))) != sorted(map(str, map(_content, present)))


def _content(endpoint_slice: Object) -> object:
    """What a slice says, however a server writes what is empty."""
    return (
        endpoint_slice.get("addressType"),
        endpoint_slice.get("endpoints") or [],
        endpoint_slice.get("ports") or [],
        metadata(endpoint_slice).get("labels"),
    )
