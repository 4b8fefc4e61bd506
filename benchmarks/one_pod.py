"""One Pod, image present: from its creation over TLS until a watch shows it Running."""

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
            name = f"one-{number}"
            ours.append(await start(node, watch, manifest(name)))
            await end(node, watch, name)
            pod, took = await floor.start()
            bare.append(took)
            await floor.end(pod)
        await end(node, watch, "template")
    return [
        against_floor(
            "one Pod: create to Running", ours, bare, times=1.15, then_times=1.05, note="budget 1.15 x floor, then 1.05"
        )
    ]
