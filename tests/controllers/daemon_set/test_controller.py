"""DaemonSets over the real API and nodes that only say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.controllers.cluster import SELECTOR, Cluster, cluster, template
from tests.controllers.interruption import killed_after
from tests.controllers.late import Late

from podwright.api.objects import Object, metadata, name_of
from podwright.api.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
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
        assert len(await c.told(9, "SuccessfulCreate")) == 9
        assert len(await c.told(6, "SuccessfulDelete")) == 6


async def test_with_surge_the_new_pod_is_there_before_the_old_one_goes(tmp_path: Path) -> None:
    async with cluster(tmp_path, ("n",)) as c, c.controlled(DaemonSets):
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        await make(c, updateStrategy=rolling)
        await c.until(lambda: settled(c, {"n"}))
        await c.change(DAEMON_SETS, "agent", {"spec": {"template": template("app:2")}})
        await c.until(lambda: settled(c, {"n"}, "app:2"))
        told = [reason for reason, _ in await c.told(at_least=3)]
        assert told == ["SuccessfulCreate", "SuccessfulCreate", "SuccessfulDelete"]


async def test_a_cache_that_is_late_does_not_make_or_delete_further_pods(tmp_path: Path) -> None:
    async with cluster(tmp_path, NODES_THERE) as c:
        client = Late(c.client)
        async with c.controlled(DaemonSets, client=client):
            await make(c)

            async def looked_at() -> bool:
                owner = await c.get(DAEMON_SETS, "agent")
                seen = (owner.get("status") or {}).get("observedGeneration") == metadata(owner)["generation"]
                return seen and len(await c.pods()) == 3

            await c.until(looked_at)
            for limit in (1, 2, 3):
                await c.change(DAEMON_SETS, "agent", {"spec": {"revisionHistoryLimit": limit}})
                await c.until(looked_at)
            client.gate.set()
            await c.until(lambda: settled(c, set(NODES_THERE)))
            assert len(c.ever) == 3
            client.gate.clear()
            await c.change(DAEMON_SETS, "agent", {"spec": {"template": template("app:2")}})

            async def one_goes() -> bool:
                return len(await c.pods()) == 2

            await c.until(one_goes)
            for limit in (4, 5):
                await c.change(DAEMON_SETS, "agent", {"spec": {"revisionHistoryLimit": limit}})

                async def told() -> bool:
                    owner = await c.get(DAEMON_SETS, "agent")
                    return bool(owner["status"]["observedGeneration"] == metadata(owner)["generation"])

                await c.until(told)
            assert len(await c.pods()) == 2
            client.gate.set()
            await c.until(lambda: settled(c, set(NODES_THERE), "app:2"))
        assert len(c.ever) == 6


@pytest.mark.parametrize("writes", range(1, 16))
@pytest.mark.parametrize("surge", [0, 1], ids=["in place", "with surge"])
async def test_killed_after_any_write_it_is_brought_to_its_end(tmp_path: Path, writes: int, surge: int) -> None:
    async with cluster(tmp_path, ("n", "m")) as c:
        async with c.controlled(DaemonSets):
            rolling = {"maxSurge": surge, "maxUnavailable": 1 - surge}
            await make(c, updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
            await c.until(lambda: settled(c, {"n", "m"}))
        await c.make(NODES, "o")
        await c.change(DAEMON_SETS, "agent", {"spec": {"template": template("app:2")}})
        everywhere = {"n", "m", "o"}
        await killed_after(writes, c, (DaemonSets,), lambda: settled(c, everywhere, "app:2"))
        async with c.controlled(DaemonSets):
            await c.until(lambda: settled(c, everywhere, "app:2"))
        made = [pod for pod in c.ever if pod["spec"]["containers"][0]["image"] == "app:2"]
        assert len(made) == 3, "no Pod was made twice"
        assert sorted(one["revision"] for one in await c.list(CONTROLLER_REVISIONS)) == [1, 2]


async def test_a_pod_that_failed_is_replaced_the_second_time_after_a_while(tmp_path: Path) -> None:
    async with cluster(tmp_path, ("n",)) as c, c.controlled(DaemonSets):
        await make(c)
        await c.until(lambda: settled(c, {"n"}))
        for _ in range(2):
            (pod,) = await c.pods()
            await c.tell(pod, "Failed", ready=False)

            async def another(before: Object = pod) -> bool:
                return name_of(before) not in {name_of(p) for p in await c.pods()} and await settled(c, {"n"})

            await c.until(another)
        assert len(await c.told(2, "FailedDaemonPod")) == 2


async def test_on_delete_waits_for_somebody(tmp_path: Path) -> None:
    async with cluster(tmp_path, ("n", "m")) as c, c.controlled(DaemonSets):
        await make(c, updateStrategy={"type": "OnDelete"})
        await c.until(lambda: settled(c, {"n", "m"}))
        await c.change(DAEMON_SETS, "agent", {"spec": {"template": template("app:2")}})

        async def seen() -> bool:
            owner = await c.get(DAEMON_SETS, "agent")
            return bool(owner["status"]["observedGeneration"] == metadata(owner)["generation"])

        await c.until(seen)
        for pod in await c.pods():
            assert pod["spec"]["containers"][0]["image"] == "app:1"
            await c.delete(PODS, name_of(pod))
        await c.until(lambda: settled(c, {"n", "m"}, "app:2"))
