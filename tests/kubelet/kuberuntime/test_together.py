from __future__ import annotations

import asyncio

import pytest

from podwright.kubelet.kuberuntime.together import all_of, beside, together, uncut


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


class Call:
    """A call to somebody who takes his time."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.answer, self.over, self.broken_off = error, asyncio.Event(), False, False

    async def run(self) -> str:
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.broken_off = True
            raise
        self.over = True
        if self.error:
            raise self.error
        return "done"


async def test_a_job_that_must_not_be_cut_has_a_result_and_errors_as_any_other() -> None:
    call = Call()
    call.answer.set()
    assert await uncut(call.run(), 60) == "done"
    with pytest.raises(OSError, match="broken"):
        await uncut(Job(OSError("broken")).run(), 60)


@pytest.mark.parametrize("error", [None, OSError("no")], ids=["well", "badly"])
async def test_a_cancellation_waits_for_what_must_not_be_cut(error: Exception | None) -> None:
    call = Call(error)
    task = asyncio.create_task(uncut(call.run(), 60))
    await asyncio.sleep(0)
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    call.answer.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.over and not call.broken_off


async def test_it_does_not_wait_for_ever() -> None:
    call = Call()
    task = asyncio.create_task(uncut(call.run(), 0.01))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.broken_off
