"""Services, Endpoints and EndpointSlices: what is filled in, what is wrong, what is shown."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object, copy_object
from podwright.apiserver.registry.endpoint_slice import EndpointSliceStrategy
from podwright.apiserver.registry.endpoints import EndpointsStrategy
from podwright.apiserver.registry.service import ServiceStrategy
from podwright.apiserver.registry.strategy import Strategy

PORT = {"port": 80}


def service(**spec: Any) -> Object:
    made: Object = {"metadata": {"name": "s"}, "spec": {"ports": [dict(PORT)], **copy_object(spec)}}
    ServiceStrategy().default(made)
    return made


def row(strategy: Strategy, obj: Object, *names: str) -> list[Any]:
    return [c.cell(obj, 0) for c in strategy.columns if c.name in names]


def test_a_services_defaults() -> None:
    assert service()["spec"] == {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
    }


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        pytest.param({"type": "NodePort"}, "externalTrafficPolicy", "Cluster", id="a node port's traffic"),
        pytest.param({"type": "LoadBalancer"}, "allocateLoadBalancerNodePorts", True, id="a load balancer's ports"),
        pytest.param({"clusterIP": "10.0.0.1"}, "clusterIPs", ["10.0.0.1"], id="the older address field"),
        pytest.param(
            {"sessionAffinity": "ClientIP"},
            "sessionAffinityConfig",
            {"clientIP": {"timeoutSeconds": 10800}},
            id="affinity lasts three hours",
        ),
        pytest.param({"externalIPs": ["1.2.3.4"]}, "externalTrafficPolicy", "Cluster", id="outside is outside"),
        pytest.param({"clusterIP": "None"}, "ipFamilies", ["IPv4", "IPv6"], id="whoever is behind it"),
        pytest.param({"clusterIP": "None"}, "ipFamilyPolicy", "RequireDualStack", id="of whichever family"),
        pytest.param({"clusterIP": "None", "selector": {"a": "b"}}, "ipFamilies", ["IPv4"], id="Pods have one family"),
        pytest.param(
            {"clusterIP": "None", "ipFamilyPolicy": "SingleStack"}, "ipFamilies", ["IPv4"], id="one family is wished"
        ),
    ],
)
def test_service_default(spec: dict[str, Any], field: str, value: Any) -> None:
    assert service(**spec)["spec"][field] == value


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        pytest.param({}, [], id="one port is enough"),
        pytest.param({"ports": []}, ["spec.ports: Required value"], id="a port is needed"),
        pytest.param({"ports": [], "clusterIP": "None"}, [], id="a headless service needs none"),
        pytest.param(
            {"ports": [{"port": 1}, {"port": 2}]},
            ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
            id="two ports need names",
        ),
        pytest.param(
            {"ports": [{"port": 1, "name": "a"}, {"port": 1, "name": "b"}]},
            ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":1}'],
            id="two ports are two",
        ),
        pytest.param(
            {"ports": [{"port": 1, "nodePort": 30000}]},
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
            id="a node port is for other types",
        ),
        pytest.param(
            {"type": "Magic"},
            [
                'spec.type: Unsupported value: "Magic": '
                'supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ],
            id="a type is one of four",
        ),
        pytest.param(
            {"type": "ExternalName", "ports": []}, ["spec.externalName: Required value"], id="an external name is one"
        ),
        pytest.param(
            {"type": "NodePort", "clusterIP": "None"},
            ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
            id="a node port leads to an address",
        ),
        pytest.param(
            {"externalIPs": ["127.0.0.1"]},
            [
                'spec.externalIPs[0]: Invalid value: "127.0.0.1": '
                "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            ],
            id="an external address is not this host's",
        ),
        pytest.param(
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 90000}}},
            [
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: "
                "must be greater than 0 and less than 86400"
            ],
            id="affinity lasts a day at most",
        ),
        pytest.param(
            {"externalTrafficPolicy": "Local"},
            ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
            id="no traffic from outside, no policy for it",
        ),
        pytest.param(
            {
                "allocateLoadBalancerNodePorts": True,
                "loadBalancerClass": "a.b/c",
                "loadBalancerSourceRanges": ["10.0.0.0/8"],
            },
            [
                f"spec.{field}: Forbidden: may only be used when `type` is 'LoadBalancer'"
                for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges")
            ],
            id="what only load balancers have",
        ),
        pytest.param(
            {"type": "LoadBalancer", "loadBalancerClass": "a.b/c", "loadBalancerSourceRanges": [" 10.0.0.5/8 "]},
            [],
            id="a load balancer has it",
        ),
        pytest.param(
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["all"]},
            [
                'spec.loadBalancerSourceRanges[0]: Invalid value: "all": '
                "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            ],
            id="a range of addresses",
        ),
        pytest.param(
            {"type": "ExternalName", "externalName": "a.b", "ipFamilies": ["IPv4"]},
            ["spec.ipFamilies: Forbidden: may not be set for ExternalName services"],
            id="a name has no family",
        ),
        pytest.param(
            {"ipFamilies": ["IPv4", "IPv4"], "ipFamilyPolicy": "SingleStack"},
            [
                'spec.ipFamilies[1]: Duplicate value: "IPv4"',
                'spec.ipFamilyPolicy: Invalid value: "SingleStack": '
                "must be RequireDualStack or PreferDualStack when multiple IP families are specified",
            ],
            id="two families are two, and not a single one",
        ),
        pytest.param({"trafficDistribution": "PreferSameNode"}, [], id="near ones first"),
        pytest.param(
            {"healthCheckNodePort": 30000},
            [
                "spec.healthCheckNodePort: Invalid value: 30000: "
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            ],
            id="nobody asks for its health",
        ),
        pytest.param(
            {"trafficDistribution": "Far"},
            [
                'spec.trafficDistribution: Unsupported value: "Far": '
                'supported values: "PreferClose", "PreferSameNode", "PreferSameZone"'
            ],
            id="far ones first",
        ),
    ],
)
def test_service(spec: dict[str, Any], errors: list[str]) -> None:
    assert [str(e) for e in ServiceStrategy().validate(service(**spec))] == errors


def updated(old_spec: dict[str, Any], new_spec: dict[str, Any]) -> tuple[Object, list[str]]:
    strategy, old, new = ServiceStrategy(), service(**old_spec), service(**new_spec)
    strategy.prepare_for_update(new, old)
    return new, [str(e) for e in strategy.validate_update(new, old)]


def test_an_address_that_is_left_out_is_kept() -> None:
    new, errors = updated({"clusterIP": "10.0.0.1"}, {})
    assert (new["spec"]["clusterIP"], new["spec"]["clusterIPs"], errors) == ("10.0.0.1", ["10.0.0.1"], [])


def test_an_address_stays() -> None:
    _, errors = updated({"clusterIP": "10.0.0.1"}, {"clusterIP": "10.0.0.2"})
    assert errors == ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']


@pytest.mark.parametrize("cleared", [{}, {"clusterIP": ""}], ids=["as it was", "the older field is empty"])
def test_a_service_that_becomes_a_name_has_nothing_of_an_address_left(cleared: dict[str, str]) -> None:
    old = service(type="NodePort", clusterIP="10.0.0.1", ports=[{"port": 80, "nodePort": 30000}])["spec"]
    new, errors = updated(old, {**old, "type": "ExternalName", "externalName": "a.b", **cleared})
    assert errors == []
    assert new["spec"] == {
        "type": "ExternalName",
        "externalName": "a.b",
        "sessionAffinity": "None",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
    }


def test_a_service_that_balances_no_longer_has_nothing_of_it_left() -> None:
    strategy, balanced = ServiceStrategy(), service(type="LoadBalancer", loadBalancerClass="a.b/c")
    balanced["status"] = {"conditions": [], "loadBalancer": {"ingress": [{"ip": "1.2.3.4", "ipMode": "VIP"}]}}
    old = balanced["spec"]
    new = service(**{**old, "type": "NodePort"})
    strategy.prepare_for_update(new, balanced)
    assert strategy.validate_update(new, balanced) == []
    assert not {"allocateLoadBalancerNodePorts", "loadBalancerClass"} & set(new["spec"])
    assert new["status"] == {"conditions": [], "loadBalancer": {}}
    assert balanced["status"]["loadBalancer"]["ingress"]
    _, errors = updated(old, {**old, "loadBalancerClass": "a.b/d"})
    assert errors == ['spec.loadBalancerClass: Invalid value: "a.b/d": may not change once set']


def test_the_port_for_health_stays_as_long_as_it_is_needed() -> None:
    old = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=30000)["spec"]
    kept, errors = updated(old, {field: value for field, value in old.items() if field != "healthCheckNodePort"})
    assert (kept["spec"]["healthCheckNodePort"], errors) == (30000, [])
    _, errors = updated(old, {**old, "healthCheckNodePort": 30001})
    assert errors == ["spec.healthCheckNodePort: Invalid value: 30001: field is immutable"]
    dropped, errors = updated(old, {**old, "externalTrafficPolicy": "Cluster"})
    assert "healthCheckNodePort" not in dropped["spec"] and errors == []


@pytest.mark.parametrize(
    ("kind", "ingress", "errors"),
    [
        pytest.param("LoadBalancer", {"ip": "1.2.3.4"}, [], id="an address"),
        pytest.param("LoadBalancer", {"hostname": "a.b"}, [], id="a name"),
        pytest.param(
            "ClusterIP",
            {"ip": "1.2.3.4"},
            ['status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is "LoadBalancer"'],
            id="there is no balancer",
        ),
        pytest.param(
            "LoadBalancer",
            {"ip": "x", "ipMode": "Odd"},
            [
                'status.loadBalancer.ingress[0].ip: Invalid value: "x": '
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                'status.loadBalancer.ingress[0].ipMode: Unsupported value: "Odd": supported values: "Proxy", "VIP"',
            ],
            id="no address, no mode",
        ),
        pytest.param(
            "LoadBalancer",
            {"hostname": "1.2.3.4", "ipMode": "VIP"},
            [
                "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
                'status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": '
                "must be a DNS name, not an IP address",
            ],
            id="an address is no name",
        ),
    ],
)
def test_a_balancers_status(kind: str, ingress: dict[str, Any], errors: list[str]) -> None:
    strategy, old, new = ServiceStrategy(), service(type=kind), service(type=kind)
    new["status"] = {"loadBalancer": {"ingress": [ingress]}}
    strategy.default(new)
    strategy.prepare_for_update(new, old, "status")
    assert [str(e) for e in strategy.validate_update(new, old, "status")] == errors
    if not errors and "ip" in ingress:
        assert new["status"]["loadBalancer"]["ingress"] == [{"ip": "1.2.3.4", "ipMode": "VIP"}]


def test_an_address_stays_for_clients_of_the_older_field_too() -> None:
    _, errors = updated({"clusterIP": "10.0.0.1"}, {"clusterIP": "10.0.0.2", "clusterIPs": ["10.0.0.1"]})
    assert errors == ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']


def test_node_ports_go_with_the_type() -> None:
    old = {"type": "NodePort", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30000}]}
    new, errors = updated(old, {**old, "type": "ClusterIP"})
    assert ("nodePort" not in new["spec"]["ports"][0], errors) == (True, [])


def test_a_service_that_becomes_a_name_elsewhere_leaves_its_ports_and_address() -> None:
    old = {"type": "NodePort", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30000}]}
    new, errors = updated(old, {**old, "type": "ExternalName", "externalName": "example.org"})
    assert errors == []
    assert new["spec"].keys() & {"clusterIP", "clusterIPs", "externalTrafficPolicy"} == set()
    assert "nodePort" not in new["spec"]["ports"][0]


def test_a_node_port_that_is_left_out_is_kept() -> None:
    old = {"type": "NodePort", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30000}]}
    new, errors = updated(old, {"type": "NodePort"})
    assert (new["spec"]["ports"][0]["nodePort"], errors) == (30000, [])


@pytest.mark.parametrize(
    ("spec", "cells"),
    [
        pytest.param({}, ["ClusterIP", "<none>", "<none>", "80/TCP", "<none>"], id="without an address"),
        pytest.param(
            {"type": "NodePort", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30000}]},
            ["NodePort", "10.0.0.1", "<none>", "80:30000/TCP", "<none>"],
            id="with a node port",
        ),
        pytest.param(
            {"type": "LoadBalancer", "selector": {"b": "1", "a": "2"}},
            ["LoadBalancer", "<none>", "<pending>", "80/TCP", "a=2,b=1"],
            id="waiting for a load balancer",
        ),
        pytest.param(
            {"type": "ExternalName", "externalName": "example.com", "ports": []},
            ["ExternalName", "<none>", "example.com", "<none>", "<none>"],
            id="a name elsewhere",
        ),
    ],
)
def test_service_columns(spec: dict[str, Any], cells: list[str]) -> None:
    names = ("Type", "Cluster-IP", "External-IP", "Port(s)", "Selector")
    assert row(ServiceStrategy(), service(**spec), *names) == cells


@pytest.mark.parametrize(
    ("subset", "errors"),
    [
        pytest.param({"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}]}, [], id="an address with a port"),
        pytest.param({}, ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"], id="empty"),
        pytest.param(
            {"addresses": [{"ip": "127.0.0.1"}]},
            [
                'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": '
                "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            ],
            id="this host",
        ),
    ],
)
def test_endpoints(subset: dict[str, Any], errors: list[str]) -> None:
    made: Object = {"subsets": [subset]}
    EndpointsStrategy().default(made)
    assert [str(e) for e in EndpointsStrategy().validate(made)] == errors


def test_endpoints_columns() -> None:
    addresses = [{"ip": f"10.0.0.{n}"} for n in range(1, 6)]
    made: Object = {"subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]}
    shown = "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more..."
    assert row(EndpointsStrategy(), made, "Endpoints") == [shown]
    assert row(EndpointsStrategy(), {}, "Endpoints") == ["<none>"]


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        pytest.param({"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]}, [], id="one address"),
        pytest.param({}, ["addressType: Required value"], id="a type is needed"),
        pytest.param(
            {"addressType": "IPv4", "endpoints": [{"addresses": []}]},
            ["endpoints[0].addresses: Required value: must contain at least 1 address"],
            id="an endpoint has an address",
        ),
        pytest.param(
            {"addressType": "IPv4", "endpoints": [{"addresses": ["fd00::1"]}]},
            ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address'],
            id="of the slice's type",
        ),
        pytest.param(
            {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}] * 1001},
            ["endpoints: Too many: 1001: must have at most 1000 items"],
            id="a thousand at most",
        ),
    ],
)
def test_endpoint_slice(made: Object, errors: list[str]) -> None:
    assert [str(e) for e in EndpointSliceStrategy().validate(made)] == errors


def test_the_type_of_a_slice_stays() -> None:
    wrong = EndpointSliceStrategy().validate_update({"addressType": "IPv6"}, {"addressType": "IPv4"})
    assert [str(e) for e in wrong] == ['addressType: Invalid value: "IPv6": field is immutable']
