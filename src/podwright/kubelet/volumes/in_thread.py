"""File work in a thread that is always waited for.

A cancelled `asyncio.to_thread` leaves its thread running. Work below a Pod's directory must have ended before anybody
else, such as the removal of that directory, begins; so here the caller goes on only when the thread has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `work`. When cancelled, the thread ends first; `work` should be short."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            # Looked at here, so that it is not reported as lost: the cancellation is what counts.
            running.exception()
        raise
