"""A Pod of higher priority gets the place of another, which ends with its hook and its grace."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.ports import free_port
from tests.node.observed import FOREVER, container, observed, shell, spec
from tests.node.running_node import RunningNode

from podwright.api.pods import condition
from podwright.api.resources import PRIORITY_CLASSES


async def test_the_victim_ends_in_order_before_the_other_starts(node: RunningNode, tmp_path: Path) -> None:
    ports = [{"containerPort": 80, "hostPort": free_port()}]
    hook = {"preStop": {"exec": {"command": shell("tell hook; sleep 1; tell hook-over")}}}
    script = "trap 'tell TERM; exit 0' TERM; tell up; " + FOREVER
    low = spec(container(script, ports=ports, lifecycle=hook), terminationGracePeriodSeconds=10)
    high = spec(container("tell up; " + FOREVER, ports=ports), priorityClassName="precious")
    precious = {"kind": "PriorityClass", "metadata": {"name": "precious"}, "value": 1000}
    async with observed(node.kubeconfig, "preempted", tmp_path) as here:
        await here.client.create(PRIORITY_CLASSES, {"apiVersion": "scheduling.k8s.io/v1", **precious})
        try:
            await here.create({"low": low})
            await here.until_told("low", "up")
            await here.create({"high": high})
            began = await here.until_told("high", "up")
        finally:
            await here.client.delete(PRIORITY_CLASSES, "precious")
        assert here.told("low") == ["up", "hook", "hook-over", "TERM"]
        assert here.time_of("low", "TERM") < began
        uid = here.history["high"][-1].pod["metadata"]["uid"]
        await here.until_event("low", ("Normal", "Preempted", f"Preempted by pod {uid} on node {node.name}"))
        states = [condition(state.pod, "DisruptionTarget") for state in here.history["low"]]
        told = next(one for one in states if one is not None)
        assert told["reason"] == "PreemptionByScheduler"
        assert any(one.status.get("nominatedNodeName") == node.name for one in here.history["high"])
        assert "nominatedNodeName" not in (await here.until_running("high")).status
