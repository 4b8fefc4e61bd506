"""resolv.conf of a Pod: policies, dnsConfig, limits and their events."""

from pathlib import Path

import pytest

from podwright.kubelet.environment.dns_config import PodDns, ResolvConf, form_dns, parse_resolv_conf
from podwright.kubelet.interfaces import DnsConfig

HOST = ResolvConf(["192.0.2.53"], ["example.org"], ["rotate"])
CLUSTER = ("10.96.0.10",)
CLUSTER_SEARCHES = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org")


def pod(policy: str = "ClusterFirst", config: dict | None = None, **spec: object) -> dict:
    if config is not None:
        spec["dnsConfig"] = config
    return {"metadata": {"name": "web", "namespace": "shop", "uid": "u1"}, "spec": {"dnsPolicy": policy, **spec}}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param(pod(), DnsConfig(CLUSTER, CLUSTER_SEARCHES, ("ndots:5",)), id="ClusterFirst"),
        pytest.param(
            pod(hostNetwork=True),
            DnsConfig(("192.0.2.53",), ("example.org",), ("rotate",)),
            id="ClusterFirst on the host's network is Default",
        ),
        pytest.param(
            pod("ClusterFirstWithHostNet", hostNetwork=True),
            DnsConfig(CLUSTER, CLUSTER_SEARCHES, ("ndots:5",)),
            id="ClusterFirstWithHostNet",
        ),
        pytest.param(pod("Default"), DnsConfig(("192.0.2.53",), ("example.org",), ("rotate",)), id="Default"),
        pytest.param(
            pod("None", {"nameservers": ["1.1.1.1"], "searches": ["a"], "options": [{"name": "edns0"}]}),
            DnsConfig(("1.1.1.1",), ("a",), ("edns0",)),
            id="None takes only dnsConfig",
        ),
        pytest.param(
            pod(
                config={
                    "nameservers": ["1.1.1.1", "10.96.0.10"],
                    "searches": ["a", "cluster.local"],
                    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
                }
            ),
            DnsConfig((*CLUSTER, "1.1.1.1"), (*CLUSTER_SEARCHES, "a"), ("ndots:2", "edns0")),
            id="dnsConfig is added, without doubles, and its options win",
        ),
    ],
)
def test_policies(subject: dict, expected: DnsConfig) -> None:
    formed = form_dns(subject, HOST, CLUSTER, "cluster.local")
    assert formed.config == expected
    assert not formed.warnings


def test_without_a_cluster_dns_it_falls_back_and_says_so() -> None:
    formed = form_dns(pod(), HOST, (), "cluster.local")
    assert formed.config == DnsConfig(("192.0.2.53",), ("example.org",), ("rotate",))
    assert formed.warnings == [
        (
            "MissingClusterDNS",
            'pod: "web_shop(u1)". kubelet does not have ClusterDNS IP configured and cannot create Pod using '
            '"ClusterFirst" policy. Falling back to "Default" policy.',
        )
    ]


def test_a_fourth_nameserver_is_left_out() -> None:
    formed = form_dns(pod("None", {"nameservers": ["1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"]}), HOST, CLUSTER, "c")
    assert formed.config.servers == ("1.1.1.1", "2.2.2.2", "3.3.3.3")
    assert formed.warnings == [
        (
            "DNSConfigForming",
            "Nameserver limits were exceeded, some nameservers have been omitted, "
            "the applied nameserver line is: 1.1.1.1 2.2.2.2 3.3.3.3",
        )
    ]


@pytest.mark.parametrize(
    ("searches", "kept"),
    [
        pytest.param([f"s{i}" for i in range(33)], 32, id="more than 32"),
        pytest.param(["a", "b" * 256], 1, id="one that is too long for a resolver"),
        pytest.param(["c" * 240 + str(i) for i in range(10, 22)], 8, id="more than 2048 characters"),
    ],
)
def test_search_limits(searches: list[str], kept: int) -> None:
    formed = form_dns(pod("None", {"searches": searches}), HOST, CLUSTER, "c")
    assert list(formed.config.searches) == searches[:kept]
    ((reason, message),) = formed.warnings
    assert reason == "DNSConfigForming"
    assert message == (
        "Search Line limits were exceeded, some search paths have been omitted, "
        f"the applied search line is: {' '.join(searches[:kept])}"
    )


def test_a_resolv_conf_is_read_as_resolvers_read_it() -> None:
    text = "# c\n; d\nnameserver 1.1.1.1\nnameserver fd00::1\nsearch old\nsearch a. b .\noptions ndots:1\nbogus\n"
    assert parse_resolv_conf(text) == ResolvConf(["1.1.1.1", "fd00::1"], ["a", "b", "."], ["ndots:1"])


class Events:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def event(self, obj: dict, type: str, reason: str, message: str, field_path: str = "") -> None:
        self.seen.append((type, reason))


def test_the_nodes_file_is_read_when_it_is_needed(tmp_path: Path) -> None:
    file, events = tmp_path / "resolv.conf", Events()
    dns = PodDns((), "cluster.local", file, events)
    assert dns.of(pod("Default")) == DnsConfig()
    file.write_text("nameserver 9.9.9.9\n")
    assert dns.of(pod()).servers == ("9.9.9.9",)
    assert events.seen == [("Warning", "MissingClusterDNS")]


def test_a_node_without_a_file_answers_for_itself() -> None:
    assert PodDns((), "c", None, Events()).of(pod("Default")) == DnsConfig(("127.0.0.1",), (".",))
