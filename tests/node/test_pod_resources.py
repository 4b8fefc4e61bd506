"""Requests and limits arrive in the cgroups, of the container and of the Pod, version 1 or 2."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.node.pods import Pods, container, pod
from tests.node.running_node import RunningNode

from podwright.api.objects import Object
from podwright.kubelet.cgroups.pods import instance_name

ROOT = Path("/sys/fs/cgroup")
UNIFIED = (ROOT / "cgroup.controllers").exists()
# file of version 1, file of version 2, and what 64 MiB and half a CPU look like in it
FILES = {
    "memory": ("memory.limit_in_bytes", "memory.max", str(64 << 20)),
    "cpu": ("cpu.cfs_quota_us", "cpu.max", "50000" if not UNIFIED else "50000 100000"),
}
LIMITS = {"memory": "64Mi", "cpu": "500m"}


def read(controller: str, folder: str, v1: str, v2: str) -> str:
    """A file of a cgroup."""
    path = ROOT / folder / v2 if UNIFIED else ROOT / controller / folder / v1
    return path.read_text().strip()


def folder_of(node: RunningNode, one: Object) -> str:
    """The Pod's cgroup, below a hierarchy's root."""
    qos = one["status"]["qosClass"].lower()
    between = "" if qos == "guaranteed" else f"{qos}/"
    return f"{instance_name(node.data_dir)}/kubepods/{between}pod{one['metadata']['uid']}"


async def test_limits_stand_in_the_cgroups_of_container_and_pod(node: RunningNode, pods: Pods) -> None:
    await pods.create(pod("p", container(resources={"limits": LIMITS})))
    one = await pods.ready("p")
    assert one["status"]["qosClass"] == "Guaranteed"
    assert one["status"]["containerStatuses"][0]["resources"] == {"limits": LIMITS, "requests": LIMITS}
    folder = folder_of(node, one)
    identity = one["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    for controller, (v1, v2, value) in FILES.items():
        assert read(controller, folder, v1, v2) == value
        assert read(controller, f"{folder}/{identity}", v1, v2) == value


@pytest.mark.skipif(UNIFIED, reason="version 2 has weights, which are computed from shares")
async def test_requests_become_shares(node: RunningNode, pods: Pods) -> None:
    await pods.create(pod("p", container(resources={"requests": {"cpu": "250m"}})))
    one = await pods.ready("p")
    assert one["status"]["qosClass"] == "Burstable"
    assert read("cpu", folder_of(node, one), "cpu.shares", "cpu.weight") == "256"


async def test_the_pods_cgroup_goes_with_the_pod(node: RunningNode, pods: Pods) -> None:
    await asyncio.gather(*(pods.create(pod(name)) for name in ("a", "b")))
    ones = await asyncio.gather(pods.ready("a"), pods.ready("b"))
    folders = [ROOT / ("" if UNIFIED else "memory") / folder_of(node, one) for one in ones]
    assert all(folder.is_dir() for folder in folders)
    await asyncio.gather(*(pods.delete(name) for name in ("a", "b")))
    await asyncio.gather(*(pods.gone(name) for name in ("a", "b")))
    async with asyncio.timeout(10):
        while any(folder.exists() for folder in folders):
            await asyncio.sleep(0.01)
