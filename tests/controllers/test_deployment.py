"""Deployments from template to template, over the real API and nodes that only say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.controllers.cluster import SELECTOR, Cluster, cluster, template

from podwright.api.objects import Object, metadata
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
        told = await c.told()
        assert told[0] == ("ScalingReplicaSet", f"Scaled up replica set {first} from 0 to 3")
        assert {reason for reason, _ in told} == {"ScalingReplicaSet", "SuccessfulCreate", "SuccessfulDelete"}
