"""Waiting for a condition in tests, instead of sleeping for a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def eventually(condition: Callable[[], T | Awaitable[T]], within: float = 30.0) -> T:
    """The first true answer of `condition`, asked again whenever the loop has done something; TimeoutError without.

    A LookupError is an answer, too: what the condition looks into is not there yet.
    """
    missing: LookupError | None = None
    try:
        async with asyncio.timeout(within):
            while True:
                try:
                    answer: Any = condition()
                    if isinstance(answer, Awaitable):
                        answer = await answer
                except LookupError as error:
                    answer, missing = None, error
                if answer:
                    return answer  # type: ignore[no-any-return]
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise TimeoutError(f"not within {within:g} s") from missing


@asynccontextmanager
async def running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Tasks that run while the block does; what they raise, the block raises."""
    tasks = [asyncio.create_task(w) for w in work]
    try:
        yield
        for task in tasks:
            if task.done():
                await task
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
