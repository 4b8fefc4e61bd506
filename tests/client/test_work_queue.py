from __future__ import annotations

import asyncio

import pytest
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Conflict
from podwright.client.backoff import Backoff
from podwright.client.work_queue import WorkQueue


async def test_a_key_is_queued_once_and_in_order() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "abab":
        queue.add(key)
    assert len(queue) == 2
    assert [await queue.get(), await queue.get()] == ["a", "b"]


async def test_a_key_that_is_being_worked_on_waits_for_the_end_of_that() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert await queue.get() == "b"
    queue.done("a")
    assert await queue.get() == "a"


async def test_the_earlier_of_two_delays_counts_and_now_is_earlier_than_both() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 60)
    queue.add_after("a", 0.01)
    queue.add_after("a", 60)
    assert await asyncio.wait_for(queue.get(), 1) == "a"
    queue.done("a")
    queue.add_after("a", 0.01)
    queue.add("a")
    assert len(queue) == 1
    assert await queue.get() == "a"
    queue.done("a")
    assert queue._timers == {}
    queue.close()


async def test_what_fails_comes_back_and_what_is_a_fault_ends_the_run() -> None:
    queue: WorkQueue[str] = WorkQueue(Backoff(base=0.001, cap=0.01))
    seen: list[str] = []

    async def process(key: str) -> None:
        seen.append(key)
        if len(seen) < 3:
            raise Conflict("later")
        if key == "bad":
            raise RuntimeError("a fault")

    queue.add("a")
    async with running(queue.run(process, workers=2)):
        await eventually(lambda: seen == ["a", "a", "a"] and queue.failures("a") == 0)
    queue.add("bad")
    with pytest.raises(ExceptionGroup) as raised:
        await queue.run(process)
    assert raised.group_contains(RuntimeError, match="a fault")


def test_backoff_doubles_up_to_its_cap() -> None:
    backoff = Backoff(base=1, cap=10)
    assert [backoff.delay(n) for n in (1, 2, 3, 4, 5, 5000)] == [1, 2, 4, 8, 10, 10]
    assert backoff.delay(1, 0.5) == 1.25


async def test_a_failure_is_told_once_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    queue: WorkQueue[str] = WorkQueue(Backoff(base=0.001, cap=0.001))
    reasons = iter(["no class"] * 6 + ["no room"] * 3)
    tried: list[str] = []

    async def process(key: str) -> None:
        if (reason := next(reasons, None)) is not None:
            tried.append(reason)
            raise Conflict(reason)

    queue.add("a")
    async with running(queue.run(process)):
        await eventually(lambda: len(tried) == 9)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warned == ["a will be tried again: no class", "a will be tried again: no room"]
