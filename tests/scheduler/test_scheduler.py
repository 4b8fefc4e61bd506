from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running
from tests.scheduler.objects import node, pod

from podwright.api.errors import Conflict, Unavailable
from podwright.api.objects import Object
from podwright.api.resources import (
    EVENTS,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
)
from podwright.client.events import EventRecorder
from podwright.client.interface import DeleteOptions
from podwright.scheduler.scheduler import Scheduler

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@asynccontextmanager
async def scheduling(client: FakeClient) -> AsyncIterator[None]:
    recorder = EventRecorder(client, "default-scheduler", "", lambda: NOW)
    async with running(recorder.run(), Scheduler(client, recorder, lambda: NOW).run()):
        yield


async def bound(client: FakeClient, name: str = "p") -> str:
    return (await client.get(PODS, name, "default"))["spec"].get("nodeName", "")


async def events(client: FakeClient, reason: str) -> list[Object]:
    return [e for e in (await client.list(EVENTS)).items if e["reason"] == reason]


async def condition(client: FakeClient, name: str = "p") -> Object:
    conditions = (await client.get(PODS, name, "default")).get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == "PodScheduled"), {})


async def test_a_pod_is_bound_and_told_so_within_milliseconds() -> None:
    client = FakeClient()
    await client.create(NODES, node())
    async with scheduling(client):
        await client.create(PODS, pod("first"), "default")
        await eventually(lambda: bound(client, "first"))
        started = time.perf_counter()
        await client.create(PODS, pod(), "default")
        assert await eventually(lambda: bound(client)) == "n"
        assert time.perf_counter() - started < 0.05
        (_, event) = await eventually(lambda: _two(client))
    assert event["message"] == "Successfully assigned default/p to n"
    assert event["source"] == {"component": "default-scheduler"}


async def _two(client: FakeClient) -> list[Object] | None:
    found = await events(client, "Scheduled")
    return sorted(found, key=lambda e: e["message"]) if len(found) == 2 else None


async def test_room_is_given_once_however_many_pods_come_at_once() -> None:
    client = FakeClient()
    await client.create(NODES, node(cpu="4"))
    for number in range(10):
        await client.create(PODS, pod(f"p{number}", cpu="1"), "default")
    async with scheduling(client):
        await eventually(lambda: _all_judged(client))
        placed = [o["metadata"]["name"] for o in (await client.list(PODS)).items if o["spec"].get("nodeName")]
        assert len(placed) == 4
        await client.delete(PODS, placed[0], "default", DeleteOptions(grace_period_seconds=0))
        await client.patch(PODS, placed[1], {"status": {"phase": "Succeeded"}}, "default", subresource="status")
        await eventually(lambda: _placed(client, 5))


async def _all_judged(client: FakeClient) -> bool:
    return len((await client.list(EVENTS)).items) >= 10


async def _placed(client: FakeClient, count: int) -> bool:
    return sum(bool(o["spec"].get("nodeName")) for o in (await client.list(PODS)).items) == count


async def test_a_pod_that_fits_nowhere_says_why_and_is_bound_once_it_does() -> None:
    client = FakeClient()
    async with scheduling(client):
        await client.create(PODS, pod(nodeSelector={"a": "b"}), "default")
        first = await eventually(lambda: condition(client))
        assert (first["status"], first["reason"]) == ("False", "Unschedulable")
        assert first["message"] == "no nodes available to schedule pods"
        await client.create(NODES, node())
        await eventually(
            lambda: _message(client, "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity")
        )
        attempts = len(client.called("patch", PODS, "status"))
        await client.patch(NODES, "n", {"status": {"conditions": []}}, subresource="status")
        await asyncio.sleep(0.02)
        assert len(client.called("patch", PODS, "status")) == attempts
        await client.patch(NODES, "n", {"metadata": {"labels": {"a": "b"}}})
        assert await eventually(lambda: bound(client)) == "n"
        warnings = await events(client, "FailedScheduling")
    assert {e["type"] for e in warnings} == {"Warning"}


async def _message(client: FakeClient, start: str) -> bool:
    return str((await condition(client)).get("message", "")).startswith(start)


async def test_a_gated_pod_waits_for_its_gates() -> None:
    client = FakeClient()
    await client.create(NODES, node())
    async with scheduling(client):
        await client.create(PODS, pod(schedulingGates=[{"name": "x"}]), "default")
        gated = await eventually(lambda: condition(client))
        assert gated["reason"] == "SchedulingGated"
        await client.patch(PODS, "p", {"spec": {"schedulingGates": None}}, "default")
        assert await eventually(lambda: bound(client)) == "n"


async def test_pods_of_other_schedulers_and_pods_that_are_going_are_left_alone() -> None:
    client = FakeClient()
    await client.create(NODES, node())
    await client.create(PODS, pod("other", schedulerName="x"), "default")
    going = pod("going")
    going["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]}
    await client.create(PODS, going, "default")
    async with scheduling(client):
        await client.create(PODS, pod(), "default")
        await eventually(lambda: bound(client))
        assert await bound(client, "other") == ""
        assert await bound(client, "going") == ""


async def test_a_binding_that_fails_is_tried_again_and_its_room_is_given_back() -> None:
    client = FakeClient()
    await client.create(NODES, node(cpu="1"))
    client.fail_next("create", PODS, Unavailable("no"), ConnectionError("no"), subresource="binding")
    async with scheduling(client):
        await client.create(PODS, pod(cpu="1"), "default")
        assert await eventually(lambda: bound(client)) == "n"
    assert len(client.called("create", PODS, "binding")) == 3


async def test_a_pod_that_somebody_else_bound_is_let_go() -> None:
    client = FakeClient()
    await client.create(NODES, node("mine", cpu="1"))
    client.fail_next("create", PODS, Conflict("taken"), subresource="binding")
    async with scheduling(client):
        await client.create(PODS, pod(cpu="1"), "default")
        await eventually(lambda: client.called("create", PODS, "binding"))
        await client.patch(PODS, "p", {"spec": {"nodeName": "other"}}, "default")
        await client.create(PODS, pod("q", cpu="1"), "default")
        assert await eventually(lambda: bound(client, "q")) == "mine"
        assert await bound(client) == "other"


async def test_when_there_is_room_again_the_highest_priority_goes_first() -> None:
    client = FakeClient()
    await client.create(NODES, node(cpu="1"))
    await client.create(PODS, pod("first", cpu="1", nodeName="n"), "default")
    async with scheduling(client):
        await client.create(PODS, pod("low", cpu="1"), "default")
        await client.create(PODS, pod("high", cpu="1", priority=1000), "default")
        await eventually(lambda: condition(client, "low"))
        await eventually(lambda: condition(client, "high"))
        await client.delete(PODS, "first", "default", DeleteOptions(grace_period_seconds=0))
        assert await eventually(lambda: bound(client, "high")) == "n"
        assert await bound(client, "low") == ""


CLAIM_OF_LATER = {
    "metadata": {"name": "c"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "later",
    },
    "status": {"phase": "Pending"},
}
LATER = {"metadata": {"name": "later"}, "provisioner": "x", "volumeBindingMode": "WaitForFirstConsumer"}
USES_C = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}


async def test_a_claim_is_told_the_node_and_the_pod_bound_when_the_claim_is() -> None:
    client = FakeClient()
    await client.create(NODES, node())
    await client.create(STORAGE_CLASSES, LATER)
    async with scheduling(client):
        await client.create(PODS, pod(**USES_C), "default")
        await eventually(lambda: events(client, "FailedScheduling"))
        assert (await condition(client))["message"] == (
            '0/1 nodes are available: persistentvolumeclaim "c" not found. no new claims to deallocate, preemption: '
            "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        )
        await client.create(PERSISTENT_VOLUME_CLAIMS, CLAIM_OF_LATER, "default")
        await eventually(lambda: selected(client))
        assert await bound(client) == ""
        await take(client)
        assert await eventually(lambda: bound(client)) == "n"


async def selected(client: FakeClient) -> str:
    claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    return claim["metadata"].get("annotations", {}).get("volume.kubernetes.io/selected-node") or ""


async def take(client: FakeClient) -> None:
    """What the binder does for the claim."""
    await client.create(PERSISTENT_VOLUMES, {"metadata": {"name": "pv"}, "spec": {}})
    annotations = {"pv.kubernetes.io/bind-completed": "yes"}
    body = {"metadata": {"annotations": annotations}, "spec": {"volumeName": "pv"}}
    await client.patch(PERSISTENT_VOLUME_CLAIMS, "c", body, "default")


async def test_a_node_on_which_there_is_no_volume_is_chosen_anew() -> None:
    client = FakeClient()
    await client.create(NODES, node())
    await client.create(STORAGE_CLASSES, LATER)
    await client.create(PERSISTENT_VOLUME_CLAIMS, CLAIM_OF_LATER, "default")
    await client.create(PODS, pod(cpu="3", **USES_C), "default")
    async with scheduling(client):
        await eventually(lambda: selected(client))
        await client.create(PODS, pod("q", cpu="3"), "default")
        await eventually(lambda: events(client, "FailedScheduling"))  # its room is kept meanwhile
        body = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": None}}}
        await client.patch(PERSISTENT_VOLUME_CLAIMS, "c", body, "default")
        # Now both want the room; whichever gets it, it is given once.
        await eventually(lambda: _bound_or_selected(client))
        if await bound(client, "q"):
            await client.delete(PODS, "q", "default", DeleteOptions(grace_period_seconds=0))
        await eventually(lambda: selected(client))
        await take(client)
        assert await eventually(lambda: bound(client)) == "n"


async def _bound_or_selected(client: FakeClient) -> str:
    return await bound(client, "q") or await selected(client)


async def test_a_pod_of_higher_priority_gets_the_room_of_another_once_that_has_ended() -> None:
    client = FakeClient()
    await client.create(NODES, node(cpu="2"))
    low = pod("low", cpu="2", terminationGracePeriodSeconds=30)
    async with scheduling(client):
        await client.create(PODS, low, "default")
        await eventually(lambda: bound(client, "low"))
        await client.create(PODS, pod("high", cpu="1", priority=10), "default")
        refused = await eventually(lambda: condition(client, "high"))
        assert refused["message"] == "0/1 nodes are available: 1 Insufficient cpu."

        async def is_ending() -> bool:
            found = await client.get(PODS, "low", "default")
            return bool(found["metadata"].get("deletionTimestamp"))

        await eventually(is_ending)
        conditions = (await client.get(PODS, "low", "default"))["status"]["conditions"]
        (told,) = [c for c in conditions if c["type"] != "PodScheduled"]
        assert (told["type"], told["reason"]) == ("DisruptionTarget", "PreemptionByScheduler")
        assert (await client.get(PODS, "high", "default"))["status"]["nominatedNodeName"] == "n"
        # The room is promised: one that matters less does not slip in, one that asks for nothing does.
        await client.create(PODS, pod("late", cpu="1500m"), "default")
        await client.delete(PODS, "low", "default", DeleteOptions(grace_period_seconds=0))
        assert await eventually(lambda: bound(client, "high")) == "n"
        await eventually(lambda: condition(client, "late"))
        assert await bound(client, "late") == ""
        (event,) = await eventually(lambda: events(client, "Preempted"))
    uid = (await client.get(PODS, "high", "default"))["metadata"]["uid"]
    assert event["message"] == f"Preempted by pod {uid} on node n"


async def nominated(client: FakeClient, name: str) -> str:
    return ((await client.get(PODS, name, "default")).get("status") or {}).get("nominatedNodeName") or ""


async def test_of_two_that_room_was_made_for_one_gets_what_a_third_has_left() -> None:
    client = FakeClient()
    await client.create(NODES, node(cpu="2"))
    victims, preemptors = ("low-a", "low-b"), ("middle-a", "middle-b")
    async with scheduling(client):
        for name in victims:
            await client.create(PODS, pod(name, cpu="1", terminationGracePeriodSeconds=30), "default")
            await eventually(partial(bound, client, name))
        for name in preemptors:
            await client.create(PODS, pod(name, cpu="1", priority=10), "default")
            assert await eventually(partial(nominated, client, name)) == "n"
        await client.create(PODS, pod("high", cpu="1", priority=20), "default")
        await eventually(lambda: condition(client, "high"))
        for name in victims:
            await client.delete(PODS, name, "default", DeleteOptions(grace_period_seconds=0))
        assert await eventually(lambda: bound(client, "high")) == "n"

        async def one_is_bound() -> bool:
            return [await bound(client, name) for name in preemptors].count("n") == 1

        await eventually(one_is_bound)

        async def nobody_hopes() -> bool:
            return not any([await nominated(client, n) for n in preemptors if not await bound(client, n)])

        await eventually(nobody_hopes)


async def test_what_was_promised_to_a_pod_that_goes_is_to_be_had_again() -> None:
    client = FakeClient()
    await client.create(NODES, node(cpu="1"))
    waiting = {**pod("promised", cpu="1", priority=10), "status": {"nominatedNodeName": "n"}}
    waiting["spec"]["schedulingGates"] = [{"name": "example.com/later"}]
    async with scheduling(client):
        await client.create(PODS, waiting, "default")
        await eventually(lambda: condition(client, "promised"))
        await client.create(PODS, pod("other", cpu="1", priority=10), "default")
        await eventually(lambda: condition(client, "other"))
        await client.delete(PODS, "promised", "default", DeleteOptions(grace_period_seconds=0))
        assert await eventually(lambda: bound(client, "other")) == "n"


async def test_who_must_not_preempt_waits() -> None:
    client = FakeClient()
    await client.create(NODES, node(cpu="2"))
    async with scheduling(client):
        await client.create(PODS, pod("low", cpu="2"), "default")
        await eventually(lambda: bound(client, "low"))
        await client.create(PODS, pod("high", cpu="1", priority=10, preemptionPolicy="Never"), "default")
        refused = await eventually(lambda: condition(client, "high"))
        assert refused["message"].endswith("preemption: not eligible due to preemptionPolicy=Never.")
        assert "deletionTimestamp" not in (await client.get(PODS, "low", "default"))["metadata"]
