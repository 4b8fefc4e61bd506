"""The rules of one Service: a table of Services and endpoints, with the rules they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from tests.proxy.objects import endpoint, endpoint_slice, service

from podwright.api.objects import Object
from podwright.proxy.backends import Target
from podwright.proxy.rules import Node, ServiceRules, service_rules

NODE = Node("node-1", "10.88.0.0/16")
HERE, THERE = endpoint("10.88.0.2"), endpoint("10.89.0.2", node="node-2")
MARK = "meta mark set meta mark | 0x4000"
FROM_OUTSIDE = f"ip saddr != 10.88.0.0/16 {MARK}"
TO_HERE = "meta l4proto tcp dnat to 10.88.0.2:8080"
BOTH = (f"numgen random mod 2 0 {TO_HERE}", "meta l4proto tcp dnat to 10.89.0.2:8080")
NODE_PORT = {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}]}
CLUSTER, LOCAL, EXTERNAL = (f"{kind}/default/web/tcp/80" for kind in ("cluster", "local", "external"))


def rules(*endpoints: Object, node: Node = NODE, ports: list[Object] | None = None, **spec: Any) -> ServiceRules:
    return service_rules(service(**spec), [endpoint_slice(*endpoints, ports=ports)], node)


def targets(found: ServiceRules, chain: str = CLUSTER) -> str:
    return found.chains[chain][-1]


def test_a_cluster_ip_leads_to_any_endpoint_and_only_pods_keep_their_address() -> None:
    found = rules(HERE, THERE)
    assert found.services == {"10.96.0.10 . tcp . 80": f"goto {CLUSTER}"}
    assert found.chains == {CLUSTER: (FROM_OUTSIDE, *BOTH)}
    assert found.cluster_ips == {"10.96.0.10"}
    assert found.hairpins == {"10.88.0.2 . 10.88.0.2", "10.89.0.2 . 10.89.0.2"}


def test_without_a_pod_range_every_client_is_masqueraded() -> None:
    assert rules(HERE, node=Node("node-1", "")).chains == {CLUSTER: (MARK, TO_HERE)}


NO_ADDRESS = {
    "headless": {"ip": "None"},
    "an ExternalName": {"ip": "", "type": "ExternalName"},
    "without an address yet": {"ip": "", "clusterIPs": []},
    "of IPv6 alone": {"ip": "fd00::10"},
}


@pytest.mark.parametrize("spec", NO_ADDRESS.values(), ids=NO_ADDRESS.keys())
def test_no_rules_for_a_service(spec: dict[str, Any]) -> None:
    assert rules(HERE, **spec) == ServiceRules()


@pytest.mark.parametrize("label", ["service-proxy-name", "headless"])
def test_no_rules_for_a_service_of_another_proxy_or_none(label: str) -> None:
    labelled = service()
    labelled["metadata"]["labels"] = {f"service.kubernetes.io/{label}": "mesh"}
    assert service_rules(labelled, [endpoint_slice(HERE)], NODE) == ServiceRules()


A, B, C = "10.88.0.2", "10.88.0.3", "10.88.0.4"
DOWN = {"ready": False, "serving": False}
LEAVING = {"ready": False, "serving": True, "terminating": True}
CHOICES: dict[str, tuple[Iterable[Object], list[str]]] = {
    "ready ones": ([endpoint(A), endpoint(B, **DOWN)], [A]),
    "not those that leave while others are ready": ([endpoint(A), endpoint(B, **LEAVING)], [A]),
    "those that leave and still serve when none is ready": ([endpoint(A, **DOWN), endpoint(B, **LEAVING)], [B]),
    "none that leaves and does not serve": ([endpoint(A, ready=False, serving=False, terminating=True)], []),
    "ready when nothing is said": ([{"addresses": [C], "conditions": {}}], [C]),
    "the first address of an endpoint": ([{"addresses": [A, B], "conditions": {}}], [A]),
}


@pytest.mark.parametrize(("endpoints", "chosen"), CHOICES.values(), ids=CHOICES.keys())
def test_endpoints_that_take_traffic(endpoints: Iterable[Object], chosen: list[str]) -> None:
    found = rules(*endpoints)
    assert [ip for ip in (A, B, C) if ip in str(found.chains)] == chosen
    assert bool(found.services) == bool(chosen)


def test_an_endpoint_in_two_slices_counts_once() -> None:
    slices = [endpoint_slice(HERE), endpoint_slice(HERE, suffix="b")]
    assert targets(service_rules(service(), slices, NODE)) == TO_HERE


def test_ports_are_matched_by_name_so_that_each_slice_may_have_its_own_number() -> None:
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "admin", "port": 81, "protocol": "TCP"}]
    slices = [
        endpoint_slice(endpoint(A), ports=[{"name": "http", "port": 8080, "protocol": "TCP"}]),
        endpoint_slice(endpoint(B), suffix="b", ports=[{"name": "http", "port": 9090, "protocol": "TCP"}]),
    ]
    found = service_rules(service(ports=ports), slices, NODE)
    assert found.chains[CLUSTER][1:] == (
        "numgen random mod 2 0 meta l4proto tcp dnat to 10.88.0.2:8080",
        "meta l4proto tcp dnat to 10.88.0.3:9090",
    )
    assert "10.96.0.10 . tcp . 81" not in found.services


def test_udp_and_tcp_at_the_same_number_are_two_ports() -> None:
    ports = [{"name": "t", "port": 53, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}]
    slices_ports = [{"name": "t", "port": 1053, "protocol": "TCP"}, {"name": "u", "port": 2053, "protocol": "UDP"}]
    found = service_rules(service(ports=ports), [endpoint_slice(HERE, ports=slices_ports)], NODE)
    assert targets(found, "cluster/default/web/tcp/53").endswith("tcp dnat to 10.88.0.2:1053")
    assert targets(found, "cluster/default/web/udp/53").endswith("udp dnat to 10.88.0.2:2053")
    assert found.udp == {("10.96.0.10", 53): {Target("10.88.0.2", 2053)}}


def of_service(*endpoints: Object, **spec: Any) -> ServiceRules:
    return service_rules(service(**spec), [endpoint_slice(*endpoints)], NODE)


def test_a_node_port_leads_where_the_cluster_ip_leads() -> None:
    assert of_service(HERE, **NODE_PORT).node_ports == {"tcp . 30080": f"goto {CLUSTER}"}


def test_without_endpoints_ways_in_are_refused() -> None:
    found = of_service(**NODE_PORT, externalIPs=["192.0.2.9"])
    assert (found.services, found.node_ports, found.chains) == ({}, {}, {})
    assert found.no_node_port_endpoints == {"tcp . 30080": "goto refuse"}
    assert found.no_endpoints == {"192.0.2.9 . tcp . 80": "goto refuse"}
    assert found.cluster_ips == {"10.96.0.10"}


def test_external_and_balancer_addresses_are_ways_in() -> None:
    ingress = [{"ip": "192.0.2.8"}, {"ip": "192.0.2.7", "ipMode": "Proxy"}, {"hostname": "x"}, {"ip": "2001:db8::1"}]
    found = of_service(HERE, externalIPs=["192.0.2.9", "2001:db8::2"], status={"loadBalancer": {"ingress": ingress}})
    assert {k.split(" ")[0] for k in found.services} == {"10.96.0.10", "192.0.2.9", "192.0.2.8"}


def test_source_ranges_guard_the_balancers_addresses_alone() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.8"}]}}
    found = of_service(HERE, **NODE_PORT, status=status, loadBalancerSourceRanges=["198.51.100.7/24", "fd00::/8"])
    assert found.services["192.0.2.8 . tcp . 80"] == "goto guarded/default/web/tcp/80"
    assert found.chains["guarded/default/web/tcp/80"] == ("ip saddr != { 198.51.100.0/24 } drop", f"goto {CLUSTER}")
    assert found.node_ports == {"tcp . 30080": f"goto {CLUSTER}"}


INTERNAL: dict[str, tuple[Iterable[Object], str | None]] = {
    "to this node's endpoints": ([HERE, THERE], f"goto {LOCAL}"),
    "nowhere when they are all elsewhere": ([THERE], "drop"),
    "refused when there are none at all": ([], None),
}


@pytest.mark.parametrize(("endpoints", "verdict"), INTERNAL.values(), ids=INTERNAL.keys())
def test_internal_traffic_policy_local_leads(endpoints: Iterable[Object], verdict: str | None) -> None:
    found = of_service(*endpoints, internalTrafficPolicy="Local")
    assert found.services.get("10.96.0.10 . tcp . 80") == verdict
    if verdict and verdict != "drop":
        assert found.chains[LOCAL] == (TO_HERE,)


def test_external_traffic_policy_local_is_for_clients_outside() -> None:
    found = of_service(HERE, THERE, **NODE_PORT, externalTrafficPolicy="Local")
    assert found.node_ports == {"tcp . 30080": f"goto {EXTERNAL}"}
    assert found.chains[EXTERNAL] == (
        f"ip saddr 10.88.0.0/16 goto {CLUSTER}",
        f"fib saddr type local goto {CLUSTER}",
        f"goto {LOCAL}",
    )
    assert found.chains[LOCAL] == (TO_HERE,)
    assert of_service(THERE, **NODE_PORT, externalTrafficPolicy="Local").chains[EXTERNAL][-1] == "drop"


def test_each_endpoint_has_the_same_chance() -> None:
    *picks, last = of_service(*(endpoint(f"10.88.0.{n}") for n in range(2, 6))).chains[CLUSTER][1:]
    chances, left = [], 1.0
    for pick in picks:
        count = int(pick.split()[3])
        chances.append(left / count)
        left -= left / count
    assert [*chances, left] == pytest.approx([0.25] * 4)
    assert [rule.rpartition(" ")[2] for rule in (*picks, last)] == [f"10.88.0.{n}:8080" for n in range(2, 6)]


def test_affinity_remembers_clients_for_each_endpoint() -> None:
    config = {"clientIP": {"timeoutSeconds": 60}}
    found = of_service(HERE, THERE, sessionAffinity="ClientIP", sessionAffinityConfig=config)
    first, second = "sticky/default/web/tcp/80/10.88.0.2/8080", "sticky/default/web/tcp/80/10.89.0.2/8080"
    assert found.sticky == {first, second}
    assert found.chains[first] == (f"update @{first} {{ ip saddr timeout 60s }}", TO_HERE)
    assert found.chains[CLUSTER][1:] == (
        f"ip saddr @{first} goto {first}",
        f"ip saddr @{second} goto {second}",
        f"numgen random mod 2 0 goto {first}",
        f"goto {second}",
    )


def test_affinity_lasts_three_hours_when_nothing_is_said() -> None:
    found = of_service(HERE, sessionAffinity="ClientIP")
    assert "timeout 10800s" in str(found.chains)


WRONG: dict[str, tuple[dict[str, Any], Object]] = {
    "an address that is none": ({"externalIPs": ["1.2.3.4 }; flush ruleset"]}, HERE),
    "an endpoint that is none": ({}, endpoint("x; drop")),
    "a protocol that is none": ({"ports": [{"port": 80, "protocol": "tcp drop"}]}, HERE),
    "a port that is none": ({"ports": [{"port": "80 drop"}]}, HERE),
    "a range that is none": (
        {
            "loadBalancerSourceRanges": ["0.0.0.0/0 } accept"],
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.8"}]}},
        },
        HERE,
    ),
}


@pytest.mark.parametrize(("spec", "one"), WRONG.values(), ids=WRONG.keys())
def test_nothing_gets_into_a_rule_that_is_not_checked(spec: dict[str, Any], one: Object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        of_service(one, **spec)


def test_a_name_that_nft_would_not_take_becomes_another() -> None:
    [chain] = service_rules(service(name="a; drop"), [endpoint_slice(HERE)], NODE).chains
    assert chain.startswith("cluster/default/")
    assert ";" not in chain
