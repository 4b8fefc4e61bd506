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
