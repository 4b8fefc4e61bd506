"""Delete to gone: a container that ends on SIGTERM, until a watch shows that the Pod is no more."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.floor import floor_of
from benchmarks.measurement import Measurement, against_floor
from benchmarks.node import Node
from benchmarks.pods import NAMESPACE, end, manifest, pod_watch, start
from podwright.api.objects import uid_of
from podwright.api.resources import PODS


async def measure(node: Node) -> Sequence[Measurement]:
    """One Pod and one of the floor in turn."""
    ours, bare = [], []
    async with pod_watch(node) as watch:
        await start(node, watch, manifest("template"))
        floor = await floor_of(node, uid_of(await node.client.get(PODS, "template", NAMESPACE)))
        for number in range(node.samples(20)):
            name = f"delete-{number}"
            await start(node, watch, manifest(name))
            ours.append(await end(node, watch, name))
            pod, _ = await floor.start()
            bare.append(await floor.end(pod))
        await end(node, watch, "template")
    return [against_floor("delete to gone", ours, bare, times=1.2, note="budget 1.2 x floor")]
