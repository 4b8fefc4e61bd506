"""postStart: from the moment the runtime calls the container started until the hook's first command has run.

The hook touches a file of the host; the file's time is when it ran. The floor is one ExecSync of the same command in
a container that runs already. File times have the granularity of the kernel's clock tick (1 to 4 ms), on both sides.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.floor import container_of
from benchmarks.measurement import Measurement
from benchmarks.node import Node
from benchmarks.pods import NAMESPACE, end, manifest, pod_watch, start
from podwright.api.objects import Object, uid_of
from podwright.api.resources import PODS

_ALLOWED_MS = 10.0


async def measure(node: Node) -> Sequence[Measurement]:
    """A hook, and an ExecSync in the same Pod, in turn."""
    folder = node.data_dir.parent / "hooks"
    folder.mkdir()
    ours, bare = [], []
    async with pod_watch(node) as watch:
        for number in range(node.samples(20)):
            name = f"hook-{number}"
            await start(node, watch, _manifest(name, folder))
            status = await container_of(node, uid_of(await node.client.get(PODS, name, NAMESPACE)))
            ours.append(((folder / name).stat().st_mtime_ns - status.started_at) / 1e6)
            began = time.time_ns()
            await node.runtime.exec_sync(status.id, ["touch", f"/hooks/{name}.floor"], timeout=10)
            bare.append(((folder / f"{name}.floor").stat().st_mtime_ns - began) / 1e6)
            await end(node, watch, name)
    floor = median(bare)
    return [
        Measurement(
            "postStart: started to hook running",
            median(ours),
            "ms",
            limit=floor + _ALLOWED_MS,
            floor=floor,
            note="budget: one ExecSync + 10 ms",
            samples=ours,
            floor_samples=bare,
        )
    ]


def _manifest(name: str, folder: Path) -> Object:
    hook = {"postStart": {"exec": {"command": ["touch", f"/hooks/{name}"]}}}
    pod = manifest(name, lifecycle=hook, volumeMounts=[{"name": "hooks", "mountPath": "/hooks"}])
    pod["spec"]["volumes"] = [{"name": "hooks", "hostPath": {"path": str(folder)}}]
    return pod
