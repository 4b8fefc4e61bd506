"""The controllers of Jobs and CronJobs over a small API server, and what interruptions leave behind."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.controllers.jobs.builders import FINALIZER, job, pod
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Forbidden, NotFound, Unavailable
from podwright.api.objects import Object, copy_object, name_of, rfc3339
from podwright.api.resources import CRON_JOBS, EVENTS, JOBS, NAMESPACES, PODS
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import DeleteOptions, PatchType
from podwright.controllers.jobs.controller import Jobs
from podwright.controllers.jobs.cron_controller import CronJobs
from podwright.controllers.jobs.decision import finished_condition
from podwright.controllers.jobs.ttl import JobTtl


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@asynccontextmanager
async def controlling(client: FakeClient, clock: Callable[[], datetime.datetime] = now) -> AsyncIterator[None]:
    informers, recorder = Informers(client), EventRecorder(client, "job-controller", "", clock)
    rooms = [
        Jobs(client, informers, recorder, clock).run(),
        CronJobs(client, informers, recorder, clock).run(),
        JobTtl(client, informers, clock).run(),
    ]
    async with running(informers.run(), recorder.run(), *rooms):
        yield


def fresh(made: Object) -> Object:
    """As a user creates it: the server gives uid and status."""
    made = copy_object(made)
    del made["metadata"]["uid"], made["status"]
    return made


async def pods_of(client: FakeClient) -> list[Object]:
    return list((await client.list(PODS, "ns")).items)


async def end(client: FakeClient, one: Object, phase: str, ended: datetime.datetime | None = None) -> None:
    """The kubelet says that a Pod is over."""
    at = rfc3339(ended or now() - datetime.timedelta(hours=1))
    terminated = {"exitCode": int(phase == "Failed"), "finishedAt": at}
    status = {"phase": phase, "containerStatuses": [{"name": "c", "state": {"terminated": terminated}}]}
    await client.patch(PODS, name_of(one), {"status": status}, "ns", patch_type=PatchType.MERGE, subresource="status")


async def work(client: FakeClient, outcome: Callable[[int], str], until: Callable[[], Any]) -> int:
    """Be the kubelet of every Pod until a condition holds; how many Pods have run."""
    done: set[str] = set()

    async def step() -> Any:
        for one in await pods_of(client):
            if name_of(one) in done or one["status" if "status" in one else "metadata"].get("phase"):
                continue
            done.add(name_of(one))
            await end(client, one, outcome(len(done)))
        return await until()

    await eventually(step)
    return len(done)


async def over(client: FakeClient) -> Object | None:
    found = await client.get(JOBS, "j", "ns")
    return found if finished_condition(found) else None


async def test_a_job_runs_to_its_end_and_says_so() -> None:
    client = FakeClient()
    async with controlling(client):
        await client.create(JOBS, fresh(job(completions=5, parallelism=2)), "ns")
        ran = await work(client, lambda n: "Succeeded", lambda: over(client))
        found = await client.get(JOBS, "j", "ns")
        assert ran == 5
        assert (found["status"]["succeeded"], found["status"]["uncountedTerminatedPods"]) == (5, {})
        assert [c["type"] for c in found["status"]["conditions"]] == ["SuccessCriteriaMet", "Complete"]
        assert not any(one["metadata"].get("finalizers") for one in await pods_of(client))

        async def told() -> bool:
            return {"SuccessfulCreate", "Completed"} <= {e["reason"] for e in (await client.list(EVENTS)).items}

        await eventually(told)


async def test_every_third_fails_and_the_job_with_them() -> None:
    client = FakeClient()
    async with controlling(client):
        await client.create(JOBS, fresh(job(completions=20, parallelism=4, backoffLimit=3)), "ns")
        await work(client, lambda n: "Failed" if n % 3 == 0 else "Succeeded", lambda: over(client))
        found = await client.get(JOBS, "j", "ns")
        condition = finished_condition(found)
        assert condition is not None
        assert (condition["type"], condition["reason"]) == ("Failed", "BackoffLimitExceeded")
        assert found["status"]["failed"] >= 4


async def test_a_failed_pod_that_waits_for_a_successor_holds_up_no_namespace() -> None:
    client = FakeClient()
    namespace = await client.create(NAMESPACES, {"metadata": {"name": "ns", "finalizers": ["example.com/tests"]}})
    spec = {"completionMode": "Indexed", "backoffLimitPerIndex": 3}
    async with controlling(client):
        await client.create(JOBS, fresh(job(**spec)), "ns")
        (one,) = await eventually(lambda: pods_of(client))
        # It has just ended, so that its index waits.
        await end(client, one, "Failed", now())
        await client.delete(PODS, name_of(one), "ns")
        assert [name_of(left) for left in await pods_of(client)] == [name_of(one)]
        await client.delete(NAMESPACES, name_of(namespace))

        async def gone() -> bool:
            return not await pods_of(client)

        await eventually(gone)


@pytest.mark.parametrize("lost", ["create", "update", "patch"])
async def test_a_write_that_fails_is_made_up_for(lost: str) -> None:
    client = FakeClient()
    failures = Unavailable("not now"), ConnectionError("gone")
    client.fail_next(lost, JOBS if lost == "update" else PODS, *failures, subresource="status" * (lost == "update"))
    async with controlling(client):
        await client.create(JOBS, fresh(job(completions=2, parallelism=2)), "ns")
        assert await work(client, lambda n: "Succeeded", lambda: over(client)) == 2
        assert (await client.get(JOBS, "j", "ns"))["status"]["succeeded"] == 2


@pytest.mark.parametrize(
    ("status", "pods", "counts"),
    [
        pytest.param({}, [pod("a", "Succeeded")], (2, 0), id="a Pod ended while nobody looked"),
        pytest.param(
            {"uncountedTerminatedPods": {"succeeded": ["a"]}},
            [pod("a", "Succeeded")],
            (2, 0),
            id="after it was noted",
        ),
        pytest.param(
            {"uncountedTerminatedPods": {"succeeded": ["a"]}},
            [pod("a", "Succeeded", counted=True)],
            (2, 0),
            id="after its finalizer went",
        ),
        pytest.param(
            {"succeeded": 1, "uncountedTerminatedPods": {}},
            [pod("a", "Succeeded", counted=True)],
            (2, 0),
            id="after it was counted",
        ),
        pytest.param({}, [pod("a")], (2, 0), id="a Pod was made, and the status not written"),
        pytest.param(
            {"uncountedTerminatedPods": {"failed": ["a"]}}, [pod("a", "Failed")], (2, 1), id="a failure was noted"
        ),
    ],
)
async def test_a_controller_that_is_started_in_the_middle_goes_on(
    status: dict[str, Any], pods: list[Object], counts: tuple[int, int]
) -> None:
    client = FakeClient()
    made = await client.create(JOBS, job(status, completions=2, parallelism=1), "ns")
    for one in pods:
        await client.create(PODS, one, "ns")
    assert made["metadata"]["uid"] == "job-uid"
    async with controlling(client):
        for one in pods:
            if one["status"]["phase"] == "Running":
                await end(client, one, "Succeeded")
        await work(client, lambda n: "Succeeded", lambda: over(client))
        found = (await client.get(JOBS, "j", "ns"))["status"]
        assert (found["succeeded"], found.get("failed", 0)) == counts


async def test_what_is_refused_is_told_and_tried_again() -> None:
    client = FakeClient()
    client.fail_next("create", PODS, Forbidden.of("pods", "p", "exceeded quota: q"))
    async with controlling(client):
        await client.create(JOBS, fresh(job(completions=8, parallelism=8)), "ns")

        async def all_there() -> bool:
            return len(await pods_of(client)) == 8

        await eventually(all_there)

        async def told() -> bool:
            events = {e["reason"]: e["message"] for e in (await client.list(EVENTS)).items}
            return events.get("FailedCreate") == 'Error creating: pods "p" is forbidden: exceeded quota: q'

        await eventually(told)


async def test_what_cannot_be_made_keeps_nothing_from_being_counted() -> None:
    client = FakeClient()
    async with controlling(client):
        await client.create(JOBS, fresh(job(completions=3, parallelism=1)), "ns")

        async def one() -> Object | None:
            return next(iter(await pods_of(client)), None)

        first = await eventually(one)
        client.fail_next("create", PODS, *[Forbidden.of("pods", "p", "exceeded quota: q")] * 1000)
        await end(client, first, "Succeeded")

        async def counted() -> bool:
            status = (await client.get(JOBS, "j", "ns"))["status"]
            return status.get("succeeded") == 1 and "active" not in status and not status["uncountedTerminatedPods"]

        await eventually(counted)


async def test_a_suspended_job_loses_its_pods_and_counts_nothing() -> None:
    client = FakeClient()
    async with controlling(client):
        await client.create(JOBS, fresh(job(completions=2, parallelism=2)), "ns")

        async def there(count: int) -> bool:
            return len(await pods_of(client)) == count

        await eventually(lambda: there(2))
        await client.patch(JOBS, "j", {"spec": {"suspend": True}}, "ns")
        await eventually(lambda: there(0))

        async def suspended() -> bool:
            status = (await client.get(JOBS, "j", "ns"))["status"]
            return status.get("terminating") == 0 and "active" not in status and "failed" not in status

        await eventually(suspended)
        await client.patch(JOBS, "j", {"spec": {"suspend": False}}, "ns")
        await eventually(lambda: there(2))


async def test_pods_whose_job_is_gone_are_let_go() -> None:
    client = FakeClient()
    await client.create(PODS, pod("a"), "ns")
    stray = pod("b")
    stray["metadata"]["ownerReferences"] = []
    await client.create(PODS, stray, "ns")
    async with controlling(client):

        async def free() -> bool:
            return not any(FINALIZER in (p["metadata"].get("finalizers") or ()) for p in await pods_of(client))

        await eventually(free)


async def test_a_job_goes_when_its_time_to_live_is_over() -> None:
    client = FakeClient()
    over_since = {"type": "Complete", "status": "True", "lastTransitionTime": rfc3339(now())}
    await client.create(JOBS, job({"conditions": [over_since]}, ttlSecondsAfterFinished=1), "ns")
    async with controlling(client):

        async def gone() -> bool:
            try:
                found = await client.get(JOBS, "j", "ns")
            except NotFound:
                return True
            return "deletionTimestamp" in found["metadata"]

        assert not await gone()
        await eventually(gone)


async def test_a_cron_job_makes_its_job_once_though_it_is_interrupted() -> None:
    client = FakeClient()
    client.fail_next("update", CRON_JOBS, Unavailable("not now"), subresource="status")
    at = [now().replace(second=0, microsecond=0)]
    created = rfc3339(at[0] - datetime.timedelta(seconds=90))
    template = {"spec": {"template": {"spec": {"containers": [{"name": "c"}]}}, "suspend": True}}
    cron = {
        "metadata": {"name": "c", "namespace": "ns", "creationTimestamp": created},
        "spec": {"schedule": "* * * * *", "jobTemplate": template, "concurrencyPolicy": "Forbid"},
    }
    await client.create(CRON_JOBS, cron, "ns")
    async with controlling(client, lambda: at[0]):

        async def scheduled() -> bool:
            status = (await client.get(CRON_JOBS, "c", "ns")).get("status") or {}
            return status.get("lastScheduleTime") == rfc3339(at[0]) and len(status["active"]) == 1

        await eventually(scheduled)
        assert len((await client.list(JOBS, "ns")).items) == 1
        await client.delete(JOBS, (await client.list(JOBS, "ns")).items[0]["metadata"]["name"], "ns", DeleteOptions())

        async def missing() -> bool:
            return not (await client.get(CRON_JOBS, "c", "ns"))["status"].get("active")

        await eventually(missing)


async def test_a_pod_that_has_lost_its_job_is_taken_back() -> None:
    client = FakeClient()
    async with controlling(client):
        await client.create(JOBS, fresh(job(parallelism=2, completions=2)), "ns")

        async def two() -> bool:
            return len(await pods_of(client)) == 2

        await eventually(two)
        lost, _ = await pods_of(client)
        meta = {"ownerReferences": None, "finalizers": None}
        await client.patch(PODS, name_of(lost), {"metadata": meta}, "ns", patch_type=PatchType.MERGE)

        async def taken_back() -> bool:
            found = await client.get(PODS, name_of(lost), "ns")
            owners = found["metadata"].get("ownerReferences") or ()
            return [o["kind"] for o in owners] == ["Job"] and found["metadata"]["finalizers"] == [FINALIZER]

        await eventually(taken_back)
        assert len(await pods_of(client)) == 2


async def test_a_pod_with_other_labels_is_let_go_and_another_takes_its_place() -> None:
    client = FakeClient()
    async with controlling(client):
        await client.create(JOBS, fresh(job()), "ns")

        async def one() -> bool:
            return len(await pods_of(client)) == 1

        await eventually(one)
        (first,) = await pods_of(client)
        meta = {"labels": {"a": "other"}}
        await client.patch(PODS, name_of(first), {"metadata": meta}, "ns", patch_type=PatchType.MERGE)

        async def let_go() -> bool:
            found = (await client.get(PODS, name_of(first), "ns"))["metadata"]
            return not found.get("ownerReferences") and not found.get("finalizers") and len(await pods_of(client)) == 2

        await eventually(let_go)
