"""50 Pods at once: from the first creation until a watch has shown all of them Ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks.floor import Floor, floor_of
from benchmarks.measurement import Measurement, against_floor
from benchmarks.node import Node
from benchmarks.pods import NAMESPACE, PATIENCE_SECONDS, PodWatch, end, is_ready, manifest, pod_watch, start
from podwright.api.objects import uid_of
from podwright.api.resources import PODS

COUNT = 50


async def measure(node: Node) -> Sequence[Measurement]:
    """A round of Pods and a round of the floor in turn."""
    ours, bare = [], []
    async with pod_watch(node) as watch:
        await start(node, watch, manifest("template"))
        floor = await floor_of(node, uid_of(await node.client.get(PODS, "template", NAMESPACE)))
        for number in range(1 if node.quick else 3):
            ours.append(await _ours(node, watch, number))
            bare.append(await _bare(floor))
        await end(node, watch, "template")
    return [
        against_floor(
            f"{COUNT} Pods at once, to all Ready",
            ours,
            bare,
            times=1.2,
            then_times=1.05,
            note=f"budget 1.2 x floor ({COUNT} at once too), then 1.05",
        )
    ]


async def _ours(node: Node, watch: PodWatch, round_number: int) -> float:
    names = [f"fifty-{round_number}-{number}" for number in range(COUNT)]
    ready = [watch.expect(name, is_ready) for name in names]
    began = time.perf_counter()
    # One after the other on one connection, as kubectl does; all are created within a tenth of the time measured.
    for name in names:
        await node.client.create(PODS, manifest(name), NAMESPACE)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*ready)
    took = (time.perf_counter() - began) * 1000
    await asyncio.gather(*(end(node, watch, name) for name in names))
    return took


async def _bare(floor: Floor) -> float:
    began = time.perf_counter()
    pods = await asyncio.gather(*(floor.start() for _ in range(COUNT)))
    took = (time.perf_counter() - began) * 1000
    await asyncio.gather(*(floor.end(pod) for pod, _ in pods))
    return took
