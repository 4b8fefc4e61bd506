"""What `podwright run` tells of workloads, and when it ends, over a cluster without a node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from tests.cli.pods import pod, waiting
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually

from podwright.api.objects import Key, Object, uid_of
from podwright.api.resources import DEPLOYMENTS, EVENTS, JOBS, PODS, REPLICA_SETS, Resource
from podwright.cli.applying import Wanted, apply, delete_and_wait
from podwright.cli.following import Following
from podwright.cli.story import Story
from podwright.client.http import HttpClient

REVISION = {"deployment.kubernetes.io/revision": "1"}


class Told(Story):
    """What was told, without the times."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def tell(self, text: str) -> None:
        self.lines += text.splitlines()


class Strict(FakeClient):
    """Takes what only the HTTP client does."""

    async def patch(self, *arguments: Any, field_validation: str = "", **options: Any) -> Object:
        return await super().patch(*arguments, **options)


class Run:
    """A cluster, and somebody who follows one object in it."""

    def __init__(self, tmp_path: Path, resource: Resource, name: str) -> None:
        self.client = FakeClient()
        self.story = Told()
        self.resource, self.name = resource, name
        self.following = Following(
            cast(HttpClient, self.client),
            tmp_path,
            self.story,
            [(resource, Key("default", name))],
            f"unix://{tmp_path}/no",
        )

    @asynccontextmanager
    async def followed(self, spec: dict[str, Any], **until: Any) -> AsyncIterator[tuple[str, asyncio.Task[int]]]:
        """The object's uid, and the wait for it."""
        async with asyncio.TaskGroup() as group:
            watches = await self.following.start(group)
            meta = {"name": self.name, "annotations": REVISION}
            made = await self.client.create(self.resource, {"metadata": meta, "spec": spec}, "default")
            self.following.applied(self.resource, made)
            arguments = {"timeout": 60.0, "follow_serving": False, **until}
            wait = group.create_task(self.following.until_arrived(**arguments))
            yield uid_of(made), wait
            await asyncio.wait_for(wait, 30)
            for watch in watches:
                watch.cancel()

    async def status(self, **status: Any) -> None:
        await self.client.patch(
            self.resource, self.name, {"status": {"observedGeneration": 1, **status}}, "default", subresource="status"
        )

    async def own(self, resource: Resource, name: str, owner: str, obj: Object | None = None) -> Object:
        reference = {"uid": owner, "controller": True, "kind": "", "name": ""}
        meta = {"name": name, "ownerReferences": [reference], "annotations": REVISION}
        return await self.client.create(resource, {**(obj or {}), "metadata": meta}, "default")


async def test_a_deployment_is_followed_until_it_is_rolled_out(tmp_path: Path) -> None:
    run = Run(tmp_path, DEPLOYMENTS, "web")
    async with run.followed({"replicas": 1}) as (_, wait):
        await run.status(replicas=1, updatedReplicas=1)
        await eventually(lambda: "deployment/web: 0 of 1 Pods available" in run.story.lines)
        assert not wait.done()
        await run.status(replicas=1, updatedReplicas=1, availableReplicas=1)
    assert wait.result() == 0
    assert run.story.lines[-1] == "deployment/web is rolled out: 1 of 1 Pods available"


async def test_a_pod_that_will_never_run_ends_it_with_the_reason(tmp_path: Path) -> None:
    run = Run(tmp_path, DEPLOYMENTS, "web")
    async with run.followed({"replicas": 1}) as (uid, wait):
        await run.status(replicas=1, updatedReplicas=1)
        owner = uid_of(await run.own(REPLICA_SETS, "web-1", uid))
        never = await run.own(PODS, "web-1-a", owner, pod({"a": waiting("ErrImageNeverPull", "not here")}))
        about = {"kind": "Pod", "namespace": "default", "name": "web-1-a", "uid": uid_of(never)}
        event = {"involvedObject": about, "reason": "Failed", "message": "not here", "type": "Warning"}
        await run.client.create(EVENTS, {"metadata": {"name": "e"}, **event}, "default")
    assert wait.result() == 1
    assert "deployment/web: pod/web-1-a is stuck" in run.story.lines
    assert run.story.lines[-2:] == ["deployment/web will not get on by itself", "pod/web-1-a: ErrImageNeverPull"]


async def test_what_does_not_get_on_is_given_up_with_its_pod(tmp_path: Path) -> None:
    run = Run(tmp_path, DEPLOYMENTS, "web")
    async with run.followed({"replicas": 1}, timeout=0.5) as (uid, wait):
        owner = uid_of(await run.own(REPLICA_SETS, "web-1", uid))
        await run.own(PODS, "web-1-a", owner, pod(node=""))
        await run.status(replicas=1, updatedReplicas=1)
    assert wait.result() == 1
    assert "deployment/web did not get on: 0 of 1 Pods available" in run.story.lines
    assert "pod/web-1-a is not Ready" in run.story.lines


async def test_a_job_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    run = Run(tmp_path, JOBS, "work")
    async with run.followed({"completions": 1}) as (_, wait):
        failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too late"}
        await run.status(conditions=[failed])
    assert wait.result() == 1
    assert run.story.lines[-2:] == ["job/work failed: 0 of 1 completions", "DeadlineExceeded: too late"]


async def test_one_that_is_deleted_meanwhile_is_a_failure(tmp_path: Path) -> None:
    run = Run(tmp_path, DEPLOYMENTS, "web")
    async with run.followed({"replicas": 1}, follow_serving=True) as (_, wait):
        await run.status(replicas=1, updatedReplicas=1, availableReplicas=1)
        await eventually(lambda: "deployment/web is rolled out: 1 of 1 Pods available" in run.story.lines)
        assert not wait.done()
        await run.client.delete(DEPLOYMENTS, "web", "default")
    assert wait.result() == 1
    assert run.story.lines[-1] == "deployment/web was deleted"


@pytest.mark.parametrize("ended", ["Complete", "Failed", ""])
async def test_a_job_that_has_ended_makes_room_for_the_new_one(ended: str) -> None:
    client = Strict()
    conditions = [{"type": ended, "status": "True"}] if ended else []
    old = await client.create(
        JOBS, {"metadata": {"name": "work"}, "spec": {}, "status": {"conditions": conditions}}, "default"
    )
    wanted = Wanted(JOBS, {"apiVersion": "batch/v1", "metadata": {"name": "work", "namespace": "default"}, "spec": {}})
    async with asyncio.TaskGroup() as group:
        applying = group.create_task(apply(cast(HttpClient, client), wanted))
        if ended:
            # Foreground: the garbage collector lets it go when its Pods are gone.
            await eventually(lambda: client.called("delete", JOBS))
            await client.patch(JOBS, "work", {"metadata": {"finalizers": None}}, "default")
    assert (uid_of(applying.result().object) != uid_of(old), applying.result().created) == (bool(ended), bool(ended))


async def test_who_waits_for_the_end_of_a_workload_waits_for_its_pods() -> None:
    client = FakeClient()
    deployment = await client.create(DEPLOYMENTS, {"metadata": {"name": "web"}}, "default")
    async with asyncio.TaskGroup() as group:
        deleting = group.create_task(delete_and_wait(cast(HttpClient, client), DEPLOYMENTS, deployment))
        await eventually(lambda: client.called("watch", DEPLOYMENTS))
        assert not deleting.done()
        await client.patch(DEPLOYMENTS, "web", {"metadata": {"finalizers": None}}, "default")
    (call,) = client.called("delete", DEPLOYMENTS)
    assert call.body.propagation_policy == "Foreground"
