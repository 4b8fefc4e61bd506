"""One contract: the in-process client, the HTTP client, and the fake that stands in for both in tests of rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fakes.client import FakeClient

from podwright.admission.interface import User
from podwright.api.errors import AlreadyExists, Conflict, Expired, NotFound
from podwright.api.objects import Object
from podwright.api.resources import CONFIG_MAPS, NAMESPACES, NODES, PODS
from podwright.api.schema import Schema
from podwright.apiserver.config import ApiServerConfig
from podwright.apiserver.server import ApiServer
from podwright.client.http import HttpClient
from podwright.client.interface import Client, DeleteOptions, PatchType
from podwright.storage.memory import MemoryStore


@pytest.fixture(scope="session")
def schema() -> Schema:
    return Schema.load()


@pytest.fixture(params=["local", "http", "fake"], ids=["in this process", "over HTTPS", "the fake"])
async def client(request: pytest.FixtureRequest, tmp_path: Path, schema: Schema) -> AsyncIterator[Client]:
    if request.param == "fake":
        fake = FakeClient()
        await fake.create(NAMESPACES, {"metadata": {"name": "default"}})
        yield fake
        return
    store = MemoryStore()
    config = ApiServerConfig(tmp_path, port=0)
    server = ApiServer(config, store, schema)
    await server.start()
    try:
        if request.param == "local":
            yield server.local_client(User("admin", ("system:masters",)))
        else:
            async with HttpClient.from_kubeconfig(config.kubeconfig) as http:
                yield http
    finally:
        await server.stop()
        await store.close()


def config_map(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": {"a": "1"}}


def pod(name: str) -> Object:
    spec = {"containers": [{"name": "c", "image": "i:1"}], "terminationGracePeriodSeconds": 7}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "a"}}, "spec": spec}


async def test_an_object_is_made_read_changed_and_deleted(client: Client) -> None:
    made = await client.create(CONFIG_MAPS, config_map("a"), "default")
    assert made["metadata"]["uid"]
    assert made["metadata"]["namespace"] == "default"
    assert (await client.get(CONFIG_MAPS, "a", "default")) == made
    changed = await client.update(CONFIG_MAPS, {**made, "data": {"a": "2"}})
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    patched = await client.patch(CONFIG_MAPS, "a", {"data": {"a": None, "b": "3"}}, "default")
    assert patched["data"] == {"b": "3"}
    assert patched["metadata"]["uid"] == made["metadata"]["uid"]
    await client.delete(CONFIG_MAPS, "a", "default")
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await client.get(CONFIG_MAPS, "a", "default")


async def test_refusals_have_the_same_names(client: Client) -> None:
    made = await client.create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(AlreadyExists, match='configmaps "a" already exists'):
        await client.create(CONFIG_MAPS, config_map("a"), "default")
    await client.patch(CONFIG_MAPS, "a", {"data": {"b": "2"}}, "default")
    with pytest.raises(Conflict, match="the object has been modified"):
        await client.update(CONFIG_MAPS, {**made, "data": {}})
    with pytest.raises(Conflict, match="UID"):
        await client.delete(CONFIG_MAPS, "a", "default", DeleteOptions(uid="other"))
    for attempt in (
        client.get(CONFIG_MAPS, "b", "default"),
        client.patch(CONFIG_MAPS, "b", {"data": {}}, "default"),
        client.delete(CONFIG_MAPS, "b", "default"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_lists_obey_selectors_and_come_in_pages(client: Client) -> None:
    for name in "cab":
        await client.create(CONFIG_MAPS, config_map(name, app=name), "default")
    listed = await client.list(CONFIG_MAPS, "default", label_selector="app in (a,b)")
    assert [o["metadata"]["name"] for o in listed.items] == ["a", "b"]
    assert listed.items[0]["kind"] == "ConfigMap"
    first = await client.list(CONFIG_MAPS, "default", label_selector="app", limit=2)
    assert len(first.items) == 2
    rest = await client.list(CONFIG_MAPS, label_selector="app", limit=2, continue_token=first.continue_token)
    assert [o["metadata"]["name"] for o in rest.items] == ["c"]
    assert rest.continue_token == ""
    named = await client.list(CONFIG_MAPS, field_selector="metadata.name=c")
    assert [o["metadata"]["name"] for o in named.items] == ["c"]


async def test_a_watch_shows_what_comes_changes_and_goes(client: Client) -> None:
    listed = await client.list(CONFIG_MAPS, "default")
    seen: list[tuple[str, str]] = []
    watch = client.watch(CONFIG_MAPS, "default", resource_version=listed.resource_version, label_selector="app=x")
    async with asyncio.timeout(5), watch as events:
        await client.create(CONFIG_MAPS, config_map("other"), "default")
        await client.create(CONFIG_MAPS, config_map("a", app="x"), "default")
        await client.patch(CONFIG_MAPS, "a", {"data": {"b": "2"}}, "default")
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"app": "y"}}}, "default")
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"app": "x"}}}, "default")
        await client.delete(CONFIG_MAPS, "a", "default")
        versions: list[int] = []
        while len(seen) < 5:
            event = await anext(events)
            if event.type != "BOOKMARK":
                seen.append((event.type, event.object["metadata"]["name"]))
                versions.append(int(event.object["metadata"]["resourceVersion"]))
    assert [kind for kind, _ in seen] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    assert versions == sorted(versions)


async def test_a_watch_of_forgotten_history_is_expired(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podwright.storage.history.MAX_EVENTS", 10)
    for number in range(30):
        await client.create(CONFIG_MAPS, config_map(f"c{number}"), "default")
    with pytest.raises(Expired):
        async with asyncio.timeout(5), client.watch(CONFIG_MAPS, resource_version="2") as events:
            await anext(events)


async def test_a_pod_is_bound_once_has_a_status_of_its_own_and_goes_gracefully(client: Client) -> None:
    await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    await client.create(PODS, pod("p"), "default")
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "p", "namespace": "default"},
        "target": {"kind": "Node", "name": "n"},
    }
    await client.create(PODS, binding, "default", name="p", subresource="binding")
    with pytest.raises(Conflict):
        await client.create(PODS, binding, "default", name="p", subresource="binding")
    change = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    await client.patch(PODS, "p", change, "default", patch_type=PatchType.STRATEGIC, subresource="status")
    found = await client.get(PODS, "p", "default")
    assert found["spec"]["nodeName"] == "n"
    assert {c["type"] for c in found["status"]["conditions"]} == {"PodScheduled", "Ready"}
    await client.delete(PODS, "p", "default")
    going = await client.get(PODS, "p", "default")
    assert going["metadata"]["deletionGracePeriodSeconds"] == 7
    assert going["metadata"]["deletionTimestamp"]
    await client.delete(PODS, "p", "default", DeleteOptions(grace_period_seconds=0))
    with pytest.raises(NotFound):
        await client.get(PODS, "p", "default")


async def test_finalizers_hold_an_object(client: Client) -> None:
    held = config_map("a")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await client.create(CONFIG_MAPS, held, "default")
    await client.delete(CONFIG_MAPS, "a", "default")
    assert (await client.get(CONFIG_MAPS, "a", "default"))["metadata"]["deletionTimestamp"]
    await client.patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": None}}, "default")
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "a", "default")


async def test_a_namespace_waits_to_be_finalized(client: Client) -> None:
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}})
    await client.delete(NAMESPACES, "x")
    going = await client.get(NAMESPACES, "x")
    assert going["status"]["phase"] == "Terminating"
    assert going["spec"]["finalizers"] == ["kubernetes"]
    await client.update(NAMESPACES, {**going, "spec": {"finalizers": []}}, subresource="finalize")
    with pytest.raises(NotFound):
        await client.get(NAMESPACES, "x")
