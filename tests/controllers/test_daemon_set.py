"""DaemonSets over the real API and nodes that only say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.controllers.cluster import SELECTOR, Cluster, cluster, template

from podwright.api.objects import Object, metadata
from podwright.api.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES
from podwright.controllers.daemon_set.controller import DaemonSets
from podwright.controllers.daemon_set.pods import node_of

NODES_THERE = ("n", "m", "o")


async def make(c: Cluster, **spec: Any) -> Object:
    return await c.make(DAEMON_SETS, "agent", spec={"selector": SELECTOR, "template": template(), **spec})


async def settled(c: Cluster, nodes: set[str], image: str = "app:1") -> bool:
    owner = await c.get(DAEMON_SETS, "agent")
    status = owner.get("status") or {}
    pods = await c.pods()
    return (
        sorted(map(node_of, pods)) == sorted(nodes)
        and all(pod["spec"]["containers"][0]["image"] == image for pod in pods)
        and status.get("numberAvailable", 0) == len(nodes) == status.get("updatedNumberScheduled", 0)
        and status.get("observedGeneration") == metadata(owner)["generation"]
    )


async def test_each_node_has_a_pod_and_nodes_may_come_and_go(tmp_path: Path) -> None:
    async with cluster(tmp_path, NODES_THERE) as c, c.controlled(DaemonSets):
        await make(c)
        await c.until(lambda: settled(c, {"n", "m", "o"}))
        await c.make(NODES, "p")
        await c.until(lambda: settled(c, {"n", "m", "o", "p"}))
        taint = {"key": "no", "effect": "NoExecute"}
        await c.client.patch(NODES, "m", {"spec": {"taints": [taint]}})
        await c.until(lambda: settled(c, {"n", "o", "p"}))


async def test_an_update_takes_one_node_after_another_and_can_be_undone(tmp_path: Path) -> None:
    async with cluster(tmp_path, NODES_THERE) as c, c.controlled(DaemonSets):
        await make(c)
        await c.until(lambda: settled(c, set(NODES_THERE)))
        await c.change(DAEMON_SETS, "agent", {"spec": {"template": template("app:2")}})
        await c.until(lambda: settled(c, set(NODES_THERE), "app:2"))
        await c.change(DAEMON_SETS, "agent", {"spec": {"template": template("app:1")}})
        await c.until(lambda: settled(c, set(NODES_THERE)))
        assert sorted(one["revision"] for one in await c.list(CONTROLLER_REVISIONS)) == [2, 3]
        told = await c.told()
        assert sum(reason == "SuccessfulCreate" for reason, _ in told) == 9
        assert sum(reason == "SuccessfulDelete" for reason, _ in told) == 6


async def test_with_surge_the_new_pod_is_there_before_the_old_one_goes(tmp_path: Path) -> None:
    async with cluster(tmp_path, ("n",)) as c, c.controlled(DaemonSets):
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        await make(c, updateStrategy=rolling)
        await c.until(lambda: settled(c, {"n"}))
        await c.change(DAEMON_SETS, "agent", {"spec": {"template": template("app:2")}})
        await c.until(lambda: settled(c, {"n"}, "app:2"))
        assert [reason for reason, _ in await c.told()] == ["SuccessfulCreate", "SuccessfulCreate", "SuccessfulDelete"]
