"""Two nodes on one machine: each its own data directory, addresses and Pods; the end of one is nothing to the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.pods import Pods, pod, status_of
from tests.node.running_node import RunningNode

from podwright.api.resources import NODES
from podwright.client.http import HttpClient


@pytest.fixture
def neighbour(node: RunningNode, node_folder: Path) -> Iterator[RunningNode]:
    """A second node beside the shared one."""
    running = RunningNode.below(node_folder, "neighbour")
    running.up()
    try:
        running.import_example_image()
        yield running
    finally:
        running.down(purge=True)
    assert running.leftovers() == []


async def test_each_has_its_own_pods(node: RunningNode, neighbour: RunningNode, pods: Pods) -> None:
    async with HttpClient.from_kubeconfig(neighbour.kubeconfig) as client:
        theirs = Pods(client, "default")
        await pods.create(pod("same-name"))
        await theirs.create(pod("same-name"))
        ours_ready, theirs_ready = await pods.ready("same-name"), await theirs.ready("same-name")
        assert ours_ready["spec"]["nodeName"] == node.name
        assert theirs_ready["spec"]["nodeName"] == neighbour.name
        assert ours_ready["status"]["podIP"] != theirs_ready["status"]["podIP"]
        ports = {
            (await one.get(NODES, name))["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
            for one, name in ((pods.client, node.name), (client, neighbour.name))
        }
        assert len(ports) == 2
        assert f"{pods.namespace}/same-name" not in (await neighbour.sandboxes()).ready
    neighbour.down(purge=True)
    still = await pods.get("same-name")
    assert status_of(still)["containerID"] == status_of(ours_ready)["containerID"]
    assert f"{pods.namespace}/same-name" in (await node.sandboxes()).ready
