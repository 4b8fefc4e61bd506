from __future__ import annotations

from typing import Any

import pytest

from podwright.api.errors import InternalError, Invalid
from podwright.apiserver.service_addresses import ServiceAddresses


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": spec}


def test_a_service_gets_what_it_asks_nothing_about() -> None:
    addresses = ServiceAddresses("10.0.0.0/24", (30000, 30001))
    obj = service(type="NodePort", ports=[{"port": 80}])
    addresses.claim(obj, None).commit()
    assert obj["spec"]["clusterIP"].startswith("10.0.0.")
    assert obj["spec"]["clusterIPs"] == [obj["spec"]["clusterIP"]]
    assert 30000 <= obj["spec"]["ports"][0]["nodePort"] <= 30001


@pytest.mark.parametrize("ip", ["10.0.0.7", "10.1.0.1", "x"], ids=["taken", "out of range", "none"])
def test_an_address_that_cannot_be_had(ip: str) -> None:
    addresses = ServiceAddresses("10.0.0.0/24", (30000, 30001))
    addresses.load([service(clusterIP="10.0.0.7")])
    with pytest.raises(Invalid, match=r"spec\.clusterIPs: Invalid value"):
        addresses.claim(service(clusterIP=ip), None)


def test_what_is_not_stored_is_given_back() -> None:
    addresses = ServiceAddresses("10.0.0.0/30", (30000, 30000))
    wish = service(type="NodePort", ports=[{"port": 1}])
    addresses.claim(wish, None).release()
    again = service(type="NodePort", ports=[{"port": 1}])
    addresses.claim(again, None).commit()
    with pytest.raises(InternalError, match="range is full"):
        addresses.claim(service(type="NodePort", ports=[{"port": 1}]), None)
    addresses.forget(again)
    addresses.claim(service(type="NodePort", ports=[{"port": 1}]), None).commit()


def test_no_longer_a_node_port() -> None:
    addresses = ServiceAddresses("10.0.0.0/24", (30000, 30000))
    old = service(type="NodePort", ports=[{"port": 1}])
    addresses.claim(old, None).commit()
    new = service(type="ClusterIP", clusterIP=old["spec"]["clusterIP"], ports=[{"port": 1}])
    addresses.claim(new, old).commit()
    addresses.claim(service(type="NodePort", ports=[{"port": 2, "nodePort": 30000}]), None).commit()


def test_headless_has_none() -> None:
    obj = service(clusterIP="None")
    ServiceAddresses("10.0.0.0/24", (30000, 30000)).claim(obj, None).commit()
    assert obj["spec"]["clusterIPs"] == ["None"]


def test_a_port_has_one_node_port_in_all_its_protocols() -> None:
    addresses = ServiceAddresses("10.0.0.0/24", (30000, 30999))
    both: list[dict[str, Any]] = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    new = service(type="NodePort", ports=both)
    addresses.claim(new, None).commit()
    assert both[0]["nodePort"] == both[1]["nodePort"]
    asked: list[dict[str, Any]] = [{"port": 1, "protocol": "UDP"}, {"port": 1, "protocol": "TCP", "nodePort": 30007}]
    addresses.claim(service(type="NodePort", ports=asked), None).commit()
    assert [p["nodePort"] for p in asked] == [30007, 30007]
    # what somebody else has is not taken from him
    taken: list[dict[str, Any]] = [{"port": 1, "protocol": "TCP"}, {"port": 1, "protocol": "SCTP", "nodePort": 30007}]
    addresses.claim(service(type="NodePort", ports=taken), None).commit()
    assert taken[0]["nodePort"] != 30007


def test_a_balancer_that_asks_the_nodes_has_a_port_for_it() -> None:
    addresses = ServiceAddresses("10.0.0.0/24", (30000, 30002))
    first = service(type="LoadBalancer", externalTrafficPolicy="Local", ports=[{"port": 1}])
    addresses.claim(first, None).commit()
    taken = first["spec"]["healthCheckNodePort"]
    assert 30000 <= taken <= 30002 and taken != first["spec"]["ports"][0]["nodePort"]
    addresses.claim(first, service(**first["spec"])).commit()
    asked = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=taken)
    with pytest.raises(Invalid, match=r"spec\.healthCheckNodePort: Invalid value: \d+: provided port is already"):
        addresses.claim(asked, None)
    with pytest.raises(Invalid, match=r"spec\.healthCheckNodePort: Invalid value: 80: provided port is not in"):
        addresses.claim(service(**asked["spec"] | {"healthCheckNodePort": 80}), None)
    cluster = service(**first["spec"] | {"externalTrafficPolicy": "Cluster"})
    del cluster["spec"]["healthCheckNodePort"]
    addresses.claim(cluster, first).commit()
    addresses.claim(asked, None).commit()


@pytest.mark.parametrize(
    ("spec", "was", "errors"),
    [
        pytest.param({"ipFamilies": ["IPv4"]}, None, [], id="the family that there is"),
        pytest.param({"ipFamilyPolicy": "PreferDualStack"}, None, [], id="two are only preferred"),
        pytest.param(
            {"ipFamilies": ["IPv6"]},
            None,
            ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
            id="a family that there is not",
        ),
        pytest.param(
            {"ipFamilyPolicy": "RequireDualStack"},
            None,
            [
                'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": '
                "this cluster is not configured for dual-stack services"
            ],
            id="two are required",
        ),
        pytest.param(
            {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"], "clusterIP": "None"},
            None,
            [],
            id="nobody is selected, so that addresses are somebody else's",
        ),
        pytest.param(
            {"ipFamilies": ["IPv6"], "clusterIP": "None", "selector": {"a": "b"}},
            {"ipFamilies": ["IPv6"], "clusterIP": "None"},
            [],
            id="what it has already is not judged anew",
        ),
    ],
)
def test_families(spec: dict[str, Any], was: dict[str, Any] | None, errors: list[str]) -> None:
    addresses = ServiceAddresses("10.0.0.0/24", (30000, 30001))
    try:
        addresses.claim(service(**spec), None if was is None else service(**was)).commit()
        told = []
    except Invalid as wrong:
        told = [f"{c['field']}: {c['message']}" for c in wrong.status()["details"]["causes"]]
    assert told == errors
