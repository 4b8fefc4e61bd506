"""Services and EndpointSlices for the tests of the proxy and of DNS."""

from __future__ import annotations

from typing import Any

from podwright.api.objects import Object


def service(name: str = "web", ip: str = "10.96.0.10", namespace: str = "default", **spec: Any) -> Object:
    ports = spec.pop("ports", [{"port": 80, "protocol": "TCP", "targetPort": 8080}])
    status = spec.pop("status", {})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ports": ports, **spec},
        "status": status,
    }


def endpoint(address: str, node: str = "node-1", hostname: str = "", **conditions: bool) -> Object:
    found: Object = {"addresses": [address], "nodeName": node, "conditions": {"ready": True, **conditions}}
    return {**found, "hostname": hostname} if hostname else found


def endpoint_slice(
    *endpoints: Object,
    of: str = "web",
    namespace: str = "default",
    suffix: str = "a",
    ports: list[Object] | None = None,
) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{of}-{suffix}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": of},
        },
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": ports or [{"name": "", "port": 8080, "protocol": "TCP"}],
    }
