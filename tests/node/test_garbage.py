"""Many objects deleted through their owner, on a real server with a real disk."""

from __future__ import annotations

import asyncio
import time

from tests.node.observed import slack
from tests.node.pods import Pods

from podwright.api.errors import NotFound
from podwright.api.objects import Object, metadata
from podwright.api.resources import CONFIG_MAPS
from podwright.client.interface import DeleteOptions


async def test_five_hundred_objects_go_before_their_owner_does(pods: Pods) -> None:
    client, namespace = pods.client, pods.namespace
    owner = await client.create(CONFIG_MAPS, {"metadata": {"name": "owner"}}, namespace)
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": metadata(owner)["uid"],
        "blockOwnerDeletion": True,
    }

    async def make(number: int) -> Object:
        meta = {"name": f"owned-{number}", "ownerReferences": [reference]}
        return await client.create(CONFIG_MAPS, {"metadata": meta, "data": {"a": "b"}}, namespace)

    for start in range(0, 500, 50):
        await asyncio.gather(*(make(number) for number in range(start, start + 50)))
    began = time.monotonic()
    await client.delete(CONFIG_MAPS, "owner", namespace, DeleteOptions(propagation_policy="Foreground"))
    await _gone(pods, "owner")
    took = time.monotonic() - began
    left = [one for one in (await client.list(CONFIG_MAPS, namespace)).items if metadata(one).get("ownerReferences")]
    assert left == []
    assert took < slack(5)


async def _gone(pods: Pods, name: str) -> None:
    client, namespace = pods.client, pods.namespace
    selector = f"metadata.name={name}"
    async with asyncio.timeout(60):
        try:
            version = metadata(await client.get(CONFIG_MAPS, name, namespace))["resourceVersion"]
        except NotFound:
            return
        async with client.watch(CONFIG_MAPS, namespace, resource_version=version, field_selector=selector) as events:
            async for event in events:
                if event.type == "DELETED":
                    return
