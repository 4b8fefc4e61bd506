"""EndpointSlices of Endpoints that somebody wrote by hand for a Service without a selector.

Proxy and DNS read slices only, so it is by these that such Endpoints lead anywhere. Run by `manager`.
Source: https://kubernetes.io/docs/concepts/services-networking/service/#endpointslice-mirroring
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.objects import Key, Object, key_of, metadata
from podwright.api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.service_backends import family_of
from podwright.controllers.slice_writer import MANAGED_BY, MAX_ENDPOINTS, SERVICE_NAME, kept_for, new_slice, reconcile

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
"""Endpoints with this annotation are a lock, not addresses."""

Ports = tuple[tuple[str, str, int, str], ...]
"""Name, protocol, number and application protocol of each."""


def is_mirrored(endpoints: Object | None, service: Object | None) -> bool:
    """Whether the Endpoints are to have slices: their Service is there and leaves it to its owner who is behind it."""
    if endpoints is None or service is None or (service.get("spec") or {}).get("selector"):
        return False
    meta = metadata(endpoints)
    return (meta.get("labels") or {}).get(SKIP) != "true" and LEADER not in (meta.get("annotations") or {})


def mirrored_slices(endpoints: Object) -> list[dict[str, Any]]:
    """The slices that say what the Endpoints say, without their names: one for each IP family and set of ports."""
    groups: dict[tuple[str, Ports], dict[str, Any]] = defaultdict(dict)
    for subset in endpoints.get("subsets") or ():
        ports = tuple(sorted(_port(port) for port in subset.get("ports") or ()))
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in subset.get(field) or ():
                if not names.ip_address(address.get("ip") or ""):
                    endpoint = _endpoint(address, ready=ready)
                    groups[family_of(address["ip"]), ports][repr(endpoint)] = endpoint
    found = []
    for (family, ports), by_text in sorted(groups.items(), key=lambda group: group[0]):
        members = list(by_text.values())
        parts = (members[start : start + MAX_ENDPOINTS] for start in range(0, len(members), MAX_ENDPOINTS))
        found += [_body(endpoints, family, ports, part) for part in parts]
    return found


def _body(endpoints: Object, family: str, ports: Ports, members: list[Any]) -> dict[str, Any]:
    return new_slice(
        endpoints,
        ENDPOINTS,
        MANAGER,
        labels=metadata(endpoints).get("labels") or {},
        family=family,
        endpoints=members,
        ports=[
            {"name": name, "protocol": protocol, "port": number, **({"appProtocol": of_app} if of_app else {})}
            for name, protocol, number, of_app in ports
        ],
    )


def _port(port: Mapping[str, Any]) -> tuple[str, str, int, str]:
    return port.get("name") or "", port.get("protocol") or "TCP", port.get("port") or 0, port.get("appProtocol") or ""


def _endpoint(address: Mapping[str, Any], *, ready: bool) -> dict[str, Any]:
    kept = {field: address[field] for field in ("hostname", "nodeName", "targetRef") if address.get(field)}
    return {"addresses": [address["ip"]], "conditions": {"ready": ready}, **kept}


class EndpointSliceMirroring:
    """Keeps the slices of all Endpoints that are mirrored."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._endpoints = informers.of(ENDPOINTS)
        self._services = informers.of(SERVICES)
        self._slices = informers.of(ENDPOINT_SLICES)
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Keep them right until cancelled."""
        for informer in (self._endpoints, self._services, self._slices):
            await informer.wait_synced()
        self._endpoints.add_handler(self._changed)
        self._services.add_handler(self._changed)
        self._slices.add_handler(self._slice_changed)
        await self._queue.run(self._sync, workers=2)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        key = _mirror_of(new or old or {})
        if key.name:
            self._queue.add(key)

    async def _sync(self, key: Key) -> None:
        endpoints, service = self._endpoints.by_key(key), self._services.by_key(key)
        wanted = mirrored_slices(endpoints) if endpoints is not None and is_mirrored(endpoints, service) else []
        seen = [s for s in self._slices.items() if _mirror_of(s) == key]
        selector = f"{SERVICE_NAME}={key.name},{MANAGED_BY}={MANAGER}"
        await reconcile(self._client, wanted, seen, selector, key.namespace)


def _mirror_of(endpoint_slice: Object) -> Key:
    """The Endpoints that a slice mirrors; no name for one that mirrors none."""
    return kept_for(endpoint_slice, MANAGER)
