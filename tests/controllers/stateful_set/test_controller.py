"""StatefulSets over the real API and nodes that only say so: names, order, claims, updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.controllers.cluster import SELECTOR, Cluster, cluster, template
from tests.controllers.interruption import killed_after

from podwright.api.objects import Object, metadata, name_of
from podwright.api.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from podwright.controllers.garbage_collector import GarbageCollector
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
        made = [text for _, text in await c.told(6, "SuccessfulCreate")]
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
        gone = [text for _, text in await c.told(3, "SuccessfulDelete")]
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
        gone = [text for _, text in await c.told(2, "SuccessfulDelete")]
        assert gone == [f"delete Pod db-{i} in StatefulSet db successful" for i in (2, 1)]


@pytest.mark.parametrize("writes", range(1, 18))
@pytest.mark.parametrize("order", ["OrderedReady", "Parallel"])
async def test_killed_after_any_write_it_is_brought_to_its_end(tmp_path: Path, writes: int, order: str) -> None:
    async with cluster(tmp_path) as c:
        async with c.controlled(StatefulSets):
            await make(c, 2, volumeClaimTemplates=[CLAIM], podManagementPolicy=order)
            await c.until(lambda: settled(c, 2))
        change = {"spec": {"template": template("app:2"), "replicas": 3}}
        await c.change(STATEFUL_SETS, "db", change)
        await killed_after(writes, c, (StatefulSets,), lambda: settled(c, 3, "app:2"))
        async with c.controlled(StatefulSets):
            await c.until(lambda: settled(c, 3, "app:2"))
        assert [name_of(one) for one in await c.list(PERSISTENT_VOLUME_CLAIMS)] == [f"data-db-{i}" for i in range(3)]
        assert [one["revision"] for one in sorted(await c.list(CONTROLLER_REVISIONS), key=_number)] == [1, 2]
        assert len(c.ever) == 5, "two Pods, those two anew, and a third: none more than once"


def _number(revision: Object) -> int:
    number: int = revision["revision"]
    return number


async def test_in_parallel_all_come_at_once(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c:
        c.starts_pods = False
        async with c.controlled(StatefulSets):
            await make(c, 4, podManagementPolicy="Parallel")

            async def four() -> bool:
                return len(await c.pods()) == 4

            await c.until(four)


async def test_a_partition_keeps_lower_ordinals_as_they_are_even_when_they_are_made_again(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(StatefulSets):
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
        await make(c, 2, updateStrategy=rolling)
        await c.until(lambda: settled(c, 2))
        await c.change(STATEFUL_SETS, "db", {"spec": {"template": template("app:2")}})

        async def images() -> list[str]:
            pods = await c.pods()
            ready = (await c.get(STATEFUL_SETS, "db"))["status"].get("readyReplicas") == len(pods)
            return [pod["spec"]["containers"][0]["image"] for pod in pods] if ready else []

        async def half() -> bool:
            return await images() == ["app:1", "app:2"]

        await c.until(half)
        first = metadata(await c.get(PODS, "db-0"))["uid"]
        await c.delete(PODS, "db-0")

        async def again() -> bool:
            return await half() and metadata(await c.get(PODS, "db-0"))["uid"] != first

        await c.until(again)
        await c.change(STATEFUL_SETS, "db", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
        await c.until(lambda: settled(c, 2, "app:2"))


async def test_on_delete_a_pod_is_new_when_somebody_deletes_it(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(StatefulSets):
        await make(c, 2, updateStrategy={"type": "OnDelete"})
        await c.until(lambda: settled(c, 2))
        await c.change(STATEFUL_SETS, "db", {"spec": {"template": template("app:2")}})

        async def seen() -> bool:
            owner = await c.get(STATEFUL_SETS, "db")
            return bool(owner["status"]["observedGeneration"] == metadata(owner)["generation"])

        await c.until(seen)
        await c.delete(PODS, "db-1")

        async def mixed() -> bool:
            return [pod["spec"]["containers"][0]["image"] for pod in await c.pods()] == ["app:1", "app:2"]

        await c.until(mixed)


async def test_claims_go_with_the_pods_that_a_smaller_set_loses_if_the_policy_says_so(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(StatefulSets, collector):
        policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
        await make(c, 2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
        await c.until(lambda: settled(c, 2))
        await c.change(STATEFUL_SETS, "db", {"spec": {"replicas": 1}})

        async def gone() -> bool:
            return [name_of(one) for one in await c.list(PERSISTENT_VOLUME_CLAIMS)] == ["data-db-0"]

        await c.until(gone)
        await c.until(lambda: settled(c, 1))
        await c.delete(STATEFUL_SETS, "db")

        async def nothing() -> bool:
            return not await c.list(PODS)

        await c.until(nothing)
        assert await gone()


def collector(client: Any, informers: Any, recorder: Any, clock: Any) -> GarbageCollector:
    return GarbageCollector(client, informers, [STATEFUL_SETS, PODS, PERSISTENT_VOLUME_CLAIMS])


async def test_without_claims_in_the_api_it_is_said_why_there_is_no_pod(tmp_path: Path) -> None:
    def without(*args: Any) -> StatefulSets:
        return StatefulSets(*args, has_claims=False)

    async with cluster(tmp_path) as c, c.controlled(without):
        await make(c, 1, volumeClaimTemplates=[CLAIM])
        text = (
            "create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: "
            "this server has no persistentvolumeclaims"
        )

        async def told() -> bool:
            return ("FailedCreate", text) in await c.told()

        await c.until(told)
        assert await c.pods() == []


async def test_a_claim_that_goes_is_waited_for_and_made_anew(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(StatefulSets):
        stale = {"apiVersion": "v1", "kind": "Pod", "name": "db-0", "uid": "an-earlier-one"}
        meta = {"ownerReferences": [stale], "labels": {"app": "a"}}
        await c.make(PERSISTENT_VOLUME_CLAIMS, "data-db-0", metadata=meta, spec=CLAIM["spec"])
        await make(c, 1, volumeClaimTemplates=[CLAIM])

        async def seen() -> bool:
            return bool((await c.get(STATEFUL_SETS, "db"))["status"].get("updateRevision"))

        await c.until(seen)
        assert await c.pods() == []
        await c.delete(PERSISTENT_VOLUME_CLAIMS, "data-db-0")
        await c.until(lambda: settled(c, 1))
        assert "ownerReferences" not in metadata(await c.get(PERSISTENT_VOLUME_CLAIMS, "data-db-0"))
