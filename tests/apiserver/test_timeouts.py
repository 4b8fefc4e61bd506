"""The time in which a client wants its answer."""

from __future__ import annotations

import asyncio

import pytest

from podwright.api.errors import BadRequest, Timeout
from podwright.apiserver.timeouts import LONGEST, time_limit, within


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        pytest.param({}, None, id="nothing said"),
        pytest.param({"timeout": ""}, None, id="nothing meant"),
        pytest.param({"timeout": "0s"}, None, id="none is whatever is usual"),
        pytest.param({"timeout": "32s"}, 32.0, id="kubectl's"),
        pytest.param({"timeout": "1h"}, LONGEST, id="more than anybody gets"),
    ],
)
def test_what_is_asked_for(query: dict[str, str], seconds: float | None) -> None:
    assert time_limit(query) == seconds


@pytest.mark.parametrize("text", ["invalid", "-3s", "32"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid timeout specified in the request URL"):
        time_limit({"timeout": text})


async def answer() -> str:
    return "here"


async def failing() -> str:
    raise TimeoutError("of somebody else")


async def never() -> str:
    await asyncio.Event().wait()
    return "too late"


async def test_who_is_in_time_is_heard() -> None:
    assert [await within(seconds, answer()) for seconds in (None, 60.0)] == ["here", "here"]
    with pytest.raises(Timeout):
        await within(0.001, never())


async def test_a_time_that_ran_out_further_in_is_no_answer() -> None:
    with pytest.raises(TimeoutError, match="of somebody else"):
        await within(60.0, failing())
