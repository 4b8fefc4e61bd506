"""Thread work that is always waited for."""

import asyncio
import threading

import pytest

from podwright.kubelet.volumes.in_thread import in_thread


async def test_the_result_comes_back() -> None:
    assert await in_thread(lambda a, b: a + b, 1, b=2) == 3


async def test_an_error_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)


@pytest.mark.parametrize("fails", [False, True])
async def test_cancelled_it_ends_after_the_thread(fails: bool) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        go_on.wait(5)
        done.append(True)
        if fails:
            raise OSError

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]
