"""Controllers of Jobs that die after any of their writes: those that start anew bring everything to the same end."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest
from tests.controllers.interruption import Mortal
from tests.controllers.jobs.builders import indexed, job
from tests.controllers.jobs.test_controllers import controlling, end, fresh, now, pods_of
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually

from podwright.api.objects import Object, name_of, rfc3339
from podwright.api.resources import CRON_JOBS, JOBS
from podwright.controllers.jobs.decision import finished_condition
from podwright.controllers.jobs.pods import index_of


class Kubelet:
    """Ends every Pod, the second as failed; a Pod of an index the first of index 1."""

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self._ended: set[str] = set()
        self.failed = ""

    async def step(self) -> None:
        for one in await pods_of(self._client):
            if name_of(one) in self._ended:
                continue
            self._ended.add(name_of(one))
            fails = not self.failed and (len(self._ended) == 2 if index_of(one) is None else index_of(one) == 1)
            if fails:
                self.failed = name_of(one)
            await end(self._client, one, "Failed" if fails else "Succeeded")


async def run_until_dead_or_over(client: FakeClient, kubelet: Kubelet, life: int) -> bool:
    """True when the Job was over before the controllers had made so many writes."""
    mortal: Any = Mortal(client, life)

    async def step() -> str:
        await kubelet.step()
        if finished_condition(await client.get(JOBS, "j", "ns")):
            return "over"
        return "dead" if mortal.dead.is_set() else ""

    async with controlling(mortal):
        return await eventually(step) == "over"


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(job(completions=4, parallelism=2), id="any four successes"),
        pytest.param(indexed(completions=4, parallelism=2), id="each of four indexes"),
        pytest.param(
            indexed(completions=4, parallelism=2, backoffLimitPerIndex=1, backoffLimit=99), id="with a limit per index"
        ),
    ],
)
async def test_a_job_ends_the_same_wherever_its_controller_dies(made: Object) -> None:
    over, life = False, 0
    while not over:
        life += 1
        client = FakeClient()
        await client.create(JOBS, fresh(made), "ns")
        kubelet = Kubelet(client)
        over = await run_until_dead_or_over(client, kubelet, life)
        assert over or await run_until_dead_or_over(client, kubelet, 10**6)
        status = (await client.get(JOBS, "j", "ns"))["status"]
        assert (status["succeeded"], status["failed"], status["uncountedTerminatedPods"]) == (4, 1, {}), life
        assert status["conditions"][-1]["type"] == "Complete"
        pods = await pods_of(client)
        assert len(pods) == 5, life
        assert not any(one["metadata"].get("finalizers") for one in pods)
    assert life > 8


async def test_a_cron_job_makes_one_job_wherever_its_controller_dies() -> None:
    at = now().replace(second=0, microsecond=0)
    template = {"spec": {"template": {"spec": {"containers": [{"name": "c"}]}}, "suspend": True}}
    for life in range(1, 6):
        client = FakeClient()
        meta = {"name": "c", "namespace": "ns", "creationTimestamp": rfc3339(at - datetime.timedelta(seconds=90))}
        spec = {"schedule": "* * * * *", "jobTemplate": template, "concurrencyPolicy": "Replace"}
        await client.create(CRON_JOBS, {"metadata": meta, "spec": spec}, "ns")
        mortal: Any = Mortal(client, life)

        async def written(client: FakeClient = client) -> bool:
            status = (await client.get(CRON_JOBS, "c", "ns")).get("status") or {}
            return status.get("lastScheduleTime") == rfc3339(at) and len(status.get("active") or ()) == 1

        async def dead_or_written(mortal: Any = mortal, client: FakeClient = client) -> bool:
            return mortal.dead.is_set() or await written(client)

        async with controlling(mortal, lambda: at):
            await eventually(dead_or_written)
        async with controlling(client, lambda: at):
            await eventually(written)
            await asyncio.sleep(0.01)
        assert len((await client.list(JOBS, "ns")).items) == 1, life
