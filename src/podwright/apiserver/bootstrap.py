"""What a cluster has from its first moment: four namespaces, two priority classes, and the Service of this server.

Called by `server.py` at every start, and from time to time; what is there and right is left alone.
Page: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import Any

from podwright.api.errors import AlreadyExists, NotFound, StatusError
from podwright.api.objects import Object, copy_object
from podwright.api.priorities import BUILT_IN, DESCRIPTIONS
from podwright.api.resources import ENDPOINT_SLICES, ENDPOINTS, NAMESPACES, PRIORITY_CLASSES, SERVICES, Resource
from podwright.apiserver.config import ApiServerConfig
from podwright.client.interface import Client
from podwright.storage.interface import StoreError

log = logging.getLogger(__name__)

INITIAL_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_KUBERNETES = "kubernetes"
_LABELS = {"component": "apiserver", "provider": "kubernetes"}


def service(config: ApiServerConfig, port: int) -> Object:
    """The Service `default/kubernetes`; `port` is what this server listens on."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _KUBERNETES, "namespace": "default", "labels": dict(_LABELS)},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": config.kubernetes_service_ip,
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            "sessionAffinity": "None",
        },
    }


def reachable(address: str) -> bool:
    """Whether Pods can reach an address at all."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (parsed.is_loopback or parsed.is_unspecified or parsed.is_link_local)


def endpoints(address: str, port: int) -> Object:
    """The Endpoints of that Service."""
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": _KUBERNETES,
            "namespace": "default",
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}],
    }


def endpoint_slice(address: str, port: int) -> Object:
    """The EndpointSlice of that Service."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": _KUBERNETES,
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": _KUBERNETES},
        },
        "addressType": f"IPv{ipaddress.ip_address(address).version}",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


def priority_class(name: str) -> Object:
    """One of the PriorityClasses that every cluster has."""
    return {
        "apiVersion": PRIORITY_CLASSES.api_version,
        "kind": PRIORITY_CLASSES.kind,
        "metadata": {"name": name},
        "value": BUILT_IN[name],
        "description": DESCRIPTIONS[name],
    }


async def initial_namespaces(client: Client) -> None:
    """Make those that are missing. Raises StatusError."""
    for name in INITIAL_NAMESPACES:
        try:
            await client.get(NAMESPACES, name)
        except NotFound:
            await _create(client, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for name in BUILT_IN:
        try:
            await client.get(PRIORITY_CLASSES, name)
        except NotFound:
            await _create(client, PRIORITY_CLASSES, priority_class(name))


async def kubernetes_service(client: Client, config: ApiServerConfig, port: int) -> None:
    """Make what leads to this server if it is missing, correct what has changed. Raises StatusError."""
    await _ensure(client, SERVICES, service(config, port), ("spec", "ports"))
    if reachable(config.advertise_address):
        await _ensure(client, ENDPOINTS, endpoints(config.advertise_address, port), ("subsets",))
        await _ensure(client, ENDPOINT_SLICES, endpoint_slice(config.advertise_address, port), ("endpoints",))
        await _ensure(client, ENDPOINT_SLICES, endpoint_slice(config.advertise_address, port), ("ports",))


async def keep_initial_objects(client: Client, config: ApiServerConfig, port: int, every: float = 10.0) -> None:
    """Make them anew when somebody has taken them away, until cancelled; looks every so many seconds, as upstream."""
    while True:
        await asyncio.sleep(every)
        try:
            await initial_namespaces(client)
            await kubernetes_service(client, config, port)
        except (StatusError, StoreError) as error:
            log.warning("what every cluster has is not all there, and is tried again: %s", error)


async def _create(client: Client, resource: Resource, obj: Object) -> None:
    namespace = obj["metadata"].get("namespace") or ""
    try:
        await client.create(resource, obj, namespace)
    except AlreadyExists:
        return  # made meanwhile, by a controller that is as quick as we are


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        obj = (obj or {}).get(name)
    return obj


def _covers(have: Any, want: Any) -> bool:
    """Whether `have` says everything that `want` says (defaults may have been added)."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(_covers(have.get(k), v) for k, v in want.items())
    if isinstance(want, list):
        return isinstance(have, list) and len(have) == len(want) and all(map(_covers, have, want))
    return bool(have == want)


async def _ensure(client: Client, resource: Resource, wanted: Object, path: tuple[str, ...]) -> None:
    meta = wanted["metadata"]
    try:
        there = await client.get(resource, meta["name"], meta["namespace"])
    except NotFound:
        await _create(client, resource, wanted)
        return
    if _covers(_at(there, path), _at(wanted, path)):
        return
    new = copy_object(there)
    holder = new if len(path) == 1 else _at(new, path[:-1])
    holder[path[-1]] = _at(wanted, path)
    await client.update(resource, new)
