"""Services as variables: which, and what they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.environment.service_links import linked_services, mangle, service_variables


def service(
    name: str, namespace: str = "shop", ip: str = "10.0.0.9", ports: list | None = None, **spec: object
) -> dict:
    ports = [{"port": 80}] if ports is None else ports
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": ports, **spec}}


MASTER = service("kubernetes", "default", "10.0.0.1", [{"name": "https", "port": 443, "protocol": "TCP"}])


def test_the_reference_set_of_a_service_with_two_ports() -> None:
    ports = [{"name": "p", "port": 8080, "protocol": "TCP"}, {"name": "dns-udp", "port": 53, "protocol": "UDP"}]
    assert dict(service_variables([service("my-svc", ports=ports)])) == {
        "MY_SVC_SERVICE_HOST": "10.0.0.9",
        "MY_SVC_SERVICE_PORT": "8080",
        "MY_SVC_SERVICE_PORT_P": "8080",
        "MY_SVC_SERVICE_PORT_DNS_UDP": "53",
        "MY_SVC_PORT": "tcp://10.0.0.9:8080",
        "MY_SVC_PORT_8080_TCP": "tcp://10.0.0.9:8080",
        "MY_SVC_PORT_8080_TCP_PROTO": "tcp",
        "MY_SVC_PORT_8080_TCP_PORT": "8080",
        "MY_SVC_PORT_8080_TCP_ADDR": "10.0.0.9",
        "MY_SVC_PORT_53_UDP": "udp://10.0.0.9:53",
        "MY_SVC_PORT_53_UDP_PROTO": "udp",
        "MY_SVC_PORT_53_UDP_PORT": "53",
        "MY_SVC_PORT_53_UDP_ADDR": "10.0.0.9",
    }


def test_an_ipv6_address_stands_in_brackets_only_in_urls() -> None:
    variables = dict(service_variables([service("six", ip="fd00::1")]))
    assert variables["SIX_PORT"] == "tcp://[fd00::1]:80"
    assert variables["SIX_SERVICE_HOST"] == "fd00::1"
    assert variables["SIX_PORT_80_TCP_ADDR"] == "fd00::1"


@pytest.mark.parametrize(
    ("services", "enabled", "expected"),
    [
        pytest.param([MASTER, service("a")], True, ["default/kubernetes", "shop/a"], id="own namespace and the API"),
        pytest.param([MASTER, service("a")], False, ["default/kubernetes"], id="links off leaves the API"),
        pytest.param([MASTER, service("a", "other")], True, ["default/kubernetes"], id="another namespace is left out"),
        pytest.param([service("h", ip="None")], True, [], id="headless is left out"),
        pytest.param([service("e", ip="", type="ExternalName")], True, [], id="ExternalName is left out"),
        pytest.param([service("n", ip="")], True, [], id="no address yet is left out"),
        pytest.param([MASTER, service("kubernetes")], True, ["shop/kubernetes"], id="an own kubernetes replaces it"),
        pytest.param([service("kubernetes"), MASTER], True, ["shop/kubernetes"], id="in any order"),
        pytest.param([MASTER, service("kubernetes")], False, ["default/kubernetes"], id="but not with links off"),
    ],
)
def test_which_services(services: list, enabled: bool, expected: list) -> None:
    found = [
        f"{s['metadata']['namespace']}/{s['metadata']['name']}" for s in linked_services(services, "shop", enabled)
    ]
    assert found == expected


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1))
def test_mangling_changes_only_case_and_dashes(name: str) -> None:
    mangled = mangle(name)
    assert len(mangled) == len(name)
    assert "-" not in mangled
    assert mangled.lower().replace("_", "-") == name
