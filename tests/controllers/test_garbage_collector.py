"""What becomes of dependents, over a small API server: each way of deleting, each state an interruption leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.controllers.interruption import Mortal
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Conflict, NotFound, Unavailable
from podwright.api.objects import Object, name_of
from podwright.api.resources import CONFIG_MAPS, NODES, SECRETS
from podwright.client.informers import Informers
from podwright.client.interface import DeleteOptions
from podwright.controllers.garbage_collector import GarbageCollector


@asynccontextmanager
async def collecting(client: Any) -> AsyncIterator[None]:
    informers = Informers(client)
    collector = GarbageCollector(client, informers, [CONFIG_MAPS, SECRETS, NODES])
    async with running(informers.run(), collector.run()):
        yield


async def make(client: FakeClient, name: str, *owners: Object, block: bool = False, **meta: Any) -> Object:
    """A ConfigMap with these owners."""
    references = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": name_of(owner),
            "uid": owner["metadata"]["uid"],
            **({"blockOwnerDeletion": True} if block else {}),
        }
        for owner in owners
    ]
    return await client.create(CONFIG_MAPS, {"metadata": {"name": name, "ownerReferences": references, **meta}}, "ns")


async def names(client: FakeClient) -> list[str]:
    return [name_of(one) for one in (await client.list(CONFIG_MAPS, "ns")).items]


async def delete(client: FakeClient, name: str, policy: str) -> None:
    await client.delete(CONFIG_MAPS, name, "ns", DeleteOptions(propagation_policy=policy))


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_a_family_goes_to_the_last(policy: str) -> None:
    client = FakeClient()
    top = await make(client, "top")
    for i in range(5):
        child = await make(client, f"child-{i}", top, block=True)
        for j in range(5):
            await make(client, f"grandchild-{i}-{j}", child, block=True)
    await make(client, "stranger")
    async with collecting(client):
        await delete(client, "top", policy)

        async def alone() -> bool:
            return await names(client) == ["stranger"]

        await eventually(alone)
    deleted = [c.name for c in client.calls if c.verb == "delete"]
    assert deleted.index("child-0") > 0


async def test_in_the_foreground_the_owner_goes_last() -> None:
    client = FakeClient()
    top = await make(client, "top")
    middle = await make(client, "middle", top, block=True)
    await make(client, "leaf", middle, block=True, finalizers=["a/b"])
    async with collecting(client):
        await delete(client, "top", "Foreground")

        async def leaf_goes() -> bool:
            return "deletionTimestamp" in (await client.get(CONFIG_MAPS, "leaf", "ns"))["metadata"]

        await eventually(leaf_goes)
        assert await names(client) == ["leaf", "middle", "top"]
        await client.patch(CONFIG_MAPS, "leaf", {"metadata": {"finalizers": None}}, "ns")

        async def gone() -> bool:
            return await names(client) == []

        await eventually(gone)


async def test_a_dependent_that_does_not_block_is_not_waited_for() -> None:
    client = FakeClient()
    top = await make(client, "top")
    await make(client, "child", top, finalizers=["a/b"])
    async with collecting(client):
        await delete(client, "top", "Foreground")

        async def only_the_child() -> bool:
            return await names(client) == ["child"]

        await eventually(only_the_child)


async def make_circle(client: FakeClient) -> None:
    """a owns b, and b owns a."""
    a = await make(client, "a")
    b = await make(client, "b", a, block=True)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": b["metadata"]["uid"]}
    circle = {"metadata": {"ownerReferences": [{**reference, "blockOwnerDeletion": True}]}}
    await client.patch(CONFIG_MAPS, "a", circle, "ns")


async def test_owners_in_a_circle_do_not_wait_for_each_other() -> None:
    client = FakeClient()
    await make_circle(client)
    async with collecting(client):
        await delete(client, "a", "Foreground")

        async def gone() -> bool:
            return await names(client) == []

        await eventually(gone)


async def test_owners_that_already_wait_in_a_circle_are_freed() -> None:
    client = FakeClient()
    await make_circle(client)
    await delete(client, "a", "Foreground")
    await delete(client, "b", "Foreground")
    async with collecting(client):

        async def gone() -> bool:
            return await names(client) == []

        await eventually(gone)


async def test_a_second_owner_keeps_a_dependent() -> None:
    client = FakeClient()
    one, two = await make(client, "one"), await make(client, "two")
    await make(client, "child", one, two, block=True)
    async with collecting(client):
        await delete(client, "one", "Foreground")

        async def has_one_owner() -> bool:
            left = (await client.get(CONFIG_MAPS, "child", "ns"))["metadata"].get("ownerReferences")
            return [r["name"] for r in left] == ["two"] and await names(client) == ["child", "two"]

        await eventually(has_one_owner)


@pytest.mark.parametrize(
    ("finalizers", "left"),
    [
        pytest.param(["foregroundDeletion"], [], id="foreground: broken off before the dependents were deleted"),
        pytest.param(["orphan"], ["child"], id="orphan: broken off before they forgot their owner"),
    ],
)
async def test_it_goes_on_where_it_was_broken_off(finalizers: list[str], left: list[str]) -> None:
    client = FakeClient()
    meta = {"finalizers": finalizers, "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}
    top = await make(client, "top", **meta)
    await make(client, "child", top, block=True)
    client.fail_next("patch", CONFIG_MAPS, Conflict.of("configmaps", "top"), Unavailable("not now"))
    client.fail_next("delete", CONFIG_MAPS, ConnectionError("gone"))
    async with collecting(client):

        async def done() -> bool:
            return await names(client) == left

        await eventually(done)


async def test_what_was_left_behind_goes_at_start_and_a_new_owner_of_the_name_is_none() -> None:
    client = FakeClient()
    old = await make(client, "top")
    await make(client, "child", old)
    await client.delete(CONFIG_MAPS, "top", "ns")
    await make(client, "top")
    async with collecting(client):

        async def only_the_new() -> bool:
            return await names(client) == ["top"]

        await eventually(only_the_new)


async def test_a_cluster_wide_owner_that_is_gone_and_one_that_is_not() -> None:
    client = FakeClient()
    node = await client.create(NODES, {"metadata": {"name": "n"}})
    lost = {**node, "metadata": {"name": "lost", "uid": "lost"}}
    await make(client, "kept", node)
    await make(client, "stray", lost)
    async with collecting(client):

        async def right() -> bool:
            return await names(client) == ["kept"]

        await eventually(right)


async def test_five_hundred_through_one_owner() -> None:
    client = FakeClient()
    top = await make(client, "top")
    for number in range(500):
        await make(client, f"child-{number}", top, block=True)
    async with collecting(client):
        await delete(client, "top", "Foreground")

        async def gone() -> bool:
            try:
                await client.get(CONFIG_MAPS, "top", "ns")
            except NotFound:
                return True
            return False

        await eventually(gone, within=30)
        assert await names(client) == []
    deletes = [call.name for call in client.called("delete", CONFIG_MAPS)]
    assert len(deletes) == len(set(deletes)) == 501


async def family(client: FakeClient) -> None:
    """An owner, two it waits for with two each, one it does not wait for, and one that has another owner too."""
    top, other = await make(client, "top"), await make(client, "other")
    for i in range(2):
        child = await make(client, f"child-{i}", top, block=True)
        for j in range(2):
            await make(client, f"grandchild-{i}-{j}", child, block=True)
    await make(client, "loose", top)
    await make(client, "shared", top, other, block=True)


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        pytest.param("Foreground", {"other", "shared"}, id="foreground"),
        pytest.param("Background", {"other", "shared"}, id="background"),
        pytest.param(
            "Orphan",
            {"other", "shared", "loose", *(f"child-{i}" for i in range(2))}
            | {f"grandchild-{i}-{j}" for i in range(2) for j in range(2)},
            id="orphan",
        ),
    ],
)
async def test_it_ends_the_same_wherever_the_collector_dies(policy: str, left: set[str]) -> None:
    dead, life = True, 0
    while dead:
        life += 1
        client = FakeClient()
        await family(client)
        await delete(client, "top", policy)
        mortal: Any = Mortal(client, life)

        async def over(client: FakeClient = client) -> bool:
            if set(await names(client)) != left:
                return False
            owners = (await client.get(CONFIG_MAPS, "shared", "ns"))["metadata"].get("ownerReferences") or ()
            return [owner["name"] for owner in owners] == ["other"]

        async def dead_or_over(mortal: Any = mortal) -> bool:
            return mortal.dead.is_set() or await over()

        async with collecting(mortal):
            await eventually(dead_or_over)
        dead = mortal.dead.is_set()
        async with collecting(client):
            await eventually(over)
    assert life > 4
