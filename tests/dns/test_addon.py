"""The Service that DNS is usually found by: made, kept, taken away, and never taken from somebody else."""

from __future__ import annotations

import pytest
from tests.fakes.client import FakeClient
from tests.proxy.objects import service

from podwright.api.errors import Invalid, NotFound
from podwright.api.resources import ENDPOINT_SLICES, SERVICES
from podwright.dns.addon import keep, kube_dns_objects, remove


def test_it_is_a_service_without_selector_and_its_slice() -> None:
    dns, endpoints = kube_dns_objects("10.96.0.10", "10.88.0.1", 5353)
    assert dns["metadata"]["name"] == "kube-dns"
    assert "selector" not in dns["spec"]
    assert endpoints["endpoints"][0]["addresses"] == ["10.88.0.1"]
    assert {p["name"] for p in dns["spec"]["ports"]} == {p["name"] for p in endpoints["ports"]}
    assert {p["port"] for p in endpoints["ports"]} == {5353}
    assert {p["port"] for p in dns["spec"]["ports"]} == {53}


async def test_it_is_made_and_follows_the_server() -> None:
    client = FakeClient()
    assert await keep(client, kube_dns_objects("10.96.0.10", "10.88.0.1"))
    assert await keep(client, kube_dns_objects("10.96.0.10", "10.88.0.1", 5353))
    found = await client.get(ENDPOINT_SLICES, "kube-dns", "kube-system")
    assert {p["port"] for p in found["ports"]} == {5353}


async def test_somebody_elses_stays() -> None:
    client = FakeClient()
    await client.create(SERVICES, service("kube-dns", "10.96.0.10", "kube-system"), "kube-system")
    assert not await keep(client, kube_dns_objects("10.96.0.10", "10.88.0.1"))
    await remove(client)
    assert (await client.get(SERVICES, "kube-dns", "kube-system"))["spec"]["ports"][0]["port"] == 80


async def test_an_address_that_is_taken_is_said(caplog: pytest.LogCaptureFixture) -> None:
    client = FakeClient()
    client.fail_next("create", SERVICES, Invalid("provided IP is already allocated"))
    assert not await keep(client, kube_dns_objects("10.96.0.10", "10.88.0.1"))
    assert "provided IP is already allocated" in caplog.text


async def test_it_goes_when_the_server_is_turned_off() -> None:
    client = FakeClient()
    await keep(client, kube_dns_objects("10.96.0.10", "10.88.0.1"))
    await remove(client)
    await remove(client)
    for resource in (SERVICES, ENDPOINT_SLICES):
        with pytest.raises(NotFound):
            await client.get(resource, "kube-dns", "kube-system")
