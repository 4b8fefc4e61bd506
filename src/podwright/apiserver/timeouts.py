"""The time in which a client wants its answer: the `timeout` of a request's query.

Called by `front.py` for what is no stream: a watch ends by its timeoutSeconds, others when their clients like.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from podwright.api.durations import parse_duration
from podwright.api.errors import BadRequest, Timeout

T = TypeVar("T")
LONGEST = 60.0
"""Seconds: who wants to wait longer waits so long."""


def time_limit(query: Mapping[str, str]) -> float | None:
    """Seconds in which a client wants its answer, None when it does not say. Raises BadRequest."""
    text = query.get("timeout", "")
    if not text:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise BadRequest(f"invalid timeout specified in the request URL - {error}") from None
    return min(seconds, LONGEST) or None


async def within(seconds: float | None, answer: Coroutine[Any, Any, T]) -> T:
    """The answer, if it comes in so many seconds (None: whenever it does). Raises Timeout."""
    if seconds is None:
        return await answer
    try:
        async with asyncio.timeout(seconds) as bound:
            return await answer
    except TimeoutError:
        if not bound.expired():
            raise
        raise Timeout("the server was unable to return a response in the time allotted") from None
