"""The resources of running containers change in place, through the subresource `resize`."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.node.pods import Pods, container, pod, status_of
from tests.node.running_node import RunningNode
from tests.node.test_pod_resources import FILES, folder_of, read

from podwright.api.objects import Object
from podwright.api.pods import condition
from podwright.api.resources import PODS
from podwright.client.interface import PatchType

BEFORE = {"limits": {"cpu": "200m", "memory": "32Mi"}, "requests": {"cpu": "100m", "memory": "32Mi"}}
AFTER = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m", "memory": "64Mi"}}
ON_MEMORY = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]


async def resize(pods: Pods, name: str, resources: dict[str, Any]) -> None:
    patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    await pods.client.patch(PODS, name, patch, pods.namespace, patch_type=PatchType.STRATEGIC, subresource="resize")


def resized(resources: dict[str, Any], restarts: int) -> Any:
    """Whether a Pod's status says that its container has these resources, and nothing is left to do."""

    def settled(one: Object) -> bool:
        status = status_of(one)
        return (
            status.get("resources") == resources
            and status.get("allocatedResources") == resources["requests"]
            and status["restartCount"] == restarts
            and status["ready"]
            and condition(one, "PodResizeInProgress") is None
            and condition(one, "PodResizePending") is None
        )

    return settled


async def test_limits_change_in_place_or_with_a_new_container(node: RunningNode, pods: Pods) -> None:
    await pods.create(pod("same", container(resources=BEFORE)))
    await pods.create(pod("anew", container(resources=BEFORE, resizePolicy=ON_MEMORY)))
    first = status_of(await pods.ready("same"))["containerID"]
    await pods.ready("anew")
    await asyncio.gather(resize(pods, "same", AFTER), resize(pods, "anew", AFTER))
    same = await pods.until("same", resized(AFTER, 0))
    anew = await pods.until("anew", resized(AFTER, 1))
    assert status_of(same)["containerID"] == first
    for one in (same, anew):
        folder = folder_of(node, one)
        identity = status_of(one)["containerID"].removeprefix("containerd://")
        for controller, (v1, v2, value) in FILES.items():
            assert read(controller, folder, v1, v2) == value
            assert read(controller, f"{folder}/{identity}", v1, v2) == value
    await resize(pods, "same", BEFORE)
    await pods.until("same", resized(BEFORE, 0))


async def test_the_limits_of_a_whole_pod_change_with_its_containers(node: RunningNode, pods: Pods) -> None:
    await pods.create(pod("p", container(), resources=BEFORE))
    first = await pods.ready("p")
    assert (first["status"]["resources"], first["status"]["allocatedResources"]) == (BEFORE, BEFORE["requests"])
    patch = {"spec": {"resources": AFTER}}
    await pods.client.patch(PODS, "p", patch, pods.namespace, patch_type=PatchType.STRATEGIC, subresource="resize")
    one = await pods.until("p", lambda one: one["status"].get("resources") == AFTER)
    assert one["status"]["allocatedResources"] == AFTER["requests"]
    assert status_of(one)["containerID"] == status_of(first)["containerID"]
    folder, identity = folder_of(node, one), status_of(one)["containerID"].removeprefix("containerd://")
    for controller, (v1, v2, value) in FILES.items():
        assert read(controller, folder, v1, v2) == value
        assert read(controller, f"{folder}/{identity}", v1, v2) == value


async def test_what_a_node_cannot_give_is_told_and_changes_nothing(pods: Pods) -> None:
    await pods.create(pod("p", container(resources={"requests": {"cpu": "10m"}})))
    await pods.ready("p")
    await resize(pods, "p", {"requests": {"cpu": "100k"}})
    waiting = await pods.until("p", lambda one: condition(one, "PodResizePending"))
    pending = condition(waiting, "PodResizePending")
    assert pending is not None and pending["reason"] == "Infeasible"
    assert pending["message"].startswith("Node didn't have enough capacity: cpu, requested: 100000000, capacity: ")
    assert status_of(waiting)["allocatedResources"] == {"cpu": "10m"}
    await resize(pods, "p", {"requests": {"cpu": "20m"}})
    await pods.until("p", lambda one: condition(one, "PodResizePending") is None)
