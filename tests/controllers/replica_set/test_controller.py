"""ReplicaSets and ReplicationControllers over the real API and nodes that only say so."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.controllers.cluster import SELECTOR, Cluster, cluster, template
from tests.controllers.interruption import killed_after
from tests.controllers.late import Late

from podwright.api.errors import Forbidden
from podwright.api.objects import Object, metadata, name_of, uid_of
from podwright.api.resources import PODS, REPLICA_SETS, REPLICATION_CONTROLLERS, Resource
from podwright.client.interface import Client
from podwright.controllers.replica_set.controller import OF_REPLICA_SETS, OF_REPLICATION_CONTROLLERS, Kind, Replicas

BOTH = pytest.mark.parametrize("kind", [OF_REPLICA_SETS, OF_REPLICATION_CONTROLLERS], ids=lambda k: k.resource.kind)


def controller(kind: Kind) -> Any:
    return lambda *args: Replicas(kind, *args)


async def make(c: Cluster, kind: Resource = REPLICA_SETS, replicas: int = 3, **spec: Any) -> Object:
    selector = SELECTOR["matchLabels"] if kind == REPLICATION_CONTROLLERS else SELECTOR
    return await c.make(kind, "web", spec={"replicas": replicas, "selector": selector, "template": template(), **spec})


async def settled(c: Cluster, kind: Resource, replicas: int) -> bool:
    owner = await c.get(kind, "web")
    status = owner.get("status") or {}
    counts = [status.get(name, 0) for name in ("replicas", "readyReplicas", "availableReplicas")]
    seen = status.get("observedGeneration") == metadata(owner)["generation"]
    active = [pod for pod in await c.pods() if pod["status"]["phase"] != "Failed"]
    return len(active) == replicas and counts == [replicas] * 3 and seen


@BOTH
async def test_there_are_as_many_pods_as_wanted_whatever_happens_to_them(tmp_path: Path, kind: Kind) -> None:
    async with cluster(tmp_path) as c, c.controlled(controller(kind)):
        await make(c, kind.resource)
        await c.until(lambda: settled(c, kind.resource, 3))
        first = await c.pods()
        assert all(name_of(pod).startswith("web-") for pod in first)
        assert metadata(first[0])["ownerReferences"][0]["kind"] == kind.resource.kind
        await c.delete(PODS, name_of(first[0]))
        await c.tell(first[1], "Failed", ready=False)
        await c.until(lambda: settled(c, kind.resource, 3))
        left = {name_of(pod) for pod in await c.pods()}
        assert {name_of(pod) for pod in first} & left == {name_of(first[1]), name_of(first[2])}
        await c.change(kind.resource, "web", {"spec": {"replicas": 1}})

        async def one() -> bool:
            owner = await c.get(kind.resource, "web")
            return owner["status"]["replicas"] == 1

        await c.until(one)


async def test_a_pod_without_an_owner_is_taken_in_and_one_that_loses_its_label_let_go(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(controller(OF_REPLICA_SETS)):
        await c.make(PODS, "lone", metadata={"labels": {"app": "a"}}, spec=template()["spec"])
        owner = await make(c, replicas=2)
        await c.until(lambda: settled(c, REPLICA_SETS, 2))
        assert metadata(await c.get(PODS, "lone"))["ownerReferences"][0]["uid"] == uid_of(owner)
        await c.change(PODS, "lone", {"metadata": {"labels": {"app": "other"}}})

        async def replaced() -> bool:
            return len(await c.list(PODS, app="a")) == 2 and "ownerReferences" not in metadata(
                await c.get(PODS, "lone")
            )

        await c.until(replaced)


class Refusing:
    """A client to which the API refuses Pods, as a quota does."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.tries = 0
        self.refuses = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def create(self, resource: Resource, *args: Any, **more: Any) -> Object:
        if resource == PODS and self.refuses:
            self.tries += 1
            raise Forbidden.of("pods", "web-x", "exceeded quota")
        return await self._client.create(resource, *args, **more)


async def test_pods_that_are_refused_are_tried_slowly_told_and_made_later(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c:
        client = Refusing(c.client)
        async with c.controlled(controller(OF_REPLICA_SETS), client=client):
            await make(c, replicas=20)

            async def failed() -> Object | None:
                conditions = (await c.get(REPLICA_SETS, "web"))["status"].get("conditions") or ()
                return next(iter(conditions), None)

            condition = await c.until(failed)
            assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
            assert condition["message"] == 'pods "web-x" is forbidden: exceeded quota'
            assert client.tries < 20, "one at a time, and not all of them"
            client.refuses = False
            await c.until(lambda: settled(c, REPLICA_SETS, 20))
            assert "conditions" not in (await c.get(REPLICA_SETS, "web"))["status"]
            refusal = ("FailedCreate", 'Error creating: pods "web-x" is forbidden: exceeded quota')
            assert refusal in await c.told(1, "FailedCreate")


async def looked_at_again(c: Cluster, number: int) -> None:
    """Have the controller make three more rounds; `number` is one that it does not know yet."""
    for more in range(3):
        await c.change(REPLICA_SETS, "web", {"spec": {"minReadySeconds": number + more}})

        async def told() -> bool:
            owner = await c.get(REPLICA_SETS, "web")
            return bool(owner["status"]["observedGeneration"] == metadata(owner)["generation"])

        await c.until(told)


async def test_a_cache_that_is_late_does_not_make_pods_twice(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c:
        client = Late(c.client)
        async with c.controlled(controller(OF_REPLICA_SETS), client=client):
            await make(c)

            async def made() -> bool:
                return len(await c.pods()) == 3

            await c.until(made)
            await looked_at_again(c, 1)
            assert len(await c.pods()) == 3
            await c.change(REPLICA_SETS, "web", {"spec": {"minReadySeconds": 0}})
            client.gate.set()
            await c.until(lambda: settled(c, REPLICA_SETS, 3))
        assert len(c.ever) == 3


@pytest.mark.parametrize("bound", [True, False], ids=["Pods that end in time", "Pods that are gone at once"])
async def test_a_cache_that_is_late_does_not_hide_what_was_deleted(tmp_path: Path, bound: bool) -> None:
    async with cluster(tmp_path) as c:
        c.starts_pods = bound
        client = Late(c.client)
        client.gate.set()
        async with c.controlled(controller(OF_REPLICA_SETS), client=client):
            await make(c, replicas=5)

            async def told(number: int) -> bool:
                status = (await c.get(REPLICA_SETS, "web"))["status"]
                return bool(status.get("replicas") == number and status.get("readyReplicas", 0) == number * bound)

            await c.until(lambda: told(5))
            client.gate.clear()
            await c.change(REPLICA_SETS, "web", {"spec": {"replicas": 3}})

            async def there(number: int) -> bool:
                return len(await c.pods()) == number

            await c.until(lambda: there(3))
            await looked_at_again(c, 1)
            assert await there(3)
            # It knows that two are gone before it is told.
            await c.change(REPLICA_SETS, "web", {"spec": {"replicas": 4}})
            await c.until(lambda: there(4))
            await looked_at_again(c, 4)
            assert await there(4)
            client.gate.set()
            await c.until(lambda: told(4))
        assert len(c.ever) == 6


@pytest.mark.parametrize("writes", range(1, 9))
@pytest.mark.parametrize(("before", "after"), [(0, 5), (5, 1)], ids=["growing", "shrinking"])
async def test_killed_after_any_write_it_is_brought_to_its_end(
    tmp_path: Path, writes: int, before: int, after: int
) -> None:
    make_one = controller(OF_REPLICA_SETS)
    async with cluster(tmp_path) as c:
        async with c.controlled(make_one):
            await make(c, replicas=before)
            await c.until(lambda: settled(c, REPLICA_SETS, before))
        await c.change(REPLICA_SETS, "web", {"spec": {"replicas": after}})
        await killed_after(writes, c, (make_one,), lambda: settled(c, REPLICA_SETS, after))
        async with c.controlled(make_one):
            await c.until(lambda: settled(c, REPLICA_SETS, after))
        assert len(c.ever) == 5, "no Pod was made twice, and none that was to stay was deleted"


async def test_a_pod_counts_as_available_when_it_has_been_ready_for_long_enough(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(controller(OF_REPLICA_SETS)):
        await make(c, replicas=1, minReadySeconds=600)

        async def ready() -> Object | None:
            status = (await c.get(REPLICA_SETS, "web"))["status"]
            return dict(status) if status.get("readyReplicas") == 1 else None

        assert "availableReplicas" not in await c.until(ready)
        c.ahead = datetime.timedelta(seconds=600)
        await c.change(REPLICA_SETS, "web", {"metadata": {"labels": {"look": "again"}}})
        await c.until(lambda: settled(c, REPLICA_SETS, 1))


async def test_it_looks_again_by_itself_when_that_time_has_come(tmp_path: Path) -> None:
    async with cluster(tmp_path) as c, c.controlled(controller(OF_REPLICA_SETS)):
        await make(c, replicas=1, minReadySeconds=1)
        await c.until(lambda: settled(c, REPLICA_SETS, 1))
