"""News of a Pod are told while something is done for it, and neither before nor after."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from tests.fakes.waiting import eventually

from podwright.cri.errors import CriError, Unavailable
from podwright.kubelet.meanwhile import Meanwhile


@dataclass
class Told:
    times: int = 0
    errors: list[Exception] = field(default_factory=list)

    async def tell(self) -> None:
        self.times += 1
        if self.errors:
            raise self.errors.pop(0)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_happens_is_told_and_silence_is_not() -> None:
    meanwhile, told = Meanwhile(rest=0), Told()
    async with meanwhile.telling("u", told.tell):
        await settled()
        assert told.times == 0
        for times in (1, 2):
            meanwhile.happened("u")
            await eventually(lambda times=times: told.times == times)


async def test_what_comes_at_once_is_told_once() -> None:
    meanwhile, told = Meanwhile(rest=0.01), Told()
    async with meanwhile.telling("u", told.tell):
        for _ in range(5):
            meanwhile.happened("u")
            await settled()
        await eventually(lambda: told.times)
        await settled()
        assert told.times == 1


async def test_what_is_over_soon_tells_itself() -> None:
    meanwhile, told = Meanwhile(rest=3600), Told()
    async with meanwhile.telling("u", told.tell):
        meanwhile.happened("u")
        await settled()
    assert told.times == 0


@pytest.mark.parametrize("uid", ["u", "another"])
async def test_news_of_others_and_news_that_come_late_are_nobody_s(uid: str) -> None:
    meanwhile, told = Meanwhile(rest=0), Told()
    async with meanwhile.telling("u", told.tell):
        meanwhile.happened("another")
        await settled()
    meanwhile.happened(uid)
    await settled()
    assert told.times == 0


@pytest.mark.parametrize(
    ("error", "traceback"),
    [
        pytest.param(Unavailable("Unavailable", "the runtime is away"), False, id="what happens to a node"),
        pytest.param(ValueError("the runtime is away"), True, id="a fault of the program"),
    ],
)
async def test_news_that_cannot_be_told_end_nothing(
    error: Exception, traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    meanwhile, told = Meanwhile(rest=0), Told(errors=[error])
    async with meanwhile.telling("u", told.tell):
        meanwhile.happened("u")
        await eventually(lambda: told.times == 1)
        meanwhile.happened("u")
        await eventually(lambda: told.times == 2)
    assert "pod u: not told meanwhile: " in caplog.text and "the runtime is away" in caplog.text
    assert bool(caplog.records[0].exc_info) is traceback


async def test_an_error_of_the_block_is_its_own() -> None:
    with pytest.raises(CriError):
        async with Meanwhile(rest=0).telling("u", Told().tell):
            raise Unavailable("Unavailable", "x")
