"""The Service `kube-system/kube-dns` that leads to this server, for those who look for DNS by its usual name.

Pods do not need it as long as the server has port 53 of its own address, which then stands in their resolv.conf.
Where another program has that port, the server takes any, and Pods ask this Service. `app.py` calls `keep` when the
server is on and `remove` when it is off. A `kube-dns` that somebody else has made, CoreDNS for example, is left alone.
Source: https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from podwright.api.errors import AlreadyExists, Invalid, NotFound
from podwright.api.objects import Object, metadata
from podwright.api.resources import ENDPOINT_SLICES, SERVICES
from podwright.client.interface import Client

log = logging.getLogger(__name__)

NAMESPACE: Final = "kube-system"
NAME: Final = "kube-dns"
_OURS: Final = {"app.kubernetes.io/managed-by": "podwright"}
_RESOURCES: Final = {"Service": SERVICES, "EndpointSlice": ENDPOINT_SLICES}
_PORTS: Final = (("dns", "UDP"), ("dns-tcp", "TCP"))


def kube_dns_objects(cluster_ip: str, server_ip: str, server_port: int = 53) -> list[Object]:
    """The Service, without a selector, and its EndpointSlice. `server_ip` is where the server listens."""
    labels = {"k8s-app": NAME, "kubernetes.io/cluster-service": "true", **_OURS}
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "ports": [
                {"name": name, "port": 53, "protocol": protocol, "targetPort": server_port} for name, protocol in _PORTS
            ],
        },
    }
    endpoint_slice: Object = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "labels": {
                "kubernetes.io/service-name": NAME,
                "endpointslice.kubernetes.io/managed-by": "podwright",
                **_OURS,
            },
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [server_ip], "conditions": {"ready": True}}],
        "ports": [{"name": name, "port": server_port, "protocol": protocol} for name, protocol in _PORTS],
    }
    return [service, endpoint_slice]


async def keep(client: Client, objects: Sequence[Object]) -> bool:
    """Make the objects as they should be; False when somebody else has the name or the address.

    Raises StatusError and OSError as the client does.
    """
    for obj in objects:
        resource = _RESOURCES[obj["kind"]]
        try:
            await client.create(resource, obj, NAMESPACE)
        except AlreadyExists:
            if not _is_ours(await client.get(resource, NAME, NAMESPACE)):
                log.info("%s %s/%s is somebody else's and stays as it is", obj["kind"], NAMESPACE, NAME)
                return False
            await client.patch(resource, NAME, obj, NAMESPACE)
        except Invalid as error:
            # The address may be another Service's already.
            log.warning("no Service %s/%s: %s", NAMESPACE, NAME, error)
            return False
    return True


async def remove(client: Client) -> None:
    """Take away what `keep` has made, and nothing else. Raises StatusError and OSError as the client does."""
    for resource in _RESOURCES.values():
        try:
            if _is_ours(await client.get(resource, NAME, NAMESPACE)):
                await client.delete(resource, NAME, NAMESPACE)
        except NotFound:
            continue


def _is_ours(obj: Object) -> bool:
    return _OURS.items() <= (metadata(obj).get("labels") or {}).items()
