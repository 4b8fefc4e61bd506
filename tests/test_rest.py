"""What work left behind is given back when there is rest, once for each piece of work."""

from __future__ import annotations

import asyncio
import threading

from tests.fakes.waiting import eventually, running

from podwright.rest import Rest


async def test_it_is_given_back_once_after_each_piece_of_work_and_not_in_the_loop() -> None:
    given: list[threading.Thread] = []
    rest = Rest(lambda: given.append(threading.current_thread()), quiet=0.02)
    async with running(rest.run()):
        for number in (1, 2):
            for _ in range(3):
                rest.worked()
            await eventually(lambda: len(given) == number)  # noqa: B023 - asked within the round
    assert threading.main_thread() not in given


async def test_without_work_there_is_nothing_to_give_back() -> None:
    given: list[int] = []
    async with running(Rest(lambda: given.append(1), quiet=0.0).run()):
        for _ in range(10):
            await asyncio.sleep(0)
    assert given == []
