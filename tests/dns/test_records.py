"""What names mean: a table of questions and answers over one small cluster."""

from __future__ import annotations

import ipaddress
from typing import Any

import dnslib
import pytest
from tests.proxy.objects import endpoint, endpoint_slice, service

from podwright.dns.directory import Directory
from podwright.dns.records import Answer, Zone, answer
from podwright.dns.wire import Rcode, Type, name_of, parse_query, response

ZONE = Zone(name_of("cluster.local"), [ipaddress.IPv4Network("10.88.0.0/16"), ipaddress.IPv4Network("10.96.0.0/12")])
HTTP = {"name": "http", "port": 80, "protocol": "TCP"}
PEERS = [{"name": "peer", "port": 2380, "protocol": "TCP"}, {"name": "gossip", "port": 7000, "protocol": "UDP"}]


def headless(name: str, **spec: Any) -> dict[str, Any]:
    return service(name, "None", **spec)


def directory() -> Directory:
    found = Directory()
    found.namespace_changed(None, {"metadata": {"name": "default"}})
    for one in (
        service("web", "10.96.0.10", ports=[HTTP, {"port": 81}]),
        headless("db", ports=PEERS),
        headless("empty", ports=PEERS),
        headless("resting", ports=PEERS),
        {
            "metadata": {"name": "outside", "namespace": "default"},
            "spec": {"type": "ExternalName", "externalName": "Example.com"},
        },
    ):
        found.service_changed(None, one)
    for one in (
        endpoint_slice(endpoint("10.88.0.5"), ports=[{**HTTP, "port": 8080}]),
        endpoint_slice(endpoint("10.88.0.2", hostname="db-0"), endpoint("10.88.0.3"), of="db", ports=PEERS),
        endpoint_slice(endpoint("10.88.0.4", ready=False), of="resting", ports=PEERS),
    ):
        found.slice_changed(None, one)
    return found


def said(name: str, type_: str, found: Answer) -> list[str]:
    """The records of an answer, as a full library reads them off the wire."""
    message = response(parse_query(dnslib.DNSRecord.question(name, type_).pack()), found.rcode, found.records)
    records = dnslib.DNSRecord.parse(message).rr
    return [f"{dnslib.QTYPE[r.rtype]} {r.rdata}" for r in records]


SVC = "default.svc.cluster.local"
NO_DATA: list[str] = []
NO_NAME = None

TABLE = {
    "a service has its cluster IP": (f"web.{SVC}", "A", ["A 10.96.0.10"]),
    "case does not matter": (f"WEB.{SVC.upper()}", "A", ["A 10.96.0.10"]),
    "a service has no IPv6 address, but is there": (f"web.{SVC}", "AAAA", NO_DATA),
    "a service that is not there": (f"nothing.{SVC}", "A", NO_NAME),
    "a service in a namespace that is not there": ("web.other.svc.cluster.local", "A", NO_NAME),
    "an outside name with the search path behind it": (f"example.com.{SVC}", "A", NO_NAME),
    "an outside name with the domain behind it": ("example.com.cluster.local", "A", NO_NAME),
    "an outside name with svc behind it": ("example.com.svc.cluster.local", "A", NO_NAME),
    "a headless service has all its ready endpoints": (f"db.{SVC}", "A", ["A 10.88.0.2", "A 10.88.0.3"]),
    "a headless service without endpoints": (f"empty.{SVC}", "A", NO_NAME),
    "a headless service without ready endpoints": (f"resting.{SVC}", "A", NO_NAME),
    "an endpoint by its hostname": (f"db-0.db.{SVC}", "A", ["A 10.88.0.2"]),
    "an endpoint by its address": (f"10-88-0-3.db.{SVC}", "A", ["A 10.88.0.3"]),
    "an endpoint with a hostname is not known by its address": (f"10-88-0-2.db.{SVC}", "A", NO_NAME),
    "an endpoint of a service with a cluster IP": (f"10-88-0-5.web.{SVC}", "A", ["A 10.88.0.5"]),
    "an endpoint that is not there": (f"db-1.db.{SVC}", "A", NO_NAME),
    "an endpoint has no IPv6 address, but is there": (f"db-0.db.{SVC}", "AAAA", NO_DATA),
    "a port of a service": (f"_http._tcp.web.{SVC}", "SRV", [f"SRV 0 100 80 web.{SVC}."]),
    "a port of a service asked for an address": (f"_http._tcp.web.{SVC}", "A", NO_DATA),
    "a port under another protocol": (f"_http._udp.web.{SVC}", "SRV", NO_NAME),
    "a port that is not there": (f"_https._tcp.web.{SVC}", "SRV", NO_NAME),
    "between port and service": (f"_tcp.web.{SVC}", "SRV", NO_DATA),
    "all named ports of a service": (f"web.{SVC}", "SRV", [f"SRV 0 100 80 web.{SVC}."]),
    "a port of a headless service": (
        f"_peer._tcp.db.{SVC}",
        "SRV",
        [f"SRV 0 100 2380 db-0.db.{SVC}.", f"SRV 0 100 2380 10-88-0-3.db.{SVC}."],
    ),
    "another protocol's port of a headless service": (
        f"_gossip._udp.db.{SVC}",
        "SRV",
        [f"SRV 0 100 7000 db-0.db.{SVC}.", f"SRV 0 100 7000 10-88-0-3.db.{SVC}."],
    ),
    "an ExternalName": (f"outside.{SVC}", "CNAME", ["CNAME example.com."]),
    "below an ExternalName": (f"www.outside.{SVC}", "A", NO_NAME),
    "a pod by its address": ("10-88-0-2.default.pod.cluster.local", "A", ["A 10.88.0.2"]),
    "a pod in a namespace that is not there": ("10-88-0-2.other.pod.cluster.local", "A", NO_NAME),
    "a pod name that is no address": ("10-88-0-256.default.pod.cluster.local", "A", NO_NAME),
    "a pod has no IPv6 address, but is there": ("10-88-0-2.default.pod.cluster.local", "AAAA", NO_DATA),
    "the version of the schema": ("dns-version.cluster.local", "TXT", ['TXT "1.1.0"']),
    "the domain itself": ("cluster.local", "A", NO_DATA),
    "a namespace": ("default.svc.cluster.local", "A", NO_DATA),
    "a namespace that is not there": ("other.svc.cluster.local", "A", NO_NAME),
    "all services": ("svc.cluster.local", "A", NO_DATA),
    "deeper than anything": (f"a.b.c.web.{SVC}", "A", NO_NAME),
    "a service by its address": ("10.0.96.10.in-addr.arpa", "PTR", [f"PTR web.{SVC}."]),
    "an endpoint by its address backwards": ("2.0.88.10.in-addr.arpa", "PTR", [f"PTR db-0.db.{SVC}."]),
    "an address of a known name asked for something else": ("2.0.88.10.in-addr.arpa", "A", NO_DATA),
    "an address of our own without a name": ("99.0.88.10.in-addr.arpa", "PTR", NO_NAME),
}


@pytest.mark.parametrize(("name", "type_", "expected"), TABLE.values(), ids=TABLE.keys())
def test_answers(name: str, type_: str, expected: list[str] | None) -> None:
    found = answer(ZONE, name_of(name), getattr(dnslib.QTYPE, type_), directory())
    assert found is not None
    if expected is None:
        assert found.rcode == Rcode.NO_SUCH_NAME
        assert not found.records
    else:
        assert found.rcode == Rcode.OK
        assert said(name, type_, found) == expected


@pytest.mark.parametrize(
    "name", ["example.com", "local", "notcluster.local", "8.8.8.8.in-addr.arpa", "88.10.in-addr.arpa", ""]
)
def test_what_is_not_the_clusters_is_left_to_others(name: str) -> None:
    assert answer(ZONE, name_of(name), Type.A, directory()) is None


def test_srv_brings_the_addresses_along() -> None:
    found = answer(ZONE, name_of(f"_peer._tcp.db.{SVC}"), Type.SRV, directory())
    assert found is not None
    assert {ipaddress.IPv4Address(r.data).compressed for r in found.additional} == {"10.88.0.2", "10.88.0.3"}


def test_an_external_name_leads_on() -> None:
    found = answer(ZONE, name_of(f"outside.{SVC}"), Type.A, directory())
    assert found is not None
    assert found.follow == ("example", "com")


def test_names_go_with_their_objects() -> None:
    known = directory()
    known.service_changed(service("web", "10.96.0.10"), None)
    one = endpoint_slice(endpoint("10.88.0.2", hostname="db-0"), endpoint("10.88.0.3"), of="db", ports=PEERS)
    known.slice_changed(one, endpoint_slice(endpoint("10.88.0.9"), of="db", ports=PEERS))
    for gone in (f"web.{SVC}", f"db-0.db.{SVC}", "10.0.96.10.in-addr.arpa", "2.0.88.10.in-addr.arpa"):
        found = answer(ZONE, name_of(gone), Type.ANY, known)
        assert found is not None
        assert not found.exists
    known.namespace_changed({"metadata": {"name": "default"}}, None)
    found = answer(ZONE, name_of(SVC), Type.A, known)
    assert found is not None
    assert not found.exists


def test_a_slice_that_moves_between_services_is_found_at_the_new_one() -> None:
    known = directory()
    old = endpoint_slice(endpoint("10.88.0.3"), of="db", ports=PEERS)
    new = {**endpoint_slice(endpoint("10.88.0.3"), of="empty", ports=PEERS), "metadata": {**old["metadata"]}}
    new["metadata"]["labels"] = {"kubernetes.io/service-name": "empty"}
    known.slice_changed(old, new)
    found = answer(ZONE, name_of(f"empty.{SVC}"), Type.A, known)
    assert found is not None
    assert found.exists
    before = answer(ZONE, name_of(f"db.{SVC}"), Type.A, known)
    assert before is not None
    assert not before.exists
