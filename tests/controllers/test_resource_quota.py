"""The quota controller: counts what goes, and gives back what was charged for nothing."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Conflict
from podwright.api.objects import Object
from podwright.api.resources import CONFIG_MAPS, NODES, PODS, RESOURCE_QUOTAS
from podwright.client.informers import Informers
from podwright.client.interface import DeleteOptions
from podwright.controllers import resource_quota
from podwright.controllers.resource_quota import QuotaCounts, counted, lowers

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def quota(**hard: str) -> Object:
    return {"metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": hard}}


def pod(name: str, cpu: str) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]},
    }


def test_counted() -> None:
    objects = [(PODS, pod("a", "500m")), (PODS, pod("b", "1")), (PODS, pod("bad", "x")), (CONFIG_MAPS, {})]
    assert counted(quota(cpu="4", configmaps="3", secrets="1"), objects, NOW) == {
        "hard": {"cpu": "4", "configmaps": "3", "secrets": "1"},
        "used": {"cpu": "1500m", "configmaps": "1", "secrets": "0"},
    }


def test_lowers() -> None:
    assert lowers({"used": {"pods": "2"}}, {"used": {"pods": "1"}})
    assert not lowers({"used": {"pods": "1"}}, {"used": {"pods": "2"}})
    assert not lowers({}, {"used": {"pods": "0"}})


@asynccontextmanager
async def counting(client: FakeClient) -> AsyncIterator[None]:
    informers = Informers(client)
    counts = QuotaCounts(client, informers, [PODS, CONFIG_MAPS, NODES], lambda: NOW)
    async with running(informers.run(), counts.run()):
        yield


async def status(client: FakeClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(RESOURCE_QUOTAS, "q", "ns")).get("status") or {}
    return found


async def test_a_quota_is_counted_when_it_comes_and_when_something_goes() -> None:
    client = FakeClient()
    client.fail_next("update", RESOURCE_QUOTAS, Conflict.of("resourcequotas", "q"), subresource="status")
    for name in ("a", "b", "c"):
        await client.create(PODS, pod(name, "1"), "ns")
    await client.create(PODS, pod("elsewhere", "1"), "other")
    async with counting(client):
        await client.create(RESOURCE_QUOTAS, quota(**{"requests.cpu": "4", "pods": "9"}), "ns")

        async def uses(cpu: str, pods: str) -> bool:
            return (await status(client)).get("used") == {"requests.cpu": cpu, "pods": pods}

        await eventually(lambda: uses("3", "3"))
        await client.delete(PODS, "a", "ns", DeleteOptions(grace_period_seconds=0))
        await eventually(lambda: uses("2", "2"))
        await client.patch(PODS, "b", {"status": {"phase": "Succeeded"}}, "ns", subresource="status")
        await eventually(lambda: uses("1", "1"))
        await client.patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": {"configmaps": "1"}}}, "ns")

        async def counts_both() -> bool:
            return set((await status(client))["used"]) == {"requests.cpu", "pods", "configmaps"}

        await eventually(counts_both)


async def test_what_was_charged_for_nothing_is_given_back() -> None:
    client = FakeClient()
    charged = {**quota(configmaps="3"), "status": {"hard": {"configmaps": "3"}, "used": {"configmaps": "2"}}}
    await client.create(RESOURCE_QUOTAS, charged, "ns")
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "ns")
    async with counting(client):

        async def right() -> bool:
            return (await status(client))["used"] == {"configmaps": "1"}

        await eventually(right)


async def test_what_is_charged_and_not_stored_yet_is_not_given_back_for_what_goes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource_quota, "SETTLING_SECONDS", 1.0)
    client = FakeClient()
    for number in range(20):
        await client.create(CONFIG_MAPS, {"metadata": {"name": f"c{number}"}}, "ns")
    charged = {**quota(configmaps="30"), "status": {"hard": {"configmaps": "30"}, "used": {"configmaps": "20"}}}
    made = await client.create(RESOURCE_QUOTAS, charged, "ns")
    async with counting(client):
        # A request is charged for; before it is stored others delete what is theirs.
        made["status"]["used"]["configmaps"] = "21"
        version = (await client.update(RESOURCE_QUOTAS, made, subresource="status"))["metadata"]["resourceVersion"]
        for number in range(10):
            await client.delete(CONFIG_MAPS, f"c{number}", "ns")
            await asyncio.sleep(0.001)
        assert (await client.get(RESOURCE_QUOTAS, "q", "ns"))["metadata"]["resourceVersion"] == version
        await client.create(CONFIG_MAPS, {"metadata": {"name": "late"}}, "ns")

        async def right() -> bool:
            return (await status(client))["used"] == {"configmaps": "11"}

        await eventually(right)
