"""Tells how a Pod fares while something long is done for it: its end, a pull, a hook, the grace of one container.

A Pod's worker does one thing at a time and tells the status before and after it. What happens in between (a container
has ended, a readiness probe has another verdict) must not wait for that: traffic and people go by it. Called by
`pod_lifecycle`, which knows what to tell; `kubelet` says when something has happened.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from podwright.cri.errors import CriError
from podwright.kubelet.kuberuntime.together import beside

log = logging.getLogger(__name__)

REST = 1.0
"""Seconds that news may wait: most of what is done is over by then, and then told anyway."""


class Meanwhile:
    """Who is to be told of news, by the Pod's UID."""

    def __init__(self, rest: float = REST) -> None:
        """`rest`: seconds between news and telling them."""
        self._rest = rest
        self._news: dict[str, asyncio.Event] = {}

    def happened(self, uid: str) -> None:
        """Something changed about a Pod, in the runtime or for its probes."""
        if (news := self._news.get(uid)) is not None:
            news.set()

    @asynccontextmanager
    async def telling(self, uid: str, tell: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Call `tell` after news of the Pod for as long as the block runs, and never after that."""
        news = self._news[uid] = asyncio.Event()
        async with beside(self._tell(uid, news, tell)):
            try:
                yield
            finally:
                self._news.pop(uid, None)

    async def _tell(self, uid: str, news: asyncio.Event, tell: Callable[[], Awaitable[None]]) -> None:
        while True:
            await news.wait()
            await asyncio.sleep(self._rest)
            news.clear()
            try:
                await tell()
            except Exception as error:
                # What is done for the Pod goes on, and meets the same trouble if it lasts.
                expected = isinstance(error, CriError)
                log.warning("pod %s: not told meanwhile: %s", uid, error, exc_info=None if expected else error)
