"""What a node's Pods refer to, as the store tells of them."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.admission.interface import User
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from podwright.api.schema import Schema
from podwright.apiserver.authorization.references import NodeReferences
from podwright.apiserver.context import Call, Context, encode
from podwright.apiserver.local_client import LocalClient
from podwright.apiserver.registry.rows import ROWS
from podwright.client.interface import DeleteOptions
from podwright.storage.memory import MemoryStore


async def no_posts(call: Call, subresource: str, obj: Any) -> Any:
    raise AssertionError(subresource)


@pytest.fixture
def context(schema: Schema) -> Context:
    return Context(MemoryStore(), ROWS, schema)


@pytest.fixture
def client(context: Context) -> LocalClient:
    return LocalClient(context, User("admin"), no_posts)


def pod(name: str, node: str, secret: str, **meta: Any) -> dict[str, Any]:
    spec = {
        "nodeName": node,
        "containers": [{"name": "c", "image": "i:1"}],
        "volumes": [{"name": "v", "secret": {"secretName": secret}}],
    }
    return {"metadata": {"name": name, "namespace": "ns", **meta}, "spec": spec}


async def test_pods_come_and_go(context: Context, client: LocalClient) -> None:
    await client.create(PODS, pod("a", "n", "s"), "ns")
    related = NodeReferences(context)
    await client.create(PODS, pod("b", "m", "t"), "ns")
    await client.create(PODS, pod("c", "n", "s"), "ns")
    assert related.relate("n", "secrets", "ns", "s")
    assert related.relate("n", "pods", "ns", "a")
    assert related.relate("m", "secrets", "ns", "t")
    assert not related.relate("m", "secrets", "ns", "s")
    assert not related.relate("n", "secrets", "other", "s")
    at_once = DeleteOptions(grace_period_seconds=0)
    await client.delete(PODS, "a", "ns", at_once)
    assert related.relate("n", "secrets", "ns", "s")
    await client.delete(PODS, "c", "ns", at_once)
    assert not related.relate("n", "secrets", "ns", "s")


async def test_a_pod_counts_from_its_binding_on(context: Context, client: LocalClient) -> None:
    related = NodeReferences(context)
    made = await client.create(PODS, pod("a", "", "s"), "ns")
    assert not related.relate("n", "secrets", "ns", "s")
    row = context.rows[PODS]
    entry = context.entry(row, "ns", "a")
    assert entry is not None
    bound = {**made, "spec": {**made["spec"], "nodeName": "n"}}
    await context.store.update(entry.key, entry.revision, lambda revision: encode(bound))
    assert related.relate("n", "secrets", "ns", "s")


async def test_a_node_gains_nothing_by_a_mirror_pod(context: Context, client: LocalClient) -> None:
    related = NodeReferences(context)
    await client.create(PODS, pod("a", "n", "s", annotations={"kubernetes.io/config.mirror": "x"}), "ns")
    assert related.relate("n", "pods", "ns", "a")
    assert not related.relate("n", "secrets", "ns", "s")


async def test_a_volume_belongs_to_the_pod_by_its_claim(context: Context) -> None:
    related = NodeReferences(context)
    claimed = {"spec": {"nodeName": "n", "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}}
    meta = {"name": "a", "namespace": "ns"}

    async def put(resource: Any, namespace: str, name: str, obj: dict[str, Any]) -> None:
        key = context.key(context.rows[resource], namespace, name)
        await context.store.create(key, lambda revision: encode(obj))

    await put(PODS, "ns", "a", {"metadata": meta, **claimed})
    await put(PERSISTENT_VOLUMES, "", "v1", {"spec": {"claimRef": {"namespace": "ns", "name": "c"}}})
    await put(PERSISTENT_VOLUMES, "", "v2", {"spec": {"claimRef": {"namespace": "ns", "name": "c"}}})
    assert not related.relate("n", "persistentvolumes", "", "v1")
    await put(PERSISTENT_VOLUME_CLAIMS, "ns", "c", {"spec": {"volumeName": "v1"}})
    assert related.relate("n", "persistentvolumes", "", "v1")
    assert not related.relate("n", "persistentvolumes", "", "v2")
    assert not related.relate("m", "persistentvolumes", "", "v1")
