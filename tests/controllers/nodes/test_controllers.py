"""The node controller and taint eviction over a small API server."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.controllers.interruption import Mortal
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Conflict, NotFound, Unavailable
from podwright.api.objects import Object, rfc3339
from podwright.api.resources import EVENTS, LEASES, NODES, PODS
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import PatchType
from podwright.controllers.nodes import health, pace, zones
from podwright.controllers.nodes.controller import NodeHealth
from podwright.controllers.nodes.taint_eviction import TaintEviction


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taints come soon."""
    monkeypatch.setattr(pace, "SETTLING_SECONDS", 0.0)
    monkeypatch.setattr(zones, "EVICTION_RATE", 20.0)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@asynccontextmanager
async def controlling(client: Any) -> AsyncIterator[None]:
    informers, recorder = Informers(client), EventRecorder(client, "node-controller", "", now)
    rooms = NodeHealth(client, informers, recorder, now), TaintEviction(client, informers, recorder, now)
    async with running(informers.run(), recorder.run(), *(room.run() for room in rooms)):
        yield


async def node(client: FakeClient, name: str, ready: str = "True", zone: str = "") -> Object:
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": rfc3339(now())}
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    made = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {"conditions": [condition]}}
    return await client.create(NODES, made)


async def says(client: FakeClient, name: str, ready: str) -> None:
    body = {"status": {"conditions": [{"type": "Ready", "status": ready}]}}
    await client.patch(NODES, name, body, patch_type=PatchType.STRATEGIC, subresource="status")


async def pod(client: FakeClient, name: str, on: str, **spec: Any) -> None:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    await client.create(PODS, {"metadata": {"name": name}, "spec": {"nodeName": on, **spec}, "status": status}, "ns")


async def taints(client: FakeClient, name: str) -> set[str]:
    found = (await client.get(NODES, name))["spec"].get("taints") or []
    return {f"{t['key'].partition('/')[2] or t['key']}:{t['effect']}" for t in found}


async def going(client: FakeClient, name: str) -> bool:
    try:
        return "deletionTimestamp" in (await client.get(PODS, name, "ns"))["metadata"]
    except NotFound:
        return True


async def renew(client: FakeClient, name: str, times: int) -> None:
    lease = {"metadata": {"name": name}, "spec": {"renewTime": rfc3339(now()), "leaseTransitions": times}}
    if times:
        await client.patch(LEASES, name, {"spec": lease["spec"]}, "kube-node-lease")
    else:
        await client.create(LEASES, lease, "kube-node-lease")


async def test_a_silent_node_is_marked_and_its_pods_are_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "GRACE_SECONDS", 0.3)
    client = FakeClient()
    kubelet = FakeClient(client.store)
    client.fail_next("patch", NODES, Unavailable("not now"), subresource="status")
    client.fail_next("patch", NODES, Conflict.of("nodes", "quiet"))
    for name in ("quiet", "talks"):
        await node(client, name)
        await renew(client, name, 0)
    await pod(client, "p", "quiet", tolerations=[{"operator": "Exists"}])
    async with controlling(client):
        renewals = 0

        async def marked() -> bool:
            nonlocal renewals
            renewals += 1
            await renew(client, "talks", renewals)
            # Were this test held up for longer than the grace, its kubelet would say so again.
            beat = {"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(now())}
            body = {"status": {"conditions": [beat]}}
            await kubelet.patch(NODES, "talks", body, patch_type=PatchType.STRATEGIC, subresource="status")
            return await taints(client, "quiet") == {"unreachable:NoSchedule", "unreachable:NoExecute"}

        await eventually(marked)
        (ready, *_) = (await client.get(NODES, "quiet"))["status"]["conditions"]
        assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")

        async def not_ready() -> bool:
            (condition,) = (await client.get(PODS, "p", "ns"))["status"]["conditions"]
            return bool(condition["status"] == "False")

        await eventually(not_ready)
        # Its kubelet is back.
        body = {"status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(now())}]}}
        monkeypatch.setattr(health, "GRACE_SECONDS", 60.0)
        await client.patch(NODES, "quiet", body, patch_type=PatchType.STRATEGIC, subresource="status")

        async def well() -> bool:
            return await taints(client, "quiet") == set()

        await eventually(well)
        assert not await going(client, "p")


async def test_nodes_that_come_and_go_are_told_of() -> None:
    client = FakeClient()
    await node(client, "here")
    async with controlling(client):

        async def told(*wanted: tuple[str, str]) -> bool:
            events = (await client.list(EVENTS)).items
            return {(e["reason"], e["message"]) for e in events} >= set(wanted)

        await node(client, "new")
        registered = [
            ("RegisteredNode", f"Node {name} event: Registered Node {name} in Controller") for name in ("here", "new")
        ]
        await eventually(lambda: told(*registered))
        await client.delete(NODES, "new")
        await eventually(lambda: told(("RemovingNode", "Node new event: Removing Node new from Controller")))


async def test_when_no_node_is_well_nobody_is_driven_away() -> None:
    client = FakeClient()
    await node(client, "a", "False")
    await node(client, "b")
    await pod(client, "p", "a", tolerations=[{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 100}])
    async with controlling(client):

        async def are(*wanted: str) -> bool:
            return await taints(client, "a") == set(wanted)

        await eventually(lambda: are("not-ready:NoSchedule", "not-ready:NoExecute"))
        await says(client, "b", "False")
        await eventually(lambda: are("not-ready:NoSchedule"))
        await says(client, "b", "True")
        await eventually(lambda: are("not-ready:NoSchedule", "not-ready:NoExecute"))


async def driven(client: FakeClient) -> set[str]:
    """Nodes whose Pods have to leave."""
    found = [n["metadata"]["name"] for n in (await client.list(NODES)).items]
    return {name for name in found if "not-ready:NoExecute" in await taints(client, name)}


async def marked(client: FakeClient, *names: str) -> bool:
    """Whether all that is to be done at once has been done to these."""
    return all(["not-ready:NoSchedule" in await taints(client, name) for name in names])


async def test_one_node_of_a_zone_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "EVICTION_RATE", 0.001)
    client = FakeClient()
    for zone in ("a", "b"):
        await node(client, f"{zone}-well", zone=zone)
        for number in range(2):
            await node(client, f"{zone}-{number}", "False", zone)
    ill = ("a-0", "a-1", "b-0", "b-1")
    async with controlling(client):
        await eventually(lambda: marked(client, *ill))

        async def one_of_each() -> bool:
            return {name[0] for name in await driven(client)} == {"a", "b"}

        await eventually(one_of_each)
        assert len(await driven(client)) == 2


async def test_the_next_one_has_its_turn_later() -> None:
    client = FakeClient()
    await node(client, "well")
    for name in ("a", "b"):
        await node(client, name, "False")
    async with controlling(client):

        async def both() -> bool:
            return await driven(client) == {"a", "b"}

        await eventually(both)


async def test_a_small_zone_that_is_partly_down_loses_no_pods_until_it_is_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = FakeClient()
    for name in ("u", "v"):
        await node(client, name)
    ill = ("a", "b", "c")
    for name in ill:
        await node(client, name, "False")
    async with controlling(client):
        await eventually(lambda: marked(client, *ill))
        assert await driven(client) == set()
        # Without one of them it is a zone like any other.
        await client.delete(NODES, "c")

        async def first() -> bool:
            return bool(await driven(client))

        await eventually(first)


async def test_pods_leave_for_a_taint_as_they_tolerate_it() -> None:
    client = FakeClient()
    await node(client, "n")
    tolerated = {"key": "gone", "operator": "Exists", "effect": "NoExecute"}
    await pod(client, "never", "n")
    await pod(client, "soon", "n", tolerations=[{**tolerated, "tolerationSeconds": 1}])
    await pod(client, "later", "n", tolerations=[{**tolerated, "tolerationSeconds": 3600}])
    await pod(client, "always", "n", tolerations=[tolerated])
    client.fail_next("delete", PODS, Unavailable("not now"))
    async with controlling(client):
        await client.patch(NODES, "n", {"spec": {"taints": [{"key": "gone", "effect": "NoExecute"}]}})
        await eventually(lambda: going(client, "never"))
        assert not await going(client, "soon")
        await eventually(lambda: going(client, "soon"))
        assert not await going(client, "later")
        assert not await going(client, "always")
        await client.patch(NODES, "n", {"spec": {"taints": None}})

        async def told() -> bool:
            return "Cancelling deletion of Pod ns/later" in {e["message"] for e in (await client.list(EVENTS)).items}

        await eventually(told)
        (condition,) = [
            c
            for c in (await client.get(PODS, "never", "ns"))["status"]["conditions"]
            if c["type"] == "DisruptionTarget"
        ]
        assert condition["reason"] == "DeletionByTaintManager"


async def test_a_restart_gives_a_pod_no_more_time() -> None:
    client = FakeClient()
    await node(client, "n")
    added = rfc3339(now() - datetime.timedelta(seconds=100))
    toleration = {"key": "gone", "operator": "Exists", "tolerationSeconds": 60}
    await pod(client, "p", "n", tolerations=[toleration])
    taint = {"key": "gone", "effect": "NoExecute", "timeAdded": added}
    await client.patch(NODES, "n", {"spec": {"taints": [taint]}})
    async with controlling(client):
        await eventually(lambda: going(client, "p"))


async def test_pods_leave_wherever_the_controllers_die() -> None:
    for life in range(1, 8):
        client = FakeClient()
        for name, ready in (("ill", "False"), ("well", "True")):
            await node(client, name, ready)
        for name in ("a", "b"):
            await pod(client, name, "ill")
        mortal: Any = Mortal(client, life)

        async def both_go(client: FakeClient = client) -> bool:
            return await going(client, "a") and await going(client, "b")

        async def dead_or_over(mortal: Any = mortal) -> bool:
            return mortal.dead.is_set() or await both_go()

        async with controlling(mortal):
            await eventually(dead_or_over)
        async with controlling(client):
            await eventually(both_go)
        assert await taints(client, "ill") == {"not-ready:NoSchedule", "not-ready:NoExecute"}, life
