"""The controllers as they run together, over a small API server."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import NotFound, Unavailable
from podwright.api.objects import Object, copy_object
from podwright.api.resources import (
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    RUNTIME_CLASSES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from podwright.client.interface import DeleteOptions
from podwright.controllers import pod_gc
from podwright.controllers.manager import Controllers

RESOURCES = [
    NAMESPACES, PODS, NODES, SECRETS, CONFIG_MAPS, SERVICE_ACCOUNTS, SERVICES, ENDPOINTS, EVENTS, ENDPOINT_SLICES,
    LEASES, RUNTIME_CLASSES,
]  # fmt: skip
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@asynccontextmanager
async def controlling(client: FakeClient) -> AsyncIterator[None]:
    async with running(Controllers(client, RESOURCES, "PEM", lambda: NOW).run()):
        yield


async def make(client: FakeClient, resource: Resource, name: str, namespace: str = "ns", **fields: Any) -> Object:
    meta = {"name": name, **fields.pop("metadata", {})}
    return await client.create(resource, {"metadata": meta, **fields}, namespace if resource.namespaced else "")


async def there(client: FakeClient, resource: Resource, name: str, namespace: str = "ns") -> Object | None:
    try:
        return await client.get(resource, name, namespace)
    except NotFound:
        return None


def owned_by(owner: Object, **fields: Any) -> dict[str, Any]:
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"]}
    return {"ownerReferences": [{**reference, "uid": owner["metadata"]["uid"], **fields}]}


async def test_a_new_namespace_is_furnished_within_milliseconds() -> None:
    client = FakeClient()
    await make(client, NAMESPACES, "first")
    async with controlling(client):
        await eventually(lambda: there(client, CONFIG_MAPS, "kube-root-ca.crt", "first"))
        started = time.perf_counter()
        await make(client, NAMESPACES, "ns")
        await eventually(lambda: there(client, SERVICE_ACCOUNTS, "default"))
        config_map = await eventually(lambda: there(client, CONFIG_MAPS, "kube-root-ca.crt"))
        assert time.perf_counter() - started < 0.05
        assert config_map["data"] == {"ca.crt": "PEM"}


async def test_what_a_namespace_is_furnished_with_comes_back() -> None:
    client = FakeClient()
    client.fail_next("create", SERVICE_ACCOUNTS, Unavailable("not yet"))
    await make(client, NAMESPACES, "ns")
    async with controlling(client):
        first = await eventually(lambda: there(client, SERVICE_ACCOUNTS, "default"))
        await eventually(lambda: there(client, CONFIG_MAPS, "kube-root-ca.crt"))
        await client.delete(SERVICE_ACCOUNTS, "default", "ns")
        await client.patch(CONFIG_MAPS, "kube-root-ca.crt", {"data": {"ca.crt": "bad"}}, "ns")
        second = await eventually(lambda: there(client, SERVICE_ACCOUNTS, "default"))
        assert first["metadata"]["uid"] != second["metadata"]["uid"]

        async def right() -> bool:
            return (await client.get(CONFIG_MAPS, "kube-root-ca.crt", "ns"))["data"] == {"ca.crt": "PEM"}

        await eventually(right)


async def test_a_deleted_namespace_is_emptied_pods_first_and_then_gone() -> None:
    client = FakeClient()
    await make(client, NAMESPACES, "ns")
    async with controlling(client):
        await eventually(lambda: there(client, SERVICE_ACCOUNTS, "default"))
        await make(client, NODES, "n")
        await make(client, PODS, "p", spec={"nodeName": "n"})
        await make(client, SECRETS, "s")
        await make(client, EVENTS, "e")
        client.fail_next("delete", SECRETS, Unavailable("not now"))
        client.fail_next("update", NAMESPACES, ConnectionError("not now"), subresource="finalize")
        await client.delete(NAMESPACES, "ns")

        async def going() -> bool:
            return "deletionTimestamp" in (await client.get(PODS, "p", "ns"))["metadata"]

        await eventually(going)
        await asyncio.sleep(0.02)
        assert await there(client, SECRETS, "s")
        waiting = {c["type"]: c for c in (await client.get(NAMESPACES, "ns"))["status"]["conditions"]}
        assert waiting["NamespaceContentRemaining"]["message"] == (
            "Some resources are remaining: pods. has 1 resource instances"
        )
        assert waiting["NamespaceFinalizersRemaining"]["status"] == "False"
        # The kubelet says that its containers are gone.
        await client.delete(PODS, "p", "ns", DeleteOptions(grace_period_seconds=0))

        async def gone() -> bool:
            return await there(client, NAMESPACES, "ns", "") is None

        await eventually(gone)
        for resource in (SECRETS, EVENTS, SERVICE_ACCOUNTS, CONFIG_MAPS):
            assert (await client.list(resource, "ns")).items == []
        assert len(client.called("update", NAMESPACES, "finalize")) == 2


async def test_a_service_has_its_slice_and_its_endpoints_as_pods_come_and_go() -> None:
    client = FakeClient()
    async with controlling(client):
        spec = {"selector": {"app": "a"}, "ports": [{"port": 80}]}
        await make(client, SERVICES, "web", spec=spec)
        await eventually(lambda: there(client, ENDPOINTS, "web"))
        ready = {"podIP": "10.1.0.1", "conditions": [{"type": "Ready", "status": "True"}]}
        await make(client, NODES, "n")
        await make(client, PODS, "p", metadata={"labels": {"app": "a"}}, spec={"nodeName": "n"}, status=ready)

        async def addresses() -> tuple[list[str], list[str]]:
            (one,) = (await client.list(ENDPOINT_SLICES, "ns")).items
            old = await client.get(ENDPOINTS, "web", "ns")
            return (
                [a for e in one["endpoints"] for a in e["addresses"]],
                [a["ip"] for s in old["subsets"] for a in s["addresses"]],
            )

        async def both_are(*wanted: str) -> bool:
            return await addresses() == (list(wanted), list(wanted))

        await eventually(lambda: both_are("10.1.0.1"))
        await client.delete(PODS, "p", "ns", DeleteOptions(grace_period_seconds=0))
        await eventually(lambda: both_are())
        await client.delete(SERVICES, "web", "ns")

        async def gone() -> bool:
            left = [*(await client.list(ENDPOINT_SLICES)).items, *(await client.list(ENDPOINTS)).items]
            return not left

        await eventually(gone)


async def test_dependents_go_with_their_last_owner() -> None:
    client = FakeClient()
    owner = await make(client, CONFIG_MAPS, "owner")
    other = await make(client, CONFIG_MAPS, "other")
    both = owned_by(owner)
    both["ownerReferences"] += owned_by(other)["ownerReferences"]
    await make(client, SECRETS, "one", metadata=owned_by(owner))
    await make(client, SECRETS, "two", metadata=both)
    await make(client, SECRETS, "unknown", metadata=owned_by({**owner, "kind": "Widget", "apiVersion": "x/v1"}))
    async with controlling(client):
        await client.delete(CONFIG_MAPS, "owner", "ns")

        async def left() -> bool:
            found = {s["metadata"]["name"]: s for s in (await client.list(SECRETS, "ns")).items}
            return set(found) == {"two", "unknown"} and len(found["two"]["metadata"]["ownerReferences"]) == 1

        await eventually(left)
        # It came with an owner that was never there.
        stray = copy_object(owner)
        stray["metadata"]["uid"] = "nobody"
        await make(client, SECRETS, "stray", metadata=owned_by(stray))
        await eventually(lambda: _missing(client, "stray"))


async def _missing(client: FakeClient, name: str) -> bool:
    return await there(client, SECRETS, name) is None


async def test_a_foreground_deletion_waits_for_the_dependents_that_block_it() -> None:
    client = FakeClient()
    owner = await make(client, CONFIG_MAPS, "owner")
    held = {**owned_by(owner, blockOwnerDeletion=True), "finalizers": ["a/b"]}
    await make(client, SECRETS, "one", metadata=held)
    async with controlling(client):
        await client.delete(CONFIG_MAPS, "owner", "ns", DeleteOptions(propagation_policy="Foreground"))

        async def going() -> bool:
            return "deletionTimestamp" in (await client.get(SECRETS, "one", "ns"))["metadata"]

        await eventually(going)
        await asyncio.sleep(0.02)
        assert await there(client, CONFIG_MAPS, "owner")
        await client.patch(SECRETS, "one", {"metadata": {"finalizers": None}}, "ns")

        async def gone() -> bool:
            return await there(client, CONFIG_MAPS, "owner") is None

        await eventually(gone)
        assert await _missing(client, "one")


async def test_orphans_forget_their_owner() -> None:
    client = FakeClient()
    owner = await make(client, CONFIG_MAPS, "owner")
    await make(client, SECRETS, "one", metadata=owned_by(owner))
    async with controlling(client):
        await client.delete(CONFIG_MAPS, "owner", "ns", DeleteOptions(propagation_policy="Orphan"))

        async def gone() -> bool:
            return await there(client, CONFIG_MAPS, "owner") is None

        await eventually(gone)
        orphan = await client.get(SECRETS, "one", "ns")
        assert not orphan["metadata"].get("ownerReferences")


async def test_pods_of_a_node_that_stays_away_are_failed_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_gc, "QUARANTINE_SECONDS", 0.02)
    client = FakeClient()
    await make(client, NODES, "n")
    await make(client, NODES, "back")
    await make(client, PODS, "p", spec={"nodeName": "n"})
    await make(client, PODS, "q", spec={"nodeName": "back"})
    async with controlling(client):
        await client.delete(NODES, "n")
        await client.delete(NODES, "back")
        await make(client, NODES, "back")

        async def gone() -> bool:
            return await there(client, PODS, "p") is None

        await eventually(gone)
        assert await there(client, PODS, "q")
    (patch,) = client.called("patch", PODS, "status")
    assert patch.body["status"]["phase"] == "Failed"
    assert patch.body["status"]["conditions"][0]["message"] == "PodGC: node no longer exists"


async def test_of_ended_pods_only_so_many_are_kept_evicted_ones_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient()
    informers_made = Controllers(client, RESOURCES, "PEM", lambda: NOW)
    garbage = next(c for c in informers_made._controllers if isinstance(c, pod_gc.PodGarbage))
    monkeypatch.setattr(garbage, "_threshold", 2)
    for name, reason in (("a", ""), ("b", "Evicted"), ("c", "")):
        await make(client, PODS, name, status={"phase": "Failed", "reason": reason})
    async with running(informers_made.run()):

        async def left() -> bool:
            return [p["metadata"]["name"] for p in (await client.list(PODS)).items] == ["a", "c"]

        await eventually(left)


async def test_a_pod_that_never_started_and_is_held_by_a_finalizer_has_failed() -> None:
    client = FakeClient()
    meta = {"finalizers": ["a/b"], "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}
    await make(client, PODS, "p", metadata=meta, spec={}, status={"phase": "Pending"})
    async with controlling(client):

        async def failed() -> bool:
            return bool((await client.get(PODS, "p", "ns"))["status"]["phase"] == "Failed")

        await eventually(failed)
        await client.patch(PODS, "p", {"metadata": {"finalizers": None}}, "ns")

        async def gone() -> bool:
            return await there(client, PODS, "p") is None

        await eventually(gone)
