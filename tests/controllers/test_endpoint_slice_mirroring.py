"""EndpointSlices of Endpoints that are written by hand: which, what they say, and how long they stay."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from podwright.client.informers import Informers
from podwright.controllers.endpoint_slice_mirroring import EndpointSliceMirroring, is_mirrored, mirrored_slices

SERVICE = {"metadata": {"name": "db", "namespace": "ns"}, "spec": {"ports": [{"port": 80}]}}


def endpoints(*subsets: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": "db", "namespace": "ns", "uid": "u", **meta}, "subsets": list(subsets)}


def subset(*ips: str, waiting: tuple[str, ...] = (), ports: tuple[dict[str, Any], ...] = ({"port": 80},)) -> Any:
    return {
        "addresses": [{"ip": ip} for ip in ips],
        "notReadyAddresses": [{"ip": ip} for ip in waiting],
        "ports": list(ports),
    }


@pytest.mark.parametrize(
    ("of", "service", "expected"),
    [
        pytest.param(endpoints(), SERVICE, True, id="a Service without a selector"),
        pytest.param(endpoints(), None, False, id="no Service"),
        pytest.param(None, SERVICE, False, id="no Endpoints"),
        pytest.param(endpoints(), {"spec": {"selector": {"a": "b"}}}, False, id="a Service that selects has its own"),
        pytest.param(
            endpoints(labels={"endpointslice.kubernetes.io/skip-mirror": "true"}), SERVICE, False, id="not wanted"
        ),
        pytest.param(
            endpoints(labels={"endpointslice.kubernetes.io/skip-mirror": "false"}), SERVICE, True, id="wanted"
        ),
        pytest.param(
            endpoints(annotations={"control-plane.alpha.kubernetes.io/leader": ""}), SERVICE, False, id="a lock"
        ),
    ],
)
def test_which_endpoints_are_mirrored(of: Any, service: Any, expected: bool) -> None:
    assert is_mirrored(of, service) is expected


def said(of: Any) -> list[Any]:
    return [
        (
            one["addressType"],
            [(p["name"], p["protocol"], p["port"]) for p in one["ports"]],
            [(e["addresses"][0], e["conditions"]["ready"]) for e in one["endpoints"]],
        )
        for one in mirrored_slices(of)
    ]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        pytest.param(endpoints(), [], id="none"),
        pytest.param(endpoints(subset("10.1.2.3")), [("IPv4", [("", "TCP", 80)], [("10.1.2.3", True)])], id="one"),
        pytest.param(
            endpoints(subset("10.1.2.3", waiting=("10.1.2.4",))),
            [("IPv4", [("", "TCP", 80)], [("10.1.2.3", True), ("10.1.2.4", False)])],
            id="ready and not ready",
        ),
        pytest.param(
            endpoints(subset("fd00::1", "10.1.2.3")),
            [("IPv4", [("", "TCP", 80)], [("10.1.2.3", True)]), ("IPv6", [("", "TCP", 80)], [("fd00::1", True)])],
            id="a slice has one family",
        ),
        pytest.param(
            endpoints(
                subset("10.1.2.3", ports=({"name": "a", "port": 8090},)),
                subset("10.1.2.3", ports=({"name": "b", "port": 9090, "protocol": "UDP"},)),
            ),
            [
                ("IPv4", [("a", "TCP", 8090)], [("10.1.2.3", True)]),
                ("IPv4", [("b", "UDP", 9090)], [("10.1.2.3", True)]),
            ],
            id="an address with other ports in each subset",
        ),
        pytest.param(
            endpoints(
                subset("10.1.2.3", ports=({"name": "a", "port": 1}, {"name": "b", "port": 2})),
                subset("10.1.2.3", "10.1.2.4", ports=({"name": "b", "port": 2}, {"name": "a", "port": 1})),
            ),
            [("IPv4", [("a", "TCP", 1), ("b", "TCP", 2)], [("10.1.2.3", True), ("10.1.2.4", True)])],
            id="subsets with the same ports are one, and nobody is twice in it",
        ),
        pytest.param(endpoints(subset("nowhere")), [], id="what is no address is left out"),
    ],
)
def test_what_slices_say(of: Any, expected: Any) -> None:
    assert said(of) == expected


def test_no_slice_is_too_long() -> None:
    of = endpoints(subset(*(f"10.1.{n // 250}.{n % 250 + 1}" for n in range(250))))
    assert [len(one["endpoints"]) for one in mirrored_slices(of)] == [100, 100, 50]


def test_labels_targets_and_the_owner_are_kept() -> None:
    address = {"ip": "10.1.2.3", "hostname": "db-0", "nodeName": "n", "targetRef": {"kind": "Pod", "name": "p"}}
    port = {"port": 80, "appProtocol": "http"}
    (one,) = mirrored_slices(endpoints({"addresses": [address], "ports": [port]}, labels={"app": "db"}))
    assert one["metadata"]["labels"] == {
        "app": "db",
        "kubernetes.io/service-name": "db",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    (owner,) = one["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("Endpoints", "db", "u", True)
    assert one["ports"] == [{"name": "", "protocol": "TCP", "port": 80, "appProtocol": "http"}]
    (endpoint,) = one["endpoints"]
    assert {k: endpoint[k] for k in ("hostname", "nodeName", "targetRef")} == {
        k: address[k] for k in ("hostname", "nodeName", "targetRef")
    }


async def test_slices_follow_their_endpoints_and_their_service() -> None:
    client = FakeClient()
    informers = Informers(client)

    async def mirrored() -> list[list[str]]:
        found = (await client.list(ENDPOINT_SLICES, "ns")).items
        return [[a for e in one["endpoints"] for a in e["addresses"]] for one in found]

    async def becomes(*wanted: list[str]) -> None:
        async def same() -> bool:
            return await mirrored() == list(wanted)

        await eventually(same)

    async with running(informers.run(), EndpointSliceMirroring(client, informers).run()):
        made = await client.create(ENDPOINTS, endpoints(subset("10.1.2.3")), "ns")
        await client.create(SERVICES, SERVICE, "ns")
        await becomes(["10.1.2.3"])
        (name,) = [one["metadata"]["name"] for one in (await client.list(ENDPOINT_SLICES, "ns")).items]
        await client.update(ENDPOINTS, {**made, "subsets": [subset("10.2.3.4")]})
        await becomes(["10.2.3.4"])
        assert (await client.get(ENDPOINT_SLICES, name, "ns"))["endpoints"][0]["conditions"] == {"ready": True}
        await client.delete(ENDPOINT_SLICES, name, "ns")
        await becomes(["10.2.3.4"])
        await client.delete(ENDPOINTS, "db", "ns")
        await becomes()
        made = await client.create(ENDPOINTS, endpoints(subset("10.2.3.4")), "ns")
        await becomes(["10.2.3.4"])
        (one,) = (await client.list(ENDPOINT_SLICES, "ns")).items
        assert one["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
        await client.delete(SERVICES, "db", "ns")
        await becomes()
