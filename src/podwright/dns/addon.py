"""The Service `kube-system/kube-dns` that leads to this server, for those who look for DNS by its usual name.

Pods do not need it: they ask the server's own address. `app.py` keeps these objects when the server is on.
Source: https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/
"""

from __future__ import annotations

from typing import Final

from podwright.api.objects import Object

NAMESPACE: Final = "kube-system"
NAME: Final = "kube-dns"
_PORTS: Final = (("dns", "UDP"), ("dns-tcp", "TCP"))


def kube_dns_objects(cluster_ip: str, server_ip: str, server_port: int = 53) -> list[Object]:
    """The Service, without a selector, and its EndpointSlice. `server_ip` is where the server listens."""
    labels = {"k8s-app": NAME, "kubernetes.io/name": "CoreDNS", "kubernetes.io/cluster-service": "true"}
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
            "labels": {"kubernetes.io/service-name": NAME, "endpointslice.kubernetes.io/managed-by": "podwright"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [server_ip], "conditions": {"ready": True}}],
        "ports": [{"name": name, "port": server_port, "protocol": protocol} for name, protocol in _PORTS],
    }
    return [service, endpoint_slice]
