from __future__ import annotations

import asyncio

import pytest

from podwright.kubelet.kuberuntime.together import all_of, beside, together


class Job:
    def __init__(self, error: Exception | None = None, forever: bool = False) -> None:
        self.error, self.forever, self.cancelled = error, forever, False

    async def run(self) -> None:
        try:
            await (asyncio.Event().wait() if self.forever else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error:
            raise self.error


async def test_one_failure_ends_the_others() -> None:
    slow = Job(forever=True)
    with pytest.raises(OSError, match="broken"):
        await together([slow.run(), Job(OSError("broken")).run()])
    assert slow.cancelled


async def test_all_of_runs_everything_and_returns_the_errors() -> None:
    errors = await all_of([Job(OSError("a")).run(), Job().run(), Job(ValueError("b")).run()])
    assert [str(error) for error in errors] == ["a", "b"]


async def test_cancelling_cancels_everything() -> None:
    jobs = [Job(forever=True), Job(forever=True)]
    task = asyncio.create_task(all_of(job.run() for job in jobs))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(job.cancelled for job in jobs)


async def test_a_job_beside_a_block_does_not_outlive_it() -> None:
    slow = Job(forever=True)
    with pytest.raises(KeyError):
        async with beside(slow.run()):
            await asyncio.sleep(0)
            raise KeyError
    assert slow.cancelled


async def test_the_error_of_a_job_beside_is_raised_where_it_is_awaited() -> None:
    async with beside(Job(OSError("x")).run()) as task:
        with pytest.raises(OSError, match="x"):
            await task
