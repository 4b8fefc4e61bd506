"""Strategies and plugins together, as the handlers call them: a Pod from its first words to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from podwright.admission.interface import User
from podwright.admission.plugins import build_chain
from podwright.api import resources
from podwright.api.errors import Forbidden, Invalid, StatusError
from podwright.api.objects import Object, copy_object
from podwright.api.schema import Schema
from podwright.apiserver.context import Call, Context
from podwright.apiserver.local_client import LocalClient
from podwright.apiserver.registry.rows import ROWS
from podwright.client.interface import PatchType
from podwright.storage.memory import MemoryStore

ADMIN = User("admin", ("system:masters",))


async def no_posts(call: Call, subresource: str, obj: Object) -> Object:
    raise AssertionError(f"nobody posts to {subresource} here")


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load([row.schema for row in ROWS])


@pytest.fixture
async def client(schema: Schema) -> LocalClient:
    return await served(schema)


async def served(schema: Schema, *enabled: str) -> LocalClient:
    context = Context(MemoryStore(), ROWS, schema)
    made = LocalClient(context, ADMIN, no_posts)
    context.admission = build_chain(made, enabled)
    await made.create(resources.NAMESPACES, {"metadata": {"name": "default"}})
    return made


async def with_account(client: LocalClient) -> None:
    await client.create(resources.SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")


def pod(name: str = "p", **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "app", "image": "app:1"}], **spec}}


async def test_a_pod_waits_for_its_account_and_is_whole(client: LocalClient) -> None:
    async with asyncio.TaskGroup() as group:
        creation = group.create_task(client.create(resources.PODS, pod(), "default"))
        await asyncio.sleep(0)
        group.create_task(with_account(client))
    made = creation.result()
    spec, meta = made["spec"], made["metadata"]
    assert (meta["generation"], spec["serviceAccountName"], spec["priority"]) == (1, "default", 0)
    assert [t["tolerationSeconds"] for t in spec["tolerations"]] == [300, 300]
    assert [v["name"][:16] for v in spec["volumes"]] == ["kube-api-access-"]
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


async def test_what_changes_and_what_does_not(client: LocalClient) -> None:
    await with_account(client)
    made = copy_object(await client.create(resources.PODS, pod(), "default"))
    made["spec"]["containers"][0]["image"] = "app:2"
    made = copy_object(await client.update(resources.PODS, made))
    assert (made["metadata"]["generation"], made["spec"]["containers"][0]["imagePullPolicy"]) == (2, "IfNotPresent")
    command = {"spec": {"containers": [{"name": "app", "command": ["x"]}]}}
    with pytest.raises(Invalid) as refused:
        await client.patch(resources.PODS, "p", command, "default", patch_type=PatchType.STRATEGIC)
    assert "pod updates may not change fields other than" in refused.value.message
    made["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "debug"}]
    made = await client.update(resources.PODS, made, subresource="ephemeralcontainers")
    assert made["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "Always"


async def test_a_pod_with_overhead_of_its_class(client: LocalClient) -> None:
    await with_account(client)
    await client.create(
        resources.RUNTIME_CLASSES,
        {"metadata": {"name": "heavy"}, "handler": "crun", "overhead": {"podFixed": {"cpu": "0.25"}}},
    )
    made = await client.create(resources.PODS, pod(runtimeClassName="heavy"), "default")
    assert made["spec"]["overhead"] == {"cpu": "250m"}
    with pytest.raises(Forbidden):
        await client.create(resources.PODS, pod("q", runtimeClassName="light"), "default")


async def test_an_older_pod_gets_a_new_image_under_always_pull_images(schema: Schema) -> None:
    client = await served(schema, "AlwaysPullImages")
    await with_account(client)
    fresh = await client.create(resources.PODS, pod(), "default")
    assert fresh["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    # As it was stored before the plugin was switched on.
    older = await served(schema)
    await with_account(older)
    made = copy_object(await older.create(resources.PODS, pod(), "default"))
    older._context.admission = build_chain(older, ["AlwaysPullImages"])
    made["spec"]["containers"][0]["image"] = "app:2"
    made = await older.update(resources.PODS, made)
    assert (
        made["spec"]["containers"][0] | {"image": "app:2", "imagePullPolicy": "Always"}
        == (made["spec"]["containers"][0])
    )


async def test_a_namespace_on_its_way_takes_nothing_new(client: LocalClient) -> None:
    await client.create(resources.NAMESPACES, {"metadata": {"name": "x"}})
    await client.delete(resources.NAMESPACES, "x")
    assert (await client.get(resources.NAMESPACES, "x"))["status"]["phase"] == "Terminating"
    with pytest.raises(Forbidden):
        await client.create(resources.CONFIG_MAPS, {"metadata": {"name": "c"}}, "x")


async def test_an_event_is_seen_in_both_views(client: LocalClient) -> None:
    target = {"kind": "Pod", "name": "p", "namespace": "default"}
    event = {"metadata": {"name": "e.1"}, "involvedObject": target, "message": "hello"}
    await client.create(resources.EVENTS, event, "default")
    seen = await client.get(resources.EVENTS_V1, "e.1", "default")
    assert (seen["apiVersion"], seen["regarding"], seen["note"]) == ("events.k8s.io/v1", target, "hello")
    found = await client.list(resources.EVENTS, "default", field_selector="involvedObject.name=p")
    assert [e["message"] for e in found.items] == ["hello"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"metadata": {"name": "q"}, "spec": {"containers": []}}, 422, id="no containers"),
        pytest.param({"metadata": {"name": "q"}}, 422, id="no spec"),
        pytest.param(pod("Q"), 422, id="no name for a Pod"),
    ],
)
async def test_bad_pods_are_answered(client: LocalClient, body: Object, code: int) -> None:
    await with_account(client)
    with pytest.raises(StatusError) as refused:
        await client.create(resources.PODS, body, "default")
    assert refused.value.code == code
    assert refused.value.details["causes"]


async def test_empty_maps_of_metadata_are_left_out(client: LocalClient) -> None:
    empty = {"labels": {}, "annotations": {}, "finalizers": [], "ownerReferences": []}
    made = await client.create(resources.CONFIG_MAPS, {"metadata": {"name": "c", **empty}}, "default")
    assert not empty.keys() & made["metadata"].keys()
    change = {"metadata": {"annotations": {}}}
    same = await client.patch(resources.CONFIG_MAPS, "c", change, "default", patch_type=PatchType.MERGE)
    assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
