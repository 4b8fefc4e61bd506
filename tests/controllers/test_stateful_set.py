"""StatefulSets over the real API and nodes that only say so: names, order, claims, updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.controllers.cluster import SELECTOR, Cluster, cluster, template

from podwright.api.objects import Object, metadata, name_of
from podwright.api.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from podwright.controllers.stateful_set.controller import StatefulSets

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}


async def make(c: Cluster, replicas: int = 3, **spec: Any) -> Object:
    fields = {"replicas": replicas, "serviceName": "db", "selector": SELECTOR, "template": template(), **spec}
    return await c.make(STATEFUL_SETS, "db", spec=fields)


async def settled(c: Cluster, replicas: int, image: str = "app:1") -> bool:
    owner = await c.get(STATEFUL_SETS, "db")
    status = owner.get("status") or {}
    pods = await c.pods()
    return (
        [name_of(pod) for pod in pods] == [f"db-{i}" for i in range(replicas)]
        and all(pod["spec"]["containers"][0]["image"] == image for pod in pods)
        and status.get("replicas") == replicas == status.get("availableReplicas", 0)
        and status.get("currentRevision") == status.get("updateRevision")
        and status.get("observedGeneration") == metadata(owner)["generation"]
    )


async def test_pods_come_in_order_with_their_claims_and_keep_both(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(StatefulSets):
        await make(c, volumeClaimTemplates=[CLAIM])
        await c.until(lambda: settled(c, 3))
        claims = {name_of(one): one for one in await c.list(PERSISTENT_VOLUME_CLAIMS)}
        assert set(claims) == {"data-db-0", "data-db-1", "data-db-2"}
        pod = await c.get(PODS, "db-1")
        assert pod["spec"]["hostname"] == "db-1" and pod["spec"]["subdomain"] == "db"
        assert pod["spec"]["volumes"][0] == {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}}
        assert metadata(pod)["labels"]["apps.kubernetes.io/pod-index"] == "1"
        made = [text for reason, text in await c.told() if reason == "SuccessfulCreate"]
        assert made == [
            text
            for i in range(3)
            for text in (
                f"create Claim data-db-{i} Pod db-{i} in StatefulSet db success",
                f"create Pod db-{i} in StatefulSet db successful",
            )
        ]
        await c.delete(PODS, "db-1")
        await c.until(lambda: settled(c, 3))
        assert metadata(await c.get(PODS, "db-1"))["uid"] != metadata(pod)["uid"]
        assert {name_of(one): one for one in await c.list(PERSISTENT_VOLUME_CLAIMS)} == claims


async def test_an_update_goes_from_the_highest_ordinal_down_and_back_again(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(StatefulSets):
        await make(c)
        await c.until(lambda: settled(c, 3))
        await c.change(STATEFUL_SETS, "db", {"spec": {"template": template("app:2")}})
        await c.until(lambda: settled(c, 3, "app:2"))
        gone = [text for reason, text in await c.told() if reason == "SuccessfulDelete"]
        assert gone == [f"delete Pod db-{i} in StatefulSet db successful" for i in (2, 1, 0)]
        await c.change(STATEFUL_SETS, "db", {"spec": {"template": template("app:1")}})
        await c.until(lambda: settled(c, 3))
        assert sorted(one["revision"] for one in await c.list(CONTROLLER_REVISIONS)) == [2, 3]


async def test_a_smaller_set_loses_the_highest_ordinals_first(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(StatefulSets):
        await make(c)
        await c.until(lambda: settled(c, 3))
        await c.change(STATEFUL_SETS, "db", {"spec": {"replicas": 1}})
        await c.until(lambda: settled(c, 1))
        gone = [text for reason, text in await c.told() if reason == "SuccessfulDelete"]
        assert gone == [f"delete Pod db-{i} in StatefulSet db successful" for i in (2, 1)]
