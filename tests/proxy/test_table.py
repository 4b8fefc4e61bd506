"""The text for nft: what changes say, and that nft takes every transaction (`nft -c` changes nothing)."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.proxy.objects import endpoint, endpoint_slice, service

from podwright.api.objects import Key, Object, key_of
from podwright.proxy.rules import Node, ServiceRules, service_rules
from podwright.proxy.table import EMPTY, Present, changes, contents, parse_table, removal, renewed, whole

NODE = Node("node-1", "10.88.0.0/16")
T = "pw-test"


def table_of(*pairs: tuple[Object, Sequence[Object]]) -> ServiceRules:
    return contents({key_of(s): service_rules(s, [endpoint_slice(*ends)], NODE) for s, ends in pairs})


A, B = endpoint("10.88.0.2"), endpoint("10.88.0.3")


def test_nothing_changed_is_no_transaction() -> None:
    assert changes(T, table_of((service(), [A])), table_of((service(), [A]))) == ""


def test_a_change_of_endpoints_touches_its_own_chain_alone() -> None:
    other = (service("other", "10.96.0.11"), [A])
    before, wanted = table_of((service(), [A]), other), table_of((service(), [A, B]), other)
    assert changes(T, before, wanted).splitlines() == [
        f"flush chain ip {T} cluster/default/web/tcp/80",
        f"add rule ip {T} cluster/default/web/tcp/80 ip saddr != 10.88.0.0/16 meta mark set meta mark | 0x4000",
        f"add rule ip {T} cluster/default/web/tcp/80 numgen random mod 2 0 meta l4proto tcp dnat to 10.88.0.2:8080",
        f"add rule ip {T} cluster/default/web/tcp/80 meta l4proto tcp dnat to 10.88.0.3:8080",
        f"add element ip {T} hairpins {{ 10.88.0.3 . 10.88.0.3 }}",
    ]


def test_a_service_that_goes_takes_its_element_before_its_chain() -> None:
    assert changes(T, table_of((service(), [A])), EMPTY).splitlines() == [
        f"delete element ip {T} services {{ 10.96.0.10 . tcp . 80 : goto cluster/default/web/tcp/80 }}",
        f"delete element ip {T} cluster_ips {{ 10.96.0.10 }}",
        f"delete element ip {T} hairpins {{ 10.88.0.2 . 10.88.0.2 }}",
        f"flush chain ip {T} cluster/default/web/tcp/80",
        f"delete chain ip {T} cluster/default/web/tcp/80",
    ]


def test_of_two_services_with_one_external_address_the_first_by_name_has_it() -> None:
    two = [(service(name, ip, externalIPs=["192.0.2.9"]), [A]) for name, ip in (("b", "10.96.0.2"), ("a", "10.96.0.1"))]
    assert table_of(*two).services["192.0.2.9 . tcp . 80"] == "goto cluster/default/a/tcp/80"


def test_the_whole_table_takes_the_place_of_any_there_was() -> None:
    text = whole(T, table_of((service(), [A])))
    assert text.startswith(removal(T))
    assert text.index("table ip pw-test {") < text.index("add chain ip") < text.index("add element")


LISTED = """table ip pw-test {
\tmap services {
\t\ttype ipv4_addr . inet_proto . inet_service : verdict
\t}

\tset sticky/default/web/tcp/80/10.88.0.2/8080 {
\t\ttype ipv4_addr
\t}

\tchain translate {
\t\tip daddr . meta l4proto . th dport vmap @services
\t}

\tchain cluster/default/gone/tcp/80 {
\t\tmeta l4proto tcp dnat to 10.88.0.2:8080
\t}
}
"""


def test_what_a_table_has_is_read_from_its_listing() -> None:
    assert parse_table(LISTED) == Present(
        frozenset({"translate", "cluster/default/gone/tcp/80"}),
        frozenset({"services"}),
        frozenset({"sticky/default/web/tcp/80/10.88.0.2/8080"}),
    )


def test_a_table_is_written_over_where_it_stands() -> None:
    text = renewed(T, parse_table(LISTED), table_of((service(sessionAffinity="ClientIP"), [A])))
    assert "delete table" not in text
    lines = text.splitlines()
    assert lines[:2] == [f"flush chain ip {T} translate", f"flush map ip {T} services"]
    assert lines[-2:] == [
        f"flush chain ip {T} cluster/default/gone/tcp/80",
        f"delete chain ip {T} cluster/default/gone/tcp/80",
    ]
    # the clients that it remembers stay with their endpoint
    assert not any(" set " in line and "sticky" in line for line in lines)


nft = pytest.mark.node

SPECS: list[dict[str, Any]] = [
    {},
    {"ports": [{"port": 80, "protocol": "UDP", "nodePort": 30080}]},
    {"ports": [{"port": 80, "nodePort": 30080}], "type": "NodePort"},
    {"ports": [{"port": 80, "nodePort": 30080}], "externalTrafficPolicy": "Local", "externalIPs": ["192.0.2.9"]},
    {"internalTrafficPolicy": "Local"},
    {"sessionAffinity": "ClientIP"},
    {
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.8"}]}},
        "loadBalancerSourceRanges": ["198.51.100.0/24", "10.0.0.0/8"],
    },
    {"ports": [{"port": 80, "protocol": "SCTP"}]},
]
ENDPOINTS = [A, B, endpoint("10.89.0.2", node="node-2")]
ANY_SERVICE = st.tuples(st.sampled_from(SPECS), st.lists(st.sampled_from(ENDPOINTS), max_size=3))
ANY_TABLE = st.dictionaries(st.sampled_from(["web", "db", "x"]), ANY_SERVICE)


def built(chosen: dict[str, tuple[dict[str, Any], list[Object]]]) -> ServiceRules:
    found = {}
    for i, (name, (spec, ends)) in enumerate(sorted(chosen.items())):
        one = service(name, f"10.96.0.{i + 1}", **spec)
        ports = [{"name": "", "port": 8080, "protocol": p.get("protocol", "TCP")} for p in one["spec"]["ports"]]
        found[Key("default", name)] = service_rules(one, [endpoint_slice(*ends, of=name, ports=ports)], NODE)
    return contents(found)


@nft
@settings(max_examples=25, deadline=None)
@given(ANY_TABLE, ANY_TABLE)
def test_nft_takes_every_change_from_one_table_to_another(before: Any, wanted: Any) -> None:
    first, second = built(before), built(wanted)
    # one check for both: the change is made to the table that the same input has just set up
    text = whole(T, first) + changes(T, first, second)
    result = subprocess.run(["nft", "-c", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr + text


@nft
@settings(max_examples=25, deadline=None)
@given(ANY_TABLE, ANY_TABLE)
def test_nft_takes_every_table_over_another(before: Any, wanted: Any) -> None:
    first, second = built(before), built(wanted)
    frame = parse_table(whole(T, EMPTY))
    present = Present(frame.chains | set(first.chains), frame.maps, frame.sets | first.sticky)
    text = whole(T, first) + renewed(T, present, second)
    result = subprocess.run(["nft", "-c", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr + text


@nft
def test_nft_takes_the_longest_names() -> None:
    long = service("s" * 63, namespace="n" * 63, sessionAffinity="ClientIP")
    rules = service_rules(long, [endpoint_slice(A, B)], NODE)
    text = whole(T, contents({key_of(long): rules}))
    result = subprocess.run(["nft", "-c", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
