"""`kill -9` at any moment, then `up`: every Pod as declared, none started twice, nothing leaked."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.fakes.waiting import eventually
from tests.node.pods import Pods, job, pod, status_of
from tests.node.running_node import RunningNode

from podwright.api.objects import Object
from podwright.api.pods import condition_is_true
from podwright.api.resources import JOBS, PODS
from podwright.client.http import HttpClient

NAMES = [f"p{number:02}" for number in range(20)]


@pytest.fixture
def crashing(node_folder: Path) -> Iterator[RunningNode]:
    """A node of the test's own: others would mind."""
    running = RunningNode.below(node_folder, "crash")
    running.up()
    try:
        running.import_example_image()
        yield running
    finally:
        print(running.log_end())  # shown when a test fails
        running.down(purge=True)
    assert running.leftovers() == []


async def container_ids(client: HttpClient) -> dict[str, str]:
    """Of every Pod of this test, when all are Ready: from the API."""
    pods = Pods(client, "default")
    ready = await asyncio.gather(*(pods.ready(name) for name in NAMES))
    return {one["metadata"]["name"]: one["status"]["containerStatuses"][0]["containerID"] for one in ready}


async def assert_once_each(node: RunningNode, ids: dict[str, str]) -> None:
    """The runtime runs what the API says, and nothing else."""
    found = await node.sandboxes()
    assert sorted(found.ready) == [f"default/{name}" for name in NAMES]
    assert found.containers == {
        f"default/{name}": [container.removeprefix("containerd://")] for name, container in ids.items()
    }


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM], ids=lambda sig: sig.name)
async def test_containers_live_through_its_end(crashing: RunningNode, sig: signal.Signals) -> None:
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        await asyncio.gather(*(Pods(client, "default").create(pod(name)) for name in NAMES))
        before = await container_ids(client)
    await assert_once_each(crashing, before)
    crashing.kill(sig)
    crashing.up()
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        pods = Pods(client, "default")
        assert await container_ids(client) == before
        for name in NAMES:
            status = (await pods.get(name))["status"]
            assert status["phase"] == "Running" and status["containerStatuses"][0]["restartCount"] == 0
        await pods.delete(NAMES[0])
        await pods.gone(NAMES[0])
    found = await crashing.sandboxes()
    assert len(found.ready) == 19 and found.containers.keys() == {f"default/{name}" for name in NAMES[1:]}


async def assert_nothing_stays(node: RunningNode, client: HttpClient) -> None:
    """When the Pods go, all that was made for them goes too, whoever made it."""
    pods = Pods(client, "default")
    await asyncio.gather(*(pods.delete(name) for name in NAMES))
    await asyncio.gather(*(pods.gone(name) for name in NAMES))
    await nothing_left(node)


async def nothing_left(node: RunningNode) -> None:
    """Until there is no trace of Pods on the machine."""
    try:
        async with asyncio.timeout(20):
            while await asyncio.to_thread(node.traces_of_pods):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(node.traces_of_pods()) from None


async def started(client: HttpClient, count: int) -> None:
    """Until so many of the Pods have been seen Running."""
    running: set[str] = set()
    async with aclosing(Pods(client, "default").changes()) as changes:
        async for one in changes:
            if one["status"].get("phase") == "Running":
                running.add(one["metadata"]["name"])
            if len(running) >= count:
                return


@pytest.mark.parametrize("seen", [0, 1, 8, 19], ids=lambda seen: f"{seen} of 20 run")
async def test_a_crash_while_pods_start(crashing: RunningNode, seen: int) -> None:
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        pods = Pods(client, "default")
        await asyncio.gather(*(pods.create(pod(name)) for name in NAMES))
        await started(client, seen) if seen else None
    crashing.kill()
    crashing.up()
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        ids = await container_ids(client)
        await assert_once_each(crashing, ids)
        await assert_nothing_stays(crashing, client)


async def test_a_crash_while_pods_end(crashing: RunningNode) -> None:
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        pods = Pods(client, "default")
        await asyncio.gather(*(pods.create(pod(name)) for name in NAMES))
        await container_ids(client)
        await asyncio.gather(*(pods.delete(name) for name in NAMES))
    crashing.kill()
    crashing.up()
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        await asyncio.gather(*(Pods(client, "default").gone(name) for name in NAMES))
    await nothing_left(crashing)


CRASHES = 12


def job_of_four(name: str) -> Object:
    """Four Pods that may run once only; one that fails is the end of the Job."""
    template = {"spec": job("", "sleep 0.3")["spec"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"completions": 4, "parallelism": 4, "backoffLimit": 0, "template": template},
    }


async def finished(client: HttpClient, name: str) -> Object:
    """The Job when it has come to its end, a good one or a bad one."""

    async def look() -> Object:
        one = await client.get(JOBS, name, "default")
        ended = any(condition_is_true(one, condition) for condition in ("Complete", "Failed"))
        return one if ended else {}

    return await eventually(look, within=60)


async def test_no_pod_of_a_job_fails_because_we_were_killed(crashing: RunningNode) -> None:
    """One crash after the other, each at another moment after the Pods of a Job were asked for."""
    names = [f"job{number:02}" for number in range(CRASHES)]
    for number, name in enumerate(names):
        async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
            await client.create(JOBS, job_of_four(name), "default")
            await asyncio.sleep(0.1 + 0.5 * number / CRASHES)
        crashing.kill()
        crashing.up()
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        jobs = [await finished(client, name) for name in names]
        pods = (await client.list(PODS, "default")).items
        assert [one["metadata"]["name"] for one in jobs if not condition_is_true(one, "Complete")] == [], [
            one["status"] for one in pods if one["status"]["phase"] == "Failed"
        ]
        assert [one["status"].get("failed", 0) for one in jobs] == [0] * CRASHES
        assert len(pods) == 4 * CRASHES


async def test_down_ends_pods_and_up_starts_them_again(crashing: RunningNode) -> None:
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        await asyncio.gather(*(Pods(client, "default").create(pod(name)) for name in NAMES))
        before = await container_ids(client)
    crashing.down()
    crashing.up()
    async with HttpClient.from_kubeconfig(crashing.kubeconfig) as client:
        pods = Pods(client, "default")

        def runs_anew(one: Object) -> bool:
            status = status_of(one)
            return "running" in status["state"] and status["containerID"] != before[one["metadata"]["name"]]

        await asyncio.gather(*(pods.until(name, runs_anew) for name in NAMES))
        after = await container_ids(client)
    await assert_once_each(crashing, after)
