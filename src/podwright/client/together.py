"""Some calls at the same time, not all: so that 500 of them neither wait for each other nor crowd others out.

Used by controllers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = 16


async def together(items: Sequence[T], work: Callable[[T], Awaitable[None]], *, at_once: int = AT_ONCE) -> None:
    """Await `work` for each item, `at_once` at a time. What the first failing batch raised is raised once it is done.

    Items behind that batch are not begun: whoever calls comes back later.
    """
    for start in range(0, len(items), at_once):
        batch = [work(item) for item in items[start : start + at_once]]
        for outcome in await asyncio.gather(*batch, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
