"""Deployments from template to template, over the real API and nodes that only say so."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.controllers.cluster import SELECTOR, Cluster, cluster, template
from tests.controllers.interruption import killed_after

from podwright.api.objects import Object, metadata, name_of
from podwright.api.resources import DEPLOYMENTS, REPLICA_SETS
from podwright.controllers.deployment.controller import Deployments
from podwright.controllers.replica_set.controller import OF_REPLICA_SETS, Replicas


def replica_sets(*args: Any) -> Replicas:
    return Replicas(OF_REPLICA_SETS, *args)


async def deploy(c: Cluster, replicas: int = 3, **spec: Any) -> Object:
    return await c.make(
        DEPLOYMENTS, "web", spec={"replicas": replicas, "selector": SELECTOR, "template": template(), **spec}
    )


async def rolled(c: Cluster, image: str, replicas: int) -> bool:
    """Whether the roll is over."""
    status = (await c.get(DEPLOYMENTS, "web")).get("status") or {}
    pods = await c.pods()
    reasons = {one["type"]: one["reason"] for one in status.get("conditions") or ()}
    return (
        [pod["spec"]["containers"][0]["image"] for pod in pods] == [image] * replicas
        and status.get("availableReplicas") == status.get("updatedReplicas") == replicas
        and reasons.get("Progressing") == "NewReplicaSetAvailable"
    )


async def test_a_deployment_is_rolled_out_to_a_new_image_and_back(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(Deployments, replica_sets):
        await deploy(c)
        await c.until(lambda: rolled(c, "app:1", 3))
        first = (await c.list(REPLICA_SETS))[0]["metadata"]["name"]
        await c.change(DEPLOYMENTS, "web", {"spec": {"template": template("app:2")}})
        await c.until(lambda: rolled(c, "app:2", 3))
        assert metadata(await c.get(DEPLOYMENTS, "web"))["annotations"]["deployment.kubernetes.io/revision"] == "2"
        await c.change(DEPLOYMENTS, "web", {"spec": {"template": template("app:1")}})
        await c.until(lambda: rolled(c, "app:1", 3))
        sets = {one["metadata"]["name"]: metadata(one)["annotations"] for one in await c.list(REPLICA_SETS)}
        assert len(sets) == 2
        assert sets[first]["deployment.kubernetes.io/revision"] == "3"
        assert sets[first]["deployment.kubernetes.io/revision-history"] == "1"
        assert await c.told(1, "SuccessfulDelete")
        told = await c.told()
        assert told[0] == ("ScalingReplicaSet", f"Scaled up replica set {first} from 0 to 3")
        assert {reason for reason, _ in told} == {"ScalingReplicaSet", "SuccessfulCreate", "SuccessfulDelete"}


async def killed_while(c: Cluster, writes: int, image: str, replicas: int) -> bool:
    return await killed_after(writes, c, (Deployments, replica_sets), lambda: rolled(c, image, replicas))


@pytest.mark.parametrize("strategy", ["RollingUpdate", "Recreate"])
@pytest.mark.parametrize("writes", range(1, 28))
async def test_killed_after_any_write_of_a_roll_it_is_brought_to_its_end(
    tmp_path: Path, writes: int, strategy: str
) -> None:
    async with cluster(tmp_path) as c:
        async with c.controlled(Deployments, replica_sets):
            await deploy(c, 2, strategy={"type": strategy})
            await c.until(lambda: rolled(c, "app:1", 2))
        before = {name_of(one) for one in await c.list(REPLICA_SETS)}
        await c.change(DEPLOYMENTS, "web", {"spec": {"template": template("app:2"), "replicas": 3}})
        await killed_while(c, writes, "app:2", 3)
        async with c.controlled(Deployments, replica_sets):
            await c.until(lambda: rolled(c, "app:2", 3))
        sets = await c.list(REPLICA_SETS)
        assert len(sets) == 2 and before < {name_of(one) for one in sets}
        assert {one["spec"]["replicas"] for one in sets} == {0, 3}
        made = [pod for pod in c.ever if pod["spec"]["containers"][0]["image"] == "app:2"]
        assert len(made) == 3, "no Pod was made twice"


async def test_who_recreates_starts_nothing_before_the_last_old_pod_has_ended(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(Deployments, replica_sets):
        await deploy(c, 2, strategy={"type": "Recreate"})
        await c.until(lambda: rolled(c, "app:1", 2))
        c.ends_pods = False
        await c.change(DEPLOYMENTS, "web", {"spec": {"template": template("app:2")}})

        async def all_going() -> bool:
            return not await c.pods()

        await c.until(all_going)
        await asyncio.sleep(0.05)
        assert len(await c.list(REPLICA_SETS)) == 1
        c.ends_pods = True
        await c.end_pods()
        await c.until(lambda: rolled(c, "app:2", 2))


async def test_a_roll_to_what_never_becomes_ready_keeps_what_serves_and_says_so_in_time(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(Deployments, replica_sets):
        c.healthy = lambda pod: pod["spec"]["containers"][0]["image"] != "app:bad"
        await deploy(c, 4, progressDeadlineSeconds=60)
        await c.until(lambda: rolled(c, "app:1", 4))
        await c.change(DEPLOYMENTS, "web", {"spec": {"template": template("app:bad")}})

        async def stands() -> bool:
            images = [pod["spec"]["containers"][0]["image"] for pod in await c.pods()]
            status = (await c.get(DEPLOYMENTS, "web"))["status"]
            counts = [status.get(name) for name in ("replicas", "updatedReplicas", "readyReplicas")]
            return images.count("app:1") == 3 and images.count("app:bad") == 2 and counts == [5, 2, 3]

        await c.until(stands)
        c.ahead = datetime.timedelta(seconds=70)
        await c.change(DEPLOYMENTS, "web", {"metadata": {"labels": {"look": "again"}}})

        async def told() -> Object | None:
            conditions = (await c.get(DEPLOYMENTS, "web"))["status"]["conditions"]
            return next((one for one in conditions if one["reason"] == "ProgressDeadlineExceeded"), None)

        condition = await c.until(told)
        assert condition["status"] == "False" and "has timed out progressing." in condition["message"]
        assert await stands()
        await c.change(DEPLOYMENTS, "web", {"spec": {"template": template("app:1")}})
        await c.until(lambda: rolled(c, "app:1", 4))


async def test_while_paused_a_new_template_waits_and_a_new_size_does_not(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(Deployments, replica_sets):
        await deploy(c, 2)
        await c.until(lambda: rolled(c, "app:1", 2))
        await c.change(DEPLOYMENTS, "web", {"spec": {"paused": True, "template": template("app:2"), "replicas": 3}})

        async def grown() -> bool:
            conditions = (await c.get(DEPLOYMENTS, "web"))["status"]["conditions"]
            paused = any(one["reason"] == "DeploymentPaused" for one in conditions)
            return paused and [pod["spec"]["containers"][0]["image"] for pod in await c.pods()] == ["app:1"] * 3

        await c.until(grown)
        assert len(await c.list(REPLICA_SETS)) == 1
        await c.change(DEPLOYMENTS, "web", {"spec": {"paused": False}})
        await c.until(lambda: rolled(c, "app:2", 3))


async def test_old_sets_beyond_the_limit_are_forgotten_and_orphans_are_taken_in(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(Deployments, replica_sets):
        await deploy(c, 1, revisionHistoryLimit=1)
        for image in ("app:2", "app:3", "app:4"):
            await c.change(DEPLOYMENTS, "web", {"spec": {"template": template(image)}})
            await c.until(lambda image=image: rolled(c, image, 1))  # type: ignore[misc]

        async def two() -> bool:
            return len(await c.list(REPLICA_SETS)) == 2

        await c.until(two)
        first = (await c.pods())[0]
        await c.delete(DEPLOYMENTS, "web", propagation_policy="Orphan")
        for one in await c.list(REPLICA_SETS):
            await c.change(REPLICA_SETS, name_of(one), {"metadata": {"ownerReferences": None}})
        await c.change(DEPLOYMENTS, "web", {"metadata": {"finalizers": None}})
        await deploy(c, 1, template=template("app:4"), revisionHistoryLimit=1)
        await c.until(lambda: rolled(c, "app:4", 1))
        assert name_of((await c.pods())[0]) == name_of(first)
        assert len(await c.list(REPLICA_SETS)) == 2


async def test_another_s_set_with_the_same_name_gives_way_to_another_hash(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c:
        async with c.controlled(Deployments, replica_sets):
            await deploy(c, 1)
            await c.until(lambda: rolled(c, "app:1", 1))
        (taken,) = await c.list(REPLICA_SETS)
        other = {"metadata": {"labels": {"app": "other"}}, "spec": template()["spec"]}
        await c.delete(DEPLOYMENTS, "web")
        await c.delete(REPLICA_SETS, name_of(taken))
        await c.make(
            REPLICA_SETS,
            name_of(taken),
            spec={"replicas": 0, "selector": {"matchLabels": {"app": "other"}}, "template": other},
        )
        async with c.controlled(Deployments, replica_sets):
            await deploy(c, 1)

            async def told() -> bool:
                status = (await c.get(DEPLOYMENTS, "web")).get("status") or {}
                return status.get("availableReplicas") == 1 and status.get("collisionCount") == 1

            await c.until(told)
