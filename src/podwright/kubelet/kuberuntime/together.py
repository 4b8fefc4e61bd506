"""Doing things at the same time, with an owner: nothing outlives the block that began it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def together(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all jobs, in order. When one fails the others are cancelled, and its error alone is raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        await _end(tasks)
        raise


async def all_of(jobs: Iterable[Coroutine[Any, Any, None]]) -> list[Exception]:
    """Run all jobs to their end, whatever becomes of the others, and return the errors."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        results = await asyncio.gather(*tasks, return_exceptions=True)
    except BaseException:
        await _end(tasks)
        raise
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
    return [result for result in results if isinstance(result, Exception)]


@asynccontextmanager
async def beside(job: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run a job while the block runs; await the task for its result. Left early, the block cancels it."""
    task = asyncio.ensure_future(job)
    try:
        yield task
    finally:
        await _end([task])


async def uncut(job: Coroutine[Any, Any, T], limit: float) -> T:
    """The result of a job that must not be left half done: when cancelled, it may first go on for `limit` seconds."""
    task = asyncio.ensure_future(job)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=limit)
        raise
    finally:
        await _end([task])


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
