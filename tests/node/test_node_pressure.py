"""A node that runs out of disk ends who uses too much of it; one that goes down ends its Pods in order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.observed import FOREVER, container, observed, shell, spec
from tests.node.running_node import RunningNode

from podwright.api.objects import Object
from podwright.api.pods import condition

_CONFIG = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
evictionHard: {nodefs.available: 1Mi}
evictionSoft: {nodefs.available: 64Mi}
evictionSoftGracePeriod: {nodefs.available: 0s}
evictionMaxPodGracePeriod: 10
evictionPressureTransitionPeriod: 0s
shutdownGracePeriodByPodPriority:
- {priority: 0, shutdownGracePeriodSeconds: 20}
- {priority: 2000000000, shutdownGracePeriodSeconds: 10}
"""
SCRATCH = {"name": "scratch", "mountPath": "/scratch"}
HOOKED = {"preStop": {"exec": {"command": shell("tell hook")}}}


@pytest.fixture
def small(node_folder: Path) -> Iterator[RunningNode]:
    """A node whose disk has 200 MB."""
    disk = node_folder / "disk"
    running = RunningNode.below(disk, "pressed")
    config = node_folder / "pressed.yaml"
    config.write_text(_CONFIG)
    disk.mkdir()
    size = "size=200m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "podwright-tests", disk], check=True)
    try:
        running.up("--config", str(config))
        try:
            running.import_example_image()
            yield running
        finally:
            running.down(purge=True)
    finally:
        subprocess.run(["umount", disk], check=True)
    assert running.leftovers() == []


def writer(megabytes: int, **volume: object) -> Object:
    """A Pod that fills a volume, and then waits to be told to end."""
    script = f"trap 'tell TERM; exit 0' TERM; dd if=/dev/zero of=/scratch/x bs=1M count={megabytes}\n{FOREVER}"
    one = container(script, lifecycle=HOOKED)
    one["volumeMounts"].append(SCRATCH)
    return spec(one, terminationGracePeriodSeconds=30, volumes=[{"name": "scratch", "emptyDir": volume}])


async def test_disk_pressure_and_the_end_of_the_node(small: RunningNode, tmp_path: Path) -> None:
    tell = "trap 'tell TERM; exit 0' TERM; "
    async with observed(small.kubeconfig, "pressed", tmp_path) as here:
        await here.create(
            {
                "greedy": writer(110),
                "over": writer(20, sizeLimit="8Mi"),
                "modest": spec(container(tell + FOREVER, lifecycle=HOOKED), terminationGracePeriodSeconds=5),
            }
        )
        ended = await here.until("greedy", lambda state: state.phase == "Failed", within=60)
        assert ended.status["reason"] == "Evicted"
        message = ended.status["message"]
        assert message.startswith(
            "The node was low on resource: ephemeral-storage. Threshold quantity: 64Mi, available: "
        )
        told = condition(ended.pod, "DisruptionTarget")
        assert told is not None and told["reason"] == "TerminationByKubelet"
        await here.until_event("greedy", ("Warning", "Evicted", message))
        assert here.told("greedy") == ["hook", "TERM"]
        ended = await here.until("over", lambda state: state.phase == "Failed", within=60)
        assert ended.status["message"] == 'Usage of EmptyDir volume "scratch" exceeds the limit "8Mi". '

        # Nobody is ended who did nothing; then the machine goes down.
        await asyncio.to_thread(small.kill, signal.SIGTERM)
        assert here.told("modest") == ["hook", "TERM"]
        await asyncio.to_thread(small.up)
        ended = await here.until("modest", lambda state: state.phase == "Failed")
        assert ended.status["reason"] == "Terminated"
        assert ended.status["message"] == "Pod was terminated in response to imminent node shutdown."
        assert (await small.sandboxes()).ready == []
