"""Six Pods with an image each, from a slow registry: all pulls together against the slowest pull alone.

Ours is from the Pods' creation until the last container runs, so sandboxes and starts are in it. The floor is a bare
PullImage of an image of the same size, alone; each image has bytes of its own, so nothing is shared.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measurement import Measurement, against_floor
from benchmarks.node import Node
from benchmarks.pods import PodWatch, end, manifest, pod_watch, start
from benchmarks.registry import push, slow_registry
from podwright.containerd.example_image import busybox_image
from podwright.containerd.oci_image import File, Image

_COUNT = 6
_LAYER_BYTES = 6_000_000
_BYTES_PER_SECOND = 2_000_000


async def measure(node: Node) -> Sequence[Measurement]:
    """A pull alone and six together in turn."""
    ours, bare = [], []
    base = await asyncio.to_thread(busybox_image, Path("/bin/busybox"))
    folder = node.data_dir.parent / "registry"
    folder.mkdir()
    async with slow_registry(folder, _BYTES_PER_SECOND) as (fast, slow), pod_watch(node) as watch:
        for number in range(1 if node.quick else 3):
            alone, *together = [f"bench/r{number}i{index}" for index in range(_COUNT + 1)]
            for path in (alone, *together):
                await push(fast, path, _with_payload(base))
            began = time.perf_counter()
            await node.images.pull_image(f"{slow}/{alone}:1")
            bare.append((time.perf_counter() - began) * 1000)
            ours.append(await _pods(node, watch, number, [f"{slow}/{path}:1" for path in together]))
    note = f"budget 1.1 x the slowest alone; {_COUNT} x {_LAYER_BYTES / 1e6:.0f} MB, until all containers run"
    return [against_floor(f"{_COUNT} pulls in parallel", ours, bare, times=1.1, note=note)]


def _with_payload(base: Image) -> Image:
    # one layer, since containerd fetches three at a time and a slow connection each would blur "alone"
    return Image(layers=[{**base.layers[0], "/payload": File(os.urandom(_LAYER_BYTES))}], config=base.config)


async def _pods(node: Node, watch: PodWatch, round_number: int, images: Sequence[str]) -> float:
    pods = [manifest(f"pull-{round_number}-{index}", image=image) for index, image in enumerate(images)]
    took = max(await asyncio.gather(*(start(node, watch, pod) for pod in pods)))
    await asyncio.gather(*(end(node, watch, pod["metadata"]["name"]) for pod in pods))
    return took
