"""When rules are written, and what happens when they cannot be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running
from tests.proxy.objects import endpoint, endpoint_slice, service

from podwright.api.objects import Object
from podwright.api.resources import ENDPOINT_SLICES, SERVICES
from podwright.client.informers import Informers
from podwright.proxy import proxy as proxy_module
from podwright.proxy.backends import Target
from podwright.proxy.nftables import Nftables, NftError
from podwright.proxy.proxy import ServiceProxy
from podwright.proxy.rules import Node
from podwright.proxy.stale import WaysIn
from podwright.proxy.table import Present


class Kernel:
    """Notes the transactions; `refusals` are raised in place of the next ones."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.refusals: list[NftError] = []
        self.there = False
        self.present: Present | None = None
        self.looked = 0
        self.forgotten: list[tuple[WaysIn, WaysIn]] = []

    async def apply(self, text: str) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.applied.append(text)
        self.there = True

    async def read(self, table: str) -> Present | None:
        assert table == "t"
        return self.present

    async def exists(self, table: str) -> bool:
        assert table == "t"
        self.looked += 1
        return self.there

    async def clean_up(self, table: str) -> None:
        assert table == "t"
        self.there = False

    async def forget_stale(self, before: WaysIn, now: WaysIn) -> None:
        self.forgotten.append((before, now))


@asynccontextmanager
async def proxy(*objects: Object) -> AsyncIterator[tuple[FakeClient, Kernel]]:
    client, kernel = FakeClient(), Kernel()
    for obj in objects:
        await put(client, obj)
    informers = Informers(client)
    under_test = ServiceProxy(informers, Node("node-1", "10.88.0.0/16"), "t", kernel)
    async with running(informers.run(), under_test.run()):
        await eventually(lambda: kernel.applied)
        yield client, kernel
    await under_test.clean_up()
    assert not kernel.there


async def put(client: FakeClient, obj: Object) -> None:
    resource = SERVICES if obj["kind"] == "Service" else ENDPOINT_SLICES
    await client.create(resource, obj, "default")


async def replace(client: FakeClient, obj: Object) -> None:
    resource = SERVICES if obj["kind"] == "Service" else ENDPOINT_SLICES
    current = await client.get(resource, obj["metadata"]["name"], "default")
    version = current["metadata"]["resourceVersion"]
    await client.update(resource, {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}})


def whole(text: str) -> bool:
    return text.startswith("add table ip t\ndelete table ip t\n")


async def test_the_first_transaction_is_the_whole_table_with_all_that_is_there() -> None:
    async with proxy(service(), endpoint_slice(endpoint("10.88.0.2"))) as (_, kernel):
        assert len(kernel.applied) == 1
        assert whole(kernel.applied[0])
        assert "dnat to 10.88.0.2:8080" in kernel.applied[0]


async def test_a_cluster_without_services_has_a_table_too() -> None:
    async with proxy() as (_, kernel):
        assert whole(kernel.applied[0])


async def test_changes_that_come_together_are_one_transaction() -> None:
    async with proxy(service()) as (client, kernel):
        for i in range(20):
            await put(client, endpoint_slice(endpoint(f"10.88.0.{i + 2}"), suffix=str(i)))
        await eventually(lambda: "10.88.0.21" in kernel.applied[-1])
        assert len(kernel.applied) < 5
        assert not any(whole(text) for text in kernel.applied[1:])


async def test_a_change_that_means_nothing_is_no_transaction() -> None:
    async with proxy(service()) as (client, kernel):
        annotated = service()
        annotated["metadata"]["annotations"] = {"a": "b"}
        await replace(client, annotated)
        await put(client, service("other", "10.96.0.11"))
        await eventually(lambda: "10.96.0.11" in kernel.applied[-1])
        assert len(kernel.applied) == 2


async def test_after_a_refusal_the_whole_table_is_written(caplog: pytest.LogCaptureFixture) -> None:
    async with proxy(service()) as (client, kernel):
        kernel.refusals = [NftError("no such table")]
        await put(client, endpoint_slice(endpoint("10.88.0.2")))
        await eventually(lambda: "10.88.0.2" in kernel.applied[-1])
        assert whole(kernel.applied[-1])
    assert "no such table" in caplog.text


async def test_a_table_of_an_earlier_run_is_written_over_and_if_that_is_refused_made_anew() -> None:
    client, kernel = FakeClient(), Kernel()
    await put(client, service())
    kernel.present = Present(frozenset({"translate"}), frozenset({"services"}), frozenset())
    informers = Informers(client)
    under_test = ServiceProxy(informers, Node("node-1", "10.88.0.0/16"), "t", kernel)
    async with running(informers.run(), under_test.run()):
        await eventually(lambda: kernel.applied)
        assert kernel.applied[0].startswith("flush chain ip t translate\n")
    kernel.refusals = [NftError("another type of set")]
    informers = Informers(client)
    again = ServiceProxy(informers, Node("node-1", "10.88.0.0/16"), "t", kernel)
    async with running(informers.run(), again.run()):
        await eventually(lambda: len(kernel.applied) == 2)
        assert whole(kernel.applied[1])


async def test_one_service_that_makes_no_sense_does_not_hold_up_the_others(caplog: pytest.LogCaptureFixture) -> None:
    wrong = service("wrong", "10.96.0.99", externalIPs=["nonsense"])
    async with proxy(wrong, service(), endpoint_slice(endpoint("10.88.0.2"))) as (_, kernel):
        assert "10.88.0.2:8080" in kernel.applied[0]
        assert "10.96.0.99" not in kernel.applied[0]
    assert "service default/wrong has no addresses on this node" in caplog.text


async def test_rules_that_somebody_removed_are_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "_CHECK_SECONDS", 0.01)
    async with proxy(service()) as (_, kernel):
        await eventually(lambda: kernel.looked > 1)
        assert len(kernel.applied) == 1
        kernel.there = False
        await eventually(lambda: len(kernel.applied) == 2)
        assert whole(kernel.applied[1])


async def test_udp_flows_are_looked_after_when_their_endpoints_change() -> None:
    ports: list[dict[str, Any]] = [{"port": 53, "protocol": "UDP"}]
    served = [{"name": "", "port": 53, "protocol": "UDP"}]
    objects = service(ports=ports), endpoint_slice(endpoint("10.88.0.2"), ports=served)
    async with proxy(*objects) as (client, kernel):
        await replace(client, endpoint_slice(endpoint("10.88.0.3"), ports=served))
        await eventually(lambda: len(kernel.forgotten) == 2)
        before, now = kernel.forgotten[1]
        assert before["10.96.0.10", 53] == {Target("10.88.0.2", 53)}
        assert now["10.96.0.10", 53] == {Target("10.88.0.3", 53)}


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(NftError, match="cannot run no-such-nft"):
        await Nftables("no-such-nft").apply("")


async def test_what_a_program_says_is_the_error() -> None:
    with pytest.raises(NftError, match="ended with status 1"):
        await Nftables("false").apply("")


async def test_without_conntrack_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    rules = Nftables(conntrack="no-such-conntrack")
    for _ in range(2):
        await rules.forget_stale({}, {})
    assert caplog.text.count("without the conntrack program") == 1
