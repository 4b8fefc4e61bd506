"""What is special about Services: their defaults, addresses that stay, and what `get services` shows.

Called by the generic handlers through `rows.py`. Addresses and node ports are handed out by the server's allocator
after validation, so a Service without them is whole here.
Page: https://kubernetes.io/docs/concepts/services-networking/service/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError
from podwright.api.objects import Object
from podwright.apiserver.registry.columns import AGE, NAME, NONE, format_labels
from podwright.apiserver.registry.service_validation import (
    externally_accessible,
    has_health_port,
    validate_service,
    validate_service_status,
    validate_service_update,
)
from podwright.apiserver.registry.strategy import Column, Strategy

AFFINITY_SECONDS = 10800
_WITH_CLUSTER_IP = ("ClusterIP", "NodePort", "LoadBalancer")
_WITH_NODE_PORT = ("NodePort", "LoadBalancer")


def _spec(service: Object) -> dict[str, Any]:
    return service.get("spec") or {}


def _cluster_ip(service: Object, now: float) -> str:
    return next(iter(_spec(service).get("clusterIPs") or ()), None) or _spec(service).get("clusterIP") or NONE


def _external_ip(service: Object, now: float) -> str:
    spec = _spec(service)
    listed = ",".join(spec.get("externalIPs") or ())
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName") or "")
        case "LoadBalancer":
            ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
            given = ",".join(dict.fromkeys(i.get("ip") or i.get("hostname") or "" for i in ingress))
            return ",".join(filter(None, (given, listed))) or "<pending>"
    return listed or NONE


def _ports(service: Object, now: float) -> str:
    shown = [
        f"{p.get('port')}:{p['nodePort']}/{p.get('protocol')}"
        if p.get("nodePort")
        else f"{p.get('port')}/{p.get('protocol')}"
        for p in _spec(service).get("ports") or ()
    ]
    return ",".join(shown) or NONE


class ServiceStrategy(Strategy):
    """Services, with the subresource status; a PUT creates one that is not there."""

    columns = (
        NAME,
        Column("Type", lambda s, now: _spec(s).get("type") or "", description="How the service is reached."),
        Column("Cluster-IP", _cluster_ip, description="Its address within the cluster."),
        Column("External-IP", _external_ip, description="Its addresses from outside."),
        Column("Port(s)", _ports, description="Its ports, with the nodes' ports where there are any."),
        AGE,
        Column(
            "Selector",
            lambda s, now: format_labels(_spec(s).get("selector")),
            priority=1,
            description="Which Pods answer for it.",
        ),
    )
    status_subresource = True
    allow_create_on_update = True

    def name_errors(self, name: str, *, prefix: bool) -> Sequence[str]:
        """A DNS-1035 label, since it is a DNS name and part of variables' names."""
        return names.dns1035_label(name, prefix=prefix)

    def default(self, obj: Object) -> None:
        """As kube-apiserver; one address family, since a node has one Pod network."""
        spec = obj["spec"] = obj.get("spec") or {}
        for field, value in (("type", "ClusterIP"), ("sessionAffinity", "None")):
            spec[field] = spec.get(field) or value
        if spec["sessionAffinity"] == "ClientIP":
            config = spec["sessionAffinityConfig"] = spec.get("sessionAffinityConfig") or {}
            client = config["clientIP"] = config.get("clientIP") or {}
            client["timeoutSeconds"] = client.get("timeoutSeconds") or AFFINITY_SECONDS
        elif spec["sessionAffinity"] == "None":
            spec.pop("sessionAffinityConfig", None)
        for port in spec.get("ports") or ():
            port["protocol"] = port.get("protocol") or "TCP"
            if port.get("targetPort") in (None, 0, "") and port.get("port"):
                port["targetPort"] = port["port"]
        if spec["type"] in _WITH_CLUSTER_IP:
            spec["internalTrafficPolicy"] = spec.get("internalTrafficPolicy") or "Cluster"
            _addresses(spec)
        if externally_accessible(spec):
            spec["externalTrafficPolicy"] = spec.get("externalTrafficPolicy") or "Cluster"
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)
            for ingress in ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
                if ingress.get("ip"):
                    ingress["ipMode"] = ingress.get("ipMode") or "VIP"

    def prepare_for_create(self, obj: Object) -> None:
        """A new service has no load balancer yet."""
        obj["status"] = {"loadBalancer": {}}

    def prepare_for_update(self, obj: Object, old: Object, subresource: str = "") -> None:
        """What was handed out is kept where the new object leaves it out."""
        super().prepare_for_update(obj, old, subresource)
        if subresource:
            return
        spec, was = obj["spec"], old.get("spec") or {}
        if spec.get("clusterIP") != was.get("clusterIP") and spec.get("clusterIPs") == was.get("clusterIPs"):
            # A client that knows only the older field changed it; the newer one follows.
            spec.pop("clusterIPs", None)
            if spec.get("clusterIP"):
                spec["clusterIPs"] = [spec["clusterIP"]]
        both_have = spec["type"] in _WITH_CLUSTER_IP and was.get("type") in _WITH_CLUSTER_IP
        if both_have and not spec.get("clusterIP") and not spec.get("clusterIPs"):
            for field in ("clusterIP", "clusterIPs"):
                if was.get(field):
                    spec[field] = was[field]
        if spec["type"] in _WITH_NODE_PORT and was.get("type") in _WITH_NODE_PORT:
            had = {(p.get("protocol"), p.get("port")): p.get("nodePort") for p in was.get("ports") or ()}
            for port in spec.get("ports") or ():
                kept = had.get((port.get("protocol"), port.get("port")))
                if kept and not port.get("nodePort"):
                    port["nodePort"] = kept
        elif spec["type"] not in _WITH_NODE_PORT and was.get("type") in _WITH_NODE_PORT:
            _drop_node_ports(spec, was)
        if not externally_accessible(spec):
            _drop_unchanged(spec, was, ("externalTrafficPolicy",))
        if not has_health_port(spec):
            _drop_unchanged(spec, was, ("healthCheckNodePort",))
        elif has_health_port(was) and was.get("healthCheckNodePort") and not spec.get("healthCheckNodePort"):
            spec["healthCheckNodePort"] = was["healthCheckNodePort"]
        if spec["type"] != "LoadBalancer":
            obj["status"] = {**(obj.get("status") or {}), "loadBalancer": {}}
            _drop_unchanged(spec, was, ("allocateLoadBalancerNodePorts", "loadBalancerClass"))
        if spec["type"] == "ExternalName":
            if not spec.get("clusterIP"):
                spec.pop("clusterIP", None)
            _drop_unchanged(spec, was, ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"))
            if was.get("type") in _WITH_CLUSTER_IP:
                _drop_unchanged(spec, was, ("internalTrafficPolicy",))

    def validate(self, obj: Object) -> list[FieldError]:
        """A new Service's errors."""
        return validate_service(obj)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A changed Service's errors."""
        return validate_service_status(obj) if subresource == "status" else validate_service_update(obj, old)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """Address and type."""
        return {"spec.clusterIP": _spec(obj).get("clusterIP") or "", "spec.type": _spec(obj).get("type") or ""}


def _addresses(spec: dict[str, Any]) -> None:
    """The older field `clusterIP` equals the first of `clusterIPs`."""
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    elif spec.get("clusterIPs") and not spec.get("clusterIP"):
        spec["clusterIP"] = spec["clusterIPs"][0]
    if spec.get("clusterIP") == "None" and not spec.get("selector"):
        # whose endpoints are somebody else's, of whatever family he likes
        spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or "RequireDualStack"
        spec["ipFamilies"] = spec.get("ipFamilies") or ["IPv4"]
        if spec["ipFamilyPolicy"] != "SingleStack" and len(spec["ipFamilies"]) == 1:
            spec["ipFamilies"] = [*spec["ipFamilies"], "IPv6" if spec["ipFamilies"] == ["IPv4"] else "IPv4"]
        return
    spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or "SingleStack"
    if not spec.get("ipFamilies"):
        address = spec.get("clusterIP") or ""
        spec["ipFamilies"] = ["IPv6" if ":" in address else "IPv4"]


def _drop_node_ports(spec: dict[str, Any], was: Mapping[str, Any]) -> None:
    """Node ports that were only carried along; ones that are newly written are an error to be told."""
    had = {p.get("nodePort") for p in was.get("ports") or ()}
    for port in spec.get("ports") or ():
        if port.get("nodePort") in had:
            port.pop("nodePort", None)


def _drop_unchanged(spec: dict[str, Any], was: Mapping[str, Any], fields: Sequence[str]) -> None:
    """The same for fields that the new type has not."""
    for field in fields:
        if field in spec and spec[field] == was.get(field):
            del spec[field]
